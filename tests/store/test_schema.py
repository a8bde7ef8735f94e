"""The schema: what it refuses, and that a file of schema 1 stays readable."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.model.event import EventKind
from engine.model.states import (
    DiagnosticsStatus,
    PauseReason,
    RouteKind,
    RunMode,
    RunStatus,
    Stage,
    StageStatus,
    StepStatus,
    Strategy,
    Stream,
)
from store import queries
from store.projection import sql as projection_sql
from store.reader import Reader
from store.schema import SCHEMA_VERSION, made_by_schema, migrations
from store.trace import trace_document
from store.writer import open_writer
from tests.store.building import creation, whole_run
from tests.store.make_fixture import RUN_ID
from tests.store.proving import prove

if TYPE_CHECKING:
    from collections.abc import Iterator
    from enum import StrEnum

FIXTURE = Path(__file__).parent / "fixtures" / "schema-1.db"


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        opened.executescript("\n".join(sql for _, sql in migrations()))
        yield opened


@pytest.fixture
def fixture(tmp_path: Path) -> Path:
    path = tmp_path / "runs.db"
    shutil.copyfile(FIXTURE, path)
    return path


def test_the_names_of_the_schema_are_those_that_it_makes(connection: sqlite3.Connection) -> None:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    assert {name for (name,) in rows} == made_by_schema()


def test_migrations_are_numbered_from_one_without_a_gap() -> None:
    assert [number for number, _ in migrations()] == list(range(1, SCHEMA_VERSION + 1))


def test_a_file_of_schema_1_is_read(fixture: Path) -> None:
    with Reader.open(fixture) as reader:
        document = trace_document(reader, RUN_ID)
        (log,) = reader.run(queries.logs_page(RUN_ID))
    assert (document["status"], document["plan_id"]) == ("failed", "ci-lookup")
    steps = document["steps"]
    assert isinstance(steps, list)
    assert [step["status"] for step in steps if isinstance(step, dict)] == ["succeeded", "failed", "succeeded"]
    assert log.content == b"first line\nsecond line\n"


def test_a_file_of_schema_1_is_whole(fixture: Path) -> None:
    (seqs,) = prove(fixture).values()
    assert len(seqs) > 20


async def test_a_file_of_schema_1_is_written_on(fixture: Path) -> None:
    async with open_writer(fixture) as writer:
        made = creation(writer.engine_id)
        await writer.create_run(made)
        for portion in whole_run(2):
            await writer.append(made.run_id, portion)
    assert len(prove(fixture)) == 2


def test_the_fixture_holds_nothing_of_the_machine_that_made_it() -> None:
    content = FIXTURE.read_bytes()
    assert not re.search(rb"/(?:home|root|tmp|Users|work)/", content)


def test_it_runs_on_the_oldest_sqlite() -> None:
    """3.34 has neither STRICT tables nor the newer JSON operators."""
    for _, sql in migrations():
        bare = re.sub(r"--.*", "", sql)
        assert not re.search(r"\)\s*STRICT|->>|jsonb|RETURNING|\bunhex\b", bare, re.IGNORECASE)
    # Before 3.35 an UPSERT that updates must name its conflict.
    for name, sql in vars(projection_sql).items():
        if isinstance(sql, str) and name.isupper():
            assert "CONFLICT DO UPDATE" not in sql, name


WORDS: list[tuple[str, str, type[StrEnum]]] = [
    ("run_events", "kind", EventKind),
    ("run_events", "stage", Stage),
    ("logs", "stream", Stream),
    ("runs", "status", RunStatus),
    ("runs", "pause_reason", PauseReason),
    ("runs", "route", RouteKind),
    ("runs", "mode", RunMode),
    ("runs", "stage", Stage),
    ("passes", "strategy", Strategy),
    ("stages", "stage", Stage),
    ("stages", "status", StageStatus),
    ("stages", "diagnostics_status", DiagnosticsStatus),
    ("steps", "status", StepStatus),
    ("step_attempts", "status", StepStatus),
]
ROW: dict[str, dict[str, object]] = {
    "run_events": {
        "v": 1, "run_id": "r", "seq": 1, "at_us": 1, "kind": "run.started", "pass_index": 0, "actor": "engine",
        "data": "{}", "prev_hash": bytes(32), "hash": bytes(32),
    },
    "logs": {
        "run_id": "r", "pass_index": 0, "step_id": "s", "attempt": 1, "stream": "stdout", "at_us": 1, "offset": 0,
        "content": b"x",
    },
    "runs": {
        "run_id": "r", "plan_id": "p", "plan_version": "", "plan_hash": "h", "status": "pending", "mode": "normal",
        "created_at_us": 1, "workdir": "/", "created_event": 1, "owner_engine": "e", "owner_epoch": 1, "last_seq": 1,
        "last_hash": bytes(32),
    },
    "passes": {"run_id": "r", "pass_index": 0, "started_at_us": 1},
    "stages": {"run_id": "r", "pass_index": 0, "stage": "execute", "status": "running"},
    "steps": {
        "run_id": "r", "pass_index": 0, "step_id": "s", "status": "pending", "tool_type": "command", "group_index": 0,
        "execution_order": 0,
    },
    "step_attempts": {
        "run_id": "r", "pass_index": 0, "step_id": "s", "attempt": 1, "status": "running", "started_at_us": 1,
        "starting_event": 1,
    },
}  # fmt: skip


def insert(connection: sqlite3.Connection, table: str, **changed: object) -> None:
    row = {**ROW[table], **changed}
    marks = ", ".join("?" for _ in row)
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
    connection.execute(f"DELETE FROM {table}")


@pytest.mark.parametrize(("table", "column", "kind"), WORDS, ids=[f"{table}.{column}" for table, column, _ in WORDS])
def test_words_are_closed_and_complete(
    connection: sqlite3.Connection, table: str, column: str, kind: type[StrEnum]
) -> None:
    for word in kind:
        if (table, word) not in (("step_attempts", "pending"), ("step_attempts", "waiting")):
            insert(connection, table, **{column: word.value})
    for other in ("", "odd", "|", "run", f"{next(iter(kind))}x"):
        with pytest.raises(sqlite3.IntegrityError):
            insert(connection, table, **{column: other})


@pytest.mark.parametrize(
    "changed",
    [
        {"data": "{"}, {"data": "NaN"}, {"data": None}, {"seq": 0}, {"seq": "one"}, {"at_us": "noon"}, {"hash": b"short"},
        {"hash": "a" * 32}, {"prev_hash": None}, {"step_id": b"s"}, {"actor": None}, {"attempt": 1.5},
    ],
    ids=str,
)  # fmt: skip
def test_an_event_is_checked(connection: sqlite3.Connection, changed: dict[str, object]) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        insert(connection, "run_events", **changed)


def test_a_number_of_a_run_is_given_once(connection: sqlite3.Connection) -> None:
    columns = ", ".join(ROW["run_events"])
    marks = ", ".join("?" for _ in ROW["run_events"])
    connection.execute(f"INSERT INTO run_events ({columns}) VALUES ({marks})", tuple(ROW["run_events"].values()))
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(f"INSERT INTO run_events ({columns}) VALUES ({marks})", tuple(ROW["run_events"].values()))


def test_a_lock_has_one_holder(connection: sqlite3.Connection) -> None:
    hold = "INSERT INTO locks (name, run_id, requested_at_us, acquired_at_us) VALUES (?, ?, 1, ?)"
    connection.execute(hold, ("inventory", "a", 1))
    connection.execute(hold, ("inventory", "b", None))
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(hold, ("inventory", "c", 1))

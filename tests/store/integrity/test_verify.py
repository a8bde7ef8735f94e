"""`verify`: silent where everything is as it was written, one finding for each thing that is not."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from engine.errors import StoreError
from store import queries
from store.errors import DamagedDatabaseError, ForeignDatabaseError, NoDatabaseError
from store.integrity.findings import MOST_FINDINGS, Check, Finding, Progress, limited
from store.integrity.verify import rebuild, verify
from store.location import Neighbours
from store.reader import Reader
from store.trace import trace_document
from store.writer import open_writer
from tests.store.building import whole_run
from tests.store.whole_file import Recorded, exported, real_creation, record

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("integrity") / "runs.db")


@pytest.fixture
def recorded(sound: Recorded, tmp_path: Path) -> Recorded:
    """A copy of its own, without the engine's lock file."""
    path = tmp_path / "runs.db"
    shutil.copyfile(sound.path, path)
    return Recorded(path, sound.succeeded, sound.failed)


def change(path: Path, *statements: str) -> None:
    """What another program, or a careless hand, might do to the file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_a_sound_file(sound: Recorded) -> None:
    before = sound.path.read_bytes()
    told: list[str] = []
    report = verify(sound.path, tell=told.append)
    assert report.is_sound
    assert (report.findings, report.unchecked, report.runs) == ((), (), 2)
    with Reader.open(sound.path) as reader:
        assert report.events == reader.run(queries.last_event_no())
    assert told[0] == "checking the structure"
    assert sound.path.read_bytes() == before


CHANGES = {
    "event data": ("UPDATE run_events SET data = '{}' WHERE event_no = 9", Check.CHAIN, "event 9 has been changed"),
    "event actor": ("UPDATE run_events SET actor = 'x' WHERE event_no = 9", Check.CHAIN, "event 9 has been changed"),
    "event kind": ("UPDATE run_events SET kind = 'x' WHERE event_no = 9", Check.CHAIN, "event 9 cannot be read"),
    "event hash": (
        "UPDATE run_events SET hash = zeroblob(32) WHERE event_no = 9",
        Check.CHAIN,
        "event 9 has been changed",
    ),
    "prev hash": ("UPDATE run_events SET prev_hash = zeroblob(32) WHERE event_no = 9", Check.CHAIN, "does not follow"),
    "event gone": ("DELETE FROM run_events WHERE event_no = 9", Check.CHAIN, "event 9 is missing"),
    "events gone": ("DELETE FROM run_events WHERE event_no IN (9, 10)", Check.CHAIN, "events 9 to 10 are missing"),
    "last events gone": (
        "DELETE FROM run_events WHERE event_no > (SELECT max(event_no) - 2 FROM run_events)",
        Check.CHAIN,
        "were written",
    ),
    "all events of a run gone": (
        "DELETE FROM run_events WHERE run_id = (SELECT run_id FROM run_events LIMIT 1)",
        Check.CHAIN,
        "it has no events",
    ),
    "run status": (
        "UPDATE runs SET status = 'canceled' WHERE status = 'failed'",
        Check.PROJECTIONS,
        "status is canceled",
    ),
    "run word": (
        "UPDATE runs SET status = 'x' WHERE status = 'failed'",
        Check.PROJECTIONS,
        "runs: status is x",
    ),
    "run gone": ("DELETE FROM runs WHERE status = 'failed'", Check.PROJECTIONS, "runs: a row is missing"),
    "chain head": ("UPDATE runs SET last_hash = zeroblob(32)", Check.PROJECTIONS, "last_hash is 0000"),
    "step gone": ("DELETE FROM steps WHERE step_id = 's1'", Check.PROJECTIONS, "steps: a row is missing"),
    "step too many": (
        "INSERT INTO steps (run_id, pass_index, step_id, status, tool_type, group_index, execution_order) "
        "SELECT run_id, 0, 'zz', 'pending', 'command', 0, 0 FROM runs",
        Check.PROJECTIONS,
        "steps: a row that no event gives: pass_index 0, step_id zz",
    ),
    "attempt": ("UPDATE step_attempts SET exit_code = 3", Check.PROJECTIONS, "exit_code is 3, the events say 0"),
    "plan": ("UPDATE plans SET document = '{}'", Check.PLANS, "not the plan that its hash is of"),
    "plan gone": ("DELETE FROM plans", Check.PLANS, "its plan is missing"),
    "output": (
        "UPDATE logs SET content = x'41' WHERE log_id = 1",
        Check.OUTPUT,
        "63 B of the 64 B of the stdout of attempt 1 of s0 are missing",
    ),
    "output of another type": (
        "UPDATE logs SET content = 'first line' WHERE log_id = 1",
        Check.OUTPUT,
        "the stdout of attempt 1 of s0 is not what was recorded",
    ),
    "chain head of another type": (
        "UPDATE runs SET last_seq = 'x'",
        Check.CHAIN,
        "how many events it has cannot be read",
    ),
    "output of nothing": ("UPDATE logs SET run_id = 'ffff'", Check.OUTPUT, "it has no events"),
    "numbering": ("UPDATE sqlite_sequence SET seq = 3", Check.STRUCTURE, "numbers were given up to 3"),
    "index gone": ("DROP INDEX runs_newest", Check.STRUCTURE, "the index is missing"),
    "table too many": ("CREATE TABLE mine (a)", Check.STRUCTURE, "a table that is not opscope's"),
    "table changed": (
        "UPDATE sqlite_master SET sql = replace(sql, 'seq > 0', 'seq > 1') WHERE name = 'run_events'",
        Check.STRUCTURE,
        "the table is not as opscope makes it",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_found(recorded: Recorded, name: str) -> None:
    statement, check, message = CHANGES[name]
    change(recorded.path, statement)
    found = [finding for finding in verify(recorded.path).findings if finding.check is check]
    assert any(message in finding.message for finding in found), verify(recorded.path).findings
    assert all(finding.hint and finding.place and "\n" not in finding.message for finding in found)


def test_missing_output_loses_no_event(recorded: Recorded) -> None:
    change(recorded.path, "DELETE FROM logs WHERE log_id = 3")
    report = verify(recorded.path)
    assert report.is_sound
    assert [finding.is_warning for finding in report.findings] == [True]


def test_one_broken_run_does_not_hide_another(recorded: Recorded) -> None:
    change(
        recorded.path,
        f"UPDATE run_events SET actor = 'x' WHERE run_id = '{recorded.succeeded}' AND seq = 3",
        f"UPDATE steps SET attempts = 9 WHERE run_id = '{recorded.failed}'",
    )
    places = [(finding.check, finding.place) for finding in verify(recorded.path).findings]
    assert places == [(Check.CHAIN, f"run {recorded.succeeded}"), (Check.PROJECTIONS, f"run {recorded.failed}")]


def test_what_is_no_file_of_ours(tmp_path: Path) -> None:
    with pytest.raises(NoDatabaseError):
        verify(tmp_path / "missing.db")
    (tmp_path / "text.db").write_text("plan_id: demo\n" * 1000)
    with pytest.raises(ForeignDatabaseError):
        verify(tmp_path / "text.db")
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as connection:
        connection.execute("CREATE TABLE a (b)")
    with pytest.raises(ForeignDatabaseError):
        verify(tmp_path / "foreign.db")


# The end of the file


async def write_on(path: Path, engine_id: str) -> str:
    """An engine that records a run and ends."""
    async with open_writer(path, engine_id=engine_id) as writer:
        created = real_creation(writer.engine_id)
        await writer.create_run(created)
        for portion in whole_run(2):
            await writer.append(created.run_id, portion)
    return created.run_id


async def test_a_file_that_went_back(recorded: Recorded) -> None:
    """What a lost end of the log looks like to SQLite: a sound database of a moment ago."""
    earlier = recorded.path.read_bytes()
    await write_on(recorded.path, "late")
    assert verify(recorded.path).findings == ()
    recorded.path.write_bytes(earlier)
    for name in ("runs.db-wal", "runs.db-shm"):
        recorded.path.with_name(name).unlink(missing_ok=True)
    with closing(sqlite3.connect(recorded.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    (finding,) = verify(recorded.path).findings
    assert (finding.check, finding.place) == (Check.TAIL, "engine-late.lock")
    assert not finding.is_warning
    # Others write over the place: the number is there again, the event is not.
    await write_on(recorded.path, "next")
    assert [finding.place for finding in verify(recorded.path).findings] == ["engine-late.lock"]


async def test_a_log_that_lost_its_last_frames(recorded: Recorded, tmp_path: Path) -> None:
    async with open_writer(recorded.path, engine_id="late") as writer:
        created = real_creation(writer.engine_id)
        await writer.create_run(created)
        for portion in whole_run(2):
            await writer.append(created.run_id, portion)
        # As after a crash of the machine: the database, the log without its end, and the note.
        crashed = tmp_path / "crashed" / "runs.db"
        crashed.parent.mkdir()
        shutil.copyfile(recorded.path, crashed)
        log = Neighbours.of(recorded.path).wal.read_bytes()
        Neighbours.of(crashed).wal.write_bytes(log[: len(log) - 5000])
        Neighbours.of(crashed).folder.mkdir()
        lock = Neighbours.of(recorded.path).engine_lock("late")
        shutil.copyfile(lock, Neighbours.of(crashed).engine_lock("late"))
    with closing(sqlite3.connect(crashed)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert [finding.check for finding in verify(crashed).findings] == [Check.TAIL]


async def test_a_live_engine_is_no_finding(recorded: Recorded) -> None:
    async with open_writer(recorded.path) as writer:
        await writer.create_run(real_creation(writer.engine_id))
        assert verify(recorded.path).findings == ()
        # and it still has its lock afterwards
        from store.liveness import is_engine_alive

        assert is_engine_alive(recorded.path, writer.engine_id)


async def test_a_file_that_is_gone(recorded: Recorded) -> None:
    await write_on(recorded.path, "late")
    recorded.path.unlink()
    with pytest.raises(DamagedDatabaseError, match="the file is gone, though engine late wrote to it"):
        verify(recorded.path)


# Making projections anew


def test_projections_are_made_anew(recorded: Recorded) -> None:
    with Reader.open(recorded.path) as reader:
        before = [trace_document(reader, run_id) for run_id in (recorded.succeeded, recorded.failed)]
    change(
        recorded.path,
        "UPDATE runs SET status = 'running', steps_done = 99",
        "DELETE FROM steps",
        "DELETE FROM stages WHERE stage = 'compose'",
        "UPDATE step_attempts SET exit_code = 3",
    )
    damaged = recorded.path.read_bytes()
    rebuilt = rebuild(recorded.path)
    assert {finding.place for finding in rebuilt.mended} == {f"run {recorded.succeeded}", f"run {recorded.failed}"}
    assert verify(recorded.path).findings == ()
    with Reader.open(recorded.path) as reader:
        assert [trace_document(reader, run_id) for run_id in (recorded.succeeded, recorded.failed)] == before
    assert rebuilt.copy.stat().st_mode & 0o777 == 0o600
    assert not verify(rebuilt.copy).is_sound
    assert len(damaged) > 0


def test_words_that_no_table_takes_are_mended_too(recorded: Recorded) -> None:
    change(recorded.path, "UPDATE runs SET status = 'x'")
    rebuild(recorded.path)
    assert verify(recorded.path).findings == ()


@pytest.mark.parametrize("name", ["event data", "event gone", "last events gone", "index gone"])
def test_damaged_events_are_not_built_upon(recorded: Recorded, name: str) -> None:
    change(recorded.path, CHANGES[name][0], "UPDATE steps SET attempts = 9")
    before = recorded.path.read_bytes()
    with pytest.raises(DamagedDatabaseError, match="nothing was rebuilt") as refused:
        rebuild(recorded.path)
    assert refused.value.hint
    assert recorded.path.read_bytes() == before
    assert [path.name for path in recorded.path.parent.glob("*before-rebuild*")] == []


def test_a_sound_file_stays_as_it_is(recorded: Recorded) -> None:
    documents = [exported(recorded.path, run_id) for run_id in (recorded.succeeded, recorded.failed)]
    assert rebuild(recorded.path).mended == ()
    assert [exported(recorded.path, run_id) for run_id in (recorded.succeeded, recorded.failed)] == documents


async def test_an_engine_writes_on_after_a_rebuild(recorded: Recorded) -> None:
    import asyncio

    async with open_writer(recorded.path) as writer:
        created = real_creation(writer.engine_id)
        await writer.create_run(created)
        first, *rest = whole_run(2)
        await writer.append(created.run_id, first)
        await asyncio.to_thread(rebuild, recorded.path)
        for portion in rest:
            await writer.append(created.run_id, portion)
    assert verify(recorded.path).findings == ()


def test_nothing_to_rebuild(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        rebuild(tmp_path / "missing.db")
    assert list(tmp_path.iterdir()) == []


# Small parts


def test_a_flood_is_counted() -> None:
    findings = [Finding(Check.CHAIN, f"run {number}", "broken", "hint") for number in range(MOST_FINDINGS + 7)]
    told = list(limited(findings))
    assert len(told) == MOST_FINDINGS + 1
    assert told[-1].message == "and 7 more of this kind, of which this is the last: broken"


def test_progress_counts() -> None:
    told: list[str] = []
    progress = Progress(told.append, every=10)
    for _ in range(25):
        progress.counted(1, "rows")
    assert told == ["10 rows", "20 rows"]

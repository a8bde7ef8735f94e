"""A file of an older schema: read as it is, brought to this version's by whoever writes next, never under a living engine."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.errors import ExitCode, StoreError
from store import queries
from store.errors import DamagedDatabaseError, MigrationRefusedError, NewerDatabaseError
from store.exclusive import run_exclusively
from store.integrity.findings import Check
from store.integrity.verify import verify
from store.location import Neighbours
from store.reader import Reader
from store.schema import SCHEMA_VERSION, made_by_schema
from store.writer import open_writer
from tests.store.building import creation, whole_run
from tests.store.make_fixture import RUN_ID
from tests.store.proving import prove

if TYPE_CHECKING:
    from collections.abc import Iterator

FIXTURE = Path(__file__).parent / "fixtures" / "schema-1.db"
LIVE_ENGINE = "ab" * 16
_HOLD = """
import sys
from pathlib import Path
from store.engine_lock import EngineLock
from store.location import Neighbours
lock = EngineLock(Neighbours.of(Path(sys.argv[1])), sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""
_WITHOUT_ROOM = """
import resource, sys
from pathlib import Path
from engine.errors import StoreError
from store.exclusive import run_exclusively
resource.setrlimit(resource.RLIMIT_FSIZE, (96 * 1024, 96 * 1024))
try:
    run_exclusively(Path(sys.argv[1]), lambda connection: None)
except StoreError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file of schema 1 with one finished run."""
    path = tmp_path / "runs.db"
    shutil.copyfile(FIXTURE, path)
    return path


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    return int(version)


def names_in(path: Path) -> set[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
        return {name for (name,) in rows}


def copies_of(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.v*"))


def write(path: Path, told: list[str] | None = None) -> None:
    run_exclusively(path, lambda connection: None, on_wait=None if told is None else told.append)


@contextmanager
def living_engine(path: Path, engine_id: str = LIVE_ENGINE) -> Iterator[int]:
    """Another process that is an engine of the file, as far as anyone can see; its pid."""
    Neighbours.of(path).folder.mkdir(exist_ok=True)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path), engine_id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process.pid
        process.communicate("")


def test_the_fixture_is_of_schema_1(old: Path) -> None:
    assert version_of(old) == 1
    assert names_in(old) == made_by_schema(1) != made_by_schema()


def test_a_one_shot_command_brings_it_up_and_keeps_a_copy(old: Path) -> None:
    found = verify(old).findings
    told: list[str] = []
    write(old, told)
    assert version_of(old) == SCHEMA_VERSION
    assert names_in(old) == made_by_schema()
    (copy,) = copies_of(old)
    assert told == [f"the file of runs was brought from schema 1 to {SCHEMA_VERSION}; as it was, it is kept in {copy}"]
    assert version_of(copy) == 1
    assert copy.stat().st_mode & 0o777 == 0o600
    assert names_in(copy) == made_by_schema(1)
    with Reader.open(copy) as kept, Reader.open(old) as now:
        assert kept.run(queries.run_by_id(RUN_ID)) == now.run(queries.run_by_id(RUN_ID))
    assert verify(old).findings == verify(copy).findings == found


def test_it_is_done_once(old: Path) -> None:
    told: list[str] = []
    write(old, told)
    write(old, told)
    assert len(told) == len(copies_of(old)) == 1


def test_a_writer_brings_it_up_and_writes_on(old: Path) -> None:
    told: list[str] = []

    async def written() -> None:
        async with open_writer(old, on_wait=told.append) as writer:
            made = creation(writer.engine_id)
            await writer.create_run(made)
            for portion in whole_run(2):
                await writer.append(made.run_id, portion)

    asyncio.run(written())
    assert version_of(old) == SCHEMA_VERSION
    assert len(told) == len(copies_of(old)) == 1
    assert len(prove(old)) == 2


def test_a_reader_leaves_it_as_it_is(old: Path) -> None:
    with Reader.open(old) as reader:
        assert reader.run(queries.run_by_id(RUN_ID)) is not None
    assert Check.STRUCTURE not in {finding.check for finding in verify(old).findings}
    assert version_of(old) == 1
    assert copies_of(old) == []


def test_versions_that_are_there_get_a_beginning_in_the_log(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("INSERT INTO assets VALUES ('query', 'q', 5)")
        connection.execute(
            "INSERT INTO asset_versions VALUES ('query', 'q', 1, 'draft', 'text/plain', 'x', 'h', 'me', 'why', 5)"
        )
        connection.commit()
    write(old)
    with closing(sqlite3.connect(old)) as connection:
        rows = connection.execute("SELECT type, name, version, action, at_us, author, note FROM asset_log").fetchall()
    assert rows == [("query", "q", 1, "added", 5, "me", "why")]


def test_a_living_engine_keeps_it_from_being_changed_and_its_run_is_named(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("UPDATE runs SET status = 'running', owner_engine = ?", (LIVE_ENGINE,))
        connection.commit()
    before = old.read_bytes()
    with living_engine(old) as pid, pytest.raises(MigrationRefusedError) as refused:
        write(old)
    assert refused.value.exit_code is ExitCode.INFRASTRUCTURE
    assert refused.value.cause == (
        f"the file has schema 1 and has to be brought to {SCHEMA_VERSION} first, but run {RUN_ID} of ci-lookup (pid {pid}) "
        "is at work with it"
    )
    assert refused.value.place == str(old)
    assert (old.read_bytes(), copies_of(old)) == (before, [])
    write(old)  # it has ended
    assert version_of(old) == SCHEMA_VERSION


def test_a_living_engine_without_a_run_counts_too(old: Path) -> None:
    async def written() -> None:
        async with open_writer(old):
            pytest.fail("this must not open")

    with living_engine(old) as pid, pytest.raises(MigrationRefusedError, match=rf"an engine \(pid {pid}\) is at work"):
        asyncio.run(written())
    assert version_of(old) == 1


def test_a_dead_engine_does_not_count(old: Path) -> None:
    with living_engine(old):
        pass
    assert Neighbours.of(old).engine_lock(LIVE_ENGINE).exists()
    write(old)
    assert version_of(old) == SCHEMA_VERSION


def test_two_at_once_leave_one_copy(old: Path) -> None:
    command = "import sys; from pathlib import Path; from store.exclusive import run_exclusively; "
    command += "run_exclusively(Path(sys.argv[1]), lambda connection: None)"
    both = [
        subprocess.Popen([sys.executable, "-c", command, str(old)], cwd=Path(__file__).parents[2]) for _ in range(2)
    ]
    assert [process.wait() for process in both] == [0, 0]
    assert version_of(old) == SCHEMA_VERSION
    assert len(copies_of(old)) == 1


def test_an_old_file_that_lacks_something_is_not_touched(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("DROP TABLE analyses")
    before = old.read_bytes()
    with pytest.raises(DamagedDatabaseError, match="lacks a part of its schema"):
        write(old)
    assert (old.read_bytes(), copies_of(old)) == (before, [])


def test_a_step_that_fails_leaves_the_file_as_it_was(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("CREATE TABLE asset_log (another TEXT)")
    with pytest.raises(StoreError):
        write(old)
    assert version_of(old) == 1
    assert copies_of(old) == []
    assert names_in(old) == made_by_schema(1) | {"asset_log"}


def test_where_no_copy_can_be_kept_nothing_is_changed(old: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_ROOM, str(old)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(f"StoreError {old}.v1-")
    assert version_of(old) == 1
    assert copies_of(old) == []


def test_a_newer_file_is_refused_by_name(old: Path) -> None:
    with closing(sqlite3.connect(old)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(
        NewerDatabaseError, match=rf"schema {SCHEMA_VERSION + 1}, this one knows up to {SCHEMA_VERSION}"
    ):
        write(old)
    with pytest.raises(NewerDatabaseError):
        Reader.open(old)

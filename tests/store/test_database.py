"""Making and opening the file: modes, places that cannot be, files that are not ours. Every refusal is one error with a hint."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.errors import ExitCode, StoreError
from store import queries
from store.async_reader import AsyncReader
from store.database import MOST_NAME_BYTES, MOST_PATH_BYTES, primary_code
from store.errors import (
    DamagedDatabaseError,
    ForeignDatabaseError,
    NewerDatabaseError,
    NoDatabaseError,
    ReadOnlyDatabaseError,
)
from store.exclusive import keep_copy, run_exclusively
from store.integrity.verify import verify
from store.location import Neighbours, default_path
from store.reader import Reader
from store.schema import APPLICATION_ID, SCHEMA_VERSION
from store.writer import open_writer
from tests.store.building import creation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def make(path: Path, runs: int = 1) -> None:
    """A real file with some runs."""

    async def write() -> None:
        async with open_writer(path) as writer:
            for _ in range(runs):
                await writer.create_run(creation(writer.engine_id))

    asyncio.run(write())


def write_to(path: Path) -> None:
    async def write() -> None:
        async with open_writer(path):
            pytest.fail("this must not open")

    asyncio.run(write())


def read_from(path: Path) -> None:
    with Reader.open(path) as reader:
        reader.run(queries.run_counts())


def read_on_a_loop(path: Path) -> None:
    async def read() -> None:
        async with await AsyncReader.open(path) as reader:
            await reader.run(queries.run_counts())

    asyncio.run(read())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_is_made_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "runs.db"
    before = os.umask(0)
    try:

        async def write() -> None:
            async with open_writer(path) as writer:
                await writer.create_run(creation(writer.engine_id))
                for name in ("runs.db", "runs.db-wal", "runs.db-shm", "runs.db.write.lock"):
                    assert mode_of(path.with_name(name)) == 0o600, name
                assert mode_of(Neighbours.of(path).folder) == 0o700
                assert mode_of(Neighbours.of(path).engine_lock(writer.engine_id)) == 0o600

        asyncio.run(write())
    finally:
        os.umask(before)
    assert mode_of(path.parent) == 0o700
    assert not list(Neighbours.of(path).folder.glob("new-*"))


def test_what_a_new_file_says_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    make(path)
    with closing(sqlite3.connect(path)) as connection:
        said = {
            name: connection.execute(f"PRAGMA {name}").fetchall()[0][0]
            for name in ("application_id", "user_version", "auto_vacuum", "journal_mode", "encoding")
        }
    assert said == {
        "application_id": APPLICATION_ID,
        "user_version": SCHEMA_VERSION,
        "auto_vacuum": 2,
        "journal_mode": "wal",
        "encoding": "UTF-8",
    }


# What may lie in its place


def nothing(path: Path) -> None:
    """Nothing at all."""


def folder(path: Path) -> None:
    path.mkdir()


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("plan_id: demo\n" * 200)


def short(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\x00")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def circle(path: Path) -> None:
    path.symlink_to(path)


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE notes (text)")


def newer(path: Path) -> None:
    make(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def cut_short(path: Path) -> None:
    make(path, runs=30)
    os.truncate(path, path.stat().st_size // 2)


def scrambled(path: Path) -> None:
    make(path)
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes(4096 - 100) + content[4096:])


def schemaless(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("VACUUM")


def of_an_earlier_build(path: Path) -> None:
    """The same version, from before the last table was added to it."""
    make(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TABLE imports")


REFUSED: list[tuple[Callable[[Path], None], type[StoreError], str]] = [
    (folder, ForeignDatabaseError, "folder"),
    (empty, ForeignDatabaseError, "empty"),
    (text, ForeignDatabaseError, "not a database"),
    (short, ForeignDatabaseError, "not a database"),
    (pipe, ForeignDatabaseError, "no regular file"),
    (dangling, ForeignDatabaseError, "leads nowhere"),
    (circle, ForeignDatabaseError, "leads nowhere"),
    (foreign, ForeignDatabaseError, "another program"),
    (newer, NewerDatabaseError, "newer opscope"),
    (cut_short, DamagedDatabaseError, "damaged or cut short"),
    (scrambled, DamagedDatabaseError, "damaged or cut short"),
    (schemaless, DamagedDatabaseError, "no schema"),
]


@pytest.mark.parametrize("use", [write_to, read_from, read_on_a_loop])
@pytest.mark.parametrize(("prepare", "kind", "words"), REFUSED, ids=[prepare.__name__ for prepare, _, _ in REFUSED])
def test_what_is_not_ours_is_refused_and_left_as_it_was(
    tmp_path: Path,
    use: Callable[[Path], None],
    prepare: Callable[[Path], None],
    kind: type[StoreError],
    words: str,
) -> None:
    path = tmp_path / "odd name ?#%.db"
    prepare(path)
    before = {entry.name: (entry.lstat().st_size, entry.lstat().st_mtime_ns) for entry in tmp_path.iterdir()}
    with pytest.raises(kind, match=words) as caught:
        use(path)
    assert caught.value.place == str(path)
    assert caught.value.hint
    assert caught.value.exit_code is ExitCode.INFRASTRUCTURE
    after = {entry.name: (entry.lstat().st_size, entry.lstat().st_mtime_ns) for entry in tmp_path.iterdir()}
    assert {name: seen for name, seen in after.items() if not name.endswith(("-wal", "-shm"))} == {
        name: seen for name, seen in before.items() if not name.endswith(("-wal", "-shm"))
    }


def list_runs(path: Path) -> None:
    with Reader.open(path) as reader:
        reader.run(queries.runs_page(limit=10))


@pytest.mark.parametrize("use", [write_to, list_runs])
def test_a_file_without_one_of_the_tables_is_told_so(tmp_path: Path, use: Callable[[Path], None]) -> None:
    path = tmp_path / "runs.db"
    of_an_earlier_build(path)
    with pytest.raises(DamagedDatabaseError, match=r"lacks a part of its schema: .*imports") as caught:
        use(path)
    assert caught.value.place == str(path)
    assert "another build of opscope made the file" in caught.value.hint
    assert caught.value.exit_code is ExitCode.INFRASTRUCTURE


def test_a_file_without_an_index_is_not_written(tmp_path: Path) -> None:
    """That only one run holds a lock is an index's doing."""
    path = tmp_path / "runs.db"
    make(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP INDEX locks_one_holder")
    with pytest.raises(DamagedDatabaseError, match="locks_one_holder"):
        write_to(path)


def check(path: Path) -> None:
    verify(path)


def keep_locked(path: Path) -> None:
    run_exclusively(path, lambda _: pytest.fail("this must not open"), make=True)


@pytest.mark.parametrize("use", [write_to, read_from, read_on_a_loop, check, keep_locked])
@pytest.mark.parametrize(
    ("name", "words"),
    [("/".join(["d" * 100] * 5), "path is too long: .* 440"), ("n" * 201, "name is too long: 201 bytes, where 200")],
    ids=["path", "name"],
)
def test_a_path_that_sqlite_cannot_open_is_refused_before_anything_is_made(
    tmp_path: Path, use: Callable[[Path], None], name: str, words: str
) -> None:
    path = tmp_path / name
    with pytest.raises(StoreError, match=words) as caught:
        use(path)
    assert caught.value.place == str(path)
    assert caught.value.hint
    assert not list(tmp_path.iterdir())


def test_the_longest_path_works(tmp_path: Path) -> None:
    room = MOST_PATH_BYTES - len(os.fsencode(tmp_path)) - 2
    assert room > MOST_NAME_BYTES
    path = tmp_path / ("d" * (room - MOST_NAME_BYTES)) / ("n" * MOST_NAME_BYTES)
    path.parent.mkdir()
    path = path.parent / ("n" * (MOST_PATH_BYTES - len(os.fsencode(path.parent)) - 1))
    make(path)
    assert len(os.fsencode(path)) == MOST_PATH_BYTES
    list_runs(path)
    assert verify(path).events == 1
    copy = run_exclusively(path, lambda connection: keep_copy(connection, path, "before-rebuild"))
    assert copy.exists()


@pytest.mark.parametrize("use", [read_from, read_on_a_loop])
def test_no_file_yet_is_an_error_of_its_own(tmp_path: Path, use: Callable[[Path], None]) -> None:
    with pytest.raises(NoDatabaseError):
        use(tmp_path / "runs.db")
    assert not list(tmp_path.iterdir())


def test_two_names_of_one_file_share_its_locks(tmp_path: Path) -> None:
    path, link = tmp_path / "runs.db", tmp_path / "link.db"
    make(path)
    link.symlink_to(path)
    make(link)
    assert Neighbours.of(link) == Neighbours.of(path)
    assert not (tmp_path / "link.db.write.lock").exists()


def test_a_lock_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    path, victim = tmp_path / "runs.db", tmp_path / "victim"
    victim.write_text("mine")
    Neighbours.of(path).write_lock.symlink_to(victim)
    with pytest.raises(ForeignDatabaseError, match="symbolic link"):
        write_to(path)
    assert victim.read_text() == "mine"


def test_a_place_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        write_to(tmp_path / "file" / "runs.db")


# Places that cannot be written


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's power to ignore modes, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of the user that `as_nobody` is."""
    made = Path(tempfile.mkdtemp())
    if os.geteuid() == 0:
        os.chown(made, 65534, 65534)
    with as_nobody():
        made.chmod(0o700)
    yield made
    if os.geteuid() == 0:
        os.chown(made, 0, 0)
    made.chmod(0o700)
    shutil.rmtree(made)


def test_a_folder_that_cannot_be_written_is_named(place: Path) -> None:
    with as_nobody():
        place.chmod(0o500)
        for path in (place / "runs.db", place / "new" / "runs.db"):
            with pytest.raises(ReadOnlyDatabaseError, match="permission denied") as caught:
                write_to(path)
            assert caught.value.place == str(path)
            assert caught.value.hint


def test_a_file_that_cannot_be_written_can_be_read(place: Path) -> None:
    path = place / "runs.db"
    with as_nobody():
        make(path)
        path.chmod(0o400)
        place.chmod(0o500)
        with pytest.raises(StoreError):
            write_to(path)
        with Reader.open(path) as reader:
            assert not reader.is_live
            assert reader.run(queries.run_counts()).total == 1


def test_a_log_that_cannot_be_followed_is_not_ignored(place: Path) -> None:
    """What was committed last is in the log: leaving it out would show a past that nobody asked for."""
    path = place / "runs.db"
    with as_nobody():
        make(path)
        with closing(sqlite3.connect(path)) as open_elsewhere:
            open_elsewhere.execute("PRAGMA wal_autocheckpoint = 0")
            open_elsewhere.execute("UPDATE runs SET warnings = 5")
            open_elsewhere.commit()
            copy = place / "copy"
            copy.mkdir()
            for name in ("runs.db", "runs.db-wal"):
                (copy / name).write_bytes(subprocess_read(place / name))
            (copy / "runs.db").chmod(0o400)
            copy.chmod(0o500)
            with pytest.raises(StoreError):
                read_from(copy / "runs.db")
        copy.chmod(0o700)


def subprocess_read(path: Path) -> bytes:
    """Read by another process: this one has a connection, and must not open the file by hand."""
    import subprocess

    return subprocess.run(["cat", str(path)], capture_output=True, check=True).stdout


def test_a_file_of_somebody_else_is_no_traceback(place: Path) -> None:
    path = place / "runs.db"
    with as_nobody():
        make(path)
        path.chmod(0o000)
        for use in (write_to, read_from):
            with pytest.raises(StoreError) as caught:
                use(path)
            assert caught.value.place == str(path)
            assert caught.value.hint
        path.chmod(0o600)


# Names


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"OPSCOPE_DB": "/data/x.db", "HOME": "/home/o"}, "/data/x.db"),
        ({"XDG_STATE_HOME": "/var/state", "HOME": "/home/o"}, "/var/state/opscope/opscope.db"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/home/o"}, "/home/o/.local/state/opscope/opscope.db"),
        ({"HOME": "/home/o", "OPSCOPE_DB": ""}, "/home/o/.local/state/opscope/opscope.db"),
    ],
)
def test_where_the_file_is(env: dict[str, str], expected: str) -> None:
    assert default_path(env) == Path(expected)


def test_a_relative_choice_is_from_the_folder_of_the_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_path({"OPSCOPE_DB": "x.db"}) == tmp_path / "x.db"


def test_an_error_without_a_code_is_told_apart() -> None:
    assert primary_code(sqlite3.InterfaceError("odd")) == 0

"""The writer on real files: the contract of an EventSink, waiting, refusing, a full disk, the size of the log."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from engine.errors import ExitCode, StoreError
from engine.model.event import Event, EventKind
from store import queries
from store.database import WAL_LIMIT_BYTES
from store.errors import (
    BusyDatabaseError,
    DamagedDatabaseError,
    DiskFullError,
    FencedError,
    RefusedEventError,
    WriterClosedError,
)
from store.location import Neighbours
from store.queries.query import json_object
from store.reader import Reader
from store.writer import MOST_WAITING_BYTES, open_writer
from tests.store.building import NOW_US, creation, log_chunk, settled, starting, whole_run
from tests.store.conformance import EventSinkConformance, note
from tests.store.proving import prove

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from engine.model.json import JsonObject
    from store.writer import Writer
    from tests.store.conformance import Told


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
async def writer(path: Path) -> AsyncIterator[Writer]:
    async with open_writer(path) as opened:
        yield opened


class TestConformance(EventSinkConformance):
    """The writer is an EventSink."""

    @pytest.fixture
    def sink(self, writer: Writer) -> Writer:
        return writer

    @pytest.fixture
    def engine_id(self, writer: Writer) -> str:
        return writer.engine_id

    @pytest.fixture
    def told(self, writer: Writer) -> Told:
        async def told(run_id: str) -> list[tuple[EventKind, JsonObject]]:
            with Reader.open(writer.path) as reader:
                rows = reader.run(queries.events_page(run_id, limit=10_000))
            return [(row.kind, json_object(row.data)) for row in rows]

        return told


async def test_a_whole_run_is_recorded_and_the_projections_follow_from_its_events(writer: Writer, path: Path) -> None:
    for failing in (None, 1):
        made = creation(writer.engine_id)
        await writer.create_run(made)
        for portion in whole_run(3, failing=failing):
            await writer.append(made.run_id, portion)
    assert len(prove(path)) == 2


async def test_a_cancelled_append_is_written_whole(writer: Writer, path: Path) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    task = asyncio.ensure_future(writer.append(made.run_id, [note(1), note(2)]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await writer.append(made.run_id, [note(3)])
    assert [len(seqs) for seqs in prove(path).values()] == [4]


async def test_what_waits_is_written_before_it_closes(path: Path) -> None:
    async with open_writer(path) as writer:
        made = creation(writer.engine_id)
        await writer.create_run(made)
        tasks = [asyncio.ensure_future(writer.append(made.run_id, [note(n)])) for n in range(700)]
        await asyncio.sleep(0)
    assert not any(task.exception() for task in tasks)
    assert [len(seqs) for seqs in prove(path).values()] == [701]


async def test_a_closed_writer_says_so(path: Path) -> None:
    async with open_writer(path) as writer:
        made = creation(writer.engine_id)
        await writer.create_run(made)
    with pytest.raises(WriterClosedError):
        await writer.append(made.run_id, [note(1)])
    with pytest.raises(WriterClosedError):
        await writer.append_logs(made.run_id, [log_chunk(b"x")])
    await writer.close()


async def test_output_beyond_the_limit_waits_for_room(writer: Writer, path: Path) -> None:
    """More than may wait at once goes through, in order, and the caller is slowed rather than the memory filled."""
    made = creation(writer.engine_id)
    await writer.create_run(made)
    piece = os.urandom(MOST_WAITING_BYTES // 4)
    await asyncio.gather(
        *(writer.append_logs(made.run_id, [log_chunk(piece, offset=n * len(piece))]) for n in range(6))
    )
    await writer.append(made.run_id, [note(1)])
    with Reader.open(path) as reader:
        rows = reader.run(queries.logs_page(made.run_id))
    assert [row.offset for row in rows] == [n * len(piece) for n in range(6)]


# Ownership


def take_over(path: Path, run_id: str) -> None:
    """What another engine's takeover leaves behind."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE runs SET owner_engine = 'other', owner_epoch = 2 WHERE run_id = ?", (run_id,))


async def test_a_fenced_run_is_left_out_and_the_others_commit(writer: Writer, path: Path) -> None:
    runs = [creation(writer.engine_id) for _ in range(3)]
    for made in runs:
        await writer.create_run(made)
    take_over(path, runs[1].run_id)
    answers = await asyncio.gather(*(writer.append(made.run_id, [note(1)]) for made in runs), return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), FencedError, type(None)]
    await writer.append(runs[2].run_id, [note(2)])
    seqs = prove_without_owner(path)
    assert [len(seqs[made.run_id]) for made in runs] == [2, 1, 3]


async def test_the_same_engine_in_an_older_epoch_is_fenced_too(writer: Writer, path: Path) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE runs SET owner_epoch = 2")
    with pytest.raises(FencedError):
        await writer.append(made.run_id, [note(1)])


async def test_nobody_writes_to_a_run_of_another_engine(writer: Writer, path: Path) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    async with open_writer(path) as other:
        with pytest.raises(FencedError, match="belongs to engine"):
            await other.append(made.run_id, [note(1)])


async def test_a_run_is_created_in_the_name_of_its_engine(writer: Writer) -> None:
    with pytest.raises(RefusedEventError):
        await writer.create_run(creation("somebody-else"))


def prove_without_owner(path: Path) -> dict[str, list[int]]:
    from tests.store.proving import seqs_of

    return seqs_of(path)


# Refusals


async def test_one_bad_run_fails_alone(writer: Writer, path: Path) -> None:
    """A second start of one attempt is refused by the file; what others wanted in the same batch is there."""
    runs = [creation(writer.engine_id) for _ in range(4)]
    for made in runs:
        await writer.create_run(made)
    await writer.append(runs[0].run_id, [starting(1)])
    answers = await asyncio.gather(
        *(writer.append(made.run_id, [starting(1), note(1)]) for made in runs), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [RefusedEventError, type(None), type(None), type(None)]
    await writer.append(runs[0].run_id, [note(2)])
    seqs = prove(path)
    assert [len(seqs[made.run_id]) for made in runs] == [3, 3, 3, 3]


HOSTILE: list[JsonObject] = [
    {"text": "\udc80\ud800 lone", "\udfff": 1},
    {"number": float("nan"), "more": [float("inf"), -float("inf")]},
    {"number": 2**63, "less": -(2**200)},
    {"text": "\x00\x1b]52;c;aGk=\x07\u2028\u202e"},
    {"quotes": "\"\\'; DROP TABLE runs; --"},
    {"exit_code": 2**64, "attempts": 2**80, "duration_us": "soon", "status": ["odd"], "orchestration": "none"},
]


@pytest.mark.parametrize("data", HOSTILE, ids=["surrogates", "nan", "big", "control", "quotes", "wrong-types"])
async def test_nothing_that_a_step_prints_breaks_the_write(writer: Writer, path: Path, data: JsonObject) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    await writer.append(made.run_id, [settled(0, result=data, stdout=str(data)), note(1)])
    await writer.append(made.run_id, [Event(EventKind.CONTROL_RECEIVED, NOW_US, data, actor="operator:\udcff\x00")])
    assert [len(seqs) for seqs in prove(path).values()] == [4]


async def test_nesting_without_end_is_cut(writer: Writer, path: Path) -> None:
    deep: JsonObject = {}
    for _ in range(100_000):
        deep = {"deeper": deep}
    made = creation(writer.engine_id)
    await writer.create_run(made)
    await writer.append(made.run_id, [settled(0, result=deep)])
    with Reader.open(path) as reader:
        result = reader.run(queries.step_result(made.run_id, "s0"))
    assert "nested deeper than 200 levels" in str(result)
    while deep:  # taken apart by hand: the interpreter's own way down is recursive
        deep = deep["deeper"]  # type: ignore[assignment]


async def test_a_step_finished_with_numbers_of_any_size(writer: Writer, path: Path) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    event = settled(0)
    event.data.update({"exit_code": 2**70, "duration_us": -(2**70)})
    await writer.append(made.run_id, [event])
    with Reader.open(path) as reader:
        (row,) = reader.run(queries.steps_page(made.run_id))
    assert (row.exit_code, row.duration_us) == (None, None)


async def test_a_time_that_fits_no_column_is_refused(writer: Writer, path: Path) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    with pytest.raises(RefusedEventError):
        await writer.append(made.run_id, [Event(EventKind.RUN_STARTED, 2**63)])
    await writer.append(made.run_id, [note(1)])
    assert [len(seqs) for seqs in prove(path).values()] == [2]


# A full disk


def limit_pages(writer: Writer, more: int | None) -> None:
    """Let the file grow by `more` pages, or without end, as its own connection sees it."""
    connection = writer._thread._connection
    assert connection is not None
    ((pages,),) = connection.execute("PRAGMA page_count").fetchall()
    connection.execute(f"PRAGMA max_page_count = {2**30 if more is None else pages + more}")


async def test_a_full_disk_fails_the_append_and_loses_and_doubles_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a command that does one thing; what an engine does instead stands in test_storage_pause.py."""
    monkeypatch.setattr("store.database.sqlite3.connect", shared_connect)
    async with open_writer(path, give_up_sec=30) as writer:
        made = creation(writer.engine_id)
        await writer.create_run(made)
        limit_pages(writer, 4)
        answers = await asyncio.gather(
            *(writer.append(made.run_id, [note(n), big(20_000)]) for n in range(10)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {DiskFullError}
        with pytest.raises(DiskFullError) as caught:
            await writer.append(made.run_id, [big(100_000)])
        assert caught.value.exit_code is ExitCode.INFRASTRUCTURE
        assert caught.value.hint
        limit_pages(writer, None)
        await writer.append(made.run_id, [note(1), big(100_000)])
    assert [len(seqs) for seqs in prove(path).values()] == [3]


async def test_output_that_could_not_be_kept_is_told_with_the_next(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.database.sqlite3.connect", shared_connect)
    async with open_writer(path, give_up_sec=30) as writer:
        made = creation(writer.engine_id)
        await writer.create_run(made)
        limit_pages(writer, 4)
        await writer.append_logs(made.run_id, [log_chunk(os.urandom(1_000_000))])
        with pytest.raises(StoreError):
            await writer.append(made.run_id, [big(1_000_000)])
        with pytest.raises(DiskFullError):
            await writer.append_logs(made.run_id, [log_chunk(b"more")])
        limit_pages(writer, None)
        await writer.append_logs(made.run_id, [log_chunk(b"more")])


def big(size: int) -> Event:
    return Event(EventKind.CONTROL_RECEIVED, NOW_US, {"text": os.urandom(size // 2).hex()})


_connect = sqlite3.connect


def shared_connect(*arguments: object, **options: object) -> sqlite3.Connection:
    """As usual, but a test may speak to the writer's connection from its own thread."""
    return _connect(*arguments, **{**options, "check_same_thread": False})  # type: ignore[call-overload, no-any-return]


# Waiting for the file

HOLDER = """
import fcntl, sys
held = open(sys.argv[1], "r+")
fcntl.lockf(held, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


class Holder:
    """Another process that holds the write lock until it is let go."""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(Neighbours.of(path).write_lock)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"held\n"

    def let_go(self) -> None:
        self.process.communicate()


@pytest.fixture
def hold(path: Path) -> Iterator[Callable[[], Holder]]:
    holders: list[Holder] = []

    def hold() -> Holder:
        holders.append(Holder(path))
        return holders[-1]

    yield hold
    for holder in holders:
        holder.let_go()


async def test_an_append_waits_for_the_file_and_says_for_whom(
    path: Path, hold: Callable[[], Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.writer.NOTICE_AFTER_SEC", 0.02)
    told: asyncio.Queue[str] = asyncio.Queue()
    async with open_writer(path, on_wait=told.put_nowait) as writer:
        made = creation(writer.engine_id)
        await writer.create_run(made)
        holder = hold()
        waiting = asyncio.ensure_future(writer.append(made.run_id, [note(1)]))
        assert await told.get() == f"waiting for the file, held by pid {holder.process.pid}"
        assert not waiting.done()
        holder.let_go()
        await waiting
    assert [len(seqs) for seqs in prove(path).values()] == [2]


async def test_a_one_shot_command_gives_up_and_nothing_is_written(
    path: Path, hold: Callable[[], Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.writer.NOTICE_AFTER_SEC", 0.02)
    async with open_writer(path, give_up_sec=0.05) as writer:
        made = creation(writer.engine_id)
        await writer.create_run(made)
        holder = hold()
        with pytest.raises(BusyDatabaseError, match=f"held by pid {holder.process.pid}"):
            await writer.append(made.run_id, [note(1)])
        holder.let_go()
        await writer.append(made.run_id, [note(2)])
    assert [len(seqs) for seqs in prove(path).values()] == [2]


async def test_opening_says_for_whom_it_waits(
    path: Path, hold: Callable[[], Holder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In time: the waiting begins a moment after the first look is arranged, and is not overlooked by that look."""
    async with open_writer(path):
        pass
    monkeypatch.setattr("store.writer.NOTICE_AFTER_SEC", 0.4)
    told: asyncio.Queue[str] = asyncio.Queue()
    holder = hold()

    async def open_and_close() -> None:
        async with open_writer(path, on_wait=told.put_nowait):
            pass

    opening = asyncio.ensure_future(open_and_close())
    async with asyncio.timeout(0.75):
        assert await told.get() == f"waiting for the file, held by pid {holder.process.pid}"
    holder.let_go()
    await opening


async def test_opening_gives_up_too(path: Path, hold: Callable[[], Holder], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.writer.NOTICE_AFTER_SEC", 0.02)
    async with open_writer(path):
        pass
    hold()
    with pytest.raises(BusyDatabaseError):
        async with open_writer(path, give_up_sec=0.05):
            pytest.fail("the lock is held by another process")


# The size of the log


async def test_the_log_does_not_grow_without_bound(writer: Writer, path: Path) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    largest = 0
    for _ in range(30):
        await writer.append_logs(made.run_id, [log_chunk(os.urandom(1024 * 1024))])
        await writer.append(made.run_id, [note(1)])
        largest = max(largest, Neighbours.of(path).wal.stat().st_size)
    assert WAL_LIMIT_BYTES / 2 < largest < 2 * WAL_LIMIT_BYTES
    assert path.stat().st_size > 20 * 1024 * 1024


async def test_a_reader_sees_every_acknowledged_event_while_it_is_written(writer: Writer, path: Path) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    with Reader.open(path) as reader:
        versions = set()
        for number in range(100):
            await writer.append(made.run_id, [note(number)])
            versions.add(reader.data_version())
            assert reader.run(queries.events_page(made.run_id, after_seq=number + 1))[-1].seq == number + 2
        assert len(versions) == 100


async def test_the_file_is_closed_with_nothing_beside_it(path: Path) -> None:
    async with open_writer(path) as writer:
        await writer.create_run(creation(writer.engine_id))
    assert not Neighbours.of(path).wal.exists()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchall() == [(1,)]


async def test_the_last_writer_to_close_leaves_no_log_behind(path: Path) -> None:
    async with open_writer(path) as first, open_writer(path) as second:
        await first.create_run(creation(first.engine_id))
        await second.create_run(creation(second.engine_id))
    assert {entry.name for entry in path.parent.iterdir()} == {"runs.db", "runs.db.write.lock", "runs.db.d"}
    with Reader.open(path) as reader:
        assert reader.run(queries.run_counts()).total == 2
    # A reader has both made anew, with nothing in them, and may not remove them; the next writer does.
    assert Neighbours.of(path).wal.stat().st_size == 0
    async with open_writer(path):
        pass
    assert not Neighbours.of(path).wal.exists()


# A file that is damaged where nobody looked before


def damage_table(path: Path, table: str) -> None:
    """Fill the first page of a table with what no page holds."""
    with closing(sqlite3.connect(path)) as connection:
        ((page, size),) = connection.execute(
            "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = ?", (table,)
        ).fetchall()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


async def test_a_damaged_page_is_called_damage_and_not_a_failing_disk(path: Path) -> None:
    async with open_writer(path) as writer:
        run_id = (made := creation(writer.engine_id)).run_id
        await writer.create_run(made)
    damage_table(path, "steps")
    everything = [event for portion in whole_run(3) for event in portion]
    async with open_writer(path) as writer:
        await writer.take_over(run_id, expected_epoch=1, at_us=NOW_US)
        with pytest.raises(DamagedDatabaseError, match="damaged") as caught:
            await writer.append(run_id, everything)
        assert caught.value.place == str(path)
        assert "opscope verify" in caught.value.hint
        with pytest.raises(DamagedDatabaseError):  # nothing more is acknowledged
            await writer.append(run_id, [note(1)])


async def test_a_file_that_is_overwritten_in_use_is_damaged(path: Path) -> None:
    async with open_writer(path) as writer:
        run_id = (made := creation(writer.engine_id)).run_id
        await writer.create_run(made)
    async with open_writer(path) as writer:
        await writer.take_over(run_id, expected_epoch=1, at_us=NOW_US)
        everything = [event for portion in whole_run(3) for event in portion]
        # By another process: to open and close it here would drop this one's locks.
        overwrite = "import sys; open(sys.argv[1], 'r+b').write(b'no database at all' * 3000)"
        with sqlite3.connect(path) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()
        subprocess.run([sys.executable, "-c", overwrite, str(path)], check=True)
        with pytest.raises(DamagedDatabaseError, match="damaged") as caught:
            await writer.append(run_id, everything)
        assert "opscope verify" in caught.value.hint

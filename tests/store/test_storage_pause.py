"""A full disk under an engine: its runs pause and say so, what happens is kept, nothing is lost or doubled when there is room."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from engine.model.event import Event, EventKind
from engine.model.states import PauseReason, RunStatus
from store import queries
from store.errors import DiskFullError
from store.location import Neighbours
from store.locks import Locks
from store.queries.query import json_object
from store.reader import Reader
from store.reserve import RESERVE_BYTES, Reserve
from store.storage_pause import StorageState
from store.writer import open_writer
from tests.conftest import FrozenClock
from tests.store.building import NOW_US, creation, log_chunk, run_finished
from tests.store.conformance import note
from tests.store.proving import prove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from store.rows import RunRow
    from store.writer import Writer

PAUSED_AND_ON = [EventKind.RUN_PAUSED, EventKind.RUN_RESUMED]
STARTED = Event(EventKind.RUN_STARTED, NOW_US)

_connect = sqlite3.connect


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again often: the tests wait for what is seen, not for time."""
    monkeypatch.setattr("store.writer_thread.RETRY_EVERY_SEC", 0.01)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test may speak to the writer's connection from its own thread, to let the file grow no further."""

    def connect(*arguments: object, **options: object) -> sqlite3.Connection:
        return _connect(*arguments, **{**options, "check_same_thread": False})  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr("store.database.sqlite3.connect", connect)


def limit_pages(writer: Writer, more: int | None) -> None:
    """Let the file grow by `more` pages, or without end."""
    connection = writer._thread._connection
    assert connection is not None
    ((pages,),) = connection.execute("PRAGMA page_count").fetchall()
    connection.execute(f"PRAGMA max_page_count = {2**30 if more is None else pages + more}")


def big(size: int = 100_000) -> Event:
    return Event(EventKind.CONTROL_RECEIVED, NOW_US, {"text": os.urandom(size // 2).hex()})


class Told:
    """What a writer says while it waits."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[str] = asyncio.Queue()

    async def full(self) -> None:
        """Wait until the disk is said to be full."""
        while "the disk is full" not in await self.said.get():
            pass


@pytest.fixture
def told() -> Told:
    return Told()


async def begun(writer: Writer) -> str:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    await writer.append(made.run_id, [STARTED])
    return made.run_id


async def until_ok(writer: Writer) -> None:
    """Wait until the writer has noticed that there is room."""
    while writer.storage_state is StorageState.PAUSED:
        await asyncio.to_thread(os.sched_yield)


def kinds(path: Path, run_id: str) -> list[EventKind]:
    with Reader.open(path) as reader:
        return [row.kind for row in reader.run(queries.events_page(run_id, limit=10_000))]


def head(path: Path, run_id: str) -> RunRow:
    with Reader.open(path) as reader:
        row = reader.run(queries.run_by_id(run_id))
    assert row is not None
    return row


# The file may grow no further: only the database's own rollback is real here


@pytest.mark.usefixtures("limited")
async def test_what_cannot_be_written_waits_and_goes_on(path: Path, told: Told) -> None:
    async with open_writer(path, on_wait=told.said.put_nowait) as writer:
        run_id = await begun(writer)
        assert str(writer.storage_state) == "ok"
        limit_pages(writer, 6)
        waiting = [asyncio.ensure_future(writer.append(run_id, [note(n), big()])) for n in range(5)]
        await told.full()
        assert str(writer.storage_state) == "paused: storage"
        assert kinds(path, run_id)[2:] == [EventKind.RUN_PAUSED]
        row = head(path, run_id)
        assert (row.status, row.pause_reason) == (RunStatus.PAUSED, PauseReason.STORAGE)
        assert not any(task.done() for task in waiting)
        limit_pages(writer, None)
        await asyncio.gather(*waiting)
        await until_ok(writer)
        row = head(path, run_id)
        assert (row.status, row.pause_reason) == (RunStatus.RUNNING, None)
    assert kinds(path, run_id)[2:] == [*PAUSED_AND_ON, *[EventKind.CONTROL_RECEIVED] * 10]
    with Reader.open(path) as reader:
        events = reader.run(queries.events_page(run_id, after_seq=2, limit=20))
    assert json_object(events[0].data)["reason"] == "storage"
    assert [json_object(event.data).get("number") for event in events[2::2]] == list(range(5))
    prove(path)


@pytest.mark.usefixtures("limited")
async def test_only_runs_that_were_going_on_are_paused(path: Path, told: Told) -> None:
    """One that an operator paused stays so, one that is over stays over, one of another engine is none of ours."""
    async with open_writer(path) as other, open_writer(path, on_wait=told.said.put_nowait) as writer:
        going, paused, over = [await begun(writer) for _ in range(3)]
        elsewhere = await begun(other)
        await writer.append(paused, [Event(EventKind.RUN_PAUSED, NOW_US, {"reason": "operator"})])
        await writer.append(over, [run_finished()])
        limit_pages(writer, 6)
        waiting = asyncio.gather(writer.append(going, [big()]), writer.append(paused, [big()]))
        await told.full()
        limit_pages(writer, None)
        await waiting
        for run_id, status in (
            (going, RunStatus.RUNNING),
            (paused, RunStatus.PAUSED),
            (over, RunStatus.SUCCEEDED),
            (elsewhere, RunStatus.RUNNING),
        ):
            assert head(path, run_id).status is status
        assert head(path, paused).pause_reason is PauseReason.OPERATOR
        assert [EventKind.RUN_RESUMED in kinds(path, run_id) for run_id in (going, paused, over, elsewhere)] == [
            True,
            False,
            False,
            False,
        ]
    prove(path)


@pytest.mark.usefixtures("limited")
async def test_a_final_event_that_waited_comes_last(path: Path, told: Told) -> None:
    async with open_writer(path, on_wait=told.said.put_nowait) as writer:
        run_id = await begun(writer)
        limit_pages(writer, 0)
        waiting = asyncio.gather(writer.append(run_id, [big()]), writer.append(run_id, [run_finished()]))
        await told.full()
        limit_pages(writer, None)
        await waiting
    assert kinds(path, run_id)[2:] == [*PAUSED_AND_ON, EventKind.CONTROL_RECEIVED, EventKind.RUN_SUCCEEDED]
    assert head(path, run_id).status is RunStatus.SUCCEEDED
    prove(path)


@pytest.mark.usefixtures("limited")
async def test_what_has_not_begun_is_refused_at_once(path: Path, told: Told) -> None:
    """A run that does not exist yet has nothing to lose, and somebody waits for the answer."""
    async with open_writer(path) as writer:
        left = await begun(writer)
    async with open_writer(path, on_wait=told.said.put_nowait) as writer:
        run_id = await begun(writer)
        limit_pages(writer, 0)
        with pytest.raises(DiskFullError):
            await writer.create_run(creation(writer.engine_id, params={"text": os.urandom(50_000).hex()}))
        assert writer.storage_state is StorageState.OK
        waiting = asyncio.ensure_future(writer.append(run_id, [big()]))
        await told.full()
        with pytest.raises(DiskFullError):
            await writer.create_run(creation(writer.engine_id, params={"text": os.urandom(50_000).hex()}))
        limit_pages(writer, None)
        await waiting
        assert (await writer.take_over(left, expected_epoch=1, at_us=NOW_US)).epoch == 2
    prove(path)


@pytest.mark.usefixtures("limited")
async def test_output_and_locks_wait_too_in_their_turn(path: Path, told: Told, frozen_clock: FrozenClock) -> None:
    async with open_writer(path, on_wait=told.said.put_nowait) as writer:
        run_id = await begun(writer)
        locks = Locks(writer, frozen_clock)
        limit_pages(writer, 0)
        await writer.append_logs(run_id, [log_chunk(os.urandom(100_000))])
        await told.full()
        taking = asyncio.ensure_future(locks.acquire(run_id, ["a"], told.said.put_nowait))
        await writer.append_logs(run_id, [log_chunk(b"more", offset=100_000)])
        limit_pages(writer, None)
        await taking
        await writer.append(run_id, [note(1)])
    with Reader.open(path) as reader:
        assert [row.offset for row in reader.run(queries.logs_page(run_id))] == [0, 100_000]
        assert [row.name for row in reader.run(queries.lock_holders())] == ["a"]
    assert kinds(path, run_id)[2:] == [*PAUSED_AND_ON, EventKind.CONTROL_RECEIVED]


@pytest.mark.usefixtures("limited")
async def test_what_waits_is_bounded_and_callers_feel_it(
    path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.writer.MOST_WAITING_BYTES", 1_000_000)
    async with open_writer(path, on_wait=told.said.put_nowait) as writer:
        run_id = await begun(writer)
        limit_pages(writer, 0)
        piece = os.urandom(100_000)

        async def flood() -> None:
            for number in range(50):
                await writer.append_logs(run_id, [log_chunk(piece, offset=number * len(piece))])

        flooding = asyncio.ensure_future(flood())
        await told.full()
        for _ in range(100):
            await asyncio.sleep(0)
        assert not flooding.done()
        assert writer._waiting_bytes <= 1_000_000
        limit_pages(writer, None)
        await flooding
        await writer.append(run_id, [note(1)])
    with Reader.open(path) as reader:
        rows = reader.run(queries.logs_page(run_id))
    assert [row.offset for row in rows] == [number * len(piece) for number in range(50)]


@pytest.mark.usefixtures("limited")
async def test_who_waits_when_it_closes_is_told(path: Path, told: Told) -> None:
    async with open_writer(path, on_wait=told.said.put_nowait) as writer:
        run_id = await begun(writer)
        limit_pages(writer, 6)
        waiting = [asyncio.ensure_future(writer.append(run_id, [big()])) for _ in range(3)]
        await told.full()
    for task in waiting:
        assert isinstance(task.exception(), DiskFullError)
    assert kinds(path, run_id)[2:] == [EventKind.RUN_PAUSED]
    async with open_writer(path) as writer:
        await writer.take_over(run_id, expected_epoch=1, at_us=NOW_US)
    prove(path)


# A disk that is really full


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "opscope-test", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


class Filler:
    """Takes what room there is, and gives it back."""

    def __init__(self, disk: Path) -> None:
        self._disk = disk
        self._count = 0

    def fill(self) -> None:
        self._count += 1
        descriptor = os.open(self._disk / f"filler-{self._count}", os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                if os.write(descriptor, bytes(2**20)) < 2**20:
                    break
            while True:
                os.write(descriptor, bytes(4096))
        except OSError:
            os.close(descriptor)

    def clear(self) -> None:
        for number in range(1, self._count + 1):
            (self._disk / f"filler-{number}").unlink(missing_ok=True)


async def test_a_full_disk_pauses_the_run_and_room_lets_it_go_on(small_disk: Path, told: Told) -> None:
    path, filler = small_disk / "runs.db", Filler(small_disk)
    reserve = Neighbours.of(path).reserve
    async with open_writer(path, on_wait=told.said.put_nowait) as writer:
        run_id = await begun(writer)
        assert reserve.stat().st_size == RESERVE_BYTES
        filler.fill()
        waiting = [asyncio.ensure_future(writer.append(run_id, [note(n), big()])) for n in range(5)]
        await told.full()
        assert not reserve.exists()
        row = head(path, run_id)
        assert (row.status, row.pause_reason) == (RunStatus.PAUSED, PauseReason.STORAGE)
        assert kinds(path, run_id)[2:] == [EventKind.RUN_PAUSED]
        filler.fill()
        more = asyncio.ensure_future(writer.append(run_id, [note(5)]))
        await asyncio.gather(*(writer.append_logs(run_id, [log_chunk(b"x")]) for _ in range(3)))
        assert not any(task.done() for task in (*waiting, more))
        filler.clear()
        await asyncio.gather(*waiting, more)
        assert reserve.stat().st_size == RESERVE_BYTES
        assert head(path, run_id).status is RunStatus.RUNNING
    assert kinds(path, run_id)[2:] == [*PAUSED_AND_ON, *[EventKind.CONTROL_RECEIVED] * 11]
    prove(path)


async def test_a_reserve_that_is_taken_too_leaves_nothing_but_memory(small_disk: Path, told: Told) -> None:
    """Nothing can be recorded then; it is when there is room, with the time at which it happened."""
    path, filler, clock = small_disk / "runs.db", Filler(small_disk), FrozenClock()
    async with open_writer(path, clock=clock, on_wait=told.said.put_nowait) as writer:
        run_id = await begun(writer)
        with closing(sqlite3.connect(path, isolation_level=None)) as reading:
            reading.execute("BEGIN")
            reading.execute("SELECT * FROM runs").fetchall()  # keeps the log from being emptied, which would make room
            Neighbours.of(path).reserve.unlink()
            filler.fill()
            waiting = [asyncio.ensure_future(writer.append(run_id, [note(n), big()])) for n in range(3)]
            await told.full()
            assert kinds(path, run_id) == [EventKind.RUN_CREATED, EventKind.RUN_STARTED]
            clock.advance(60)
            filler.clear()
            await asyncio.gather(*waiting)
    with Reader.open(path) as reader:
        paused, resumed = reader.run(queries.events_page(run_id, after_seq=2, limit=2))
    assert resumed.at_us - paused.at_us == 60_000_000
    assert kinds(path, run_id)[2:] == [*PAUSED_AND_ON, *[EventKind.CONTROL_RECEIVED] * 6]
    prove(path)


async def test_a_disk_that_fills_up_again_and_again(small_disk: Path, told: Told, scaled: Callable[[int], int]) -> None:
    """Several runs at once; what was acknowledged is there once, in order, however often the disk was full."""
    path, filler, chance = small_disk / "runs.db", Filler(small_disk), random.Random(7)
    count = scaled(200)

    async def one_run(writer: Writer, run_id: str) -> None:
        for number in range(count):
            await writer.append(run_id, [note(number), big(chance.randint(10, 4000))])
        await writer.append(run_id, [run_finished()])

    async with open_writer(path, on_wait=told.said.put_nowait) as writer:
        runs = [await begun(writer) for _ in range(3)]
        writing = [asyncio.ensure_future(one_run(writer, run_id)) for run_id in runs]
        times = 0
        while not all(task.done() for task in writing):
            filler.fill()
            full = asyncio.ensure_future(told.full())
            await asyncio.wait([full, *writing], return_when=asyncio.FIRST_COMPLETED)
            times += full.done()
            if not full.done() and not all(task.done() for task in writing):
                await asyncio.wait(
                    [full, *(task for task in writing if not task.done())], return_when="FIRST_COMPLETED"
                )
            full.cancel()
            filler.clear()
            await until_ok(writer)
        await asyncio.gather(*writing)
    assert times > 0
    proven = prove(path)
    for run_id in runs:
        with Reader.open(path) as reader:
            events = reader.run(queries.events_page(run_id, limit=10_000))
        numbers = [json_object(event.data).get("number") for event in events if '"number"' in event.data]
        assert numbers == list(range(count))
        assert proven[run_id] == list(range(1, len(events) + 1))
        pauses = [event.kind for event in events if event.kind in PAUSED_AND_ON]
        assert pauses == PAUSED_AND_ON * (len(pauses) // 2)
        assert head(path, run_id).status is RunStatus.SUCCEEDED


# The reserve


def test_the_reserve_is_kept_and_given_up(tmp_path: Path) -> None:
    neighbours = Neighbours.of(tmp_path / "runs.db")
    neighbours.folder.mkdir()
    reserve = Reserve(neighbours)
    assert not reserve.free()
    assert reserve.keep()
    assert reserve.keep()
    assert neighbours.reserve.stat().st_blocks * 512 >= RESERVE_BYTES
    assert neighbours.reserve.stat().st_mode & 0o777 == 0o600
    assert reserve.free()
    assert not neighbours.reserve.exists()


def test_half_a_reserve_is_not_left_on_a_full_disk(small_disk: Path) -> None:
    neighbours = Neighbours.of(small_disk / "runs.db")
    neighbours.folder.mkdir()
    filler = Filler(small_disk)
    filler.fill()
    (small_disk / "filler-1").unlink()
    with (small_disk / "most").open("wb") as most:
        os.posix_fallocate(most.fileno(), 0, 31 * RESERVE_BYTES // 2)
    assert not Reserve(neighbours).keep()
    assert not neighbours.reserve.exists()


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    neighbours = Neighbours.of(tmp_path / "runs.db")
    neighbours.folder.mkdir()
    neighbours.reserve.symlink_to(tmp_path / "target")
    assert not Reserve(neighbours).keep()
    assert not (tmp_path / "target").exists()

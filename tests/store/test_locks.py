"""Locks between runs: who gets them when, who is told what, and what a cancel, a crash, a takeover and an operator do to them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from engine.errors import InputError
from engine.model.event import EventKind
from engine.pipeline.clock import SystemClock
from store import locks as module
from store import queries
from store.errors import FencedError, OwnedElsewhereError
from store.locks import Locks, holders
from store.queries.query import json_object
from store.reader import Reader
from store.writer import open_writer
from tests.store.building import NOW_US, creation, run_finished
from tests.store.proving import prove

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from store.rows import LockRow
    from store.writer import Writer

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often: the tests wait for what is seen, not for time."""
    monkeypatch.setattr(module, "LOOK_EVERY_SEC", 0.01)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
async def writer(path: Path) -> AsyncIterator[Writer]:
    async with open_writer(path) as opened:
        yield opened


class Taking:
    """A run of `writer` that takes locks; `told` is what it heard while it waited."""

    def __init__(self, writer: Writer, run_id: str, names: tuple[str, ...]) -> None:
        self.writer = writer
        self.run_id = run_id
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self.locks = Locks(writer, SystemClock())
        self.task = asyncio.ensure_future(self.locks.acquire(run_id, names, self.told.put_nowait))

    @classmethod
    async def begin(cls, writer: Writer, *names: str) -> Taking:
        made = creation(writer.engine_id)
        await writer.create_run(made)
        return cls(writer, made.run_id, names)

    @classmethod
    async def begun(cls, writer: Writer, *names: str) -> Taking:
        """The same, and it has to wait."""
        taking = await cls.begin(writer, *names)
        await taking.waits()
        return taking

    async def waits(self) -> str:
        return await self.told.get()

    async def end(self) -> None:
        """The run reaches its final state."""
        await self.writer.append(self.run_id, [run_finished()])
        await self.locks.release(self.run_id)

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def ran(writer: Writer, *names: str) -> Taking:
    """A run that has its locks."""
    taking = await Taking.begin(writer, *names)
    await taking.task
    return taking


def held(path: Path) -> dict[str, LockRow]:
    with Reader.open(path) as reader:
        return {row.name: row for row in holders(reader)}


def lines(path: Path) -> dict[str, tuple[str, ...]]:
    """Each lock with its holder and who waits, in order."""
    return {name: (row.run_id, *row.waiting) for name, row in held(path).items()}


async def test_free_locks_are_had_at_once(writer: Writer, path: Path) -> None:
    taking = await ran(writer, "b", "a", "b")
    assert taking.told.empty()
    rows = held(path)
    assert [(row.name, row.run_id, row.plan_id, row.waiting) for row in rows.values()] == [
        ("a", taking.run_id, "demo", ()),
        ("b", taking.run_id, "demo", ()),
    ]
    assert (rows["a"].owner_engine, rows["a"].owner_epoch) == (writer.engine_id, 1)
    await taking.end()
    assert held(path) == {}


async def test_a_run_that_waits_holds_nothing_and_hears_who_does(writer: Writer, path: Path) -> None:
    first = await ran(writer, "b")
    second = await Taking.begin(writer, "a", "b", "c")
    assert await second.waits() == f"waiting for the lock b, held by run {first.run_id} (demo)"
    assert lines(path) == {"b": (first.run_id, second.run_id)}
    await first.end()
    await second.task
    assert lines(path) == dict.fromkeys("abc", (second.run_id,))


async def test_first_come_first_served(writer: Writer, path: Path) -> None:
    """Also before one who asked later and needs less."""
    first = await ran(writer, "a")
    others = [await Taking.begun(writer, *names) for names in ("ab", "b", "ab", "a")]
    assert lines(path)["a"] == tuple(run.run_id for run in (first, others[0], others[2], others[3]))
    await first.end()
    for place, taking in enumerate(others):
        await taking.task
        assert [other.task.done() for other in others] == [True] * (place + 1) + [False] * (3 - place)
        await taking.end()
    assert held(path) == {}


async def test_who_is_next_is_said_while_a_lock_goes_from_one_to_another(writer: Writer) -> None:
    first = await ran(writer, "a")
    second = await Taking.begun(writer, "a", "b")
    third = await Taking.begin(writer, "b")
    assert await third.waits() == f"waiting for the lock b, which is next for run {second.run_id} (demo)"
    await first.end()
    assert await third.waits() == f"waiting for the lock b, held by run {second.run_id} (demo)"
    await second.end()
    await third.task


async def test_locks_that_nobody_else_wants_do_not_wait(writer: Writer) -> None:
    await ran(writer, "a")
    await ran(writer, "b")
    await ran(writer)


async def test_a_cancel_gives_up_the_place_in_the_line(writer: Writer, path: Path) -> None:
    first = await ran(writer, "a")
    second, third = await Taking.begun(writer, "a", "b"), await Taking.begun(writer, "b")
    await second.leave()
    assert second.task.cancelled()
    await third.task
    assert lines(path) == {"a": (first.run_id,), "b": (third.run_id,)}
    await first.end()
    await third.end()
    assert held(path) == {}


@pytest.mark.parametrize("turns", range(12))
async def test_a_cancel_at_any_moment_leaves_nothing_behind(writer: Writer, path: Path, turns: int) -> None:
    taking = await Taking.begin(writer, "a", "b")
    for _ in range(turns):
        await asyncio.sleep(0)
    taking.task.cancel()
    await asyncio.gather(taking.task, return_exceptions=True)
    if taking.task.cancelled():
        await ran(writer, "b", "a")
    else:
        assert set(lines(path).values()) == {(taking.run_id,)}


async def test_a_final_state_frees_what_its_engine_could_not_give_back(path: Path) -> None:
    """The engine ended between the final event and the release."""
    async with open_writer(path) as writer:
        taking = await ran(writer, "a")
        waiting = await Taking.begun(writer, "a")
        await writer.append(taking.run_id, [run_finished("failed")])
        await waiting.task


async def test_a_run_of_another_engine_is_none_of_ours(writer: Writer, path: Path) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    async with open_writer(path) as other:
        with pytest.raises(FencedError):
            await Locks(other, SystemClock()).acquire(made.run_id, ["a"], lambda sentence: None)
    assert held(path) == {}


async def test_a_run_that_is_taken_over_keeps_its_locks(path: Path) -> None:
    async with open_writer(path) as writer:
        first = await ran(writer, "a", "b")
    async with open_writer(path) as writer:
        waiting = await Taking.begun(writer, "b")
        await writer.take_over(first.run_id, expected_epoch=1, at_us=NOW_US)
        assert lines(path) == {"a": (first.run_id,), "b": (first.run_id, waiting.run_id)}
        again = Taking(writer, first.run_id, ("a", "b"))
        await again.task
        assert again.told.empty()
        again = Taking(writer, first.run_id, ("a", "b"))
        await again.leave()
        assert lines(path)["a"] == (first.run_id,)
        await writer.append(first.run_id, [run_finished("canceled")])
        await waiting.task


# An operator


async def test_unlock_takes_a_lock_away_and_is_recorded(writer: Writer, path: Path) -> None:
    first = await ran(writer, "a", "b")
    waiting = await Taking.begun(writer, "a")
    row = await first.locks.unlock("a", reason="it hangs", actor="operator:ann")
    assert (row.run_id, row.waiting) == (first.run_id, (waiting.run_id,))
    await waiting.task
    assert lines(path) == {"a": (waiting.run_id,), "b": (first.run_id,)}
    with Reader.open(path) as reader:
        control, released = reader.run(queries.events_page(first.run_id))[-2:]
    assert (control.kind, control.actor) == (EventKind.CONTROL_RECEIVED, "operator:ann")
    assert json_object(control.data)["arguments"] == {"name": "a", "reason": "it hangs"}
    assert (released.kind, json_object(released.data)) == (EventKind.LOCK_RELEASED, {"names": ["a"]})
    prove(path)


async def test_unlock_of_what_nobody_holds(writer: Writer) -> None:
    with pytest.raises(InputError, match="nobody holds the lock a"):
        await Locks(writer, SystemClock()).unlock("a", reason="r", actor="operator:ann")


async def test_unlock_is_for_the_owner_to_do(writer: Writer, path: Path) -> None:
    first = await ran(writer, "a")
    async with open_writer(path) as other:
        with pytest.raises(OwnedElsewhereError) as caught:
            await Locks(other, SystemClock()).unlock("a", reason="r", actor="operator:ann")
    assert (caught.value.engine_id, caught.value.pid) == (writer.engine_id, os.getpid())
    assert lines(path) == {"a": (first.run_id,)}


async def test_a_run_that_lost_a_lock_takes_it_again_in_its_turn(writer: Writer, path: Path) -> None:
    first = await ran(writer, "a", "b")
    await first.locks.unlock("a", reason="r", actor="operator:ann")
    second = await ran(writer, "a")
    again = Taking(writer, first.run_id, ("a", "b"))
    await again.waits()
    # All or nothing holds for it too: it gives up what it still had, and says so.
    assert lines(path) == {"a": (second.run_id, first.run_id)}
    with Reader.open(path) as reader:
        (released,) = reader.run(queries.events_page(first.run_id))[-1:]
    assert (released.kind, json_object(released.data)) == (EventKind.LOCK_RELEASED, {"names": ["b"]})
    await again.leave()
    third = await ran(writer, "b")  # in its turn after what leaving has done
    assert lines(path) == {"a": (second.run_id,), "b": (third.run_id,)}
    await third.end()
    again = Taking(writer, first.run_id, ("a", "b"))
    await again.waits()
    await second.end()
    await again.task
    assert lines(path) == {"a": (first.run_id,), "b": (first.run_id,)}
    prove(path)


async def test_a_run_that_lost_a_lock_keeps_the_others_where_it_need_not_wait(writer: Writer, path: Path) -> None:
    first = await ran(writer, "a", "b")
    await first.locks.unlock("a", reason="r", actor="operator:ann")
    waiting = await Taking.begun(writer, "b", "c")
    again = Taking(writer, first.run_id, ("a", "b"))
    await again.task
    assert lines(path) == {"a": (first.run_id,), "b": (first.run_id, waiting.run_id)}
    await waiting.leave()


async def test_runs_that_each_lost_a_part_of_their_locks_do_not_wait_for_each_other(writer: Writer, path: Path) -> None:
    first = await ran(writer, "a", "b")
    second = await Taking.begun(writer, "a", "b")
    for name in "ab":
        await first.locks.unlock(name, reason="r", actor="operator:ann")
    await second.task
    await second.locks.unlock("a", reason="r", actor="operator:ann")
    # Both are taken up again: the first in the line for `a`, the second with `b` in its hand.
    both = [Taking(writer, first.run_id, ("a", "b"))]
    await both[0].waits()
    both.append(Taking(writer, second.run_id, ("a", "b")))
    async with asyncio.timeout(20):
        done, _ = await asyncio.wait([taking.task for taking in both], return_when=asyncio.FIRST_COMPLETED)
        one, other = sorted(both, key=lambda taking: taking.task not in done)
        assert len(done) == 1
        assert lines(path) == dict.fromkeys("ab", (one.run_id, other.run_id))
        await one.end()
        await other.task
    assert lines(path) == dict.fromkeys("ab", (other.run_id,))


async def test_a_run_that_waits_and_one_that_lost_a_lock_it_waits_for(writer: Writer, path: Path) -> None:
    first = await ran(writer, "a", "b")
    second = await Taking.begun(writer, "a", "b")
    await first.locks.unlock("b", reason="r", actor="operator:ann")
    again = Taking(writer, first.run_id, ("a", "b"))
    async with asyncio.timeout(20):
        await second.task
        assert lines(path) == dict.fromkeys("ab", (second.run_id, first.run_id))
        await second.end()
        await again.task


# Processes


class Elsewhere:
    """Another process with runs that take locks."""

    def __init__(self, path: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.lock_process", str(path), *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.output: IO[str] = self.process.stdout

    async def says(self) -> list[str]:
        return (await asyncio.to_thread(self.output.readline)).split()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def elsewhere() -> Iterator[list[Elsewhere]]:
    started: list[Elsewhere] = []
    yield started
    for one in started:
        one.process.kill()
        one.process.communicate()


async def test_a_lock_outlives_the_engine_that_took_it(writer: Writer, path: Path, elsewhere: list[Elsewhere]) -> None:
    elsewhere.append(Elsewhere(path, "hold", "a"))
    (_, run_id), _ = await elsewhere[0].says(), await elsewhere[0].says()
    waiting = await Taking.begin(writer, "a")
    assert await waiting.waits() == f"waiting for the lock a, held by run {run_id} (demo)"
    elsewhere[0].kill()
    await asyncio.to_thread(elsewhere[0].process.wait)
    later = await Taking.begin(writer, "a")
    assert run_id in await later.waits()
    assert not waiting.task.done()
    await writer.take_over(run_id, expected_epoch=1, at_us=NOW_US)
    await writer.append(run_id, [run_finished("canceled")])
    await waiting.task
    await waiting.end()
    await later.task


async def test_a_place_in_the_line_counts_as_long_as_its_engine_lives(
    writer: Writer, path: Path, elsewhere: list[Elsewhere]
) -> None:
    first = await ran(writer, "a")
    elsewhere.append(Elsewhere(path, "hold", "a", "b"))
    _, run_id = await elsewhere[0].says()
    assert await elsewhere[0].says() == ["waits"]
    waiting = await Taking.begin(writer, "b")
    assert run_id in await waiting.waits()
    elsewhere[0].kill()
    await waiting.task
    await writer.take_over(run_id, expected_epoch=1, at_us=NOW_US)
    again = Taking(writer, run_id, ("a", "b"))
    await again.waits()
    await waiting.end()
    await first.end()
    await again.task


async def test_processes_never_hold_one_name_together_and_none_waits_for_ever(
    path: Path, tmp_path: Path, elsewhere: list[Elsewhere], scaled: Callable[[int], int]
) -> None:
    """Nine lines of runs in three processes, each with some of four names."""
    async with open_writer(path):
        pass
    places = tmp_path / "held"
    places.mkdir()
    count = scaled(50)
    elsewhere += [Elsewhere(path, "rounds", str(places), str(count), str(seed)) for seed in range(3)]
    async with asyncio.timeout(120):
        said = await asyncio.gather(*(asyncio.to_thread(one.output.read) for one in elsewhere))
    assert said == ["done\n" * 3] * 3
    assert held(path) == {}
    assert len(prove(path)) == 9 * count


async def test_several_writers_of_one_process_take_turns(path: Path) -> None:
    async with AsyncExitStack() as stack:
        writers = [await stack.enter_async_context(open_writer(path)) for _ in range(3)]
        first = await ran(writers[0], "a", "b")
        others = [await Taking.begun(writer, "b", "a") for writer in writers]
        await first.end()
        for taking in others:
            await taking.task
            await taking.end()

"""Locks between runs, as the runner uses them: taken before execute, given back with the final event, never by a crash."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from engine.errors import StoreError
from engine.model.event import Event, EventKind
from engine.model.states import RunStatus, Stage
from engine.plan.load import load_plan
from engine.ports import ControlRequest, ControlVerb
from tests.engine.pipeline.recording import RUN_ID, MemorySink, Operator, point_of, resume_events, run_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PLAN = """
plan_id: p
locks: [b, a, b]
steps: [{id: work, command: 'true'}]
finally: [{id: note, command: 'true'}]
"""


class Locks:
    """Locks that are free once `free` is set, and what was asked of them. Implements `engine.ports.LockBroker`."""

    def __init__(self, *, free: bool = True) -> None:
        self.free = asyncio.Event()
        self.said: list[str] = []
        self.waits = asyncio.Event()
        if free:
            self.free.set()

    async def acquire(self, run_id: str, names: Sequence[str], on_wait: Callable[[str], None]) -> None:
        self.said.append(f"acquire {' '.join(names)}")
        if not self.free.is_set():
            on_wait("the lock a is held by run 7f3a")
            self.waits.set()
        try:
            await self.free.wait()
        except asyncio.CancelledError:
            self.said.append("gave up")
            raise

    async def release(self, run_id: str) -> None:
        assert run_id == RUN_ID
        self.said.append("release")


async def test_locks_are_taken_sorted_before_execute_and_given_back_at_the_end(tmp_path: Path) -> None:
    """What is recorded brackets execute, and the final event is the last one."""
    locks = Locks()
    sink = MemorySink(on_event=lambda event: locks.said.append(event.kind.value))
    recorded = await run_text(PLAN, tmp_path, sink=sink, locks=locks)
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert (locks.said[0], locks.said[-3:]) == ("run.created", ["lock.released", "run.succeeded", "release"])
    (acquired,), (released,) = sink.of(EventKind.LOCK_ACQUIRED), sink.of(EventKind.LOCK_RELEASED)
    assert acquired.data == released.data == {"names": ["a", "b"]}
    execute = next(e for e in sink.of(EventKind.STAGE_STARTED) if e.stage is Stage.EXECUTE)
    assert sink.events.index(acquired) == sink.events.index(execute) - 1
    assert sink.batches[-2] == sink.events.index(released), "released and the final event are durable together"


async def test_a_run_waits_for_its_locks_and_says_who_holds_them(tmp_path: Path) -> None:
    """Nothing of execute is recorded before."""
    locks, told = Locks(free=False), list[str]()
    sink = MemorySink()
    run = asyncio.create_task(run_text(PLAN, tmp_path, sink=sink, locks=locks, on_wait=told.append))
    await locks.waits.wait()
    assert told == ["the lock a is held by run 7f3a"]
    assert sink.events[-1].stage is Stage.VALIDATE
    locks.free.set()
    assert (await run).outcome.status is RunStatus.SUCCEEDED


async def test_a_cancel_ends_the_waiting_and_nothing_runs(tmp_path: Path) -> None:
    """Not even `finally`: there is nothing to clean up after."""
    locks, operator = Locks(free=False), Operator()
    run = asyncio.create_task(run_text(PLAN, tmp_path, locks=locks, operator=operator))
    await locks.waits.wait()
    operator.say(ControlRequest(ControlVerb.CANCEL, actor="operator:ann"))
    recorded = await run
    assert recorded.outcome.status is RunStatus.CANCELED
    assert locks.said == ["acquire a b", "gave up", "release"]
    assert recorded.sink.of(EventKind.LOCK_ACQUIRED) == recorded.sink.of(EventKind.LOCK_RELEASED) == []
    assert recorded.sink.of(EventKind.ATTEMPT_STARTING) == []


async def test_a_plan_without_locks_asks_for_none(tmp_path: Path) -> None:
    """The broker is not called at all."""
    locks = Locks()
    await run_text("{plan_id: p, steps: [{id: work, command: 'true'}]}", tmp_path, locks=locks)
    assert locks.said == []


async def test_what_breaks_under_the_run_does_not_give_its_locks_back(tmp_path: Path) -> None:
    """They stay with the run until it has its final state."""

    class BreakingSink(MemorySink):
        async def append(self, run_id: str, events: Sequence[Event]) -> None:
            if any(event.kind is EventKind.ATTEMPT_FINISHED for event in events):
                raise StoreError("the disk is gone")
            await super().append(run_id, events)

    locks = Locks()
    with pytest.raises(StoreError, match="the disk is gone"):
        await run_text(PLAN, tmp_path, sink=BreakingSink(), locks=locks)
    assert locks.said == ["acquire a b"]


async def test_a_run_that_is_taken_up_keeps_its_locks(tmp_path: Path) -> None:
    """It asks for them, since they may have been taken from it, and does not say twice that it got them."""
    locks = Locks()
    whole = await run_text(PLAN, tmp_path, locks=locks)
    compiled = load_plan(PLAN.encode(), name="plan.yaml")
    for cut_at, said in (
        (EventKind.STEP_FINISHED, ["acquire a b", "release"]),
        (EventKind.STAGE_FINISHED, ["release"]),
    ):
        events = whole.sink.events[: len(whole.sink.events) - whole.sink.kinds()[::-1].index(cut_at)]
        locks = Locks()
        recorded = await resume_events(compiled, events, locks=locks)
        assert recorded.outcome.status is RunStatus.SUCCEEDED
        assert locks.said == said
        assert len(recorded.sink.of(EventKind.LOCK_ACQUIRED)) == len(recorded.sink.of(EventKind.LOCK_RELEASED)) == 1


async def test_a_lock_that_was_taken_from_the_run_is_asked_for_again(tmp_path: Path) -> None:
    """An operator unlocked it while nobody was at work; going on without it would let two runs overlap."""
    whole = await run_text(PLAN, tmp_path)
    cut = whole.sink.events[: whole.sink.kinds().index(EventKind.STEP_FINISHED) + 1]
    unlocked = Event(EventKind.LOCK_RELEASED, cut[-1].at_us, {"names": ["b"]}, actor="operator:ann")
    assert point_of([*cut, unlocked]).locks == ("a",)
    recorded = await resume_events(load_plan(PLAN.encode(), name="plan.yaml"), [*cut, unlocked], locks=Locks())
    assert [event.data for event in recorded.sink.of(EventKind.LOCK_ACQUIRED)] == [{"names": ["a", "b"]}] * 2


async def test_a_run_that_is_taken_up_to_be_canceled_does_not_wait_for_locks(tmp_path: Path) -> None:
    """Cleaning up is never kept waiting."""
    whole = await run_text(PLAN, tmp_path)
    cut = whole.sink.events[: whole.sink.kinds().index(EventKind.STEP_FINISHED) + 1]
    locks = Locks(free=False)
    request = ControlRequest(ControlVerb.CANCEL, actor="operator:ann")
    recorded = await resume_events(load_plan(PLAN.encode(), name="plan.yaml"), cut, locks=locks, cancel=request)
    assert recorded.result("note")["status"] == "succeeded"
    assert locks.said == ["release"]

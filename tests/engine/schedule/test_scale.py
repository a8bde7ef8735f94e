"""A hundred thousand steps: no recursion, no memory to speak of, and work that grows with the plan, not with its square."""

from __future__ import annotations

import sys
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from engine.model.states import Reason, RunStatus, StepStatus
from engine.plan.scope import Scope
from engine.schedule.core import Scheduler
from engine.schedule.instructions import FinishExecution, SetAlarm, SettleItem, SettleStep, StartAttempt
from engine.schedule.signals import AlarmRang, AttemptEnded, Begin, Cancel, Moment
from tests.engine.schedule.builders import failed, plan_of, step, succeeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model.json import JsonObject

NOW = Moment(1.0, 1_000_000)
MOST_BYTES = 2048


def _scheduler(steps: list[JsonObject]) -> Scheduler:
    plan = plan_of(steps, max_concurrency=1000)
    return Scheduler(plan, scope=Scope(params={}, env={}, results={}), jitter=lambda: 0.0)


def _chain(length: int) -> list[JsonObject]:
    return [step("s0"), *(step(f"s{n}", f"s{n - 1}") for n in range(1, length))]


@pytest.fixture
def shallow_stack() -> object:
    """A stack on which a cascade that recursed would not get far."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(400)
    yield
    sys.setrecursionlimit(before)


def test_a_failure_skips_down_a_long_chain_at_once(
    scaled: Callable[[int], int], request: pytest.FixtureRequest
) -> None:
    length = scaled(100_000)
    scheduler = _scheduler(_chain(length))
    request.getfixturevalue("shallow_stack")
    assert [type(said) for said in scheduler.handle(Begin(), NOW)] == [StartAttempt]
    said = scheduler.handle(AttemptEnded("s0", 1, failed()), NOW)
    assert len(said) == length + 1
    assert isinstance(said[-1], FinishExecution)
    last = said[-2]
    assert isinstance(last, SettleStep)
    assert (last.result.step_id, last.result.reason) == (f"s{length - 1}", Reason.DEPENDENCY_FAILED)


def test_a_cancel_settles_a_wide_plan_at_once(scaled: Callable[[int], int]) -> None:
    width = scaled(100_000)
    scheduler = _scheduler([step(f"s{n}") for n in range(width)])
    started = scheduler.handle(Begin(), NOW)
    assert len(started) == min(1000, width)
    scheduler.handle(Cancel("operator:ann"), NOW)
    assert sum(result.status is StepStatus.CANCELED for result in scheduler.results.values()) == width - len(started)


def test_a_pending_step_costs_no_more_than_its_budget(scaled: Callable[[int], int]) -> None:
    count = scaled(50_000)
    plan = plan_of(_chain(count))
    scope = Scope(params={}, env={}, results={})
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        scheduler = Scheduler(plan, scope=scope, jitter=lambda: 0.0)
        scheduler.handle(Begin(), NOW)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert scheduler.status(f"s{count - 1}") is StepStatus.PENDING
    assert (after - before) / count <= MOST_BYTES


def test_ten_thousand_items_run_to_their_end(scaled: Callable[[int], int]) -> None:
    count = scaled(10_000)
    scheduler = _scheduler([step("each", for_each=list(range(count))), step("other")])
    todo = scheduler.handle(Begin(), NOW)
    for said in todo:
        if isinstance(said, StartAttempt):
            todo += scheduler.handle(AttemptEnded(said.step_id, said.attempt, succeeded(), said.item_index), NOW)
    assert sum(isinstance(said, SettleItem) for said in todo) == count
    assert isinstance(todo[-1], FinishExecution)
    assert scheduler.results["each"].counts == {"items": count}


def test_a_cancel_settles_all_items_at_once(scaled: Callable[[int], int]) -> None:
    count = scaled(10_000)
    scheduler = _scheduler([step("each", for_each=list(range(count))), step("other")])
    started = scheduler.handle(Begin(), NOW)
    said = scheduler.handle(Cancel("operator:ann"), NOW)
    dropped = [told.result.status for told in said if isinstance(told, SettleItem)]
    assert dropped == [StepStatus.CANCELED] * (count - len(started))


def test_many_steps_behind_a_rate_cost_one_alarm_at_a_time(scaled: Callable[[int], int]) -> None:
    count = scaled(20_000)
    pools: JsonObject = {"api": {"rate": {"count": 10, "per_sec": 1}}}
    plan = plan_of([step(f"s{n}", pool="api") for n in range(count)], max_concurrency=1000, pools=pools)
    scheduler = Scheduler(plan, scope=Scope(params={}, env={}, results={}), jitter=lambda: 0.0)
    said = scheduler.handle(Begin(), NOW)
    for second in range(2, 12):
        assert [type(told) for told in said] == [StartAttempt] * 10 + [SetAlarm]
        said = scheduler.handle(AlarmRang(), Moment(float(second), second * 1_000_000))


def test_a_layered_plan_runs_to_its_end(scaled: Callable[[int], int]) -> None:
    layers, width = 20, max(2, scaled(50))
    steps = [
        step(f"s{layer}_{n}", *([f"s{layer - 1}_{other}" for other in range(width)] if layer else []))
        for layer in range(layers)
        for n in range(width)
    ]
    scheduler = _scheduler(steps)
    todo = scheduler.handle(Begin(), NOW)
    for said in todo:
        if isinstance(said, StartAttempt):
            todo += scheduler.handle(AttemptEnded(said.step_id, said.attempt, succeeded()), NOW)
    assert sum(isinstance(said, SettleStep) for said in todo) == len(steps)
    assert isinstance(todo[-1], FinishExecution)
    assert todo[-1].status is RunStatus.SUCCEEDED

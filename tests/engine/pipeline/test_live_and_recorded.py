"""At every moment, what the events say of a run is what its scheduler knows: every count, state, wait and breaker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.model.states import StepStatus
from engine.pipeline import execution
from engine.pipeline.clock import SystemClock
from engine.pipeline.request import RunRequest, Services
from engine.pipeline.runner import run_plan
from engine.pipeline.units import Unit
from engine.schedule import core
from engine.schedule.taken_up import Left
from engine.steps.secrets import SecretBox
from tests.engine.pipeline.recording import RUN_ID, MemorySink, point_of
from tests.engine.pipeline.test_rebuild import Fates, draw, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

    from engine.model.event import Event
    from engine.pipeline.resume_point import ResumePoint
    from engine.schedule.core import Scheduler
    from engine.schedule.progress import Progress

NOTHING = Left()
_BEGUN = (StepStatus.RUNNING, StepStatus.WAITING, StepStatus.QUARANTINED)


class Comparing(MemorySink):
    """Compares after every batch. `scheduler` is that of the phase that runs."""

    def __init__(self) -> None:
        super().__init__()
        self.scheduler: Scheduler | None = None
        self.compared = 0
        self.seen: set[str] = set()

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        await super().append(run_id, events)
        if self.scheduler is not None and any(event.step_id is not None for event in events):
            self.compared += 1
            self._compare(self.scheduler, point_of(stored(self.events)))

    def _compare(self, scheduler: Scheduler, point: ResumePoint) -> None:
        for step_id, result in scheduler.results.items():
            assert point.settled[step_id].to_json() == result.to_json(), step_id
        for step_id, progress in scheduler._steps.items():
            if step_id in scheduler.results:
                continue
            assert step_id not in point.settled
            self._compare_step(progress, point)
        assert {**scheduler.breakers, **point.breakers} == dict(scheduler.breakers)
        assert len(set(point.uncertain)) == len(point.uncertain)
        running = {unit for unit in point.uncertain if unit.step_id in scheduler._steps}
        assert running == {
            Unit(one.step_id, one.item_index)
            for step in scheduler._steps.values()
            for one in ([step] if step.items is None else step.items.units)
            if one.status is StepStatus.RUNNING and one.asking is None
        }

    def _compare_step(self, step: Progress, point: ResumePoint) -> None:
        if step.awaiting is not None:
            self.seen.add("fallback")
            assert point.awaiting[step.step_id].to_json() == step.awaiting.to_json()
            return
        assert step.step_id not in point.awaiting
        if step.status is StepStatus.QUARANTINED:
            self.seen.add("quarantine")
            assert step.step_id in point.quarantined
        if step.items is None:
            self._compare_unit(step, point)
            return
        settled = point.settled_items.get(step.step_id, {})
        for item in step.items.units:
            if item.status.is_final:
                self.seen.add("item settled")
                assert item.item_index in settled
            else:
                self.seen.add("item")
                assert item.item_index not in settled
                self._compare_unit(item, point)

    def _compare_unit(self, unit: Progress, point: ResumePoint) -> None:
        left = point.left.get(Unit(unit.step_id, unit.item_index), NOTHING)
        assert (left.attempts, left.iterations) == (unit.attempts, unit.iterations)
        if unit.attempts:
            assert left.first_at_us is not None
        if unit.iterations:
            self.seen.add("iteration")
        # A refusal counts when its wait is over; until then it would be looked at anew.
        refused = unit.failures - left.tries
        lost = left.lost  # the attempt that is under way, which rebuilding takes for lost
        assert lost == (1 if unit.status is StepStatus.RUNNING and unit.asking is None else 0)
        assert refused in (
            (0, 1) if unit.status in (StepStatus.WAITING, StepStatus.QUARANTINED, StepStatus.PENDING) else (0,)
        )
        if refused:
            self.seen.add("refusal")
        if unit.failures > refused:
            self.seen.add("retry")


async def test_what_is_recorded_is_what_is_known(monkeypatch: pytest.MonkeyPatch, scaled: Callable[[int], int]) -> None:
    """One signal at a time, so that what is recorded and what is known can be put side by side after each."""
    monkeypatch.setattr(execution, "SIGNALS_AT_ONCE", 1)
    sink = Comparing()
    make = core.Scheduler

    def scheduler(*given: object, **named: object) -> Scheduler:
        sink.scheduler = make(*given, **named)  # type: ignore[arg-type]
        return sink.scheduler

    monkeypatch.setattr(execution, "Scheduler", scheduler)
    seen: set[str] = set()
    compared = 0
    for seed in range(max(100, scaled(400))):
        drawn, compiled = draw(seed, breakers=seed % 2 == 0)
        sink = Comparing()
        services = Services(sink, SecretBox(), Fates(drawn, sink), SystemClock(), lambda: 0.0)
        await run_plan(RunRequest(compiled, {}, RUN_ID, Path(), Path(), {}, "operator:test", "engine"), services)
        seen |= sink.seen
        compared += sink.compared
    assert {"fallback", "item", "item settled", "iteration", "refusal", "retry", "quarantine"} <= seen
    assert compared > 300

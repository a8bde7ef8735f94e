"""How long a plan will take, from how long its steps took before: the real core in a time of its own. Runs nothing, knows no clock."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, fields, replace
from itertools import count
from math import ceil
from typing import TYPE_CHECKING, Final

from engine.model.bound import BoundDecision, BoundStep
from engine.model.result import AttemptOutcome, StreamSummary
from engine.model.states import StepStatus
from engine.plan.compiled import CompiledStep
from engine.plan.references import MissingReferenceError
from engine.schedule.core import Scheduler
from engine.schedule.instructions import SetAlarm, StartAttempt
from engine.schedule.signals import AlarmRang, AttemptEnded, Begin, Moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.model.json import Json
    from engine.model.plan import Breaker
    from engine.model.result import StepResult
    from engine.plan.compiled import CompiledPlan
    from engine.plan.scope import Item, Scope
    from engine.schedule.signals import Signal

_US: Final = 1_000_000
_NOTHING: Final = BoundStep(BoundDecision(choice=None, rule=None, why=""))
_ONE_BLOCK: Final = {"for_each": None, "repeat": None, "cache": None}


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected: all times in microseconds from the beginning.

    `steps` says when each step that runs begins and ends, those of `finally` too; what is skipped or was settled before is
    not among them. `unknown` are those of them of which nobody knows how long they take, for which a default was counted, and
    `stopped` those of which only the least is known, which was counted; both in execution order.
    """

    duration_us: int
    steps: Mapping[str, tuple[int, int]]
    unknown: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()

    @property
    def is_known(self) -> bool:
        """True if all that runs has taken its time before; else `duration_us` is what is known of it."""
        return not self.unknown and not self.stopped


def forecast(
    plan: CompiledPlan,
    scope: Scope,
    settled: Mapping[str, StepResult],
    durations: Mapping[str, int],
    *,
    default_us: int,
    at_least: Mapping[str, int] | None = None,
) -> Forecast:
    """When the steps of the plan will run, if each takes as long as it took before, and `default_us` where that is not known.

    `at_least` is how long steps had run that were stopped; it counts where nothing else is known of them.

    The order, the slots, the pools and their rates are those of the plan, and conditions and decisions are looked at.
    Every step that runs succeeds at its first attempt, with the result that `scope` has of it; one with `for_each` or
    `repeat` is one block. Those in `settled` do not run again. The same is said whenever the same is asked.
    """
    bounds = {step_id: us for step_id, us in (at_least or {}).items() if step_id not in durations}
    counted = {**bounds, **durations}
    main = _Play(plan, scope, settled, counted, default_us)
    ran, end_us = main.run(0)
    if plan.finally_steps:
        seen = replace(scope, results={**scope.results, **main.results})
        last, end_us = _Play(plan.finally_plan(), seen, settled, counted, default_us).run(end_us)
        ran.update(last)
    unknown = tuple(step_id for step_id in plan.all_steps if step_id in ran and step_id not in counted)
    stopped = tuple(step_id for step_id in plan.all_steps if step_id in ran and step_id in bounds)
    return Forecast(end_us, ran, unknown, stopped)


class _Block(CompiledStep):
    """A step that runs as a whole, whatever its references come to: what it is filled in with changes nothing of its time."""

    __slots__ = ()

    @property
    def breaker(self) -> Breaker | None:
        return None

    def bind(self, scope: Scope, *, item: Item | None = None) -> BoundStep:
        if self.step.step_def.type != "decision":
            return _NOTHING
        try:
            return super().bind(scope, item=item)
        except MissingReferenceError:
            return _NOTHING  # it is known how it was decided before, or nothing is


def _as_block(compiled: CompiledStep) -> CompiledStep:
    known = {part.name: getattr(compiled, part.name) for part in fields(compiled)}
    step = compiled.step
    if step.for_each is not None or step.repeat is not None or step.cache is not None:
        known["step"] = step.model_copy(update=_ONE_BLOCK)
    return _Block(**known)


class _Play:
    """One execution, from Begin to its end, in which time passes only from one happening to the next."""

    def __init__(
        self,
        plan: CompiledPlan,
        scope: Scope,
        settled: Mapping[str, StepResult],
        durations: Mapping[str, int],
        default_us: int,
    ) -> None:
        blocks = {step_id: _as_block(compiled) for step_id, compiled in plan.steps.items()}
        self._recorded = scope.results
        self._durations = durations
        self._default_us = default_us
        self._scheduler = Scheduler(
            replace(plan, steps=blocks),
            scope=scope,
            jitter=lambda: 0.0,
            settled={step_id: result for step_id, result in settled.items() if step_id in blocks},
        )

    @property
    def results(self) -> Mapping[str, StepResult]:
        """What has its end."""
        return self._scheduler.results

    def run(self, begin_us: int) -> tuple[dict[str, tuple[int, int]], int]:
        """When each step began and ended, and when nothing was left to do."""
        ran: dict[str, tuple[int, int]] = {}
        order = count()  # of what is due at the same moment, the first that was known of goes first
        due: list[tuple[int, int, Signal]] = [(begin_us, next(order), Begin())]
        now_us = begin_us
        while due and not self._scheduler.is_finished:
            now_us, _, signal = heapq.heappop(due)
            for at_us, follows in self._follows(signal, now_us):
                heapq.heappush(due, (at_us, next(order), follows))
                if isinstance(follows, AttemptEnded):
                    ran[follows.step_id] = (now_us, at_us)
        return ran, now_us

    def _follows(self, signal: Signal, now_us: int) -> Iterator[tuple[int, Signal]]:
        for said in self._scheduler.handle(signal, Moment(now_us / _US, now_us)):
            match said:
                case StartAttempt():
                    lasts = max(0, self._durations.get(said.step_id, self._default_us))
                    yield now_us + lasts, AttemptEnded(said.step_id, said.attempt, self._outcome(said))
                case SetAlarm(delay_sec):
                    yield now_us + max(1, ceil(delay_sec * _US)), AlarmRang()
                case _:
                    pass  # nothing else takes time where all goes well

    def _outcome(self, start: StartAttempt) -> AttemptOutcome:
        definition = start.bound.definition
        before = self._recorded.get(start.step_id)
        data: Json = None if before is None else before.data
        if isinstance(definition, BoundDecision) and definition.choice is not None:
            data = {"choice": definition.choice, "rule": definition.rule, "why": definition.why}
        if before is None:
            return AttemptOutcome(StepStatus.SUCCEEDED, data=data)
        return AttemptOutcome(
            StepStatus.SUCCEEDED,
            exit_code=0 if before.exit_code is not None else None,
            data=data,
            stdout=StreamSummary(text=before.stdout),
            stderr=StreamSummary(text=before.stderr),
            counts=before.counts,
        )

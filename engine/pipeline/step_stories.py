"""Reads back from events where the steps of a run and their items stand. What concerns the run as a whole is rebuild.py's."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from engine.model.breaker import BreakerPhase, BreakerState
from engine.model.event import EventKind
from engine.model.result import StepResult
from engine.model.states import Reason
from engine.pipeline.units import Unit
from engine.schedule.instructions import WaitReason
from engine.schedule.taken_up import Left

if TYPE_CHECKING:
    from engine.model.event import Event
    from engine.model.json import Json, JsonObject

MOST_BEGUN: Final = 10_000
"""How many of the last starts are remembered for rate limits."""


@dataclass(slots=True)
class _Count:
    """What is counted of a unit that is not settled. `is_refused` until something follows on a refusal by a breaker."""

    attempts: int = 0
    lost: int = 0
    failures: int = 0
    iterations: int = 0
    first_at_us: int | None = None
    is_refused: bool = False
    is_patient: bool = False
    child: str | None = None
    key: str | None = None

    def left(self) -> Left:
        return Left(
            attempts=self.attempts,
            lost=self.lost,
            failures=self.failures,
            iterations=self.iterations,
            patient=self.is_patient,
            first_at_us=self.first_at_us,
        )


class StepStories:
    """What the events of steps so far come to.

    What follows on an attempt is recorded together with its end. So the end alone says nothing: whoever reads it without
    what follows has the beginning of a batch that was cut, and the attempt counts as one that nobody saw the end of.
    """

    def __init__(self) -> None:
        self.settled: dict[str, StepResult] = {}
        self.settled_items: dict[str, dict[int, StepResult]] = {}
        self.awaiting: dict[str, StepResult] = {}
        self.quarantined: dict[str, StepResult] = {}
        self.breakers: dict[str, BreakerState] = {}
        self.begun: deque[tuple[str, int]] = deque(maxlen=MOST_BEGUN)
        self._open: dict[str, dict[int | None, _Count]] = {}
        self._under_way: dict[Unit, None] = {}

    def take(self, event: Event, unit: Unit) -> None:
        """The next event of a step."""
        data = event.data
        if "breaker" in data:
            self._move_breaker(data["breaker"])
        match event.kind:
            case EventKind.ATTEMPT_STARTING:
                self._starting(event, unit)
            case EventKind.ATTEMPT_FINISHED if data.get("reason") == Reason.ENGINE_LOST.value:
                self._lose(unit)
            case EventKind.STEP_WAITING:
                self._waiting(event, unit)
            case EventKind.STEP_FINISHED:
                self._finished(event, unit)
            case _:
                pass

    def try_again(self, step_id: str) -> None:
        """Somebody decided that a quarantined step is to be tried again."""
        if self.quarantined.pop(step_id, None) is None:
            return
        counts = self._open.setdefault(step_id, {})
        if not counts:
            counts[None] = _Count()
        for count in counts.values():
            count.is_patient = True

    def let_go(self, step_id: str) -> None:
        """It was decided that all goes on as planned after the end of this step: what follows from it follows now."""
        if (result := self.settled.pop(step_id, None)) is not None:
            self.settled[step_id] = result

    def next_pass(self) -> StepStories:
        """The beginning of the next pass: what is known of tools and rates stays."""
        following = StepStories()
        following.breakers, following.begun = self.breakers, self.begun
        return following

    def lose_what_is_under_way(self) -> tuple[Unit, ...]:
        """The attempts under way are nobody's any more; their units, in the order in which they began."""
        uncertain = tuple(self._under_way)
        for unit in uncertain:
            self._lose(unit)
        return uncertain

    def left(self) -> dict[Unit, Left]:
        """Where each unit stands that is not settled."""
        return {
            Unit(step_id, item_index): count.left()
            for step_id, counts in self._open.items()
            for item_index, count in counts.items()
        }

    def children(self) -> dict[Unit, str]:
        """The runs of sub-plans whose attempt was lost."""
        return {
            Unit(step_id, item_index): count.child
            for step_id, counts in self._open.items()
            for item_index, count in counts.items()
            if count.child is not None
        }

    def asked(self) -> dict[Unit, str]:
        """The keys of units that looked for a kept result and found none."""
        return {
            Unit(step_id, item_index): count.key
            for step_id, counts in self._open.items()
            for item_index, count in counts.items()
            if count.key is not None
        }

    def _count(self, unit: Unit) -> _Count:
        """The counts of the unit, to which something happens now."""
        count = self._open.setdefault(unit.step_id, {}).setdefault(unit.item_index, _Count())
        if count.is_refused:
            count.is_refused = False
            count.failures += 0 if count.is_patient else 1
        return count

    def _starting(self, event: Event, unit: Unit) -> None:
        if unit in self._under_way:
            self._lose(unit)
        count = self._count(unit)
        count.attempts = event.attempt or 1
        count.is_patient = False
        if count.first_at_us is None:
            count.first_at_us = event.at_us
        child, cache = event.data.get("child_run_id"), event.data.get("cache")
        count.child = child if isinstance(child, str) else None
        if isinstance(cache, dict) and cache.get("state") != "off" and isinstance(key := cache.get("key"), str):
            count.key = key
        self._under_way[unit] = None
        self.begun.append((unit.step_id, event.at_us))

    def _waiting(self, event: Event, unit: Unit) -> None:
        self._under_way.pop(unit, None)
        failure = event.data.get("failure")
        match event.data.get("reason"):
            case "fallback":
                self._forget(unit.step_id)
                self.awaiting[unit.step_id] = result_of(unit.step_id, _object(failure), event.at_us)
            case "quarantined":
                self.quarantined[unit.step_id] = result_of(unit.step_id, _object(failure), event.at_us)
            case WaitReason.BREAKER_OPEN.value:
                self._count(unit).is_refused = True
            case WaitReason.REPEAT.value:
                count = self._count(unit)
                count.child = None
                count.iterations += 1
                count.failures = 0
            case _:
                count = self._count(unit)
                count.child = None
                count.failures += 1

    def _finished(self, event: Event, unit: Unit) -> None:
        result = result_of(unit.step_id, event.data, event.at_us)
        if unit.item_index is None:
            self.settled[unit.step_id] = result
            self._forget(unit.step_id)
            return
        self.settled_items.setdefault(unit.step_id, {})[unit.item_index] = result
        self._under_way.pop(unit, None)
        self._open.get(unit.step_id, {}).pop(unit.item_index, None)

    def _forget(self, step_id: str) -> None:
        for item_index in self._open.pop(step_id, {}):
            self._under_way.pop(Unit(step_id, item_index), None)
        self.settled_items.pop(step_id, None)
        self.awaiting.pop(step_id, None)
        self.quarantined.pop(step_id, None)

    def _lose(self, unit: Unit) -> None:
        if unit in self._under_way:
            del self._under_way[unit]
            self._count(unit).lost += 1

    def _move_breaker(self, moved: Json) -> None:
        if not isinstance(moved, dict):
            return
        failures, opened_at_us = moved.get("failures"), moved.get("opened_at_us")
        self.breakers[str(moved.get("tool"))] = BreakerState(
            BreakerPhase(str(moved.get("phase"))),
            failures if isinstance(failures, int) else 0,
            opened_at_us if isinstance(opened_at_us, int) else 0,
        )


def result_of(step_id: str, data: JsonObject, at_us: int) -> StepResult:
    """The result that a `step.finished` holds, or the failure in a `step.waiting`."""
    result = StepResult.from_json(step_id, data)
    if "stdout" not in data and isinstance(result.data, str):
        result = replace(result, stdout=result.data)
    started, duration = data.get("started_at_us"), data.get("duration_us")
    return replace(
        result,
        started_at_us=started if isinstance(started, int) else None,
        finished_at_us=at_us if isinstance(started, int) else None,
        duration_us=duration if isinstance(duration, int) else 0,
    )


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}

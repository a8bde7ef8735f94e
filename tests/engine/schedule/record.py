"""What is recorded of an execution, event by event, and where it can be taken up from any prefix of that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from engine.schedule.instructions import (
    AwaitFallback,
    MoveBreaker,
    QuarantineStep,
    RequestReplan,
    SettleItem,
    SettleStep,
    StartAttempt,
    WaitForRetry,
    WaitReason,
)
from engine.schedule.taken_up import ItemsLeft, Left, TakenUp
from tests.engine.schedule.books import parts_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.breaker import BreakerState
    from engine.model.result import StepResult
    from engine.plan.compiled import CompiledPlan
    from engine.schedule.instructions import Instruction


class AttemptOver(NamedTuple):
    """The end of an attempt was recorded; what follows on it stands behind it."""

    unit: str


class GoneOn(NamedTuple):
    """Another engine took the execution up; `retried` are the units of quarantined steps that are to be tried again."""

    retried: tuple[str, ...] = ()


class Decided(NamedTuple):
    """It was decided about a replan."""

    step_id: str
    approved: bool


class Replaced(NamedTuple):
    """An operator said that another plan is to follow, in which these steps are changed."""

    touched: frozenset[str]


class Entry(NamedTuple):
    """Something recorded, and when."""

    at_us: int
    what: Instruction | AttemptOver | GoneOn | Decided | Replaced


def whole(entries: Sequence[Entry], cut: int) -> int:
    """Where to cut instead, so that no write is torn: an end and what it asks for are recorded together."""
    return cut - 1 if cut < len(entries) and isinstance(entries[cut].what, RequestReplan) else cut


@dataclass
class Point:
    """Where an execution can be taken up, by the names of `unit_of`; what was under way is lost."""

    settled: dict[str, StepResult] = field(default_factory=dict)
    items: dict[str, StepResult] = field(default_factory=dict)
    units: dict[str, Left] = field(default_factory=dict)
    awaiting: dict[str, StepResult] = field(default_factory=dict)
    quarantined: list[str] = field(default_factory=list)
    held: dict[str, bool | None] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    breakers: dict[str, BreakerState] = field(default_factory=dict)
    begun_us: dict[str, list[int]] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)

    def has_ended(self, unit: str) -> bool:
        """True if no attempt of it is to come."""
        return unit in self.settled or unit in self.items or unit in self.awaiting

    def taken_up(self) -> TakenUp:
        """As the scheduler takes it."""
        steps: dict[str, Left] = {}
        settled: dict[str, dict[int, StepResult]] = {}
        left: dict[str, dict[int, Left]] = {}
        for unit, result in self.items.items():
            step_id, index = parts_of(unit)
            if step_id not in self.settled and index is not None:
                settled.setdefault(step_id, {})[index] = result
        for unit, progress in self.units.items():
            step_id, index = parts_of(unit)
            if step_id in self.settled or step_id in self.awaiting:
                continue
            if index is None:
                steps[step_id] = progress
            elif unit not in self.items:
                left.setdefault(step_id, {})[index] = progress
        items = {step_id: ItemsLeft(settled.get(step_id, {}), left.get(step_id, {})) for step_id in {*settled, *left}}
        return TakenUp(steps=steps, items=items, awaiting=self.awaiting, begun_us=self.begun_us)


@dataclass
class _Unit:
    attempts: int = 0
    lost: int = 0
    failures: int = 0
    iterations: int = 0
    first_at_us: int | None = None
    is_under_way: bool = False
    is_held_off: bool = False

    def lose(self) -> None:
        """Nobody knows any more what was under way. A refusal whose wait was not over is looked at anew."""
        self.lost += self.is_under_way
        self.failures -= self.is_held_off
        self.is_under_way = self.is_held_off = False


def point_after(entries: Sequence[Entry], plan: CompiledPlan) -> Point:  # noqa: C901  one case a kind
    """Where to go on after these entries: all that there is, so whatever seems under way is not."""
    point, units = Point(), dict[str, _Unit]()
    for at_us, what in entries:
        match what:
            case StartAttempt():
                unit = units.setdefault(unit_of(what.step_id, what.item_index), _Unit())
                unit.attempts, unit.is_under_way, unit.is_held_off = what.attempt, True, False
                unit.first_at_us = unit.first_at_us or at_us
                if (pool := plan.steps[what.step_id].step.pool) is not None:
                    point.begun_us.setdefault(pool, []).append(at_us)
            case WaitForRetry():
                unit = units.setdefault(unit_of(what.step_id, what.item_index), _Unit())
                _wait(unit, what.reason)
            case AwaitFallback(step_id, _, failure):
                point.awaiting[step_id] = failure
            case SettleItem(index, result):
                point.items[unit_of(result.step_id, index)] = result
            case SettleStep(result):
                point.settled[result.step_id] = result
                point.awaiting.pop(result.step_id, None)
            case QuarantineStep(result):
                point.quarantined.append(result.step_id)
            case RequestReplan(step_id):
                point.held[step_id] = None
            case Decided(step_id, approved):
                _decide(point, step_id, approved=approved)
            case Replaced(touched):
                point.replaced |= touched
            case MoveBreaker(tool, state):
                point.breakers[tool] = state
            case GoneOn(retried):
                point.quarantined.clear()
                for name, unit in units.items():
                    if not point.has_ended(name):
                        unit.lose()
                    if name in retried:
                        unit.failures = 0
            case _:
                pass
    for name, unit in units.items():
        if not point.has_ended(name):
            unit.lose()
            left = Left(unit.attempts, unit.lost, unit.failures, unit.iterations, first_at_us=unit.first_at_us)
            point.units[name] = left
        point.lost[name] = unit.lost
    return point


def _decide(point: Point, step_id: str, *, approved: bool) -> None:
    """What was denied has its consequences then, after those of what was settled until then."""
    if approved:
        point.held[step_id] = True
        return
    del point.held[step_id]
    point.settled[step_id] = point.settled.pop(step_id)


def _wait(unit: _Unit, reason: WaitReason) -> None:
    unit.is_under_way = False
    unit.is_held_off = reason is WaitReason.BREAKER_OPEN
    if reason is WaitReason.REPEAT:
        unit.iterations, unit.failures = unit.iterations + 1, 0
    else:
        unit.failures += 1

"""Drives a scheduler by hand, with a clock that moves only when told to; every instruction goes through the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.plan.scope import Scope
from engine.schedule.core import Scheduler
from engine.schedule.instructions import FinishExecution, SettleStep, StartAttempt
from engine.schedule.signals import (
    AlarmRang,
    AttemptEnded,
    Begin,
    CacheAnswered,
    Cancel,
    DelayElapsed,
    Moment,
    Pause,
    Replace,
    ReplanDecided,
    Resume,
)
from engine.schedule.taken_up import NOTHING, TakenUp
from tests.engine.schedule.books import parts_of, unit_of
from tests.engine.schedule.builders import canceled, failed, succeeded
from tests.engine.schedule.ledger import Ledger
from tests.engine.schedule.standing import check_nothing_stands

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.model.breaker import BreakerState
    from engine.model.json import Json
    from engine.model.result import AttemptOutcome, StepResult
    from engine.plan.compiled import CompiledPlan
    from engine.schedule.instructions import Instruction
    from engine.schedule.replans import ReplanRules
    from engine.schedule.signals import Signal

EPOCH_US = 1_767_268_800_000_000


class Driver:
    """A scheduler, its ledger and its clock. Every method returns what the core said because of it.

    A unit is a step's id, or `id#index` for an item of it.
    """

    def __init__(
        self,
        plan: CompiledPlan,
        *,
        jitter: Callable[[], float] = lambda: 0.0,
        settled: Mapping[str, StepResult] | None = None,
        attempts: Mapping[str, int] | None = None,
        lost: Mapping[str, int] | None = None,
        in_sight: Mapping[str, StepResult] | None = None,
        taken_up: TakenUp = NOTHING,
        breakers: Mapping[str, BreakerState] | None = None,
        replans: ReplanRules | None = None,
        held: Mapping[str, bool | None] | None = None,
        replaced: frozenset[str] = frozenset(),
        seconds: float = 100.0,
    ) -> None:
        self.scheduler = Scheduler(
            plan,
            scope=Scope(params={}, env={}, results=in_sight or {}),
            jitter=jitter,
            settled=settled or {},
            attempts=attempts or {},
            lost=lost or {},
            taken_up=taken_up,
            breakers=breakers or {},
            replans=replans,
            held=held or {},
            replaced=replaced,
        )
        self.ledger = Ledger(plan, breakers, replans)
        self.ledger.settled.update(settled or {})
        self.ledger.held.update(held or {})
        self.ledger.replaced(replaced)
        for step_id, count in (attempts or {}).items():
            self.ledger.begun[step_id] = count
            self.ledger.failures[step_id] = count - (lost or {}).get(step_id, 0)
        self._book_taken_up(taken_up)
        self.seconds = seconds

    def _book_taken_up(self, taken_up: TakenUp) -> None:
        ledger = self.ledger
        units = dict(taken_up.steps)
        for step_id, items in taken_up.items.items():
            units.update((unit_of(step_id, index), left) for index, left in items.left.items())
            for index, result in items.settled.items():
                unit = unit_of(step_id, index)
                ledger.items[unit] = result
                ledger.begun[unit] = result.attempts
                ledger.touched.add(unit)
        for unit, left in units.items():
            ledger.begun[unit] = left.attempts
            ledger.failures[unit] = left.tries
            if left.patient:
                ledger.patient.add(unit)
            if parts_of(unit)[1] is not None:
                ledger.touched.add(unit)
        for step_id, failure in taken_up.awaiting.items():
            ledger.awaiting[step_id] = failure
            if ledger.plan.steps[step_id].step.for_each is None:
                ledger.begun[step_id] = failure.attempts

        for pool, begun_us in taken_up.begun_us.items():
            ledger.pools.times[pool] += [(at_us - EPOCH_US) / 1e6 for at_us in begun_us]

    @property
    def now(self) -> Moment:
        """What the clock shows."""
        return Moment(self.seconds, EPOCH_US + round(self.seconds * 1_000_000))

    def send(self, signal: Signal) -> list[Instruction]:
        """Tell the core, book what it says, and see that nothing is left standing that could go."""
        said = self.scheduler.handle(signal, self.now)
        self.ledger.book(said, self.now)
        check_nothing_stands(self.ledger, self.scheduler, self.now)
        return said

    def begin(self) -> list[Instruction]:
        self.ledger.begin()
        return self.send(Begin())

    def cancel(self, actor: str = "operator:ann") -> list[Instruction]:
        self.ledger.stopping = True
        return self.send(Cancel(actor))

    def pause(self) -> list[Instruction]:
        self.ledger.paused = True
        return self.send(Pause())

    def resume(self) -> list[Instruction]:
        self.ledger.paused = False
        return self.send(Resume())

    def decide(self, step_id: str, *, approved: bool) -> list[Instruction]:
        """It is decided about the step's replan."""
        self.ledger.decided(step_id, approved=approved)
        return self.send(ReplanDecided(step_id, approved))

    def replace(self, *touched: str) -> list[Instruction]:
        """Another plan is to follow, in which these are changed."""
        self.ledger.replaced(frozenset(touched))
        return self.send(Replace(frozenset(touched)))

    def end(self, unit: str, outcome: AttemptOutcome, *, after: float = 0.0) -> list[Instruction]:
        """The unit's running attempt ends so, `after` seconds from now."""
        self.seconds += after
        step_id, index = parts_of(unit)
        attempt = self.ledger.running[unit]
        self.ledger.ended(unit, outcome)
        return self.send(AttemptEnded(step_id, attempt, outcome, index))

    def succeed(self, *units: str, data: Json = None) -> list[Instruction]:
        return [said for unit in units for said in self.end(unit, succeeded(data))]

    def fail(self, unit: str, *, after: float = 0.0) -> list[Instruction]:
        return self.end(unit, failed(), after=after)

    def stop(self, *units: str) -> list[Instruction]:
        """The executor ends these attempts."""
        return [said for unit in units for said in self.end(unit, canceled())]

    def elapse(self, unit: str, *, after: float = 0.0) -> list[Instruction]:
        """The delay before the unit's next attempt is over, `after` seconds from now."""
        self.seconds += after
        step_id, index = parts_of(unit)
        attempt = self.ledger.elapsed(unit)
        return self.send(DelayElapsed(step_id, attempt, index))

    def answer(self, unit: str, outcome: AttemptOutcome | None) -> list[Instruction]:
        """The cache has, or has not, what it was asked for."""
        step_id, index = parts_of(unit)
        self.ledger.answered(unit)
        return self.send(CacheAnswered(step_id, outcome, index))

    def ring(self, *, after: float = 0.0) -> list[Instruction]:
        """The alarm rings, `after` seconds from now."""
        self.seconds += after
        self.ledger.rang()
        return self.send(AlarmRang())

    @property
    def finish(self) -> FinishExecution:
        """The end, which must have come."""
        assert self.ledger.finish is not None, "the execution has not ended"
        return self.ledger.finish

    def result(self, step_id: str) -> StepResult:
        """How the step ended; the core's own view and what it said must agree."""
        result = self.ledger.settled[step_id]
        assert self.scheduler.results[step_id] == result
        return result

    def item(self, step_id: str, index: int) -> StepResult:
        """How the item ended."""
        return self.ledger.items[unit_of(step_id, index)]

    def shape(self) -> dict[str, str]:
        """Every step's state, as words."""
        return {step_id: str(self.scheduler.status(step_id)) for step_id in self.ledger.plan.steps}


def started(said: list[Instruction]) -> list[str]:
    """The units of which an attempt starts, in order."""
    return [unit_of(told.step_id, told.item_index) for told in said if isinstance(told, StartAttempt)]


def settled(said: list[Instruction]) -> list[str]:
    """The steps that are settled, in order."""
    return [instruction.result.step_id for instruction in said if isinstance(instruction, SettleStep)]

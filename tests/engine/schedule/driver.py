"""Drives a scheduler by hand, with a clock that moves only when told to; every instruction goes through the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.plan.scope import Scope
from engine.schedule.core import Scheduler
from engine.schedule.instructions import FinishExecution, SettleStep, StartAttempt
from engine.schedule.signals import AttemptEnded, Begin, Cancel, DelayElapsed, Moment, Pause, Resume
from tests.engine.schedule.builders import canceled, failed, succeeded
from tests.engine.schedule.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.model.json import Json
    from engine.model.result import AttemptOutcome, StepResult
    from engine.plan.compiled import CompiledPlan
    from engine.schedule.instructions import Instruction
    from engine.schedule.signals import Signal

EPOCH_US = 1_767_268_800_000_000


class Driver:
    """A scheduler, its ledger and its clock. Every method returns what the core said because of it."""

    def __init__(
        self,
        plan: CompiledPlan,
        *,
        jitter: Callable[[], float] = lambda: 0.0,
        settled: Mapping[str, StepResult] | None = None,
        attempts: Mapping[str, int] | None = None,
        lost: Mapping[str, int] | None = None,
        in_sight: Mapping[str, StepResult] | None = None,
    ) -> None:
        self.scheduler = Scheduler(
            plan,
            scope=Scope(params={}, env={}, results=in_sight or {}),
            jitter=jitter,
            settled=settled or {},
            attempts=attempts or {},
            lost=lost or {},
        )
        self.ledger = Ledger(plan)
        self.ledger.settled.update(settled or {})
        for result in self.ledger.settled.values():
            self.ledger.note_failure(result)
        self.ledger.begun.update(attempts or {})
        self.ledger.lost.update(lost or {})
        self.seconds = 100.0

    @property
    def now(self) -> Moment:
        """What the clock shows."""
        return Moment(self.seconds, EPOCH_US + round(self.seconds * 1_000_000))

    def send(self, signal: Signal) -> list[Instruction]:
        """Tell the core, book what it says."""
        said = self.scheduler.handle(signal, self.now)
        self.ledger.book(said, self.now)
        return said

    def begin(self) -> list[Instruction]:
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

    def end(self, step_id: str, outcome: AttemptOutcome, *, after: float = 0.0) -> list[Instruction]:
        """The step's running attempt ends so, `after` seconds from now."""
        self.seconds += after
        attempt = self.ledger.running[step_id]
        self.ledger.ended(step_id)
        return self.send(AttemptEnded(step_id, attempt, outcome))

    def succeed(self, *step_ids: str, data: Json = None) -> list[Instruction]:
        return [said for step_id in step_ids for said in self.end(step_id, succeeded(data))]

    def fail(self, step_id: str, *, after: float = 0.0) -> list[Instruction]:
        return self.end(step_id, failed(), after=after)

    def stop(self, *step_ids: str) -> list[Instruction]:
        """The executor ends these attempts."""
        return [said for step_id in step_ids for said in self.end(step_id, canceled())]

    def elapse(self, step_id: str, *, after: float = 0.0) -> list[Instruction]:
        """The delay before the step's next attempt is over, `after` seconds from now."""
        self.seconds += after
        attempt = self.ledger.delays[step_id]
        self.ledger.elapsed(step_id)
        return self.send(DelayElapsed(step_id, attempt))

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

    def shape(self) -> dict[str, str]:
        """Every step's state, as words."""
        return {step_id: str(self.scheduler.status(step_id)) for step_id in self.ledger.plan.steps}


def started(said: list[Instruction]) -> list[str]:
    """The steps of which an attempt starts, in order."""
    return [instruction.step_id for instruction in said if isinstance(instruction, StartAttempt)]


def settled(said: list[Instruction]) -> list[str]:
    """The steps that are settled, in order."""
    return [instruction.result.step_id for instruction in said if isinstance(instruction, SettleStep)]

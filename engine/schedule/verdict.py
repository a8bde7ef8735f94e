"""What will be said of the execution as a whole: why it stops, what it first failed of, what was let pass, and its final state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.states import Reason, RunStatus
from engine.schedule.consequences import Consequence, abort_cause, is_failure, let_pass
from engine.schedule.instructions import FinishExecution, FirstCause

if TYPE_CHECKING:
    from engine.model.result import StepResult
    from engine.plan.compiled import CompiledStep


@dataclass(frozen=True, slots=True)
class StopOrder:
    """Why everything stops: the reason and, as the end of a sentence, the cause."""

    reason: Reason
    because: str


REPLAN: Final = StopOrder(Reason.REPLANNED, "the plan is being changed")
"""Why the steps that a replan touches stop, and no others."""


class Verdict:
    """Collects what the final state rests on. The first order to stop stands; later ones change nothing.

    `touched` are the steps that another plan changes, with their fallbacks: they have an order to stop of their own.

    What fails after an order to stop is a consequence of it, so nobody reports it here.
    """

    def __init__(self) -> None:
        self.stop: StopOrder | None = None
        self.touched: set[str] = set()
        self._first_cause: FirstCause | None = None
        self._warnings: list[str] = []

    def stop_for(self, step_id: str) -> StopOrder | None:
        """The order to stop that this step is under."""
        return REPLAN if self.stop is None and step_id in self.touched else self.stop

    def cancel(self, actor: str) -> StopOrder:
        """An operator's order to stop."""
        self.stop = StopOrder(Reason.CANCELED, f"canceled by {actor}")
        return self.stop

    def abort(self, result: StepResult) -> StopOrder:
        """The order to stop that the failure of a step is."""
        self.stop = StopOrder(Reason.ABORTED, abort_cause(result))
        return self.stop

    def note(self, result: StepResult, follows: Consequence, compiled: CompiledStep) -> None:
        """Take a result, and what follows from it, into account.

        The failure of a critical step fails the run whatever follows from it for others; that of a fallback is told by
        the step that it should have stood in for.
        """
        if result.is_fallback:
            self._warnings.append(let_pass(result))
        if not is_failure(result) or compiled.is_fallback_for is not None:
            return
        if follows is Consequence.SATISFY and not compiled.step.critical:
            self._warnings.append(let_pass(result))
        elif self._first_cause is None:
            self._first_cause = FirstCause(result.step_id, result.reason, result.message, result.path)

    def pronounce(self, quarantined: tuple[str, ...] = (), replan: tuple[str, ...] = ()) -> FinishExecution:
        """The end. A failure comes before an abort, so the run it stopped has failed; one that was canceled is canceled."""
        if replan:
            return FinishExecution(RunStatus.SUCCEEDED, self._first_cause, tuple(self._warnings), replan=replan)
        if quarantined:
            status = RunStatus.QUARANTINED
        elif self.stop is not None and self.stop.reason is Reason.CANCELED:
            status = RunStatus.CANCELED
        else:
            status = RunStatus.SUCCEEDED if self._first_cause is None else RunStatus.FAILED
        return FinishExecution(status, self._first_cause, tuple(self._warnings), quarantined)

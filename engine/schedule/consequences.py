"""What a settled step means for those that depend on it and for the run. Pure; carrying it out is core.py's."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from engine.model.states import OnFailure, Reason, StepStatus

if TYPE_CHECKING:
    from engine.model.result import StepResult
    from engine.plan.compiled import CompiledStep


class Consequence(StrEnum):
    """What follows when a step is settled while the run goes on."""

    SATISFY = "satisfy"  # one dependency less for its dependents
    BLOCK = "block"  # its dependents are skipped, and theirs
    ABORT = "abort"  # everything stops


def is_failure(result: StepResult) -> bool:
    """True for a failure of the step's own, and for an attempt that ended canceled although nobody had asked it to."""
    return result.status in (StepStatus.FAILED, StepStatus.CANCELED)


def step_consequence(result: StepResult, compiled: CompiledStep) -> Consequence:
    """What the result of this step means, while nothing stops the run.

    How a fallback ends matters only to the step that it stands in for. A step whose fallback failed too aborts the run.
    """
    if compiled.is_fallback_for is not None:
        return Consequence.SATISFY
    return consequence(result, compiled.step.on_failure)


def consequence(result: StepResult, on_failure: OnFailure) -> Consequence:
    """What the result means for a step that is no fallback."""
    if result.status is StepStatus.SKIPPED:
        return Consequence.BLOCK if result.reason is Reason.DEPENDENCY_FAILED else Consequence.SATISFY
    if not is_failure(result):
        return Consequence.SATISFY
    match on_failure:
        case OnFailure.ABORT | OnFailure.FALLBACK_STEP:
            return Consequence.ABORT
        case OnFailure.SKIP_DEPENDENTS:
            return Consequence.BLOCK
        case OnFailure.CONTINUE:
            return Consequence.SATISFY


def ending(result: StepResult) -> str:
    """How a failed step ended, as a verb phrase."""
    return "was canceled" if result.status is StepStatus.CANCELED else "failed"


def blocked_message(result: StepResult) -> str:
    """Why the dependents of this step are skipped. A skipped step passes on its own reason, so all name the first cause."""
    if result.status is StepStatus.SKIPPED:
        return result.message
    return f"not run: it depends on {result.step_id}, which {ending(result)}"


def abort_cause(result: StepResult) -> str:
    """Why the run stops."""
    return f"step {result.step_id} {ending(result)}, which aborts the run"


def let_pass(result: StepResult) -> str:
    """The warning for a failure that `on_failure: continue` lets pass, or for which a fallback stood in."""
    if result.is_fallback:
        return result.sentence
    return f"{result.sentence}, continued (on_failure: continue)"

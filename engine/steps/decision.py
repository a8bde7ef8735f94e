"""One attempt of a decision step. What was decided stands in the attempt already; this makes it a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.result import AttemptOutcome
from engine.model.states import OutputFormat, Reason, StepStatus

if TYPE_CHECKING:
    from engine.model.bound import BoundDecision
    from engine.ports import AttemptObserver, AttemptSpec
    from engine.steps.secrets import SecretBox


async def run_decision(
    decision: BoundDecision, spec: AttemptSpec, observer: AttemptObserver, secrets: SecretBox
) -> AttemptOutcome:
    """The choice as data `{choice, rule, why}`. Raises only what the observer raises, and CancelledError."""
    await observer.started(None)
    if decision.choice is None:
        message = "no rule holds and there is no default; add a rule, or set default"
        return AttemptOutcome(StepStatus.FAILED, Reason.REFUSED, message)
    if spec.output is OutputFormat.NONE:
        return AttemptOutcome(StepStatus.SUCCEEDED)
    data = secrets.mask_json({"choice": decision.choice, "rule": decision.rule, "why": decision.why})
    return AttemptOutcome(StepStatus.SUCCEEDED, data=data)

"""One attempt of a decision step. What the rules decided stands in the attempt already; a model that may choose is asked here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.model.result import AttemptOutcome
from engine.model.states import OutputFormat, Reason, StepStatus
from engine.ports import Advice

if TYPE_CHECKING:
    from engine.model.bound import BoundDecision
    from engine.model.json import JsonObject
    from engine.ports import Advisor, AttemptObserver, AttemptSpec
    from engine.steps.secrets import SecretBox


async def run_decision(
    decision: BoundDecision,
    spec: AttemptSpec,
    observer: AttemptObserver,
    secrets: SecretBox,
    advisor: Advisor | None = None,
) -> AttemptOutcome:
    """The choice as data `{choice, rule, why}`, and `decided_by`, where a model may be asked.

    A model that is of no use is `model_failure`, and the rules decide, as they do where there is none to ask. Raises only
    what the observer raises, and CancelledError.
    """
    await observer.started(None)
    data: JsonObject = {"choice": decision.choice, "rule": decision.rule, "why": decision.why}
    if decision.may_ask:
        data["decided_by"] = "rules"
        advice = None if advisor is None else await _advice(decision, spec, advisor)
        if advice is not None and advice.choice is not None:
            why = f"the model chose it: {advice.reason}" if advice.reason else "the model chose it"
            data = {"choice": advice.choice, "rule": None, "why": why, "decided_by": "model"}
        elif advice is not None:
            data["model_failure"] = advice.failure
    if data["choice"] is None:
        failure = data.get("model_failure")
        asked = f"the model was of no use ({failure}), " if failure else ""
        message = f"{asked}no rule holds and there is no default; add a rule, or set default"
        return AttemptOutcome(StepStatus.FAILED, Reason.REFUSED, str(secrets.mask_json(message)))
    if spec.output is OutputFormat.NONE:
        return AttemptOutcome(StepStatus.SUCCEEDED)
    return AttemptOutcome(StepStatus.SUCCEEDED, data=secrets.mask_json(data))


async def _advice(decision: BoundDecision, spec: AttemptSpec, advisor: Advisor) -> Advice:
    """What the model says, within the time that the step has."""
    if decision.ask is None:
        return Advice(None, failure=decision.unasked)
    try:
        async with asyncio.timeout(spec.timeout_sec):
            return await advisor.choose(decision.ask, decision.branches)
    except TimeoutError:
        return Advice(None, failure=f"the model did not answer within {spec.timeout_sec:g} s")

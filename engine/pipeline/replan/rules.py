"""Judges by a policy how a step ended: whether that asks for another plan. Pure; implements `engine.schedule.replans.ReplanRules`."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.model.replan import ReplanMode, Trigger
from engine.model.states import Reason, StepStatus
from engine.schedule.replans import ReplanAsk

if TYPE_CHECKING:
    from engine.model.result import StepResult
    from engine.pipeline.replan.policy import ReplanPolicy, ReplanRule
    from engine.plan.compiled import CompiledPlan
    from engine.plan.scope import Scope

_BY_REASON = {
    Reason.TIMED_OUT: Trigger.STEP_TIMEOUT,
    Reason.BREAKER_OPEN: Trigger.BREAKER_OPEN,
    Reason.MISSING_REFERENCE: Trigger.MISSING_REFERENCE,
}


class PolicyRules:
    """The rules of a policy for the steps of one plan."""

    def __init__(self, policy: ReplanPolicy, plan: CompiledPlan) -> None:
        self._policy = policy
        self._plan = plan

    def judge(self, result: StepResult, scope: Scope) -> ReplanAsk | None:
        """What the first rule says that fits; see `ReplanRules`."""
        happened = triggers_of(result)
        if not happened:
            return None
        for index, rule in enumerate(self._policy.rules):
            if rule.trigger in happened and self._fits(rule, result, scope):
                return _ask(rule, index, happened[rule.trigger])
        return None

    def _fits(self, rule: ReplanRule, result: StepResult, scope: Scope) -> bool:
        if rule.steps and result.step_id not in rule.steps:
            return False
        if rule.min_confidence is not None:
            confidence = confidence_of(result)
            if confidence is None or confidence >= rule.min_confidence:
                return False
        if rule.when is None:
            return True
        step = self._plan.steps.get(result.step_id)
        if step is None:
            return False
        seen = replace(scope, results=ChainMap({result.step_id: result}, dict(scope.results)))
        return rule.when.holds(step.view(seen))

    def of_plan(self, message: str) -> ReplanAsk | None:
        """What the policy says to a plan that may not run, which no step can be blamed for."""
        for index, rule in enumerate(self._policy.rules):
            if rule.trigger is Trigger.POLICY_VIOLATION:
                return _ask(rule, index, message)
        return None


def _ask(rule: ReplanRule, index: int, happened: str) -> ReplanAsk | None:
    if rule.mode is ReplanMode.NEVER:
        return None
    return ReplanAsk(rule.trigger, index, rule.mode, rule.severity, rule.reason or happened)


def triggers_of(result: StepResult) -> dict[Trigger, str]:
    """What can be said to have happened to a step that ended like this, each as the rest of a sentence about it."""
    if result.status is StepStatus.FAILED:
        trigger = Trigger.STEP_FAILED if result.reason is None else _BY_REASON.get(result.reason, Trigger.STEP_FAILED)
        return {trigger: result.message or "it failed"}
    if result.status is not StepStatus.SUCCEEDED:
        return {}
    found: dict[Trigger, str] = {}
    if is_empty_result(result):
        found[Trigger.EMPTY_RESULT] = "it found nothing"
    if (confidence := confidence_of(result)) is not None:
        found[Trigger.LOW_CONFIDENCE] = f"its confidence is {confidence:g}"
    return found


def confidence_of(result: StepResult) -> float | None:
    """How sure a step is of its data, where it says so as `confidence`."""
    value = result.data.get("confidence") if isinstance(result.data, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def is_empty_result(result: StepResult) -> bool:
    """True for a step that succeeded and found nothing: no rows, an empty list or object."""
    if result.status is not StepStatus.SUCCEEDED:
        return False
    data = result.data
    if isinstance(data, dict) and isinstance(rows := data.get("rows"), list):
        return not rows
    return data in ([], {})

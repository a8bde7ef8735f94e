"""Judging ends of steps: which trigger each is, and which rule of several counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.model.replan import ReplanMode, Severity, Trigger
from engine.model.result import StepResult
from engine.model.states import Reason, StepStatus
from engine.pipeline.replan.policy import parse_replan_policy
from engine.pipeline.replan.rules import PolicyRules, triggers_of
from engine.plan.load import load_plan
from engine.plan.scope import Scope

PATCH: dict[str, Any] = {"@failed": {"retries": 1}}
PLAN = load_plan(
    json.dumps(
        {
            "plan_id": "p",
            "params": {"limit": {"type": "integer"}},
            "globals": {"env": {"MODE": "dry"}},
            "steps": [{"id": "a", "command": "x"}, {"id": "b", "command": "y", "env": {"OWN": "{params.limit}"}}],
        }
    ).encode(),
    name="p.json",
)


def failed(reason: Reason | None = Reason.EXIT_CODE, step_id: str = "b") -> StepResult:
    return StepResult(step_id, StepStatus.FAILED, reason, "exit 3", exit_code=3)


def found(data: Any, step_id: str = "b") -> StepResult:
    return StepResult(step_id, StepStatus.SUCCEEDED, data=data)


def judge(result: StepResult, *rules: dict[str, Any]) -> tuple[int, Trigger] | None:
    """Which rule asks, and by which trigger."""
    policy = parse_replan_policy({"kind": "replan", "rules": [{"patch": PATCH, **rule} for rule in rules]}, place="p@1")
    others = {"a": StepResult("a", StepStatus.SUCCEEDED, data={"n": 4})}
    scope = Scope(params={"limit": 5}, env={"HOME": "/h"}, results=others)
    ask = PolicyRules(policy, PLAN).judge(result, scope)
    return None if ask is None else (ask.rule_index, ask.trigger)


@pytest.mark.parametrize(
    ("result", "triggers"),
    [
        (failed(), {Trigger.STEP_FAILED}),
        (failed(None), {Trigger.STEP_FAILED}),
        (failed(Reason.TIMED_OUT), {Trigger.STEP_TIMEOUT}),
        (failed(Reason.BREAKER_OPEN), {Trigger.BREAKER_OPEN}),
        (failed(Reason.MISSING_REFERENCE), {Trigger.MISSING_REFERENCE}),
        (found([]), {Trigger.EMPTY_RESULT}),
        (found({}), {Trigger.EMPTY_RESULT}),
        (found({"rows": [], "row_count": 0}), {Trigger.EMPTY_RESULT}),
        (found({"rows": [], "confidence": 0.2}), {Trigger.EMPTY_RESULT, Trigger.LOW_CONFIDENCE}),
        (found({"confidence": 1}), {Trigger.LOW_CONFIDENCE}),
        (found({"confidence": True}), set()),
        (found("text"), set()),
        (found(None), set()),
        (StepResult("b", StepStatus.SKIPPED, Reason.CONDITION_FALSE), set()),
        (StepResult("b", StepStatus.CANCELED, Reason.REPLANNED), set()),
    ],
)
def test_what_each_end_is(result: StepResult, triggers: set[Trigger]) -> None:
    assert set(triggers_of(result)) == triggers


def test_the_first_rule_that_fits_counts() -> None:
    assert judge(failed(), {"trigger": "timeout"}, {"trigger": "failed", "steps": ["a"]}, {"trigger": "failed"}) == (
        2,
        Trigger.STEP_FAILED,
    )


def test_never_keeps_the_rules_after_it_from_being_asked() -> None:
    assert judge(failed(), {"trigger": "failed", "mode": "never"}, {"trigger": "failed"}) is None


@pytest.mark.parametrize(("confidence", "asks"), [(0.49, True), (0.5, False), (0.9, False)])
def test_confidence_counts_from_where_the_rule_says(confidence: float, asks: bool) -> None:
    asked = judge(found({"confidence": confidence}), {"trigger": "low_confidence", "min_confidence": 0.5})
    assert (asked is not None) is asks


@pytest.mark.parametrize(
    ("when", "asks"),
    [
        ("params.limit > 3", True),
        ("params.limit > 5", False),
        ("b.exit_code == 3 and b.status == 'failed'", True),
        ("a.data.n == 4", True),
        ("env.MODE == 'dry' and env.OWN == '5' and env.HOME == '/h'", True),
        ("nobody.data", False),
    ],
)
def test_when_sees_what_a_condition_of_the_step_sees(when: str, asks: bool) -> None:
    """And the end of the step itself."""
    assert (judge(failed(), {"trigger": "failed", "when": when}) is not None) is asks


def test_what_is_asked_says_why() -> None:
    """In the rule's words; without any, in those of the step."""
    document: Any = {"kind": "replan", "rules": [{"trigger": "failed", "severity": "critical", "patch": PATCH}]}
    rules = PolicyRules(parse_replan_policy(document, place="p@1"), PLAN)
    ask = rules.judge(failed(), Scope(params={}, env={}, results={}))
    assert ask is not None
    assert (ask.mode, ask.severity, ask.reason) == (ReplanMode.APPROVAL, Severity.CRITICAL, "exit 3")
    assert rules.of_plan("forbidden") is None

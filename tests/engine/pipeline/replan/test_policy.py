"""The policy's document: what it may say, and everything that is wrong with one at once."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import InputError
from engine.model.replan import ReplanMode, Severity, Trigger
from engine.pipeline.replan.policy import parse_replan_policy

PATCH: dict[str, Any] = {"@failed": {"timeout_sec": 120}}


def test_a_policy_with_everything() -> None:
    policy = parse_replan_policy(
        {
            "kind": "replan",
            "limit": 2,
            "cooling_sec": 1.5,
            "rules": [
                {
                    "trigger": "Empty-Result",
                    "steps": ["primary"],
                    "mode": "auto",
                    "severity": "critical",
                    "reason": "nothing found",
                    "when": "params.limit > 3",
                    "patch": {"primary": {"step_def": {"query": "{assets.wide}"}}, "gone": None},
                },
                {"trigger": "uncertain", "min_confidence": 0.5, "patch": PATCH},
                {"trigger": "timeout", "mode": "never"},
            ],
        },
        place="policy/x@1",
    )
    first, second, third = policy.rules
    assert (policy.limit, policy.cooling_sec, policy.warnings) == (2, 1.5, ())
    assert (first.trigger, first.mode, first.severity) == (Trigger.EMPTY_RESULT, ReplanMode.AUTO, Severity.CRITICAL)
    assert first.when is not None
    assert (set(first.steps), first.when.text) == ({"primary"}, "params.limit > 3")
    assert (second.trigger, second.mode, second.min_confidence) == (Trigger.LOW_CONFIDENCE, ReplanMode.APPROVAL, 0.5)
    assert (third.mode, third.patch) == (ReplanMode.NEVER, None)


def test_what_is_not_said_has_a_default() -> None:
    policy = parse_replan_policy({"kind": "replan"}, place="policy/x@1")
    assert (policy.limit, policy.cooling_sec, policy.rules) == (3, 0.0, ())


def test_an_unknown_trigger_is_a_warning() -> None:
    """A policy of another version may know more; a rule that never fits harms nobody."""
    policy = parse_replan_policy({"kind": "replan", "rules": [{"trigger": "empy_result", "patch": PATCH}]}, place="p@1")
    assert policy.rules[0].trigger is Trigger.UNKNOWN
    assert policy.warnings == ("p@1: rules[0].trigger: nothing triggers 'empy_result'; did you mean 'empty_result'?",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"limit": "2"}, "limit: expected a whole number, found the text '2'"),
        ({"limit": -1}, "limit: expected 0 or more, found the number -1"),
        ({"limits": 2}, "limits: there is no such field; did you mean 'limit'?"),
        ({"kind": "gates"}, "kind: expected 'replan', found the text 'gates'"),
        ({"rules": [{"patch": PATCH}]}, "rules[0].trigger: it is missing"),
        ({"rules": [{"trigger": "failed"}]}, "rules[0].patch: it says what the other plan is, and is missing"),
        (
            {"rules": [{"trigger": "failed", "mode": "now", "patch": PATCH}]},
            "rules[0].mode: expected 'auto', 'approval' or 'never'",
        ),
        ({"rules": [{"trigger": "failed", "patch": {"a b": {}}}]}, "rules[0].patch: 'a b' cannot be the id of a step"),
        (
            {"rules": [{"trigger": "failed", "patch": {"a": 1}}]},
            "rules[0].patch.a: expected an object, found the number 1",
        ),
        ({"rules": [{"trigger": "failed", "patch": PATCH, "when": "1 +"}]}, "rules[0].when: "),
        ({"rules": [{"trigger": "low_confidence", "patch": PATCH}]}, "rules[0].min_confidence: low_confidence needs"),
        ({"rules": [{"trigger": "failed", "min_confidence": 0.5, "patch": PATCH}]}, "only low_confidence looks at it"),
        ({"rules": [{"trigger": "policy_violation", "patch": PATCH}]}, "before any step has run"),
        ({"rules": [{"trigger": "operator", "patch": {"a": None}}]}, "an operator brings a patch of their own"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_replan_policy({"kind": "replan", **changes}, place="policy/x@3")
    assert said in caught.value.cause
    assert caught.value.place == "policy/x@3"


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InputError) as caught:
        parse_replan_policy(
            {"kind": "replan", "limit": "x", "rules": [{"trigger": 1}, {"trigger": "t", "a": 1}]}, place="p"
        )
    assert all(place in caught.value.cause for place in ("limit:", "rules[0].trigger:", "rules[1].a:"))


def test_a_field_that_no_step_has_is_a_warning() -> None:
    rule: Any = {"trigger": "failed", "patch": {"a": {"tmieout_sec": 1, "command": "true", "retries": 2}, "b": None}}
    policy = parse_replan_policy({"kind": "replan", "rules": [rule]}, place="p@1")
    assert policy.warnings == (
        "p@1: rules[0].patch.a.tmieout_sec: a step has no field 'tmieout_sec'; did you mean 'timeout_sec'?",
    )

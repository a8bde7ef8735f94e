"""Decision steps: the first rule that holds chooses, and the steps of the other branches are skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from engine.model.bound import BoundDecision
from engine.model.states import Reason, StepStatus
from tests.engine.plan.support import only, plan, plan_faults, result, scope

if TYPE_CHECKING:
    from engine.plan.compiled import CompiledPlan

RULES = [{"when": "src.data.n > 10", "choose": "big"}, {"when": "src.data.n > 5", "choose": "middle"}]
BRANCHES = {"big": ["x"], "middle": ["x", "y"], "small": ["z"]}


def decision(**fields: Any) -> dict[str, Any]:
    """A step."""
    return {"id": "route", "step_def": {"type": "decision", "rules": RULES, "branches": BRANCHES, **fields}}


def routed(**fields: Any) -> CompiledPlan:
    """A plan with a decision and a step in each branch, two in one."""
    return plan({"id": "x"}, {"id": "y"}, {"id": "z"}, {"id": "after"}, decision(**fields), {"id": "src"})


@pytest.mark.parametrize(
    ("data", "default", "choice"),
    [
        ({"n": 11}, None, BoundDecision("big", 0, "rule 1 holds: src.data.n > 10")),
        ({"n": 7}, None, BoundDecision("middle", 1, "rule 2 holds: src.data.n > 5")),
        ({"n": 1}, "small", BoundDecision("small", None, "no rule holds, so it is the default")),
        ({"n": 1}, None, BoundDecision(None, None, "no rule holds and there is no default")),
        (None, "small", BoundDecision("small", None, "no rule holds, so it is the default")),
    ],
)
def test_the_first_rule_that_holds_chooses(data: Any, default: str | None, choice: BoundDecision) -> None:
    """Then the default; a missing value is null and never an error."""
    fields = {} if default is None else {"default": default}
    assert routed(**fields).steps["route"].bind(scope(result("src", data))).definition == choice


def test_rules_see_inputs_and_the_environment_but_no_secret() -> None:
    """What is a secret reads as null."""
    step = {
        "id": "route",
        "env": {"S": "{secrets.t}", "P": "1"},
        "output_mapping": {"n": "{src.data.n}"},
        "step_def": {
            "type": "decision",
            "rules": [{"when": "env.S", "choose": "a"}, {"when": "inputs.n == 3 and env.P == '1'", "choose": "b"}],
            "branches": {"a": [], "b": []},
        },
    }
    compiled = plan({"id": "src"}, step, secrets={"t": {"env": "T"}})
    bound = compiled.steps["route"].bind(scope(result("src", {"n": 3}))).definition
    assert isinstance(bound, BoundDecision)
    assert bound.choice == "b"


def test_the_steps_of_branches_wait_for_the_decision() -> None:
    """And the decision for what its rules name, wherever they all stand in the plan."""
    compiled = routed()
    assert {step_id: step.depends_on for step_id, step in compiled.steps.items()} == {
        "src": (),
        "route": ("src",),
        "x": ("route",),
        "y": ("route",),
        "z": ("route",),
        "after": (),
    }
    assert compiled.implied_dependencies == 4


@pytest.mark.parametrize(
    ("data", "skipped"),
    [
        ({"choice": "big"}, {"y": "route chose big, not middle", "z": "route chose big, not small"}),
        ({"choice": "middle"}, {"z": "route chose middle, not small"}),
        ({"choice": "small"}, {"x": "route chose small, not big or middle", "y": "route chose small, not middle"}),
        (None, {name: f"route chose nothing, not {of}" for name, of in
                [("x", "big or middle"), ("y", "middle"), ("z", "small")]}),
    ],
)  # fmt: skip
def test_what_was_not_chosen_is_skipped(data: Any, skipped: dict[str, str]) -> None:
    """A step in several branches runs if one of them is chosen; nothing is chosen by a decision that failed or was skipped."""
    compiled = routed(default="small")
    at = scope(result("route", data), result("src"))
    decided = {name: step.should_skip(at) for name, step in compiled.steps.items() if name != "route"}
    assert {name: skip.message for name, skip in decided.items() if skip is not None} == skipped
    assert all(skip is None or skip.reason is Reason.BRANCH_NOT_CHOSEN for skip in decided.values())


def test_a_branch_is_looked_at_before_conditions() -> None:
    """The cause is the decision."""
    compiled = plan(decision(branches={"big": ["x"], "middle": []}), {"id": "src"}, {"id": "x", "condition": "false"})
    skip = compiled.steps["x"].should_skip(scope(result("route", {"choice": "middle"})))
    assert skip is not None
    assert skip.reason is Reason.BRANCH_NOT_CHOSEN
    skip = compiled.steps["x"].should_skip(scope(result("route", {"choice": "big"}, StepStatus.SUCCEEDED)))
    assert skip is not None
    assert skip.reason is Reason.CONDITION_FALSE


def test_a_decision_in_finally_chooses_among_those_after_it() -> None:
    """They run in their order anyway."""
    late = {
        "id": "late",
        "step_def": {"type": "decision", "default": "a", "branches": {"a": ["tidy"], "b": ["note"]}},
    }
    compiled = plan({"id": "s"}, **{"finally": [late, {"id": "tidy", "command": "x"}, {"id": "note", "command": "x"}]})
    skip = compiled.finally_steps["note"].should_skip(scope(result("late", {"choice": "a"})))
    assert skip is not None
    assert compiled.finally_steps["tidy"].should_skip(scope(result("late", {"choice": "a"}))) is None


WRONG: list[tuple[dict[str, Any], str, str, str]] = [
    ({"rules": []}, "step_def", "nothing can be chosen", "give rules, a default, or both"),
    ({"default": "smal"}, "step_def.default", "there is no branch 'smal'", "did you mean 'small'?"),
    ({"default": "q"}, "step_def.default", "there is no branch 'q'", "there are: big, middle, small"),
    (
        {"rules": [{"when": "true", "choose": "bgi"}]},
        "step_def.rules[0].choose",
        "there is no branch 'bgi'",
        "did you mean 'big'?",
    ),
    (
        {"rules": [{"when": "src.staus", "choose": "big"}]},
        "step_def.rules[0].when",
        "src.staus: a result has no 'staus'",
        "",
    ),
    (
        {"rules": [{"when": "1 +", "choose": "big"}]},
        "step_def.rules[0].when",
        "character 3: '+' has no meaning in an expression",
        "",
    ),
    (
        {"rules": [{"when": "secrets.t", "choose": "big"}]},
        "step_def.rules[0].when",
        "secrets.t: a secret cannot stand in a rule",
        "",
    ),
    ({"rules": [{"when": "item", "choose": "big"}]}, "step_def.rules[0].when", "item: item is not known in a rule", ""),
    ({"rules": [{"choose": "big"}]}, "step_def.rules[0].when", "when is missing", "add it"),
    (
        {"rules": [{"wen": "1", "when": "1", "choose": "big"}]},
        "step_def.rules[0].wen",
        "unknown field 'wen'",
        "did you mean 'when'?",
    ),
    (
        {"rules": [], "default": "big", "branches": {}},
        "step_def.branches",
        "expected at least one, found an empty object",
        "",
    ),
    (
        {"branches": {**BRANCHES, "small": ["zz"]}},
        "step_def.branches.small[0]",
        "there is no step 'zz'",
        "did you mean",
    ),
    (
        {"branches": {**BRANCHES, "small": ["z", "z"]}},
        "step_def.branches.small[1]",
        "z stands in this branch twice",
        "keep",
    ),
    (
        {"branches": {**BRANCHES, "small": ["route"]}},
        "step_def.branches.small[0]",
        "a decision cannot stand in its own branch",
        "",
    ),
    ({"branches": {**BRANCHES, "small": ["tidy"]}}, "step_def.branches.small[0]", "tidy is a step of finally", ""),
    ({"branches": {**BRANCHES, "small": "z"}}, "step_def.branches.small", "expected a list, found the text 'z'", ""),
]


@pytest.mark.parametrize(("fields", "path", "message", "hint"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_said_at_its_place(fields: dict[str, Any], path: str, message: str, hint: str) -> None:
    """One sentence each, with the nearest name."""
    found = plan_faults(
        decision(**fields),
        *({"id": name} for name in ("x", "y", "z", "src")),
        secrets={"t": {"env": "T"}},
        **{"finally": [{"id": "tidy", "command": "x"}]},
    )
    first = next(fault for fault in found if fault.path == f"steps[0].{path}")
    assert (first.message, first.hint[: len(hint)]) == (message, hint)


@pytest.mark.parametrize("field", [{"for_each": [1]}, {"repeat": {"until": "true"}}])
def test_a_decision_is_made_once(field: dict[str, Any]) -> None:
    """Which of several choices would count?"""
    step = {"id": "route", "step_def": {"type": "decision", "default": "a", "branches": {"a": []}}, **field}
    name = next(iter(field))
    fault = only(plan_faults(step))
    assert (fault.path, fault.message) == (f"steps[0].{name}", f"a decision is made once and has no {name}")


def test_a_decision_that_waits_for_its_own_branch_is_a_cycle_that_says_so() -> None:
    """Through the branch one way, through the rule the other."""
    fault = only(plan_faults({"id": "x"}, decision(rules=[{"when": "x.status", "choose": "a"}], branches={"a": ["x"]})))
    assert fault.message == "these steps wait for each other: x -> route -> x"
    assert fault.hint.startswith("x waits for route (a branch of route), route waits for x (x.status);")


def test_a_question_is_filled_in_and_the_rules_decide_all_the_same() -> None:
    """Asking happens when the step runs; what the question names comes first, as for a rule."""
    compiled = routed(ask="How bad are {src.data.n} errors?", default="small")
    assert compiled.steps["route"].depends_on == ("src",)
    bound = compiled.steps["route"].bind(scope(result("src", {"n": 7}))).definition
    why = "rule 2 holds: src.data.n > 5"
    assert bound == BoundDecision("middle", 1, why, ask="How bad are 7 errors?", branches=("big", "middle", "small"))
    assert bound.to_json() == {
        "type": "decision",
        "choice": "middle",
        "rule": 1,
        "why": why,
        "ask": "How bad are 7 errors?",
        "branches": ["big", "middle", "small"],
    }


def test_a_question_that_lacks_a_value_is_not_asked() -> None:
    """The rules can do without it."""
    compiled = routed(ask="How bad are {src.data.n} errors?", default="small")
    bound = compiled.steps["route"].bind(scope(result("src", {}))).definition
    assert isinstance(bound, BoundDecision)
    assert (bound.choice, bound.ask, bound.may_ask) == ("small", None, True)
    assert bound.unasked == "the question cannot be asked: src.data is an empty object and has no 'n'"


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        ("Is {secrets.t} good?", "{secrets.t}: a secret cannot stand in an argument"),
        ("What of {scr.data}?", "{scr.data}: there is no 'scr'"),
        ("", "expected a text that is not empty, found an empty text"),
        (3, "expected a text, found the number 3"),
    ],
)
def test_a_question_that_cannot_be_one(ask: Any, message: str) -> None:
    """No secret leaves for a model, and names are checked."""
    found = plan_faults(
        decision(ask=ask), *({"id": name} for name in ("x", "y", "z", "src")), secrets={"t": {"env": "T"}}
    )
    assert [fault.message for fault in found if fault.path == "steps[0].step_def.ask"] == [message]

"""Patches: merged into a plan, filled in with what happened, and shown as before and after."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import InputError, PlanError
from engine.model.result import StepResult
from engine.model.states import Reason, StepStatus
from engine.pipeline.replan.patching import (
    apply_patch,
    check_filled,
    compile_patched,
    describe_fault,
    diff_of,
    fill,
    patch_between,
    read_patch,
    touched,
)
from engine.plan.load import load_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.plan.compiled import CompiledPlan

PLAN: dict[str, Any] = {
    "plan_id": "p",
    "steps": [
        {"id": "a", "command": "one", "args": ["x"], "timeout_sec": 5, "env": {"A": "1", "B": "2"}},
        {"id": "b", "command": "two", "depends_on": ["a"]},
    ],
    "finally": [{"id": "f", "command": "end"}],
}
FAILED = StepResult(
    "a",
    StepStatus.FAILED,
    Reason.EXIT_CODE,
    "it said {secrets.token}",
    exit_code=3,
    data={"rows": [{"n": 7}]},
    attempts=2,
)


def plan() -> CompiledPlan:
    return load_plan(json.dumps(PLAN).encode(), name="p.json")


def patched(patch: dict[str, Any]) -> dict[str, Any]:
    """The steps of the plan with the patch, by id."""
    document: Any = apply_patch(json.loads(plan().document), patch)
    return {step["id"]: step for step in document["steps"]}


def test_what_is_given_is_merged_and_null_takes_out() -> None:
    steps = patched({"a": {"timeout_sec": None, "env": {"B": None, "C": "3"}, "retries": 1}})
    assert steps["a"] == {
        "id": "a",
        "step_def": {"type": "command", "command": "one", "args": ["x"]},
        "env": {"A": "1", "C": "3"},
        "retries": 1,
    }
    assert steps["b"] == {"id": "b", "step_def": {"type": "command", "command": "two"}, "depends_on": ["a"]}


def test_a_command_may_be_given_in_short() -> None:
    assert patched({"a": {"args": ["y"]}})["a"]["step_def"] == {"type": "command", "command": "one", "args": ["y"]}
    assert patched({"c": {"command": "three"}})["c"] == {"id": "c", "step_def": {"type": "command", "command": "three"}}


def test_another_type_of_step_keeps_nothing_of_the_old_definition() -> None:
    step = patched({"a": {"step_def": {"type": "sql", "database": "d", "query": "q"}}})["a"]
    assert step["step_def"] == {"type": "sql", "database": "d", "query": "q"}
    assert step["timeout_sec"] == 5


def test_steps_are_taken_out_and_added_at_the_end() -> None:
    assert [*patched({"b": None, "c": {"command": "x"}})] == ["a", "c"]


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ({"nobody": None}, "there is no step nobody to take out"),
        ({"f": {"retries": 1}}, "f is a step of finally, which no replan changes"),
        ({"a": {"id": "z"}}, "a step keeps its id"),
        ({"a": 1}, "expected an object of fields"),
        ({"a": None}, "b.depends_on[0]"),
        ({"b": {"depends_on": ["c"]}}, "b.depends_on[0]"),
        ({"b": {"timeout_secs": 3}}, "b.timeout_secs: unknown field 'timeout_secs' (did you mean 'timeout_sec'?)"),
    ],
)
def test_what_makes_no_plan_says_why(patch: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        compile_patched(plan(), patch)
    assert said in describe_fault(caught.value)


def test_the_failed_step_and_what_it_said_are_filled_in() -> None:
    patch: dict[str, Any] = {
        "@failed": {"timeout_sec": "{failed.data.rows[0].n}", "env": {"WHY": "exit {failed.exit_code} {params.x}"}},
        "b": {"metadata": {"after": "{failed.step_id}", "none": '{failed.data.x ?? "-"}', "all": "{failed.data}"}},
    }
    assert fill(patch, FAILED) == {
        "a": {"timeout_sec": 7, "env": {"WHY": "exit 3 {params.x}"}},
        "b": {"metadata": {"after": "a", "none": "-", "all": {"rows": [{"n": 7}]}}},
    }


def test_what_it_said_is_never_read_as_a_reference() -> None:
    """Whatever a program prints, the next plan has it as text."""
    filled = fill({"@failed": {"args": ["{failed.message}", "x {failed.message}"]}}, FAILED)
    after = compile_patched(plan(), filled)
    from engine.plan.scope import Scope

    bound: Any = after.steps["a"].bind(Scope(params={}, env={}, results={})).definition
    assert [*bound.args] == ["it said {secrets.token}", "x it said {secrets.token}"]


def test_what_leads_nowhere_is_an_error() -> None:
    with pytest.raises(InputError, match=r"\{failed\.data\.nothing\} leads to nothing"):
        fill({"@failed": {"env": {"A": "{failed.data.nothing}"}}}, FAILED)
    with pytest.raises(InputError, match="one step here"):
        fill({"@failed": {"retries": 1}, "a": {"retries": 2}}, FAILED)


def test_it_never_becomes_a_part_of_a_program() -> None:
    """A shell would run what a step has printed."""
    with pytest.raises(PlanError):
        check_filled(plan(), {"@failed": {"command": "sh", "args": ["-c", "echo {failed.message}"]}}, FAILED)
    code: Any = {"type": "command", "command": "sh", "args": ["-c", "echo {failed.message}"]}
    with pytest.raises(PlanError):
        check_filled(plan(), {"new": {"step_def": code}}, FAILED)
    check_filled(plan(), {"@failed": {"command": "sh", "args": ["-c", 'echo "$1"', "-", "{failed.message}"]}}, FAILED)


def test_before_and_after_hold_only_what_differs() -> None:
    before = json.loads(plan().document)
    after = apply_patch(before, {"a": {"args": ["y"], "retries": 1}, "b": None, "c": {"command": "x"}})
    diff = diff_of(before, after)
    assert diff.before == {
        "a": {"step_def": {"args": ["x"]}},
        "b": {"id": "b", "step_def": {"type": "command", "command": "two"}, "depends_on": ["a"]},
        "c": None,
    }
    assert diff.after["a"] == {"step_def": {"args": ["y"]}, "retries": 1}
    assert diff.after["b"] is None
    assert set(touched(diff)) == {"a", "b", "c"}
    assert diff_of(before, before).before == {}


def test_an_operator_gives_a_patch_in_three_ways() -> None:
    whole = {**PLAN, "steps": [{**PLAN["steps"][0], "timeout_sec": 9}, PLAN["steps"][1]]}
    ways: list[Any] = [{"a": {"timeout_sec": 9}}, {"steps": {"a": {"timeout_sec": 9}}}, whole]
    for given in ways:
        assert read_patch(given, plan()) == {"a": {"timeout_sec": 9}}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "a patch is an object by step id"),
        ({}, "names no step"),
        ({"steps": {}}, "names no step"),
        ({"a": 3}, "a: expected an object"),
        ({**PLAN, "locks": ["x"]}, "only steps can be changed on the way, and locks"),
        ({**PLAN, "plan_id": "q"}, "plan_id of the plan differ"),
    ],
)
def test_what_is_no_patch_is_refused(given: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_patch(given, plan())
    assert said in caught.value.cause


def test_what_lies_between_two_plans_makes_one_of_the_other(scaled: Callable[[int], int]) -> None:
    """Random plans: the patch between them, applied to the first, gives the second."""
    for seed in range(scaled(500)):
        random = Random(seed)
        one: Any = {"plan_id": "p", "steps": _steps(random)}
        other: Any = {"plan_id": "p", "steps": _steps(random)}
        patch = patch_between(one, other)
        made: Any = apply_patch(one, patch)
        assert _by_id(made) == _by_id(other), f"seed {seed}"
        assert touched(diff_of(one, made)) == set(patch), f"seed {seed}"


def _steps(random: Random) -> list[Any]:
    def value(depth: int) -> Any:
        if depth and random.random() < 0.4:
            return {name: value(depth - 1) for name in random.sample("xyz", random.randint(0, 3))}
        return random.choice([0, 1, True, "t", [1, {"x": 2}], 1.5])

    ids = random.sample("abcd", random.randint(1, 4))
    return [
        {
            "id": one,
            "step_def": {"type": "command", "command": "c", "args": [random.randint(0, 1)]},
            "metadata": {"m": value(2)},
        }
        for one in ids
    ]


def _by_id(document: Any) -> dict[str, Any]:
    return {step["id"]: step for step in document["steps"]}

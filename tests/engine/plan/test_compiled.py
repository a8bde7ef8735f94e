"""Compiled steps and plans: what is skipped and why, what waits for what, in which order."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.states import Reason, StepStatus, Strategy
from tests.engine.plan.support import only, plan, plan_faults, result, scope


def test_skip_if_is_any_of_and_is_looked_at_before_the_condition() -> None:
    """The message has the expression that decided."""
    step = plan(
        {"id": "s"}, {"id": "a", "skip_if": ["env.A == '1'", "s.status == 'failed'"], "condition": "s.data"}
    ).steps["a"]
    skip = step.should_skip(scope(result("s", status=StepStatus.FAILED)))
    assert skip is not None
    assert (skip.reason, skip.message) == (Reason.SKIP_IF, "skip_if holds: s.status == 'failed'")
    skip = step.should_skip(scope(result("s", None)))
    assert skip is not None
    assert (skip.reason, skip.message) == (Reason.CONDITION_FALSE, "the condition does not hold: s.data")
    assert step.should_skip(scope(result("s", "x"))) is None


def test_conditions_see_the_resolved_environment_of_the_step_with_secrets_as_null() -> None:
    """Base, plan and step; unset and unresolvable are null."""
    texts = [
        "env.HOME == '/h'",
        "env.G == '/h/g'",
        "env.S == 'x1'",
        "env.T == null",
        "env.NOPE == null",
        "env.LOST == null",
        "env.I == '1'",
    ]
    compiled = plan(
        {"id": "s"},
        {
            "id": "a",
            "output_mapping": {"i": "{s.data.n}"},
            "env": {"S": "x{s.data.n}", "T": "{secrets.t}", "LOST": "{s.data.gone}", "I": "{inputs.i}"},
            "condition": " and ".join(texts),
        },
        globals={"env": {"G": "{env.HOME}/g"}},
        secrets={"t": {"env": "T"}},
    )
    assert compiled.steps["a"].should_skip(scope(result("s", {"n": 1}), env={"HOME": "/h"})) is None


@pytest.mark.parametrize(
    "step",
    [
        {"args": ["{s.data}"]},
        {"env": {"A": "{s.data}"}},
        {"cwd": "{s.data}"},
        {"command": "{prev.s.data}"},
        {"output_mapping": {"a": {"b": ["{s.data}"]}}},
        {"condition": "s.status == 'succeeded'"},
        {"skip_if": ["true", "len(prev['s'].data) == 0"]},
        {"depends_on": ["s"]},
        {"depends_on": ["s", "s"], "args": ["{s.data} {s.status}"]},
        {"step_def": {"type": "sql", "database": "{s.data}", "query": "q"}},
        {"step_def": {"type": "sql", "database": "d", "query": "q", "args": {"a": "{s.data ?? 1}"}}},
        {"args": ["{s.data[?@.x == 1]}"]},
    ],
)
def test_references_and_conditions_are_dependencies(step: dict[str, Any]) -> None:
    """Wherever they stand, once each."""
    compiled = plan({"id": "a", **step}, {"id": "s"})
    assert compiled.steps["a"].depends_on == ("s",)
    assert compiled.steps["s"].dependents == ("a",)
    assert list(compiled.steps) == ["s", "a"]


def test_compose_and_present_are_no_steps() -> None:
    """They wait for nothing and nobody waits for them."""
    compiled = plan({"id": "s"}, compose={"x": "{s.data}"}, present=[{"type": "json", "value": "{compose.x}"}])
    assert compiled.steps["s"].dependents == ()


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"id": "a", "args": ["{a.data}"]}], "the step waits for itself: a -> a"),
        ([{"id": "a", "condition": "prev.a.status == 'x'"}], "the step waits for itself: a -> a"),
        (
            [{"id": "a", "depends_on": ["b"]}, {"id": "b", "args": ["{a.data}"]}],
            "these steps wait for each other: a -> b -> a",
        ),
        (
            [{"id": "a", "depends_on": ["b"]}, {"id": "b", "depends_on": ["c"]}, {"id": "c", "depends_on": ["b"]}],
            "these steps wait for each other: b -> c -> b",
        ),
    ],
)
def test_a_cycle_is_named_step_by_step(steps: list[dict[str, Any]], message: str) -> None:
    """From the step where it begins, back to it."""
    assert only(plan_faults(*steps)).message == message


@pytest.mark.parametrize(
    ("steps", "wanted", "strategy", "groups"),
    [
        ([{"id": "a"}], "auto", Strategy.SERIAL, (("a",),)),
        ([{"id": "a"}, {"id": "b"}], "auto", Strategy.PARALLEL, (("a", "b"),)),
        ([{"id": "a"}, {"id": "b", "depends_on": ["a"]}], "auto", Strategy.SERIAL, (("a",), ("b",))),
        ([{"id": "a"}, {"id": "b"}, {"id": "c", "depends_on": ["b", "a"]}], "auto", Strategy.DAG, (("a", "b"), ("c",))),
        ([{"id": "a"}, {"id": "b"}], "serial", Strategy.SERIAL, (("a",), ("b",))),
        ([{"id": "a"}, {"id": "b"}], "dag", Strategy.DAG, (("a", "b"),)),
        (
            [{"id": "b", "depends_on": ["a"]}, {"id": "c"}, {"id": "a"}],
            "serial",
            Strategy.SERIAL,
            (("c",), ("a",), ("b",)),
        ),
    ],
)
def test_the_strategy_is_detected_or_taken(
    steps: list[dict[str, Any]], wanted: str, strategy: Strategy, groups: tuple[tuple[str, ...], ...]
) -> None:
    """And the groups follow from it; serial is one step a group in stable order."""
    compiled = plan(*steps, strategy=wanted)
    assert (compiled.strategy, compiled.groups) == (strategy, groups)
    for index, group in enumerate(groups):
        assert all(compiled.steps[step_id].group_index == index for step_id in group)
    assert [step.execution_order for step in compiled.steps.values()] == list(range(len(steps)))


def test_parallel_with_dependencies_is_a_fault() -> None:
    """Explicit or implied."""
    fault = only(plan_faults({"id": "a"}, {"id": "b", "args": ["{a.data}"]}, strategy="parallel"))
    assert (fault.path, fault.message) == ("steps[1]", "strategy parallel, but b depends on a")


def test_without_orchestration_steps_run_one_by_one_in_topological_order() -> None:
    """Whatever the strategy would have been."""
    compiled = plan({"id": "b", "depends_on": ["a"]}, {"id": "c"}, {"id": "a"}, enable_orchestration=False)
    assert compiled.strategy is Strategy.SERIAL
    assert compiled.groups == (("c",), ("a",), ("b",))
    assert compiled.steps["b"].depends_on == ("a",)

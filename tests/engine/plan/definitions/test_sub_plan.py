"""Plan steps: the plan's name is fixed, its parameters are filled in."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.bound import BoundPlan
from tests.engine.plan.support import only, plan, plan_faults, result, scope


def test_inputs_are_parameters_and_params_win() -> None:
    """A parameter's name may have a hyphen, an input's not."""
    step = {
        "id": "a",
        "step_def": {"type": "plan", "plan": "other.yaml", "params": {"dry-run": "{src.data.dry}", "n": 1}},
        "output_mapping": {"n": 2, "rows": "{src.data.rows}"},
    }
    bound = plan({"id": "src"}, step).steps["a"].bind(scope(result("src", {"dry": True, "rows": []}))).definition
    assert bound == BoundPlan(plan="other.yaml", params={"rows": [], "dry-run": True, "n": 1})


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({}, "plan", "plan is missing"),
        ({"plan": "{params.x}"}, "plan", "{params.x}: a reference cannot stand in the name of a plan"),
        ({"plan": "p", "params": {"a": "{nope.x}"}}, "params.a", "{nope.x}: there is no 'nope'"),
        ({"plan": "p", "args": {}}, "args", "unknown field 'args'"),
        ({"plan": "p", "params": [1]}, "params", "expected an object, found a list of 1"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(fields: dict[str, Any], path: str, message: str) -> None:
    """One sentence each."""
    fault = only(plan_faults({"id": "a", "step_def": {"type": "plan", **fields}}, params={"x": {}}))
    assert (fault.path, fault.message) == (f"steps[0].step_def.{path}", message)

"""Tool steps: one call, or a batch whose calls share the arguments of the step."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.bound import BoundTool
from tests.engine.plan.support import only, plan, plan_faults, result, scope


def tool(**fields: Any) -> dict[str, Any]:
    """A step."""
    return {"id": "a", "step_def": {"type": "tool", "tool": "greet", **fields}}


def test_one_call_has_the_inputs_and_over_them_args() -> None:
    """With their types."""
    step = {**tool(args={"name": "{src.data.name}"}), "output_mapping": {"name": 1, "n": "{src.data.n}"}}
    bound = plan({"id": "src"}, step).steps["a"].bind(scope(result("src", {"name": "x", "n": 2}))).definition
    assert bound == BoundTool(tool="greet", calls=({"n": 2, "name": "x"},))


def test_a_batch_is_a_call_for_each_set_over_what_they_share() -> None:
    """Also a batch of one."""
    step = tool(args={"a": 1, "b": "{params.b}"}, calls=[{"a": "{params.b}"}, {"c": 3}])
    bound = plan(step, params={"b": {}}).steps["a"].bind(scope(params={"b": "B"})).definition
    assert bound == BoundTool("greet", ({"a": "B", "b": "B"}, {"a": 1, "b": "B", "c": 3}), is_batch=True)
    bound = plan(tool(calls=[{}])).steps["a"].bind(scope()).definition
    assert bound == BoundTool("greet", ({},), is_batch=True)


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"tool": ""}, "tool", "expected a text that is not empty, found an empty text"),
        ({"tool": "{params.b}"}, "tool", "{params.b}: a reference cannot stand in the name of a tool"),
        ({"calls": []}, "calls", "a batch of no calls"),
        ({"calls": {}}, "calls", "expected a list, found an empty object"),
        ({"calls": [1]}, "calls[0]", "expected an object, found the number 1"),
        ({"calls": [{"a-b": 1}]}, "calls[0].a-b", "'a-b' cannot name an argument of a function"),
        ({"calls": [{"a": "{nope.x}"}]}, "calls[0].a", "{nope.x}: there is no 'nope'"),
        ({"args": {"a-b": 1}}, "args.a-b", "'a-b' cannot name an argument of a function"),
        ({"arg": {}}, "arg", "unknown field 'arg'"),
    ],
)
def test_what_is_wrong_is_said_at_its_place(fields: dict[str, Any], path: str, message: str) -> None:
    """One sentence each."""
    fault = only(plan_faults(tool(**fields), params={"b": {}}))
    assert (fault.path, fault.message) == (f"steps[0].step_def.{path}", message)

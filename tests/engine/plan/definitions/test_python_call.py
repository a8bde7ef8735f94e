"""Python steps: the function is known when the plan is read, what it is given when it is called."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.bound import BoundPython
from tests.engine.plan.support import only, plan, plan_faults, result, scope


def python(**fields: Any) -> dict[str, Any]:
    """A step."""
    return {"id": "a", "step_def": {"type": "python", "callable": "m.n:f", **fields}}


def test_inputs_are_keyword_arguments_and_args_win() -> None:
    """With the types of what they refer to; folders and the interpreter are filled in."""
    compiled = plan(
        {"id": "src"},
        {
            **python(
                args={"rows": "{src.data.rows}", "deep": {"x": ["{src.status}"]}},
                interpreter="{params.venv}/bin/python",
                path=["lib", "{params.venv}/x"],
                cwd="{run.workdir}",
            ),
            "output_mapping": {"rows": 1, "more": "{src.data}"},
        },
        params={"venv": {}},
    )
    bound = compiled.steps["a"].bind(scope(result("src", {"rows": [1]}), params={"venv": "/v"})).definition
    assert bound == BoundPython(
        callable="m.n:f",
        interpreter="/v/bin/python",
        args={"more": {"rows": [1]}, "rows": [1], "deep": {"x": ["succeeded"]}},
        path=("lib", "/v/x"),
        cwd="/srv/ops",
    )


def test_the_interpreter_is_python3_where_none_is_named() -> None:
    """And nothing else is needed."""
    assert plan(python()).steps["a"].bind(scope()).definition == BoundPython(callable="m.n:f", interpreter="python3")


@pytest.mark.parametrize(
    ("fields", "path", "message", "hint"),
    [
        (
            {"callable": "m"},
            "steps[0].step_def.callable",
            "expected module:name or file.py:name, found the text 'm'",
            "",
        ),
        (
            {"callable": "{params.m}:f"},
            "steps[0].step_def.callable",
            "{params.m}:f: a reference cannot stand in the name of a function",
            "name the function, and give it what varies in args",
        ),
        ({"args": {"a b": 1}}, "steps[0].step_def.args['a b']", "'a b' cannot name an argument of a function", ""),
        ({"args": []}, "steps[0].step_def.args", "expected an object, found an empty list", ""),
        ({"args": {"a": "{nope.x}"}}, "steps[0].step_def.args.a", "{nope.x}: there is no 'nope'", ""),
        ({"path": "lib"}, "steps[0].step_def.path", "expected a list, found the text 'lib'", ""),
        ({"path": [1]}, "steps[0].step_def.path[0]", "expected a text, found the number 1", 'quote it: "1"'),
        ({"interpeter": "x"}, "steps[0].step_def.interpeter", "unknown field 'interpeter'", "did you mean 'interpreter'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place(fields: dict[str, Any], path: str, message: str, hint: str) -> None:
    """One sentence each."""
    fault = only(plan_faults(python(**fields), params={"m": {}}))
    assert (fault.path, fault.message) == (path, message)
    assert fault.hint.startswith(hint)

"""A plan whose sub-plans cannot run is refused before any of its steps has done anything; a folder of plans is a gate for CI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.operator import Operator

pytestmark = pytest.mark.long

FIRST = {"id": "first", "command": "touch", "args": ["done"]}


def calls(plan: str, **fields: Any) -> dict[str, Any]:
    return {"id": "sub", "step_def": {"type": "plan", "plan": plan, **fields}, "depends_on": ["first"]}


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (calls("./faulty.json"), "./faulty.json has 1 fault: {nope.data}: there is no 'nope'"),
        (calls("./absent.json"), "./absent.json: there is no such file"),
        (calls("no_such_name"), "there is no plan named 'no_such_name'"),
        (calls("./wants.json"), "./wants.json needs the parameter word"),
        (calls("./wants.json", params={"word": "x", "wrod": "y"}), "./wants.json has no parameter 'wrod'"),
        (calls("./top.json"), "the plan runs itself: top.json -> top.json"),
        (calls("./deep.json"), "./deep.json has 1 fault: ./faulty.json has 1 fault: {nope.data}: there is no 'nope'"),
        (calls("./round.json"), "the plan runs itself: top.json -> round.json -> top.json"),
    ],
)
@pytest.mark.parametrize("command", ["validate", "run"])
def test_what_a_plan_runs_is_checked_before_it_begins(
    operator: Operator, step: dict[str, Any], told: str, command: str
) -> None:
    """By both commands in the same words, at the place of the step, with nothing run and nothing recorded."""
    operator.plan("faulty.json", steps=[{"id": "c", "command": "echo", "args": ["{nope.data}"]}])
    operator.plan("wants.json", params={"word": {"type": "string", "required": True}}, steps=[FIRST])
    operator.plan("deep.json", steps=[FIRST, calls("./faulty.json")])
    operator.plan("round.json", steps=[FIRST, calls("./top.json")])
    plan = operator.plan("top.json", steps=[FIRST, step])
    answer = operator.run(command, plan, *(("--no-ui",) if command == "run" else ()))
    assert answer.code == 2, answer.out + answer.err
    assert told in answer.out + answer.err
    assert "Traceback" not in answer.err
    assert not (operator.folder / "done").exists()
    assert not operator.database.exists()


def test_a_folder_is_a_gate(operator: Operator) -> None:
    """One faulty plan closes it."""
    folder = operator.folder / "plans"
    folder.mkdir()
    operator.plan("plans/good.json", steps=[FIRST])
    assert operator.run("validate", "plans/").code == 0
    operator.plan("plans/calls.json", steps=[FIRST, calls("./good.json")])
    assert operator.run("validate", "plans/").code == 0
    operator.plan("plans/bad.json", steps=[FIRST, calls("./gone.json")])
    answer = operator.run("validate", "plans/")
    assert answer.code == 2
    assert "bad.json:1:" in answer.out
    assert "3 plans checked, 1 with faults" in answer.out

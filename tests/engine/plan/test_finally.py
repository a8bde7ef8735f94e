"""`finally` and `locks` as a plan may write them: what they may refer to, who may refer to them, and what they come to."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.states import OnFailure, RunStatus, StepStatus, Strategy
from engine.plan.orchestration import minimal_trace, orchestration_trace, step_orchestration
from tests.engine.plan.support import faults, only, plan, plan_faults, result, scope

NOTE: dict[str, Any] = {"id": "note", "command": "logger"}
TIDY: dict[str, Any] = {"id": "tidy", "command": "rm"}
CODE = "the reference {a.data} stands in shell code, where its value would run as code"


def test_they_come_after_all_steps_in_a_group_of_their_own() -> None:
    """In the order of the plan, without dependencies, whatever they refer to."""
    compiled = plan(
        {"id": "a"}, {"id": "b", "depends_on": ["a"]}, **{"finally": [{**NOTE, "args": ["{b.status}"]}, TIDY]}
    )
    assert list(compiled.steps) == ["a", "b"]
    assert compiled.groups == (("a",), ("b",))
    assert [(step.execution_order, step.group_index, step.depends_on) for step in compiled.finally_steps.values()] == [
        (2, 2, ()),
        (3, 2, ()),
    ]
    assert compiled.steps["b"].dependents == ()
    trace = orchestration_trace(compiled)
    assert (trace.total_groups, trace.total_tools, trace.tool_ids) == (3, 4, ("a", "b", "note", "tidy"))
    assert [tool.tool_id for tool in trace.execution_groups[2].tools] == ["note", "tidy"]
    assert not trace.execution_groups[2].parallel_execution
    assert minimal_trace(compiled).tool_ids == trace.tool_ids
    assert step_orchestration(compiled.finally_steps["note"]).to_json()["phase"] == "finally"
    assert "phase" not in step_orchestration(compiled.steps["a"]).to_json()


def test_as_a_plan_of_their_own_they_are_serial_and_never_abort() -> None:
    """One that fails keeps none of the others from cleaning up; one that may fail still may."""
    compiled = plan({"id": "a"}, **{"finally": [NOTE, {**TIDY, "on_failure": "continue"}]})
    final = compiled.finally_plan()
    assert (list(final.steps), final.strategy, final.finally_steps) == (["note", "tidy"], Strategy.SERIAL, {})
    assert [step.step.on_failure for step in final.steps.values()] == [OnFailure.SKIP_DEPENDENTS, OnFailure.CONTINUE]


def test_they_see_every_step_the_ones_before_them_and_how_the_run_went() -> None:
    """In texts and in conditions."""
    compiled = plan(
        {"id": "a"},
        **{
            "finally": [
                {**NOTE, "args": ["{a.status}", "{run.status}", '{run.first_cause.message ?? "none"}']},
                {**TIDY, "args": ["{note.status}"], "condition": "run.status == 'failed'"},
            ]
        },
    )
    seen = scope(result("a", status=StepStatus.FAILED), result("note"))
    seen.run.update(status=RunStatus.FAILED.value, first_cause={"message": "exit 1"})
    bound: Any = compiled.finally_steps["note"].bind(seen).definition
    assert bound.args == ("failed", "failed", "exit 1")
    assert compiled.finally_steps["tidy"].should_skip(seen) is None
    seen.run.update(status=RunStatus.SUCCEEDED.value)
    assert compiled.finally_steps["tidy"].should_skip(seen) is not None


def test_what_is_shown_at_the_end_may_refer_to_them() -> None:
    """compose and present come after them."""
    compiled = plan({"id": "a"}, compose={"said": "{note.data}"}, **{"finally": [NOTE]})
    assert compiled.bind_value("{note.data}", scope(result("note", "x"))) == "x"


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        ({"finally": [{**NOTE, "depends_on": ["a"]}]}, "finally[0].depends_on", "steps in finally have no dependencies"),
        ({"finally": [{**NOTE, "args": ["{tidy.data}"]}, TIDY]}, "finally[0].args[0]", "{tidy.data}: tidy has not run by then"),
        ({"finally": [{**NOTE, "args": ["{note.data}"]}]}, "finally[0].args[0]", "{note.data}: note has not run by then"),
        ({"finally": [{**NOTE, "args": ["{nte.data}"]}]}, "finally[0].args[0]", "{nte.data}: there is no 'nte'"),
        ({"finally": [{**NOTE, "args": ["{run.statsu}"]}]}, "finally[0].args[0]", "{run.statsu}: there is no run field 'statsu'"),
        ({"finally": [{**NOTE, "id": "a"}]}, "finally[0].id", "two steps have the id 'a'"),
        ({"finally": [NOTE, {**TIDY, "id": "note"}]}, "finally[1].id", "two steps have the id 'note'"),
        ({"finally": [{"id": "run", "command": "x"}]}, "finally[0].id", "'run' is a reserved word"),
        ({"finally": [{**NOTE, "args": ["-c", "echo {a.data}"], "command": "sh"}]}, "finally[0].args[1]", CODE),
        ({"finally": [{**NOTE, "cache": {}}]}, "finally[0].cache.ttl_sec", "ttl_sec is missing"),
        ({"finally": [{**NOTE, "assets": {}}]}, "finally[0].assets", "unknown field 'assets'"),
        ({"finally": [{**NOTE, "step_def": {}}]}, "finally[0].command", "command and step_def stand on one step"),
        ({"finally": [{**NOTE, "retires": 1}]}, "finally[0].retires", "unknown field 'retires'"),
        ({"finally": [{**NOTE, "timeout_sec": "5"}]}, "finally[0].timeout_sec", "expected a number, found the text '5'"),
        ({"finally": {}}, "finally", "expected a list, found an empty object"),
        ({"finally_steps": [NOTE]}, "finally_steps", "unknown field 'finally_steps'"),
        ({"locks": "x"}, "locks", "expected a list, found the text 'x'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_them_is_said_at_its_place(fields: dict[str, Any], path: str, message: str) -> None:
    """With the same words as for every other step."""
    found = plan_faults({"id": "a"}, **fields)
    assert (found[0].path, found[0].message) == (path, message)
    assert found[0].line is not None


@pytest.mark.parametrize("reference", ["{note.data}", "{prev.note.data}"])
def test_a_step_cannot_refer_to_what_runs_after_it(reference: str) -> None:
    """In any spelling."""
    fault = only(plan_faults({"id": "a", "args": [reference]}, **{"finally": [NOTE]}))
    assert (fault.path, fault.message) == (
        "steps[0].args[0]",
        f"{reference}: note runs in finally, after all of these steps",
    )


@pytest.mark.parametrize("name", ["status", "first_cause"])
def test_how_the_run_went_is_known_only_at_its_end(name: str) -> None:
    """Neither a step nor what is composed of a run that succeeded can ask."""
    found = plan_faults({"id": "a", "args": [f"{{run.{name}}}"]}, compose={"x": f"{{run.{name}}}"})
    assert [fault.path for fault in found] == ["steps[0].args[0]", "compose.x"]
    assert all("known only in finally" in fault.hint for fault in found)


def test_the_name_of_a_lock_has_a_rule() -> None:
    """As it stands in tables and on command lines."""
    assert plan(locks=["inventory", "db.main"]).plan.locks == ("inventory", "db.main")
    fault = only(plan_faults(locks=["ok", "two words"]))
    assert (fault.path, fault.message) == (
        "locks[1]",
        "expected a letter or digit, then letters, digits, '.', '_' or '-', at most 128, found the text 'two words'",
    )


def test_finally_and_locks_belong_to_what_a_plan_is_and_words_do_not() -> None:
    """Its hash follows behaviour."""
    bare = plan({"id": "a"}).plan_hash
    noted = plan({"id": "a"}, **{"finally": [NOTE]}).plan_hash
    described = plan({"id": "a"}, **{"finally": [{**NOTE, "description": "says so"}]}).plan_hash
    assert len({bare, noted, plan({"id": "a"}, locks=["x"]).plan_hash}) == 3
    assert described == noted


def test_a_typo_names_the_step_of_finally() -> None:
    """They are known names like any other."""
    fault = only(
        faults(
            "{plan_id: p, steps: [{id: a, command: x}], finally: [{id: note, command: x}], compose: {x: '{nota.data}'}}"
        )
    )
    assert fault.hint == "did you mean 'note'?"

"""Which names may stand where: typos are found at load time, with the nearest name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.plan.support import only, plan, plan_faults

FIELDS: dict[str, Any] = {"params": {"host": {}, "limit": {}}, "secrets": {"token": {"env": "T"}}}
SOURCE: dict[str, Any] = {"id": "primary"}


@pytest.mark.parametrize(
    ("step", "message", "hint"),
    [
        ({"args": ["{primry.data}"]}, "{primry.data}: there is no 'primry'", "did you mean 'primary'?"),
        ({"args": ["{parms.host}"]}, "{parms.host}: there is no 'parms'", "did you mean 'params'?"),
        ({"args": ["{host.name}"]}, "{host.name}: there is no 'host'", "did you mean 'params.host'?"),
        ({"args": ["{params.hots}"]}, "{params.hots}: there is no parameter 'hots'", "did you mean 'host'?"),
        ({"args": ["{primary.dta}"]}, "{primary.dta}: a result has no 'dta'", "did you mean 'data'?"),
        (
            {"args": ["{primary.rows}"]},
            "{primary.rows}: a result has no 'rows'",
            "what a step found is under primary.data",
        ),
        ({"args": ["{primary[0]}"]}, "{primary[0]}: name a field of the result", "primary.status"),
        ({"args": ["{primary.item}"]}, "{primary.item}: a result has no 'item'", "did you mean 'items'?"),
        ({"args": ["{prev.primry.data}"]}, "{prev.primry.data}: there is no 'primry'", "did you mean 'primary'?"),
        ({"args": ["{prev.params.x}"]}, "{prev.params.x}: there is no step 'params'", ""),
        ({"args": ["{secrets.token}"]}, "{secrets.token}: a secret cannot stand in an argument", "set it in env"),
        ({"cwd": "{secrets.token}"}, "{secrets.token}: a secret cannot stand in an argument", "set it in env"),
        (
            {"output_mapping": {"a": "{secrets.token}"}},
            "{secrets.token}: a secret cannot stand in output_mapping",
            "set it in env",
        ),
        ({"env": {"A": "{secrets.tokn}"}}, "{secrets.tokn}: there is no secret 'tokn'", "did you mean 'token'?"),
        (
            {"env": {"A": '{secrets.token ?? "x"}'}},
            '{secrets.token ?? "x"}: a secret is written {secrets.NAME}, with no fallback and nothing below it',
            "",
        ),
        (
            {"env": {"A": "{secrets.token}"}, "args": ["{env.A}"]},
            "{env.A}: the variable holds a secret, which cannot stand in an argument",
            "let the program",
        ),
        (
            {"env": {"A": "{inputs.b}"}, "output_mapping": {"a": 1}},
            "{inputs.b}: there is no input 'b'",
            "inputs are declared in output_mapping",
        ),
        (
            {"output_mapping": {"a": "{inputs.b}"}},
            "{inputs.b}: inputs are not bound in output_mapping",
            "refer to the step itself",
        ),
        ({"args": ["{compose.a}"]}, "{compose.a}: compose is known only in present", "refer to the step itself"),
        (
            {"args": ["{plan.nam}"]},
            "{plan.nam}: there is no plan field 'nam'",
            "there are: plan_id, version, description",
        ),
        ({"args": ["{null.x}"]}, "{null.x}: 'null' is no value", ""),
        ({"args": ["{params.}"]}, "{params.… is not a reference", "write {name.field"),
        ({"condition": "primry.status == 'x'"}, "primry.status: there is no 'primry'", "did you mean 'primary'?"),
        ({"condition": "primary.staus == 'x'"}, "primary.staus: a result has no 'staus'", "did you mean 'status'?"),
        ({"condition": "primary.status == succeeded"}, "succeeded: there is no 'succeeded'", "references begin with"),
        ({"condition": "primary"}, "primary: name a field of the result", "primary.status"),
        ({"condition": "prev.status"}, "prev.status: there is no step 'status'", ""),
        ({"condition": "prev"}, "prev: prev needs the id of a step", "write prev.STEP.status"),
        ({"condition": "secrets.token == 'x'"}, "secrets.token: a secret cannot stand in a condition", ""),
        ({"condition": "inputs.x"}, "inputs.x: inputs are not bound in a condition", ""),
        (
            {"condition": "params.list[params.hots]"},
            "params.list[…]: there is no parameter 'list'",
            "did you mean 'limit'?",
        ),
        ({"skip_if": ["true", "params.hots"]}, "params.hots: there is no parameter 'hots'", "did you mean 'host'?"),
    ],
)
def test_a_name_that_means_nothing_here_is_a_fault_with_the_nearest_one(
    step: dict[str, Any], message: str, hint: str
) -> None:
    """At the place where it stands, before anything runs."""
    found = plan_faults(SOURCE, {"id": "a", **step}, **FIELDS)
    assert found[0].message == message
    assert found[0].hint.startswith(hint)
    assert found[0].path.startswith("steps[1].")


def test_globals_env_knows_no_steps() -> None:
    """Every step has it, so it would wait for itself."""
    fault = only(plan_faults(SOURCE, globals={"env": {"A": "{primary.data}"}}))
    assert fault.message == "{primary.data}: results of steps are not known in globals.env"


def test_compose_and_present_are_checked_too() -> None:
    """At load time, not after an hour of work."""
    found = plan_faults(
        SOURCE, compose={"a": {"b": ["{primry.data}"]}}, present=[{"type": "json", "value": "{compose.b}"}]
    )
    assert [(fault.path, fault.message) for fault in found] == [
        ("compose.a.b[0]", "{primry.data}: there is no 'primry'"),
        ("present[0].value", "{compose.b}: there is no compose value 'b'"),
    ]


def test_names_in_braces_that_stand_for_themselves_are_a_warning_where_they_mean_something() -> None:
    """`{host}` is text, which is seldom meant when there is a parameter of that name."""
    compiled = plan(SOURCE, {"id": "a", "args": ["{host}", "{primary}", "{ params.host }", "{other}"]}, **FIELDS)
    assert [(warning.path, warning.hint) for warning in compiled.warnings] == [
        ("steps[1].args[0]", "did you mean {params.host}?"),
        ("steps[1].args[1]", "did you mean {primary.data}?"),
        ("steps[1].args[2]", "did you mean {params.host}?"),
    ]


@pytest.mark.parametrize(
    ("step", "path", "asked"),
    [
        ({"condition": "env.KEY == 'x'"}, "condition", "env.KEY == 'x'"),
        ({"skip_if": ["params.p", "not env.KEY"]}, "skip_if[1]", "not env.KEY"),
        ({"condition": "env.DERIVED"}, "condition", "env.DERIVED"),
        ({"condition": "env['KEY'] == env.KEY"}, "condition", "env['KEY'] == env.KEY"),
        ({"repeat": {"until": "env.KEY == item.data"}}, "repeat.until", "env.KEY == item.data"),
        ({"condition": "env.SHARED"}, "condition", "env.SHARED"),
        (
            {"step_def": {"type": "decision", "rules": [{"when": "env.KEY", "choose": "a"}], "branches": {"a": []}}},
            "step_def.rules[0].when",
            "env.KEY",
        ),
    ],
)
def test_a_condition_on_a_secret_is_warned_of(step: dict[str, Any], path: str, asked: str) -> None:
    """It reads as null, so the condition would be decided by nothing that anybody sees."""
    env = {"KEY": "{secrets.token}", "DERIVED": "Bearer {env.SHARED}", "PLAIN": "1"}
    compiled = plan(
        {"id": "deploy", "env": env, **step},
        params={"p": {"default": "x"}},
        secrets={"token": {"env": "TOKEN"}},
        globals={"env": {"SHARED": "{secrets.token}"}},
    )
    (warning,) = compiled.warnings
    assert warning.path == f"steps[0].{path}"
    assert warning.line == 1
    for told in ("step deploy", asked, "a secret, which reads as null"):
        assert told in warning.message
    assert "a variable without a secret" in warning.hint


def test_a_condition_on_a_variable_without_a_secret_is_not_warned_of() -> None:
    """Also where the name held one for the whole plan, or holds one for another step."""
    compiled = plan(
        {"id": "a", "env": {"SHARED": "plain"}, "condition": "env.SHARED and env.HOME and env.KEY == null"},
        {"id": "b", "env": {"KEY": "{secrets.token}"}, "condition": "env.PLAIN"},
        secrets={"token": {"env": "TOKEN"}},
        globals={"env": {"SHARED": "{secrets.token}"}},
    )
    assert compiled.warnings == ()

"""Binding a step: environment, inputs, secrets, and the order in which each sees the others."""

from __future__ import annotations

import pytest

from engine.model.bound import SecretName, SecretText
from engine.plan.references import MissingReferenceError
from tests.engine.plan.support import bound_command, bound_sql, only, plan, plan_faults, result, scope

SECRETS = {"token": {"env": "T"}}


def test_a_secret_is_bound_by_name_and_a_value_that_looks_like_one_is_text() -> None:
    """It cannot be forged through a parameter."""
    compiled = plan(
        {"id": "a", "env": {"H": "Bearer {secrets.token}!", "T": "{secrets.token}", "P": "{params.p}"}},
        secrets=SECRETS,
        params={"p": {}},
    )
    bound = compiled.steps["a"].bind(scope(params={"p": "{secrets.token}"}))
    assert bound.env == {
        "H": SecretText(("Bearer ", SecretName("token"), "!")),
        "T": SecretText((SecretName("token"),)),
        "P": "{secrets.token}",
    }


def test_environment_is_the_base_then_the_plans_then_the_steps() -> None:
    """Each sees what came before, so a variable can be added to."""
    compiled = plan(
        {
            "id": "a",
            "env": {"PATH": "{env.PATH}:/step", "B": "{env.A}2"},
            "args": ["{env.PATH}", "{env.B}", "{env.HOME}"],
        },
        globals={"env": {"PATH": "{env.PATH}:/plan", "A": "1"}},
    )
    at = scope(env={"PATH": "/bin", "HOME": "/h"})
    assert compiled.steps["a"].bind(at).env == {"PATH": "/bin:/plan:/step", "A": "1", "B": "12"}
    assert bound_command(compiled, "a", at).args == ("/bin:/plan:/step", "12", "/h")


def test_a_secret_passed_on_from_variable_to_variable_stays_a_secret() -> None:
    """Its text is never here."""
    compiled = plan(
        {"id": "a", "env": {"AUTH": "Bearer {env.TOKEN}"}},
        globals={"env": {"TOKEN": "{secrets.token}"}},
        secrets=SECRETS,
    )
    assert compiled.steps["a"].bind(scope()).env["AUTH"] == SecretText(("Bearer ", SecretName("token")))
    fault = only(
        plan_faults(
            {"id": "a", "env": {"AUTH": "Bearer {env.TOKEN}"}, "args": ["{env.AUTH}"]},
            globals={"env": {"TOKEN": "{secrets.token}"}},
            secrets=SECRETS,
        )
    )
    assert "the variable holds a secret" in fault.message


def test_inputs_are_bound_first_and_may_stand_in_env_and_arguments() -> None:
    """With the types of what they refer to."""
    compiled = plan(
        {"id": "src"},
        {
            "id": "a",
            "output_mapping": {"rows": "{src.data.rows}", "first": "{src.data.rows[0]}", "fixed": [1, "{src.status}"]},
            "env": {"FIRST": "{inputs.first}"},
            "args": ["{inputs.rows}", "{inputs.fixed[1]}"],
        },
    )
    bound = compiled.steps["a"].bind(scope(result("src", {"rows": [7, 8]})))
    assert bound.inputs == {"rows": [7, 8], "first": 7, "fixed": [1, "succeeded"]}
    assert bound.env == {"FIRST": "7"}
    assert bound.definition.to_json()["args"] == ["[7,8]", "succeeded"]
    assert compiled.steps["a"].depends_on == ("src",)


def test_binds_of_a_query_keep_their_types_take_secrets_and_get_the_inputs() -> None:
    """`args` wins over an input of the same name."""
    compiled = plan(
        {"id": "src"},
        {
            "id": "q",
            "step_def": {
                "type": "sql",
                "database": "{params.db}",
                "query": "select :n, '{'",
                "args": {"n": "{src.data.n}", "t": "x{secrets.token}", "null": None, "k": 3},
            },
            "output_mapping": {"n": "ignored", "more": "{src.data}"},
        },
        secrets=SECRETS,
        params={"db": {}},
    )
    bound = bound_sql(compiled, "q", scope(result("src", {"n": None}), params={"db": "a.db"}))
    assert bound.database == "a.db"
    assert bound.query == "select :n, '{'"
    assert bound.binds == {
        "n": None,
        "t": SecretText(("x", SecretName("token"))),
        "null": None,
        "k": 3,
        "more": {"n": None},
    }
    assert bound.read_only


def test_arguments_that_are_no_text_are_written_as_json_writes_them() -> None:
    """`true`, not `True`."""
    assert bound_command(plan({"id": "a", "args": [1, 2.5, True, "x"]}), "a").args == ("1", "2.5", "true", "x")


def test_the_plan_and_the_run_can_be_named() -> None:
    """In an argument, a folder, a variable."""
    compiled = plan({"id": "a", "args": ["{plan.plan_id}-{plan.version}"], "cwd": "{run.workdir}/x"}, version="3")
    bound = bound_command(compiled, "a")
    assert (bound.args, bound.cwd) == (("p-3",), "/srv/ops/x")


def test_what_is_missing_in_any_part_of_a_step_stops_the_binding() -> None:
    """Nothing is run with half of what it needs."""
    for part in (
        {"env": {"A": "{src.data.x}"}},
        {"cwd": "{src.data.x}"},
        {"command": "{src.data.x}"},
        {"output_mapping": {"a": "{src.data.x}"}},
    ):
        with pytest.raises(MissingReferenceError):
            plan({"id": "src"}, {"id": "a", **part}).steps["a"].bind(scope(result("src", {})))


@pytest.mark.parametrize(
    ("step", "language"),
    [
        ({"command": "sh", "args": ["-c", "rm {params.x}"]}, "shell"),
        ({"command": "env", "args": ["bash", "-lc", "echo {primary.data}"]}, "shell"),
        ({"command": "python3", "args": ["-c", "print('{params.x}')"]}, "Python"),
        ({"command": "pwsh", "args": ["-Command", "Get-Item", "{params.x}"]}, "PowerShell"),
        ({"command": "{params.x}", "args": ["-c", "echo {params.x}"]}, "shell"),
        ({"command": "sh", "args": ["-c", "echo {secrets.token}"]}, "shell"),
        ({"step_def": {"type": "sql", "database": "d", "query": "select '{params.x}'"}}, "SQL"),
        ({"step_def": {"type": "sql", "database": "d", "query": "{params.x}"}}, "SQL"),
    ],
)
def test_a_reference_inside_code_is_a_fault_that_shows_the_way_in(step: dict[str, object], language: str) -> None:
    """Arguments, env or bind parameters."""
    found = plan_faults({"id": "primary"}, {"id": "a", **step}, params={"x": {}}, secrets=SECRETS)
    fault = next(fault for fault in found if "would run as code" in fault.message)
    assert f"in {language} code" in fault.message
    assert fault.hint


def test_code_without_references_and_values_beside_code_are_fine() -> None:
    """`{print $1}`, `${X}` and positional parameters."""
    compiled = plan(
        {
            "id": "a",
            "command": "sh",
            "args": ["-c", 'awk "{print $1}" "$1" ${X} {{.ID}}', "sh", "{params.x}"],
            "env": {"X": "{params.x}"},
        },
        params={"x": {}},
    )
    assert bound_command(compiled, "a", scope(params={"x": "v"})).args[3] == "v"

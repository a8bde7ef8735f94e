"""The shape of a plan: every wrong field at once, in sentences, with what was expected; what is not in this version by name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.plan.support import document, faults, load, only, plan, plan_faults

TYPES = ("command", "powershell", "python", "http", "sql", "file", "tool", "plan", "decision")


def test_the_shorthand_and_step_def_are_the_same_plan() -> None:
    """`command`, `args` and `cwd` on the step are a step_def of type command, with the same hash."""
    short = plan({"id": "a", "command": "ls", "args": ["-l"], "cwd": "/"})
    full = plan({"id": "a", "step_def": {"type": "command", "command": "ls", "args": ["-l"], "cwd": "/"}})
    assert short.plan == full.plan
    assert short.plan_hash == full.plan_hash


def test_the_shorthand_beside_a_step_def_is_a_fault() -> None:
    """One of the two would be ignored."""
    fault = only(faults("plan_id: p\nsteps: [{id: a, args: [x], step_def: {type: command, command: ls}}]"))
    assert fault.message == "args and step_def stand on one step"


def test_arguments_without_a_command_are_a_fault() -> None:
    """Said at the step, once."""
    fault = only(faults("plan_id: p\nsteps: [{id: a, args: [x]}]"))
    assert (fault.message, fault.path) == ("args without command", "steps[0]")


def test_one_condition_or_dependency_may_stand_without_a_list() -> None:
    """`skip_if: "..."` and `depends_on: a`."""
    compiled = plan({"id": "a"}, {"id": "b", "depends_on": "a", "skip_if": "env.X == '1'"})
    assert compiled.plan.steps[1].skip_if == ("env.X == '1'",)
    assert compiled.steps["b"].depends_on == ("a",)


@pytest.mark.parametrize(
    ("fields", "path", "message", "hint"),
    [
        ({"colour": 1}, "colour", "unknown field 'colour'", "there are answer_on_failure, assets, compose"),
        ({"step": []}, "step", "unknown field 'step'", "did you mean 'steps'?"),
        (
            {"plan_id": "a b"},
            "plan_id",
            "expected a letter or digit, then letters, digits, '.', '_' or '-', at most 128, found the text 'a b'",
            "",
        ),
        ({"plan_id": 3}, "plan_id", "expected a text, found the number 3", 'quote it: "3"'),
        ({"version": 1.2}, "version", "expected a text, found the number 1.2", 'quote it: "1.2"'),
        ({"steps": []}, "steps", "expected at least one, found an empty list", ""),
        ({"steps": {}}, "steps", "expected a list, found an empty object", ""),
        ({"steps": ["ls"]}, "steps[0]", "expected an object, found the text 'ls'", ""),
        (
            {"strategy": "paralel"},
            "strategy",
            "expected one of auto, serial, parallel, dag, found the text 'paralel'",
            "did you mean 'parallel'?",
        ),
        ({"strategy": "fast"}, "strategy", "expected one of auto, serial, parallel, dag, found the text 'fast'", ""),
        ({"globals": {"max_concurrency": 0}}, "globals.max_concurrency", "expected at least 1, found the number 0", ""),
        (
            {"globals": {"default_timeout_sec": 0}},
            "globals.default_timeout_sec",
            "expected more than 0, found the number 0",
            "",
        ),
        ({"globals": {"env": {"A": 1}}}, "globals.env.A", "expected a text, found the number 1", 'quote it: "1"'),
        ({"globals": {"env_from_host": "PATH"}}, "globals.env_from_host", "expected a list, found the text 'PATH'", ""),
        (
            {"params": {"a": {"type": "int"}}},
            "params.a.type",
            "expected one of string, integer, number, boolean, array, object, found the text 'int'",
            "",
        ),
        (
            {"params": {"a": {"type": "integer", "default": "3"}}},
            "params.a.default",
            "expected a whole number, found the text '3'",
            "the default has to be of the parameter's type",
        ),
        ({"params": {"step_def": {"id": None}}}, "params.step_def.id", "unknown field 'id'", "there are default"),
        ({"params": {"a=b": {}}}, "params['a=b']", "'a=b' cannot name a parameter", "letters, digits, _ and -"),
        (
            {"secrets": {"a": {}}},
            "secrets.a",
            "a secret comes from one place",
            "give either env: VARIABLE or file: PATH",
        ),
        ({"secrets": {"a": {"env": "A", "file": "b"}}}, "secrets.a", "a secret comes from one place", "give either"),
        (
            {"present": [{"type": "chart"}]},
            "present[0].type",
            "there is no block type 'chart'",
            "there are markdown, table, key_value, list and json",
        ),
        ({"present": [{}]}, "present[0]", "type is missing", "add type: markdown, table, key_value, list or json"),
        (
            {"present": [{"type": "tabel"}]},
            "present[0].type",
            "there is no block type 'tabel'",
            "did you mean 'table'?",
        ),
        ({"present": [{"type": "table"}]}, "present[0].rows", "rows is missing", "add it"),
        (
            {"present": [{"type": "table", "rows": [], "row": 1}]},
            "present[0].row",
            "unknown field 'row'",
            "did you mean 'rows'?",
        ),
    ],
)
def test_a_wrong_field_says_what_was_expected(fields: dict[str, Any], path: str, message: str, hint: str) -> None:
    """One sentence and one hint."""
    fault = only(plan_faults(**fields))
    assert (fault.path, fault.message) == (path, message)
    assert fault.hint.startswith(hint)


@pytest.mark.parametrize(
    ("fields", "path", "message"),
    [
        (
            {"id": "a-b"},
            "steps[0].id",
            "expected a letter or _, then letters, digits or _, at most 64, found the text 'a-b'",
        ),
        ({"id": "params"}, "steps[0].id", "'params' is a reserved word"),
        ({"id": "len"}, "steps[0].id", "'len' is a reserved word"),
        ({"id": "import"}, "steps[0].id", "'import' is a keyword"),
        (
            {"id": "x" * 65},
            "steps[0].id",
            "expected a letter or _, then letters, digits or _, at most 64, found the text '" + "x" * 59 + "…'",
        ),
        ({"id": "a", "retries": 1.5}, "steps[0].retries", "expected a whole number, found the number 1.5"),
        ({"id": "a", "retries": True}, "steps[0].retries", "expected a whole number, found true"),
        ({"id": "a", "timeout_sec": "10"}, "steps[0].timeout_sec", "expected a number, found the text '10'"),
        (
            {"id": "a", "max_output_bytes": 0},
            "steps[0].max_output_bytes",
            "expected at least 1, found the number 0",
        ),
        (
            {"id": "a", "max_output_bytes": 134_217_729},
            "steps[0].max_output_bytes",
            "expected at most 134217728, found the number 134217729",
        ),
        (
            {"id": "a", "max_output_bytes": "16M"},
            "steps[0].max_output_bytes",
            "expected a whole number, found the text '16M'",
        ),
        (
            {"id": "a", "output": "yaml"},
            "steps[0].output",
            "expected one of json, lines, text, none, found the text 'yaml'",
        ),
        (
            {"id": "a", "backoff": {"factor": 0.5}},
            "steps[0].backoff.factor",
            "expected at least 1, found the number 0.5",
        ),
        ({"id": "a", "backoff": {"inital_sec": 1}}, "steps[0].backoff.inital_sec", "unknown field 'inital_sec'"),
        (
            {"id": "a", "args": [{"x": 1}]},
            "steps[0].args[0]",
            "expected a text, a whole number, a number or true or false, found an object of 1",
        ),
        (
            {"id": "a", "on_failure": ["abort"]},
            "steps[0].on_failure",
            "expected one of abort, skip_dependents, continue, fallback_step, found a list of 1",
        ),
        ({"id": "a", "command": ""}, "steps[0].command", "expected a text that is not empty, found an empty text"),
        ({"id": "a", "skip_if": [1]}, "steps[0].skip_if[0]", "expected a text, found the number 1"),
        ({"id": "a", "env": {"A=B": "x"}}, "steps[0].env['A=B']", "'A=B' cannot name a variable"),
        ({"id": "a", "output_mapping": {"a-b": 1}}, "steps[0].output_mapping.a-b", "'a-b' cannot name an input"),
        (
            {"id": "a", "step_def": {"type": "shell"}},
            "steps[0].step_def.type",
            "there is no step type 'shell'",
        ),
        (
            {"id": "a", "step_def": {"type": 3}},
            "steps[0].step_def.type",
            f"expected one of {', '.join(TYPES)}, found the number 3",
        ),
        (
            {"id": "a", "step_def": {"command": "x"}},
            "steps[0].step_def",
            "type is missing",
        ),
        ({"id": "a", "step_def": {"type": "sql", "query": "x"}}, "steps[0].step_def.database", "database is missing"),
        (
            {"id": "a", "step_def": {"type": "sql", "query": "x", "database": "y", "readonly": True}},
            "steps[0].step_def.readonly",
            "unknown field 'readonly'",
        ),
    ],
)
def test_a_wrong_step_says_what_was_expected(fields: dict[str, Any], path: str, message: str) -> None:
    """At the path that is written in the file."""
    fault = only(plan_faults(fields))
    assert (fault.path, fault.message) == (path, message)


def test_two_steps_with_one_id_name_each_other() -> None:
    """The second is the fault."""
    fault = only(plan_faults({"id": "a"}, {"id": "b"}, {"id": "a"}))
    assert (fault.path, fault.message, fault.hint) == (
        "steps[2].id",
        "two steps have the id 'a'",
        "the other one is steps[0]",
    )


def test_a_plan_without_anything_says_all_that_is_missing() -> None:
    """With the rule for each."""
    assert [(fault.message, bool(fault.hint)) for fault in faults("{}")] == [
        ("plan_id is missing", True),
        ("steps is missing", True),
    ]


LATER: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"on": {"failed": []}}, {}, "on"),
]


@pytest.mark.parametrize(
    ("fields", "step", "path"), LATER, ids=[f"{path}-{number}" for number, (_, _, path) in enumerate(LATER)]
)
def test_what_comes_later_is_refused_by_name_and_never_ignored(
    fields: dict[str, Any], step: dict[str, Any], path: str
) -> None:
    """One fault, at its place."""
    fault = only(plan_faults({"id": "a", **step}, **fields))
    assert fault.path == path
    assert "not in this version" in fault.message


def test_a_file_with_hundreds_of_faults_lists_some_and_counts_the_rest() -> None:
    """Enough to work on, in bounded time."""
    found = faults(document(*({"id": f"s{n}", "colour": n} for n in range(500))), "p.json")
    assert len(found) == 201
    assert found[-1].message == "and 300 or more further faults that are not listed"


def test_all_faults_of_a_plan_come_at_once() -> None:
    """Shape, names, expressions, references, code and cycles together, in the order of the text."""
    text = """\
plan_id: p
colour: red
steps:
  - id: a
    command: ls
    args: ["{params.nothing}"]
    depends_on: [b, c]
  - id: b
    command: sh
    args: [-c, "echo {a.data}"]
    condition: "a.status = 'x'"
    retries: many
"""
    assert [(f.line, f.path) for f in faults(text)] == [
        (2, "colour"),
        (4, "steps[0]"),
        (6, "steps[0].args[0]"),
        (7, "steps[0].depends_on[1]"),
        (10, "steps[1].args[1]"),
        (11, "steps[1].condition"),
        (12, "steps[1].retries"),
    ]


EXAMPLE = """\
plan_id: ci-lookup
version: "1.2"
description: d
metadata: {team: x}
strategy: auto
enable_orchestration: true
params: {host: {type: string, required: true}, limit: {type: integer, default: 20}}
globals: {max_concurrency: 4, default_timeout_sec: 60, max_step_duration_sec: 3600, env: {LC_ALL: C.UTF-8}, env_from_host: [PATH]}
secrets: {token: {env: CMDB_TOKEN}}
steps:
  - id: primary
    step_def: {type: sql, database: i.db, query: "select :host", args: {host: "{params.host}"}, read_only: true}
    retries: 2
    backoff: {initial_sec: 0.5, factor: 2, max_sec: 30, jitter: true}
  - id: ping
    command: ping
    args: ["-c1", "{primary.data.rows[0].address ?? \\"127.0.0.1\\"}"]
    cwd: /
    env: {A: "{secrets.token}"}
    depends_on: [primary]
    condition: "primary.status == 'succeeded' and len(primary.data.rows) > 0"
    skip_if: ["env.DRY_RUN == '1'"]
    timeout_sec: 10
    on_failure: continue
    idempotent: true
    output: text
    output_mapping: {kind: "{primary.data.rows[0].kind}"}
    metadata: {a: 1}
compose: {reachable: "{ping.status}"}
present:
  - {type: markdown, text: "# {params.host}"}
  - {type: table, rows: "{compose.reachable}", title: t, columns: [a]}
  - {type: key_value, values: {a: 1}}
  - {type: list, entries: []}
  - {type: json, value: null}
"""


def test_the_example_of_every_kind_of_field_loads() -> None:
    """Nothing that this version has is refused."""
    compiled = load(EXAMPLE)
    assert list(compiled.steps) == ["primary", "ping"]
    assert compiled.warnings == ()

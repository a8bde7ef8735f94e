"""The published schema agrees with the gate: it takes every plan that loads, and refuses what has the wrong shape."""

from __future__ import annotations

from typing import Any

import pytest

from engine.plan.json_schema import plan_schema
from engine.plan.yaml_reader import read_yaml
from engine.shipped import shipped_plans
from tests.engine.plan.json_schema import Validator
from tests.engine.plan.support import load, plan_faults

SCHEMA: dict[str, Any] = plan_schema()
VALIDATOR = Validator(SCHEMA)


def keywords(schema: Any, *, names: bool = False) -> set[str]:
    """Every keyword that a schema uses."""
    if isinstance(schema, list):
        return set().union(*(keywords(item) for item in schema))
    if not isinstance(schema, dict):
        return set()
    found = set() if names else set(schema)
    for name, value in schema.items():
        if names or name not in ("default", "const", "enum", "required", "dependentRequired"):
            found |= keywords(value, names=not names and name in ("properties", "$defs"))
    return found


def test_it_is_a_closed_schema_of_draft_2020_12() -> None:
    """Its dialect, nothing of another language, every object closed, every reference in it."""
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "discriminator" not in keywords(SCHEMA)
    for name, definition in SCHEMA["$defs"].items():
        if definition.get("type") == "object":
            assert definition["additionalProperties"] is False, name
    assert set(SCHEMA["properties"]) == {
        *("plan_id", "version", "description", "metadata", "strategy", "enable_orchestration", "params", "globals"),
        *("secrets", "assets", "steps", "locks", "finally", "compose", "present"),
        "answer_on_failure",
    }


@pytest.mark.parametrize("name", sorted(shipped_plans()))
def test_every_shipped_plan_fits(name: str) -> None:
    """As it stands in its file."""
    assert VALIDATOR.errors(read_yaml(shipped_plans()[name].read_text()).value) == []


EVERYTHING = """\
plan_id: everything
version: "1.2"
description: d
metadata: {team: x}
strategy: dag
enable_orchestration: true
answer_on_failure: true
assets: {lookup: query/ci-lookup@3, gates: policy/ci-gates}
params: {host: {type: string, required: true}, limit: {type: integer, default: 20, description: d}}
globals:
  max_concurrency: 4
  default_timeout_sec: 60
  max_step_duration_sec: 3600
  env: {LC_ALL: C.UTF-8}
  env_from_host: [PATH]
  pools: {db: {max_concurrency: 2}, api: {max_concurrency: 1, rate: {count: 3, per_sec: 0.5}}}
  breaker: {failures: 3, cooldown_sec: 10}
secrets: {token: {env: TOKEN}, key: {file: /run/key}}
locks: [inventory]
steps:
  - {id: short, command: ls, args: [-l, 1, 2.5, true], cwd: /, skip_if: "env.X == '1'", idempotent: true, output: lines}
  - {id: sql, depends_on: short, pool: db, step_def: {type: sql, database: d, query: q, args: {a: null}, read_only: false}}
  - {id: ps, step_def: {type: powershell, script: "Get-Date", args: {A: 1}, interpreter: pwsh, cwd: /}, output: json}
  - {id: psf, step_def: {type: powershell, file: x.ps1}, provides: [out/ps], max_output_bytes: 9}
  - id: py
    step_def: {type: python, callable: "a.py:f", args: {a: "{sql.data}"}, interpreter: py, path: [lib], cwd: /}
    output_mapping: {b: "{short.data}"}
    retries: 3
    backoff: {initial_sec: 1, factor: 2, max_sec: 3, jitter: false}
  - id: web
    step_def:
      {type: http, url: "https://h/{params.host}", method: PUT, headers: {A: "{secrets.token}"}, query: {a: [1]}, body: {b: 1},
       expect_status: [200], max_redirects: 0, max_body_bytes: 1, allow_link_local: false, verify_tls: true}
    repeat: {until: "item.data.status == 200", max: 3, delay_sec: 0}
    on_failure: fallback_step
    fallback_step: web2
    pool: api
  - {id: web2, step_def: {type: http, url: "{params.host}"}, critical: true}
  - {id: cp, step_def: {type: file, action: copy, path: a, to: b, overwrite: true, mode: "0644"}, consumes: [out/ps]}
  - {id: mv, step_def: {type: file, action: move, path: a, to: b}}
  - {id: wr, step_def: {type: file, action: write, path: a, content: ""}}
  - {id: sum, step_def: {type: file, action: checksum, path: a, algorithm: md5, expect: x}, cache: {ttl_sec: 5}}
  - {id: tool, step_def: {type: tool, tool: greet, args: {a: 1}, calls: [{b: 1}, {}]}}
  - {id: sub, step_def: {type: plan, plan: other, params: {dry-run: true}}, for_each: [1, 2]}
  - {id: each, command: echo, args: ["{item}"], for_each: "{sql.data.rows}", timeout_sec: 1, on_failure: continue}
  - id: route
    step_def:
      {type: decision, ask: which, rules: [{when: "sql.data", choose: a}], default: b, branches: {a: [each], b: []}}
    condition: "true"
    env: {A: b}
    metadata: {m: 1}
finally:
  - {id: note, command: logger, args: ["{run.status}"], depends_on: []}
compose: {a: "{short.data}"}
present:
  - {type: markdown, text: t}
  - {type: table, rows: [], title: t, columns: [a]}
  - {type: key_value, values: {a: 1}}
  - {type: list, entries: []}
  - {type: json, value: null}
"""


def fields_of(schema: dict[str, Any]) -> set[tuple[str, str]]:
    """Every field of every model, as (model, field)."""
    models = {"Plan": schema, **schema["$defs"]}
    return {(model, name) for model, parts in models.items() for name in parts.get("properties", {})}


def test_a_plan_with_every_field_loads_and_fits() -> None:
    """All types of steps, all policies, all blocks: and no field of the schema is left out of it."""
    assert len(load(EVERYTHING).all_steps) == 16
    value: Any = read_yaml(EVERYTHING).value
    used = {"Plan": value, "Globals": value["globals"], "FinallyStep": value["finally"][0]}
    named: dict[str, set[str]] = {model: set(parts) for model, parts in used.items()}
    by_type = {
        definition["properties"]["type"]["const"]: model
        for model, definition in SCHEMA["$defs"].items()
        if "const" in definition.get("properties", {}).get("type", {})
    }
    for step in value["steps"]:
        named.setdefault("Step", set()).update(step)
        definition = step.get("step_def", {"type": "command", "command": "", "args": [], "cwd": ""})
        named.setdefault(by_type[definition["type"]], set()).update(definition)
    for block in value["present"]:
        named.setdefault(by_type[block["type"]], set()).update(block)
    left_out = {(model, name) for model, name in fields_of(SCHEMA) if model in named and name not in named[model]}
    assert left_out == {
        ("FinallyStep", "on_failure"),
        ("FinallyStep", "fallback_step"),
        ("Step", "description"),
        ("KeyValueBlock", "title"),
        ("ListBlock", "title"),
        ("JsonBlock", "title"),
    }


STEP_SHAPES: list[dict[str, Any]] = [
    {},
    {"command": ""},
    {"args": ["x"]},
    {"cwd": "/"},
    {"command": "x", "step_def": {"type": "command", "command": "x"}},
    {"args": ["x"], "step_def": {"type": "command", "command": "x"}},
    {"step_def": {"command": "x"}},
    {"step_def": {"type": "shell"}},
    {"command": "x", "args": [None]},
    {"command": "x", "args": "x"},
    {"command": "x", "skip_if": 1},
    {"command": "x", "depends_on": "a-b"},
    {"command": "x", "colour": 1},
    {"command": "x", "retries": -1},
    {"command": "x", "retries": True},
    {"command": "x", "timeout_sec": 0},
    {"command": "x", "output": "yaml"},
    {"command": "x", "max_output_bytes": 0},
    {"command": "x", "max_output_bytes": 134_217_729},
    {"step_def": {"type": "http", "url": "http://x"}, "max_output_bytes": 1},
    {"step_def": {"type": "file", "action": "checksum", "path": "x"}, "max_output_bytes": 1},
    {"command": "x", "on_failure": "fallback_step"},
    {"command": "x", "fallback_step": "b"},
    {"command": "x", "on_failure": "continue", "fallback_step": "b"},
    {"command": "x", "for_each": {}},
    {"command": "x", "for_each": "x"},
    {"command": "x", "for_each": [0] * 10_001},
    {"command": "x", "repeat": {}},
    {"command": "x", "cache": {"ttl_sec": 0}},
    {"command": "x", "provides": ["a b"]},
    {"command": "x", "env": {"A=B": ""}},
    {"command": "x", "env": {"A": 1}},
    {"command": "x", "output_mapping": {"a-b": 1}},
    {"step_def": {"type": "powershell"}},
    {"step_def": {"type": "powershell", "script": "x", "file": "y"}},
    {"step_def": {"type": "powershell", "file": "y", "args": {"a-b": 1}}},
    {"step_def": {"type": "python", "callable": "x"}},
    {"step_def": {"type": "http", "url": "ftp://x"}},
    {"step_def": {"type": "http", "url": "http://x", "method": "get"}},
    {"step_def": {"type": "http", "url": "http://x", "headers": {"a b": "x"}}},
    {"step_def": {"type": "http", "url": "http://x", "headers": {"a": "x\ny"}}},
    {"step_def": {"type": "sql", "database": "d"}},
    {"step_def": {"type": "file", "action": "copy", "path": "x"}},
    {"step_def": {"type": "file", "action": "copy", "path": "x", "to": None}},
    {"step_def": {"type": "file", "action": "move", "path": "x", "to": "y", "content": "z"}},
    {"step_def": {"type": "file", "action": "write", "path": "x"}},
    {"step_def": {"type": "file", "action": "checksum", "path": "x", "to": "y"}},
    {"step_def": {"type": "file", "action": "write", "path": "x", "content": "", "mode": "9"}},
    {"step_def": {"type": "tool", "tool": ""}},
    {"step_def": {"type": "tool", "tool": "t", "calls": []}},
    {"step_def": {"type": "tool", "tool": "t", "calls": [{"a-b": 1}]}},
    {"step_def": {"type": "plan"}},
    {"step_def": {"type": "decision", "branches": {"a": []}}},
    {"step_def": {"type": "decision", "branches": {"a": []}, "rules": []}},
    {"step_def": {"type": "decision", "branches": {}, "default": "a"}},
    {"step_def": {"type": "decision", "branches": {"a": []}, "default": "a"}, "for_each": [1]},
    {"step_def": {"type": "decision", "branches": {"a": []}, "default": "a"}, "repeat": {"until": "true"}},
]
PLAN_SHAPES: list[dict[str, Any]] = [
    {"plan_id": "a b"},
    {"plan_id": 1},
    {"steps": []},
    {"strategy": "fast"},
    {"colour": 1},
    {"assets": []},
    {"assets": {"a-b": "query/x"}},
    {"assets": {"a": "x"}},
    {"assets": {"a": "quary/x"}},
    {"assets": {"a": "query/x@0"}},
    {"present": "{compose.x}"},
    {"present": "text"},
    {"params": {"a=b": {}}},
    {"params": {"a": {"type": "int"}}},
    {"secrets": {"a": {}}},
    {"secrets": {"a": {"env": "A", "file": "b"}}},
    {"secrets": {"a-b": {"env": "A"}}},
    {"globals": {"pools": {"p": {}}}},
    {"globals": {"pools": {"a b": {"max_concurrency": 1}}}},
    {"globals": {"pools": {"p": {"rate": {}}}}},
    {"globals": {"breaker": {"failures": 0}}},
    {"locks": ["a b"]},
    {"present": [{"type": "chart"}]},
    {"finally": [{"id": "f"}]},
    {"finally": [{"id": "f", "command": "x", "depends_on": ["only"]}]},
    {"finally": [{"id": "f", "command": "x", "on_failure": "fallback_step", "fallback_step": "only"}]},
]


@pytest.mark.parametrize("step", STEP_SHAPES, ids=range(len(STEP_SHAPES)))
def test_a_step_of_the_wrong_shape_is_refused_by_both(step: dict[str, Any]) -> None:
    """An editor says it before the gate does."""
    fields = {"steps": [{"id": "a", **step}, {"id": "b", "command": "x"}]}
    assert plan_faults(**fields)
    assert VALIDATOR.errors({"plan_id": "p", **fields})


@pytest.mark.parametrize("step_id", ["a-b", "", "1a", "params", "len", "import", "None", "x" * 65, 3, None, "a\n"])
def test_an_id_that_is_none_is_refused_by_both(step_id: Any) -> None:
    """Reserved words and keywords too."""
    fields = {"steps": [{"id": step_id, "command": "x"}]}
    assert plan_faults(**fields)
    assert VALIDATOR.errors({"plan_id": "p", **fields})


@pytest.mark.parametrize("fields", PLAN_SHAPES, ids=range(len(PLAN_SHAPES)))
def test_a_plan_of_the_wrong_shape_is_refused_by_both(fields: dict[str, Any]) -> None:
    """As the steps are."""
    assert plan_faults(**fields)
    assert VALIDATOR.errors({"plan_id": "p", "steps": [{"id": "only", "command": "x"}], **fields})

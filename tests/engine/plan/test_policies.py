"""Pools, rates, breakers, caches and the other limits of a step: one that loads, and each way in which it is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.plan import Breaker, Cache, Pool, Rate
from engine.model.states import OnFailure, OutputFormat, StepType
from engine.steps.capture import CaptureLimits
from tests.engine.plan.support import only, plan, plan_faults, scope

POOLS: dict[str, Any] = {"pools": {"db": {"max_concurrency": 2}, "api": {"rate": {"count": 3, "per_sec": 60}}}}


def rated(**rate: Any) -> dict[str, Any]:
    """Settings with a pool that has a rate."""
    return {"pools": {"p": {"rate": rate}}}


DECIDING: dict[str, Any] = {"type": "decision", "branches": {"x": []}, "default": "x"}


def test_the_cap_of_output_is_16_mib_unless_the_step_says_otherwise() -> None:
    """For what a process prints, a function or a tool returns, and the rows of a query."""
    compiled = plan(
        {"id": "a"},
        {"id": "b", "max_output_bytes": 134_217_728},
        {"id": "c", "max_output_bytes": 1, "step_def": {"type": "python", "callable": "m:f"}},
        {"id": "d", "max_output_bytes": 1, "step_def": {"type": "powershell", "script": "1"}},
        {"id": "e", "max_output_bytes": 1, "step_def": {"type": "tool", "tool": "t"}},
        {"id": "f", "max_output_bytes": 1, "step_def": {"type": "sql", "database": "d", "query": "select 1"}},
    )
    assert [step.max_output_bytes for step in compiled.plan.steps] == [None, 134_217_728, 1, 1, 1, 1]
    assert CaptureLimits().stdout_bytes == CaptureLimits().sql_bytes == 10 * 1024 * 1024


@pytest.mark.parametrize(
    ("definition", "hint"),
    [
        ({"type": "http", "url": "http://x"}, "give max_body_bytes in its step_def"),
        ({"type": "file", "action": "checksum", "path": "x"}, "take it out"),
        ({"type": "plan", "plan": "other"}, "take it out"),
        (DECIDING, "take it out"),
    ],
)
def test_a_cap_where_it_would_do_nothing_is_a_fault(definition: dict[str, Any], hint: str) -> None:
    """Rather than a limit that somebody believes in."""
    fault = only(plan_faults({"id": "a", "step_def": definition, "max_output_bytes": 10}))
    kind = definition["type"]
    assert (fault.path, fault.message, fault.hint) == (
        "steps[0].max_output_bytes",
        f"max_output_bytes does nothing for a step of type {kind}",
        hint,
    )


def test_every_policy_loads() -> None:
    """With the values that are written."""
    step = {"id": "a", "pool": "api", "cache": {"ttl_sec": 300}, "critical": True, "retries": 2, "timeout_sec": 1.5}
    compiled = plan(step, globals={**POOLS, "breaker": {"failures": 2, "cooldown_sec": 5}})
    model = compiled.plan.steps[0]
    assert (model.pool, model.cache, model.critical) == ("api", Cache(ttl_sec=300), True)
    assert compiled.plan.globals.pools == {"db": Pool(max_concurrency=2), "api": Pool(rate=Rate(count=3, per_sec=60))}
    assert compiled.plan.globals.breaker == Breaker(failures=2, cooldown_sec=5)
    assert model.on_failure is OnFailure.ABORT


@pytest.mark.parametrize(
    ("step", "settings", "path", "message", "hint"),
    [
        ({"pool": "dbs"}, POOLS, "steps[0].pool", "there is no pool 'dbs'", "did you mean 'db'?"),
        ({"pool": "x"}, {}, "steps[0].pool", "there is no pool 'x'", "pools are declared in globals.pools"),
        ({"pool": 1}, POOLS, "steps[0].pool", "expected a text, found the number 1", 'quote it: "1"'),
        ({}, {"pools": {"p": {}}}, "globals.pools.p", "the pool limits nothing", "give max_concurrency"),
        ({}, {"pools": {"a b": {"max_concurrency": 1}}}, "globals.pools['a b']", "'a b' cannot name a pool", "letters, digits"),
        ({}, {"pools": []}, "globals.pools", "expected an object, found an empty list", ""),
        ({}, {"pools": {"p": 3}}, "globals.pools.p", "expected an object, found the number 3", ""),
        ({}, {"pools": {"p": {"max": 3, "max_concurrency": 1}}}, "globals.pools.p.max", "unknown field 'max'", "there are max"),
        ({}, {"pools": {"p": {"max_concurrency": 0}}}, "globals.pools.p.max_concurrency", "expected at least 1, found the number 0", ""),
        ({}, {"pools": {"p": {"rate": {}}}}, "globals.pools.p.rate.count", "count is missing", "add it"),
        ({}, rated(count=1, per_sec=0), "globals.pools.p.rate.per_sec", "expected more than 0, found the number 0", ""),
        ({}, rated(count=1, per_se=1), "globals.pools.p.rate.per_se", "unknown field 'per_se'", "did you mean 'per_sec'?"),
        ({}, {"breaker": {"failures": 0}}, "globals.breaker.failures", "expected at least 1, found the number 0", ""),
        ({}, {"breaker": {"cooldown": 3}}, "globals.breaker.cooldown", "unknown field 'cooldown'", "there are cooldown_sec or failures"),
        ({}, {"breaker": True}, "globals.breaker", "expected an object, found true", ""),
        ({"cache": {}}, {}, "steps[0].cache.ttl_sec", "ttl_sec is missing", "add it"),
        ({"cache": {"ttl_sec": 0}}, {}, "steps[0].cache.ttl_sec", "expected more than 0, found the number 0", ""),
        ({"cache": {"ttl": 1, "ttl_sec": 1}}, {}, "steps[0].cache.ttl", "unknown field 'ttl'", ""),
        ({"cache": 300}, {}, "steps[0].cache", "expected an object, found the number 300", ""),
        ({"critical": "yes"}, {}, "steps[0].critical", "expected true or false, found the text 'yes'", "write true or false"),
        (
            {"on_failure": "fallback"},
            {},
            "steps[0].on_failure",
            "expected one of abort, skip_dependents, continue, fallback_step, found the text 'fallback'",
            "",
        ),
        ({"locks": ["x"]}, {}, "steps[0].locks", "unknown field 'locks'", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place(
    step: dict[str, Any], settings: dict[str, Any], path: str, message: str, hint: str
) -> None:
    """One sentence each."""
    fault = only(plan_faults({"id": "a", **step}, globals=settings))
    assert (fault.path, fault.message) == (path, message)
    assert fault.hint.startswith(hint)


DEFINITIONS: list[tuple[dict[str, Any], str | None]] = [
    ({"type": "http", "url": "https://Api.example/x?{params.p}"}, "http:https://api.example:443"),
    ({"type": "http", "url": "{params.p}"}, None),
    ({"type": "tool", "tool": "greet"}, "tool:greet"),
    ({"type": "command", "command": "git"}, "command:git"),
    ({"type": "powershell", "file": "x.ps1"}, "powershell:x.ps1"),
    ({"type": "powershell", "script": "exit 0"}, "powershell:c22995adc29757a9"),
    ({"type": "python", "callable": "m:f"}, "python:m:f"),
    ({"type": "sql", "database": "{params.p}.db", "query": "q"}, "sql:v.db"),
    ({"type": "plan", "plan": "other"}, "plan:other"),
    ({"type": "file", "action": "checksum", "path": "x"}, None),
    ({"type": "decision", "default": "a", "branches": {"a": []}}, None),
]


@pytest.mark.parametrize(("definition", "key"), DEFINITIONS, ids=[str(key) for _, key in DEFINITIONS])
def test_failures_are_counted_by_tool(definition: dict[str, Any], key: str | None) -> None:
    """Where the plan asks for a breaker; http and tools have one anyway, files and decisions never."""
    at = scope(params={"p": "v"})
    asked = plan({"id": "a", "step_def": definition}, params={"p": {}}, globals={"breaker": {"failures": 2}}).steps["a"]
    assert asked.breaker_key(asked.bind(at)) == key
    kind = asked.step.type
    assert asked.breaker == (None if kind in (StepType.FILE, StepType.DECISION) else Breaker(failures=2))
    quiet = plan({"id": "a", "step_def": definition}, params={"p": {}}).steps["a"]
    has_one = kind in (StepType.HTTP, StepType.TOOL)
    assert quiet.breaker == (Breaker() if has_one else None)
    assert quiet.breaker_key(quiet.bind(at)) == (key if has_one else None)


def test_a_tool_with_a_name_without_end_has_a_short_one_of_its_own() -> None:
    """It is kept in a table."""
    steps = [{"id": name, "command": "x" * 5000 + name} for name in ("a", "b")]
    compiled = plan(*steps, globals={"breaker": {}})
    keys = [step.breaker_key(step.bind(scope())) for step in compiled.steps.values()]
    assert all(key is not None and len(key) < 250 for key in keys)
    assert len(set(keys)) == 2


def test_the_output_of_programs_is_text_and_data_of_others_is_data() -> None:
    """Unless the step says how."""
    formats = {
        step.id: step.output_format
        for step in plan(
            {"id": "a"},
            {"id": "b", "output": "lines"},
            {"id": "c", "step_def": {"type": "powershell", "file": "x"}},
            {"id": "d", "step_def": {"type": "python", "callable": "m:f"}},
        ).plan.steps
    }
    assert formats == {
        "a": OutputFormat.TEXT,
        "b": OutputFormat.LINES,
        "c": OutputFormat.TEXT,
        "d": OutputFormat.JSON,
    }

"""What a failing step does to the others and to the run, by the exit code, the answer and the record: on_failure, fallback, critical."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.operator import Operator

pytestmark = pytest.mark.long

FAILS = {"id": "fails", "command": "sh", "args": ["-c", "exit 7"]}
AFTER = {"id": "after", "command": "echo", "args": ["{fails.status}"], "output": "text"}
OTHER = {"id": "other", "command": "true"}
OPEN_AT_ONCE = {"breaker": {"failures": 1, "cooldown_sec": 600}}


def steps_of(operator: Operator, run: str = "last") -> dict[str, tuple[str, str | None]]:
    return {step["id"]: (step["status"], step["reason"]) for step in operator.json("show", run)["steps"]}


@pytest.mark.parametrize(
    ("fields", "code", "after", "other"),
    [
        ({}, 1, ("canceled", "aborted"), ("canceled", "aborted")),
        ({"on_failure": "abort"}, 1, ("canceled", "aborted"), ("canceled", "aborted")),
        ({"on_failure": "skip_dependents"}, 1, ("skipped", "dependency_failed"), ("succeeded", None)),
        ({"on_failure": "continue"}, 0, ("succeeded", None), ("succeeded", None)),
        ({"on_failure": "continue", "critical": True}, 1, ("succeeded", None), ("succeeded", None)),
        ({"on_failure": "skip_dependents", "critical": True}, 1, ("skipped", "dependency_failed"), ("succeeded", None)),
    ],
)
def test_what_a_failure_does(
    operator: Operator, fields: dict[str, Any], code: int, after: tuple[str, str | None], other: tuple[str, str | None]
) -> None:
    """One step a time, so that what is to come is known; `finally` sees all of it."""
    seen = {"id": "seen", "command": "echo", "args": ["{fails.status} {after.status} {other.status}"], "output": "text"}
    plan = operator.plan("p.json", strategy="serial", steps=[{**FAILS, **fields}, AFTER, OTHER], **{"finally": [seen]})
    answer = operator.run("run", plan, "--no-ui")
    assert answer.code == code, answer.out + answer.err
    steps = steps_of(operator)
    assert steps == {"fails": ("failed", "exit_code"), "after": after, "other": other, "seen": ("succeeded", None)}
    trace = operator.json("show", "last")
    assert trace["status"] == ("failed" if code else "succeeded")
    execute = next(stage for stage in trace["stages"] if stage["stage"] == "execute")
    diagnostics = execute["output"]["diagnostics"]
    assert (diagnostics["errors"] if code else diagnostics["warnings"]) != []
    last = trace["steps"][-1]
    assert last["result"]["data"] == f"failed {after[0]} {other[0]}"
    if code:
        why = operator.run("why", "last")
        assert "fails" in why.out
        assert "exit 7" in why.out


def test_a_fallback_stands_in_under_the_name_of_its_step(operator: Operator) -> None:
    """The run succeeds with a warning, critical or not; a spare that nobody needed is skipped."""
    fails = {**FAILS, "on_failure": "fallback_step", "fallback_step": "spare", "critical": True}
    spare = {"id": "spare", "command": "echo", "args": ["from the spare"], "output": "text"}
    uses = {"id": "uses", "command": "echo", "args": ["{fails.status}", "{fails.data}", "{fails.fallback}"]}
    idle = {"id": "idle", "command": "true"}
    works = {**OTHER, "on_failure": "fallback_step", "fallback_step": "idle"}
    plan = operator.plan("p.json", steps=[fails, spare, uses, works, idle])
    answer = operator.run("run", plan, "--no-ui")
    assert answer.code == 0, answer.err
    assert "warning" in answer.out + answer.err
    assert steps_of(operator) == {
        "fails": ("succeeded", "fallback"),
        "spare": ("succeeded", None),
        "uses": ("succeeded", None),
        "other": ("succeeded", None),
        "idle": ("skipped", "not_needed"),
    }
    said = {step["id"]: step["result"]["stdout"] for step in operator.json("show", "last")["steps"]}
    assert said["uses"] == "succeeded from the spare true\n"
    assert "fallback" in operator.run("show", "last", "--explain", "fails").out.lower()


def test_a_fallback_that_fails_too_aborts(operator: Operator) -> None:
    """With the step's own failure as the first cause."""
    fails = {**FAILS, "on_failure": "fallback_step", "fallback_step": "spare"}
    spare = {"id": "spare", "command": "sh", "args": ["-c", "exit 9"]}
    plan = operator.plan("p.json", steps=[fails, spare, AFTER])
    answer = operator.run("run", plan, "--no-ui")
    assert answer.code == 1
    assert "exit 7" in answer.out + answer.err
    assert steps_of(operator) == {
        "fails": ("failed", "exit_code"),
        "spare": ("failed", "exit_code"),
        "after": ("canceled", "aborted"),
    }


def test_what_one_run_learned_of_a_tool_the_next_process_heeds(operator: Operator) -> None:
    """Nothing is spawned while the breaker is open; a file says how often the command ran."""
    counts = {"id": "counts", "command": "sh", "args": ["-c", "echo x >> ran; exit 1"], "on_failure": "continue"}
    plan = operator.plan("p.json", globals={"breaker": {"failures": 2, "cooldown_sec": 600}}, steps=[counts])
    for _ in range(2):
        operator.run("run", plan, "--no-ui")
        assert steps_of(operator)["counts"] == ("failed", "exit_code")
    operator.run("run", plan, "--no-ui")
    assert steps_of(operator)["counts"] == ("failed", "breaker_open")
    assert (operator.folder / "ran").read_text() == "x\nx\n"
    told = operator.run("show", "last", "--explain", "counts").out
    assert "the breaker of command:sh is open after 2 failures in a row" in told
    assert operator.run("verify").code == 0


def test_one_probe_closes_a_breaker_in_another_process(operator: Operator) -> None:
    """After the cooldown the next run tries once; it succeeds, and what follows runs as ever."""
    text = "echo x >> ran; test -e mended"
    counts = {"id": "counts", "command": "sh", "args": ["-c", text], "on_failure": "continue"}
    plan = operator.plan("p.json", globals={"breaker": {"failures": 1, "cooldown_sec": 0.001}}, steps=[counts])
    operator.run("run", plan, "--no-ui")
    (operator.folder / "mended").touch()
    for _ in range(2):
        assert operator.run("run", plan, "--no-ui").code == 0
        assert steps_of(operator)["counts"] == ("succeeded", None)
    assert (operator.folder / "ran").read_text() == "x\n" * 3
    moved = [
        event["data"]["breaker"]["phase"]
        for run in reversed(operator.json("runs"))
        for event in map(json.loads, operator.run("events", run["run_id"], "--json").out.splitlines())
        if event["data"].get("breaker")
    ]
    assert moved == ["open", "half_open", "closed"]


def test_a_critical_step_whose_breaker_is_open_waits_for_a_person(operator: Operator) -> None:
    """The run is quarantined, its `finally` is put off, and a decision sees it to its end."""
    critical = {**FAILS, "critical": True}
    tidy = {"id": "tidy", "command": "touch", "args": ["tidied"]}
    plan = operator.plan("p.json", globals=OPEN_AT_ONCE, steps=[critical, AFTER], **{"finally": [tidy]})
    assert operator.run("run", plan, "--no-ui").code == 1
    (operator.folder / "tidied").unlink()
    assert operator.run("run", plan, "--no-ui").code == 3
    assert operator.json("show", "last")["status"] == "quarantined"
    assert not (operator.folder / "tidied").exists()
    undecided = operator.run("resume", "last", "--no-ui")
    assert undecided.code == 3
    assert "--retry fails" in undecided.err
    assert operator.run("resume", "last", "--succeeded", "fails", "--no-ui").code == 0
    assert (operator.folder / "tidied").exists()
    assert {name: status for name, (status, _) in steps_of(operator).items()} == {
        "fails": "succeeded",
        "after": "succeeded",
        "tidy": "succeeded",
    }

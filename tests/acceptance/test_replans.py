"""Another plan on the way, as an operator meets it: found at the second look, asked for and answered later, denied with a reason."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import struct
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.operator import read_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acceptance.operator import Operator

pytestmark = pytest.mark.sampled(one_in=3, of_file=True)

LOOK_UP = ("run", "ci_lookup", "-p", "host=DB-03", "--override", "query/ci-lookup@1")
ASKING = ("--override", "policy/ci-lookup-replan@2", "--detach")
BEFORE = {"ci": {"step_def": {"query": "{assets.lookup}"}}}
AFTER = {"ci": {"step_def": {"query": "{assets.wide}"}}}
_FLOCK = "hhqqi"


def engines(operator: Operator) -> set[int]:
    """The processes that hold the lock of an engine of this file; asking takes nothing."""
    found = set()
    for path in operator.database.with_name(f"{operator.database.name}.d").glob("engine-*.lock"):
        with path.open("rb") as lock:
            asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(lock, fcntl.F_GETLK, asked))
        if kind != fcntl.F_UNLCK:
            found.add(pid)
    return found


def kill_engines(operator: Operator) -> int:
    """SIGKILL each by its id and wait until none holds a lock; says how many there were."""
    there = engines(operator)
    for pid in there:
        os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 20
    while engines(operator) & there:
        assert time.monotonic() < until, "an engine outlives SIGKILL"
        time.sleep(0.01)
    return len(there)


@pytest.fixture(autouse=True)
def no_engine_stays(operator: Operator) -> Iterator[None]:
    """Whatever a test ends with, its detached engines end with it."""
    yield
    kill_engines(operator)


def waits(operator: Operator, run: str, kind: str) -> None:
    """Read the run's events as they come, up to one of this kind."""
    with operator.start("events", run, "-f", "--json", stdout=subprocess.PIPE) as process:
        try:
            read_until(process.stdout, f'"kind": "{kind}"')
        finally:
            process.kill()


def ended(operator: Operator, run: str) -> Any:
    """The trace of the run when it is over, its events counted without a gap."""
    told = operator.run("events", run, "-f", "--json")
    assert told.code == 0, told.err
    assert [json.loads(line)["seq"] for line in told.out.splitlines()] == list(range(1, len(told.out.splitlines()) + 1))
    return operator.json("show", run)


def rows(trace: Any, step: str, pass_index: int) -> list[Any]:
    (found,) = [s for s in trace["steps"] if (s["id"], s["pass_index"]) == (step, pass_index)]
    return list(found["result"]["data"]["rows"])


def detached(operator: Operator, *words: str) -> str:
    answer = operator.run(*words)
    assert answer.code == 0, answer.err
    return answer.out.strip()


def test_what_version_1_does_not_find_the_second_pass_does(operator: Operator) -> None:
    """Pass 0 is empty, the change is recorded with before and after, pass 1 answers."""
    answer = operator.run(*LOOK_UP, "--no-ui")
    assert answer.code == 0, answer.err
    assert "db-03" in answer.out
    assert "payments-api" in answer.out
    trace = operator.json("show", "last")
    assert (trace["status"], trace["pass_count"], trace["replans"]) == ("succeeded", 2, 1)
    assert rows(trace, "ci", 0) == []
    assert [row["name"] for row in rows(trace, "ci", 1)] == ["db-03"]
    (event,) = trace["replan_events"]
    assert (event["trigger"], event["step_id"], event["stage"], event["pass_index"]) == (
        "empty_result",
        "ci",
        "execute",
        0,
    )
    assert (event["decision"], event["decided_by"]) == ("auto_approved", "policy")
    assert event["patch"] == {"before": BEFORE, "after": AFTER}
    assert event["reason"]
    passed = [(stage["stage"], stage["pass_index"]) for stage in trace["stages"]]
    assert [stage for stage, index in passed if index == 1] == [
        "route_plan",
        "validate",
        "execute",
        "compose",
        "present",
    ]
    assert ("execute", 0) in passed
    assert ("compose", 0) not in passed
    assert trace["applied_assets"]["lookup"]["ref"] == "query/ci-lookup@1"
    assert trace["applied_assets"]["replan"]["ref"] == "policy/ci-lookup-replan@1"
    assert operator.run("verify").code == 0


def test_what_asks_waits_through_a_restart_and_goes_on_when_approved(operator: Operator) -> None:
    """Nothing of the program is left running; the approval of another process brings the run to its end."""
    run = detached(operator, *LOOK_UP, *ASKING)
    waits(operator, run, "run.paused")
    assert kill_engines(operator) == 1
    assert engines(operator) == set()
    waiting = operator.run("waiting")
    assert waiting.code == 3
    assert f"opscope approve {run[:6]}" in waiting.out
    trace = operator.json("show", run)
    assert (trace["status"], trace["pause_reason"]) == ("paused", "approval")
    assert trace["replan_events"][0]["decision"] == "pending"
    answer = operator.run("approve", run, "--reason", "seen by two")
    assert answer.code == 0, answer.err
    trace = ended(operator, run)
    assert (trace["status"], trace["pass_count"]) == ("succeeded", 2)
    assert [row["name"] for row in rows(trace, "ci", 1)] == ["db-03"]
    (event,) = trace["replan_events"]
    assert (event["decision"], event["decision_reason"]) == ("approved", "seen by two")
    assert event["decided_by"].startswith("operator:")
    assert event["patch"] == {"before": BEFORE, "after": AFTER}
    assert [len(step["attempts"]) for step in trace["steps"] if step["id"] == "ci"] == [1, 1]
    assert "db-03" in operator.run("show", run).out
    assert operator.run("waiting").code == 0
    assert operator.run("verify").code == 0


@pytest.mark.parametrize("killed", [False, True], ids=["its engine lives", "its engine was killed"])
def test_what_is_denied_leaves_the_reason_and_goes_on_as_planned(operator: Operator, killed: bool) -> None:
    """One pass, an empty result, and the plan's own way of saying that there is no such host."""
    run = detached(operator, *LOOK_UP, *ASKING)
    waits(operator, run, "run.paused")
    if killed:
        assert kill_engines(operator) == 1
    answer = operator.run("deny", run, "--reason", "too wide")
    assert answer.code == 0, answer.err
    trace = ended(operator, run)
    assert (trace["status"], trace["pass_count"]) == ("succeeded", 1)
    (event,) = trace["replan_events"]
    assert (event["decision"], event["decision_reason"]) == ("denied", "too wide")
    assert event["decided_by"].startswith("operator:")
    assert "too wide" in operator.run("show", run).out
    again = operator.run("approve", run)
    assert again.code == 2
    again.one_clear_message()
    assert operator.json("show", run) == trace


def mending(operator: Operator, mode: str = "auto", **limits: Any) -> str:
    """A plan of two steps that fail one after the other, with a policy that mends each of them."""
    rules = [
        {"trigger": "step_failed", "steps": [name], "mode": mode, "patch": {name: {"command": "true"}}}
        for name in ("first", "second")
    ]
    (operator.folder / "mend.json").write_text(json.dumps({"kind": "replan", **limits, "rules": rules}))
    added = operator.run("asset", "add", "mend.json", "--as", "policy/mend", "--publish")
    assert added.code == 0, added.err
    steps = [
        {"id": "first", "command": "false"},
        {"id": "second", "command": "false", "depends_on": ["first"]},
        {"id": "third", "command": "true", "depends_on": ["second"]},
    ]
    return operator.plan("p.json", assets={"replan": "policy/mend"}, steps=steps)


@pytest.mark.parametrize(
    ("limits", "second", "reason"),
    [
        ({"limit": 5}, "auto_approved", ""),
        ({"limit": 1}, "denied", "limit"),
        ({"limit": 5, "cooling_sec": 3600}, "denied", "cooling"),
    ],
    ids=["neither", "limit", "cooling"],
)
def test_limit_and_cooling_leave_their_reason(
    operator: Operator, limits: dict[str, Any], second: str, reason: str
) -> None:
    """The first change is made in each case; the second only where nothing keeps it off, and on_failure decides then."""
    answer = operator.run("run", mending(operator, **limits), "--no-ui")
    trace = operator.json("show", "last")
    events = trace["replan_events"]
    assert [(event["step_id"], event["decision"]) for event in events] == [
        ("first", "auto_approved"),
        ("second", second),
    ]
    assert events[1]["patch"]["after"] == {"second": {"step_def": {"command": "true"}}}
    statuses = {step["id"]: step["status"] for step in trace["steps"] if step["pass_index"] == trace["pass_count"] - 1}
    if second == "denied":
        assert (answer.code, trace["status"], trace["pass_count"]) == (1, "failed", 2)
        assert reason in events[1]["decision_reason"]
        assert events[1]["decision_reason"] in answer.err
        assert statuses == {"first": "succeeded", "second": "failed", "third": "canceled"}
        assert "exit 1" in trace["first_cause"]["message"]
        assert trace["first_cause"]["step_id"] == "second"
    else:
        assert (answer.code, trace["status"], trace["pass_count"]) == (0, "succeeded", 3)
        assert statuses == {"first": "succeeded", "second": "succeeded", "third": "succeeded"}
    assert operator.run("verify").code == 0


def test_a_denied_failure_is_left_to_on_failure(operator: Operator) -> None:
    """Asked in a process of its own, denied in another: the step stays failed and the run fails with it as first cause."""
    run = detached(operator, "run", mending(operator, "approval"), "--detach")
    waits(operator, run, "run.paused")
    assert operator.run("deny", run, "--reason", "look at it first").code == 0
    trace = ended(operator, run)
    assert (trace["status"], trace["first_cause"]["step_id"]) == ("failed", "first")
    assert [(event["decision"], event["decision_reason"]) for event in trace["replan_events"]] == [
        ("denied", "look at it first")
    ]
    assert {step["id"]: step["status"] for step in trace["steps"]} == {
        "first": "failed",
        "second": "canceled",
        "third": "canceled",
    }


def test_a_rule_that_says_never_changes_nothing(operator: Operator) -> None:
    """One pass, nothing granted and nobody asked; on_failure decides at once."""
    assert operator.run("run", mending(operator, "never"), "--no-ui").code == 1
    trace = operator.json("show", "last")
    assert (trace["status"], trace["pass_count"], trace["first_cause"]["step_id"]) == ("failed", 1, "first")
    assert {event["decision"] for event in trace["replan_events"]} <= {"denied"}

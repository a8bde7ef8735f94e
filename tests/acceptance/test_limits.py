"""How long and how many at once: time limits of attempts and steps, pools and rates, as the plan says."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.operator import Operator

pytestmark = pytest.mark.long


def result_of(operator: Operator, step_id: str) -> Any:
    steps = operator.json("show", "last")["steps"]
    return next(s for s in steps if s["id"] == step_id and s["item_index"] is None)


@pytest.mark.parametrize(
    "fields",
    [
        {"command": "sleep", "args": ["60"]},
        {"command": "sleep", "args": ["60"], "timeout_sec": 50, "retries": 5},
        {"command": "false", "retries": 100, "backoff": {"initial_sec": 0.01, "factor": 1, "jitter": False}},
        {"command": "true", "repeat": {"until": "false", "max": 1000, "delay_sec": 0.01}},
        {"command": "sleep", "args": ["0.4"], "repeat": {"until": "false", "max": 1000, "delay_sec": 0}},
        {"command": "false", "retries": 1, "backoff": {"initial_sec": 30, "jitter": False}},
    ],
    ids=["one attempt", "a longer limit of its own", "retries", "iterations", "slow iterations", "a long pause"],
)
def test_no_step_takes_longer_than_the_cap(operator: Operator, fields: dict[str, Any]) -> None:
    """Over all attempts, iterations and pauses; what ended it is said by name."""
    plan = operator.plan("p.json", globals={"max_step_duration_sec": 1}, steps=[{"id": "a", **fields}])
    begun = time.monotonic()
    answer = operator.run("run", plan, "--no-ui")
    assert time.monotonic() - begun < 20
    assert answer.code == 1
    step = result_of(operator, "a")
    assert step["status"] == "failed"
    assert step["duration_ms"] < 6000
    assert "max_step_duration_sec (1 s)" in step["result"]["message"]


@pytest.mark.long
def test_a_cap_ends_what_ignores_term(operator: Operator) -> None:
    """And what it left behind in a session of its own."""
    text = "trap '' TERM; setsid sleep 3131 & echo $! > pid; while :; do sleep 1; done"
    step = {"id": "a", "command": "sh", "args": ["-c", text]}
    plan = operator.plan("p.json", globals={"max_step_duration_sec": 0.5}, steps=[step])
    assert operator.run("run", plan, "--no-ui").code == 1
    assert result_of(operator, "a")["reason"] == "timed_out"
    pid = int((operator.folder / "pid").read_text())
    with suppress(FileNotFoundError):  # it has ended and is gone
        assert b"3131" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_limit_is_that_of_the_step_or_else_that_of_the_plan(operator: Operator) -> None:
    """Per attempt."""
    steps = [
        {"id": "short", "command": "sleep", "args": ["30"], "timeout_sec": 0.2, "on_failure": "continue"},
        {"id": "usual", "command": "sleep", "args": ["30"], "on_failure": "continue"},
        {"id": "longer", "command": "sleep", "args": ["0.8"], "timeout_sec": 30},
    ]
    plan = operator.plan("p.json", globals={"default_timeout_sec": 0.5, "max_concurrency": 3}, steps=steps)
    assert operator.run("run", plan, "--no-ui").code == 0
    assert result_of(operator, "short")["result"]["message"] == "timed out after 0.2 s"
    assert result_of(operator, "usual")["result"]["message"] == "timed out after 0.5 s"
    assert result_of(operator, "longer")["status"] == "succeeded"


# Fails if another of its kind is at work.
ALONE = "mkdir busy || exit 1; sleep 0.1; rmdir busy"


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        ({"max_concurrency": 4, "pools": {"one": {"max_concurrency": 1}}}, {"pool": "one"}),
        ({"max_concurrency": 1}, {}),
    ],
    ids=["a pool", "the plan"],
)
def test_only_so_many_at_once(operator: Operator, settings: dict[str, Any], fields: dict[str, Any]) -> None:
    """Steps and items alike."""
    alone = {"command": "sh", "args": ["-c", ALONE], **fields}
    steps = [{"id": "items", **alone, "for_each": [1, 2, 3]}, {"id": "step", **alone}, {"id": "other", **alone}]
    answer = operator.run("run", operator.plan("p.json", globals=settings, steps=steps), "--no-ui")
    assert answer.code == 0, answer.err


def test_a_rate_holds_back_what_comes_too_soon(operator: Operator) -> None:
    """In any window not more begin than it says; others are not held up by it."""
    settings = {"max_concurrency": 4, "pools": {"slow": {"rate": {"count": 2, "per_sec": 1}}}}
    steps = [
        {"id": "calls", "command": "true", "pool": "slow", "for_each": [1, 2, 3, 4, 5]},
        {"id": "free", "command": "true"},
    ]
    assert operator.run("run", operator.plan("p.json", globals=settings, steps=steps), "--no-ui").code == 0
    found = operator.json("show", "last")["steps"]
    begun = sorted(datetime.fromisoformat(s["started_at"]).timestamp() for s in found if s["item_index"] is not None)
    assert len(begun) == 5
    assert all(later - earlier > 0.95 for earlier, later in zip(begun, begun[2:], strict=False))
    free = datetime.fromisoformat(result_of(operator, "free")["started_at"]).timestamp()
    assert free < begun[-1]

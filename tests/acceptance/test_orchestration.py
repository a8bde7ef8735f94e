"""How steps are ordered and what is recorded of it: strategies, groups, items side by side, the trace, the events; and without all that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.acceptance.operator import Operator

pytestmark = pytest.mark.long

# Ends well only if as many as the number given are there at the same time.
MEETING = """
import pathlib, sys, time
here = pathlib.Path("here")
here.mkdir(exist_ok=True)
(here / sys.argv[1]).touch()
until = time.monotonic() + float(sys.argv[3])
while len(list(here.iterdir())) < int(sys.argv[2]):
    if time.monotonic() > until:
        sys.exit("nobody else came")
    time.sleep(0.01)
"""


def step(step_id: str, *needs: str, **fields: Any) -> dict[str, Any]:
    return {"id": step_id, "command": "true", "depends_on": [*needs], **fields}


def meets(count: int, wait: str, **fields: Any) -> dict[str, Any]:
    args = ["meet.py", "{index}", str(count), wait]
    return {"id": "meets", "command": "python3", "args": args, "for_each": [*range(count)], **fields}


def trace_of(operator: Operator) -> Any:
    trace = operator.json("show", "last")
    return next(stage for stage in trace["stages"] if stage["stage"] == "execute")["output"]["orchestration_trace"]


@pytest.mark.parametrize("before", [[], [step("first")]], ids=["the only step", "in a chain"])
@pytest.mark.parametrize("section", [{}, {"strategy": "auto"}, {"strategy": "dag"}], ids=["none", "auto", "dag"])
def test_items_run_side_by_side(operator: Operator, before: list[Any], section: dict[str, Any]) -> None:
    """Each waits for the others to be there."""
    (operator.folder / "meet.py").write_text(MEETING)
    needs = {"depends_on": ["first"]} if before else {}
    plan = operator.plan("p.json", globals={"max_concurrency": 3}, steps=[*before, meets(3, "20", **needs)], **section)
    answer = operator.run("run", plan, "--no-ui")
    assert answer.code == 0, answer.err


@pytest.mark.parametrize("section", [{"strategy": "serial"}, {"enable_orchestration": False}], ids=["serial", "off"])
def test_items_take_turns_where_everything_does(operator: Operator, section: dict[str, Any]) -> None:
    """The first of them waits in vain for the second."""
    (operator.folder / "meet.py").write_text(MEETING)
    operator_plan = operator.plan("p.json", globals={"max_concurrency": 3}, steps=[meets(2, "0.3")], **section)
    assert operator.run("run", operator_plan, "--no-ui").code == 1
    items = {
        s["item_index"]: s["status"] for s in operator.json("show", "last")["steps"] if s["item_index"] is not None
    }
    assert items == {0: "failed", 1: "succeeded"}


@pytest.mark.parametrize(
    ("section", "steps", "strategy", "groups"),
    [
        ({}, [step("a"), step("b")], "parallel", [["a", "b"]]),
        ({}, [step("a"), step("b", "a")], "serial", [["a"], ["b"]]),
        ({}, [step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c")], "dag", [["a"], ["b", "c"], ["d"]]),
        ({"strategy": "serial"}, [step("a"), step("b")], "serial", [["a"], ["b"]]),
        ({"strategy": "dag"}, [step("a"), step("b")], "dag", [["a", "b"]]),
        ({}, [step("b", consumes=["x"]), step("a", provides=["x"])], "serial", [["a"], ["b"]]),
        ({}, [step("b", args=["{a.status}"]), step("a")], "serial", [["a"], ["b"]]),
        ({"enable_orchestration": False}, [step("c", "a"), step("a"), step("b")], "serial", [["a"], ["c"], ["b"]]),
    ],
)
def test_strategy_and_groups(
    operator: Operator, section: dict[str, Any], steps: list[Any], strategy: str, groups: list[list[str]]
) -> None:
    """Detected or set, by what the steps say and what they refer to; every result carries its place."""
    plan = operator.plan("p.json", steps=steps, **section)
    assert operator.run("run", plan, "--no-ui").code == 0
    trace = trace_of(operator)
    assert trace["strategy"] == strategy
    found = [[tool["tool_id"] for tool in group["tools"]] for group in trace["execution_groups"]]
    assert sorted(map(sorted, found)) == sorted(map(sorted, groups))
    assert [set(group) for group in found] == [set(group) for group in groups] or strategy == "serial"
    assert (trace["total_groups"], trace["total_tools"]) == (len(groups), len(steps))
    assert [group["parallel_execution"] for group in trace["execution_groups"]] == [len(g) > 1 for g in found]
    place = {tool: number for number, group in enumerate(found) for tool in group}
    for result in operator.json("show", "last")["steps"]:
        metadata = result["orchestration"]
        assert set(metadata) == {
            "group_index", "execution_order", "tool_id", "tool_type", "depends_on", "output_mapping",
        }  # fmt: skip
        assert (metadata["tool_id"], metadata["tool_type"]) == (result["id"], "command")
        assert metadata["group_index"] == place[result["id"]]
        assert all(place[needed] < place[result["id"]] for needed in metadata["depends_on"])


@pytest.mark.parametrize(("command", "last"), [("true", "execution_completed"), ("false", "execution_failed")])
def test_what_is_told_of_it_as_events(operator: Operator, command: str, last: str) -> None:
    """One line of JSON each, in their order."""
    plan = operator.plan("p.json", steps=[step("a"), step("b", "a", command=command)])
    operator.run("run", plan, "--no-ui")
    lines = operator.run("events", "last", "--json").out.splitlines()
    told = [json.loads(line) for line in lines]
    kinds = [event["kind"] for event in told if event["kind"].startswith("orchestration.")]
    wanted = ["dependencies_extracted", "strategy_determined", "tool_chain_built", last]
    assert kinds == [f"orchestration.{name}" for name in wanted]
    assert [event["seq"] for event in told] == [*range(told[0]["seq"], told[0]["seq"] + len(told))]


def test_without_orchestration_steps_run_one_by_one(operator: Operator) -> None:
    """In topological order, each begun after the one before has ended, and data flow as ever."""
    steps = [
        {"id": "last", "command": "echo", "args": ["{one.data}{two.data}"], "output": "text"},
        {"id": "one", "command": "echo", "args": ["1"], "output": "text"},
        {"id": "two", "command": "echo", "args": ["2"], "output": "text"},
    ]
    plan = operator.plan("p.json", enable_orchestration=False, steps=steps, compose={"said": "{last.data}"})
    assert operator.run("run", plan, "--no-ui").code == 0
    events = [json.loads(line) for line in operator.run("events", "last", "--json").out.splitlines()]
    under_way = 0
    for event in events:
        under_way += {"attempt.starting": 1, "step.finished": -1}.get(event["kind"], 0)
        assert under_way in (0, 1)
    order = [event["step_id"] for event in events if event["kind"] == "attempt.starting"]
    assert order == ["one", "two", "last"]
    results = {s["id"]: s["result"]["data"] for s in operator.json("show", "last")["steps"]}
    assert results["last"] == "12"


def test_the_record_makes_the_same_state_anew(operator: Operator) -> None:
    """Everything a plan can do, then all that is derived from the events thrown away and made again: not a word differs."""
    steps = [
        {"id": "src", "command": "echo", "args": ["[1,2,3]"], "output": "json", "cache": {"ttl_sec": 600}},
        {"id": "each", "command": "sh", "args": ["-c", "test $1 != 2", "x", "{item}"], "for_each": "{src.data}",
         "on_failure": "continue"},
        {"id": "again", "command": "sh", "args": ["-c", "echo x >> n; wc -l < n"], "output": "json",
         "repeat": {"until": "item.data >= 3", "max": 9, "delay_sec": 0}},
        {"id": "tries", "command": "sh", "args": ["-c", "echo x >> m; test $(wc -l < m) -ge 2"], "retries": 3,
         "backoff": {"initial_sec": 0.01}},
        {"id": "fails", "command": "false", "on_failure": "fallback_step", "fallback_step": "spare"},
        {"id": "spare", "command": "echo", "args": ["spare"], "output": "text"},
        {"id": "skips", "command": "true", "skip_if": ["env.DRY == '1'"], "env": {"DRY": "1"}},
        {"id": "slow", "command": "sleep", "args": ["9"], "timeout_sec": 0.1, "on_failure": "continue"},
        {"id": "sub", "step_def": {"type": "plan", "plan": "./child.json"}},
        {"id": "picks", "step_def": {"type": "decision", "rules": [{"when": "len(src.data) == 3", "choose": "l"}],
         "branches": {"l": ["left"], "r": ["right"]}}},
        step("left"), step("right"),
    ]  # fmt: skip
    operator.plan("child.json", steps=[step("inner")], compose={"said": "{inner.status}"})
    plan = operator.plan("p.json", globals={"breaker": {"failures": 9}}, steps=steps, **{"finally": [end_step()]})
    for _ in range(2):  # the second finds a result kept by the first
        assert operator.run("run", plan, "--no-ui").code == 0
    runs = operator.json("runs")
    before = [operator.json("show", run["run_id"]) for run in runs]
    reasons = {s["reason"] for trace in before for s in trace["steps"]}
    assert reasons >= {
        "cache_hit", "items_failed", "fallback", "skip_if", "timed_out", "branch_not_chosen", "exit_code",
    }  # fmt: skip
    assert operator.run("verify", "--rebuild").code == 0
    assert operator.json("runs") == runs
    assert [operator.json("show", run["run_id"]) for run in runs] == before


def end_step() -> dict[str, Any]:
    return {"id": "end", "command": "echo", "args": ["{each.status} {sub.data.said}"]}

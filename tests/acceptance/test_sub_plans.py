"""Plans as steps of plans, with real processes: data back, failures by their cause, cancels all the way down."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.acceptance.operator import read_until

if TYPE_CHECKING:
    from tests.acceptance.operator import Operator


def calls(plan: str, **params: Any) -> dict[str, Any]:
    return {"id": "sub", "step_def": {"type": "plan", "plan": plan, "params": params}}


def test_data_go_down_and_come_back(operator: Operator) -> None:
    """By params, by output_mapping and by compose, each item in a run of its own."""
    says = {"id": "says", "command": "echo", "args": ["{params.word}-{params.n}"], "output": "text"}
    params = {"word": {"type": "string", "required": True}, "n": {"type": "integer", "default": 0}}
    operator.plan("child.json", params=params, steps=[says], compose={"said": "{says.data}"})
    each = {**calls("./child.json", word="{item}"), "for_each": ["a", "b"], "output_mapping": {"n": "{index}"}}
    uses = {"id": "uses", "command": "echo", "args": ["{sub.data[1].said}"], "output": "text"}
    answer = operator.run("run", operator.plan("top.json", steps=[each, uses]), "--no-ui")
    assert answer.code == 0, answer.err
    results = {(s["id"], s["item_index"]): s["result"]["data"] for s in operator.json("show", "last")["steps"]}
    assert results["sub", None] == [{"said": "a-0"}, {"said": "b-1"}]
    assert results["uses", None] == "b-1"
    assert sorted(run["plan_id"] for run in operator.json("runs")) == ["child", "child", "top"]


def test_a_failure_below_is_told_with_its_cause(operator: Operator) -> None:
    """At the step that runs the plan, and by `why`; its `finally` has run."""
    fails = {"id": "breaks", "command": "sh", "args": ["-c", "echo no room >&2; exit 5"]}
    tidy = {"id": "tidy", "command": "touch", "args": ["tidied"]}
    operator.plan("child.json", steps=[fails], **{"finally": [tidy]})
    answer = operator.run("run", operator.plan("top.json", steps=[calls("./child.json")]), "--no-ui")
    assert answer.code == 1
    [sub] = operator.json("show", "last")["steps"]
    assert (sub["status"], sub["reason"]) == ("failed", "sub_plan_failed")
    assert "breaks: exit 5: no room" in sub["result"]["message"]
    assert "breaks" in operator.run("why", "last").out
    assert (operator.folder / "tidied").exists()


def test_a_cancel_ends_the_processes_two_plans_below(operator: Operator) -> None:
    """From another terminal; each plan cleans up, none of its processes is left, all of the runs are canceled."""
    waits = {"id": "waits", "command": "sh", "args": ["-c", "echo $$ > pid; echo up >&2; sleep 60"]}
    for name, step in (("low.json", waits), ("middle.json", calls("./low.json")), ("top.json", calls("./middle.json"))):
        operator.plan(name, steps=[step], **{"finally": [{"id": "tidy", "command": "touch", "args": [f"{name}.tidy"]}]})
    running = operator.start("run", "./top.json", "--no-ui", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    run_id = read_until(running.stderr, "top").split()[1]
    while not (operator.folder / "pid").exists() or not (operator.folder / "pid").read_text().strip():
        assert running.poll() is None
    pid = (operator.folder / "pid").read_text().strip()
    assert operator.run("cancel", run_id).code == 0
    running.communicate(timeout=30)
    assert running.returncode == 130
    assert not Path(f"/proc/{pid}").exists()
    assert {run["plan_id"]: run["status"] for run in operator.json("runs")} == dict.fromkeys(
        ["top", "middle", "low"], "canceled"
    )
    assert {path.name for path in operator.folder.glob("*.tidy")} == {
        "top.json.tidy",
        "middle.json.tidy",
        "low.json.tidy",
    }


def test_a_lock_of_the_plan_above_is_refused_at_once(operator: Operator) -> None:
    """It would be waited for until the end of time."""
    operator.plan("child.json", locks=["stock"], steps=[{"id": "a", "command": "true"}])
    plan = operator.plan("top.json", locks=["stock"], steps=[calls("./child.json")])
    answer = operator.run("run", plan, "--no-ui")
    assert answer.code == 1
    assert "wants the lock stock, which this run holds itself" in answer.out + answer.err
    assert operator.json("locks") == []

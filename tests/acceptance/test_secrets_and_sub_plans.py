"""What is a secret of a plan is one in the runs of the plans that it runs: in their files, their answers, and on the way back."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.operator import read_until
from tests.acceptance.test_secrets import everything_in, everything_said

if TYPE_CHECKING:
    from tests.acceptance.operator import Operator

pytestmark = pytest.mark.long

SECRET = "hunter2-for-all-of-us"
OTHER = "another-one-of-the-child"


def test_a_secret_of_a_plan_is_masked_in_the_runs_below_it(operator: Operator) -> None:
    """It gets there by a file, by the host's environment and two plans deep; the child may not use it by its name."""
    reads = {"id": "reads", "command": "sh", "args": ["-c", 'cat left; echo "$TOP $OWN" >&2; echo "$OWN"']}
    own = {"secrets": {"own": {"env": "OWN"}}, "globals": {"env_from_host": ["TOP", "OWN"]}}
    operator.plan("lowest.json", **own, steps=[reads], compose={"said": "{reads.stdout}", "err": "{reads.stderr}"})
    lower = {"id": "lower", "step_def": {"type": "plan", "plan": "./lowest.json"}}
    operator.plan("middle.json", steps=[lower], compose={"said": "{lower.data}"})
    leaves = {
        "id": "leaves",
        "command": "sh",
        "args": ["-c", 'printf "%s\n" "$T" > left'],
        "env": {"T": "{secrets.top}"},
    }
    middle = {"id": "middle", "step_def": {"type": "plan", "plan": "./middle.json"}, "depends_on": ["leaves"]}
    used = {"id": "used", "command": "echo", "args": ["{middle.data}"]}
    plan = operator.plan("top.json", secrets={"top": {"env": "TOP"}}, steps=[leaves, middle, used])
    environment = {**operator.environment, "TOP": SECRET, "OWN": OTHER}
    done = operator.run("run", plan, "--no-ui", "--json", env=environment)
    assert done.code == 0, done.err
    assert (operator.folder / "left").read_text() == f"{SECRET}\n"
    runs = {run["plan_id"]: run["run_id"] for run in operator.json("runs")}
    assert set(runs) == {"top", "middle", "lowest"}
    places = [("run", done.stdout + done.stderr), *everything_in(operator.database)]
    for run_id in runs.values():
        places += everything_said(operator, run_id)
    assert [place for place, content in places if SECRET.encode() in content or OTHER.encode() in content] == []
    [step] = operator.json("show", runs["lowest"])["steps"]
    assert step["result"]["stdout"] == "***\n***\n"
    assert step["result"]["stderr"] == "*** ***\n"


def test_a_plan_below_cannot_use_a_secret_that_it_does_not_declare(operator: Operator) -> None:
    """What it may mask it may not reveal: its own declarations are all that it can name."""
    wants = {"id": "wants", "command": "true", "env": {"T": "{secrets.top}"}}
    operator.plan("child.json", steps=[wants])
    runs = {"id": "runs", "step_def": {"type": "plan", "plan": "./child.json"}}
    plan = operator.plan("top.json", secrets={"top": {"env": "TOP"}}, steps=[runs])
    done = operator.run("run", plan, "--no-ui", env={**operator.environment, "TOP": SECRET})
    assert done.code in (1, 2)
    assert "there is no secret 'top'" in done.out + done.err


@pytest.mark.long
def test_a_plan_below_that_is_resumed_by_itself_masks_them_too(operator: Operator) -> None:
    """Its engine is killed under a step that may not run again by itself; that run is seen to its end without its parent."""
    waits = 'echo up >&2; while [ ! -e go ]; do sleep 0.05; done; cat left; printf %s "$GIVEN"'
    works = {"id": "works", "command": "sh", "args": ["-c", waits]}
    operator.plan("child.json", globals={"env_from_host": ["GIVEN"]}, steps=[works], compose={"said": "{works.data}"})
    runs = {"id": "runs", "step_def": {"type": "plan", "plan": "./child.json"}}
    used = {"id": "used", "command": "echo", "args": ["{runs.data.said}"]}
    plan = operator.plan("top.json", secrets={"top": {"env": "TOP"}}, steps=[runs, used])
    (operator.folder / "left").write_text(SECRET)
    environment = {**operator.environment, "TOP": SECRET, "GIVEN": SECRET}
    engine = operator.start("run", plan, "--no-ui", env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    run_id = read_until(engine.stderr, "top").split()[1]
    child_id = ""
    while not child_id:
        found = [run["run_id"] for run in operator.json("runs") if run["plan_id"] == "child"]
        child_id = found[0] if found and b"up" in operator.run("logs", found[0]).stdout else ""
    engine.send_signal(signal.SIGKILL)
    engine.communicate()
    (operator.folder / "go").touch()
    without = operator.run("resume", child_id, "--retry", "works", "--no-ui", env=operator.environment)
    assert without.code == 2, "what cannot be masked is not run"
    assert "TOP is not set" in without.err
    resumed = operator.run("resume", child_id, "--retry", "works", "--no-ui", env=environment)
    assert resumed.code == 0, resumed.err
    ended = operator.run("resume", run_id, "--no-ui", env=environment)
    assert ended.code == 0, ended.err
    places = [("resume", resumed.stdout + ended.stdout), *everything_in(operator.database)]
    assert [place for place, content in places if SECRET.encode() in content] == []
    steps = {step["id"]: step for step in operator.json("show", run_id)["steps"]}
    assert steps["used"]["result"]["stdout"] == "******\n"

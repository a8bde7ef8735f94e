"""What a run has to keep while it runs: each attempt with its references filled in, and the runs of its sub-plans. Real processes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.event import EventKind
from engine.model.states import Reason, RunStatus
from engine.pipeline.clock import SystemClock
from engine.pipeline.defaults import NoControl
from engine.plan.load import load_plan
from engine.ports import ChildPlan
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from tests.engine.pipeline.recording import run_text
from tests.engine.pipeline.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from engine.pipeline.resume_point import ResumePoint
    from tests.engine.pipeline.recording import Recorded

HEAD = "plan_id: guarded\nassets: {house: policy/house}\n"
NO_TOUCH = {"id": "no-touch", "reason": "nothing is touched", "commands": ["touch"]}
NOT_THERE = {"id": "not-there", "reason": "it is not ours", "paths": ["FOLDER/theirs/"]}
SAID = "touch is forbidden by policy/house@1, rule no-touch: nothing is touched"


def registry(folder: Path, *rules: dict[str, Any]) -> Registry:
    """The policy of the house."""
    found = Registry()
    text = json.dumps({"kind": "validation", "rules": rules}).replace("FOLDER", str(folder))
    found.add("policy/house", text, "json")
    return found


async def guarded(folder: Path, steps: str, *rules: dict[str, Any], **given: Any) -> Recorded:
    """Run these steps under these rules."""
    return await run_text(HEAD + steps, folder, assets=registry(folder, *rules), **given)


async def test_a_program_that_a_result_names_is_refused_once(tmp_path: Path) -> None:
    steps = """
steps:
  - {id: n, command: echo, args: [touch]}
  - {id: bad, command: "{n.data}", args: [made], retries: 3}
"""
    recorded = await guarded(tmp_path, steps, NO_TOUCH)
    result = recorded.result("bad")
    assert (result["status"], result["reason"]) == ("failed", Reason.REFUSED.value)
    assert str(result["message"]).startswith(f"{SAID}; not tried again")
    assert result["attempts"] == 1
    assert recorded.outcome.status is RunStatus.FAILED
    assert not (tmp_path / "made").exists()


async def test_on_failure_decides_what_follows(tmp_path: Path) -> None:
    steps = """
steps:
  - {id: n, command: echo, args: [touch]}
  - {id: bad, command: "{n.data}", args: [made], on_failure: continue}
  - {id: next, command: echo, args: [went on], depends_on: [bad]}
compose: {next: "{next.data}"}
"""
    recorded = await guarded(tmp_path, steps, NO_TOUCH)
    assert (recorded.outcome.status, recorded.outcome.composed) == (RunStatus.SUCCEEDED, {"next": "went on"})


async def test_an_item_that_leads_to_a_forbidden_path_is_refused_and_the_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "lnk").symlink_to(tmp_path / "theirs")
    (tmp_path / "list.json").write_text('["ours", "theirs/x", "lnk/y"]')
    steps = """
steps:
  - {id: where, command: cat, args: [list.json], output: json}
  - id: write
    for_each: "{where.data}"
    step_def: {type: file, action: write, path: "{item}", content: x}
"""
    recorded = await guarded(tmp_path, steps, NOT_THERE)
    assert (tmp_path / "ours").exists()
    assert [*(tmp_path / "theirs").iterdir()] == []
    ends = [event.data for event in recorded.sink.of(EventKind.ATTEMPT_FINISHED) if event.step_id == "write"]
    refused = {str(end["message"]).split()[0] for end in ends if end["reason"] == Reason.REFUSED.value}
    assert refused == {"theirs/x", "lnk/y"}


async def test_a_link_that_a_step_makes_is_seen(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "x").write_text("secret")
    steps = """
steps:
  - {id: link, command: sh, args: [-c, "ln -s th* lnk"]}
  - {id: read, command: cat, args: [lnk/x], depends_on: [link]}
"""
    recorded = await guarded(tmp_path, steps, NOT_THERE)
    assert (recorded.result("read")["reason"], recorded.result("read")["data"]) == (Reason.REFUSED.value, None)


async def test_a_rule_that_warns_refuses_nothing(tmp_path: Path) -> None:
    steps = """
steps:
  - {id: n, command: echo, args: [touch]}
  - {id: warned, command: "{n.data}", args: [made]}
"""
    recorded = await guarded(tmp_path, steps, {**NO_TOUCH, "severity": "warning"})
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert (tmp_path / "made").exists()


class _Children:
    """Plans by name. Implements `engine.ports.SubPlans`."""

    def __init__(self, **plans: str) -> None:
        self._plans = plans

    async def find(self, plan: str, folder: Path, run_id: str, above: SecretBox) -> ChildPlan:
        """The one of this name."""
        box = SecretBox()
        compiled = load_plan(self._plans[plan].encode(), name=plan)
        return ChildPlan(compiled, folder, box, LocalExecutor(box, SystemClock()), NoControl())

    async def recorded(self, run_id: str, folder: Path, above: SecretBox) -> tuple[ResumePoint, ChildPlan] | None:
        """Nothing."""
        return None


BELOW = "steps: [{id: below, step_def: {type: plan, plan: child}}]\n"
TOUCHES = {
    "in its text": "plan_id: child\nsteps: [{id: bad, command: touch, args: [made]}]\n",
    "by a result": """
plan_id: child
steps:
  - {id: n, command: echo, args: [touch]}
  - {id: bad, command: "{n.data}", args: [made]}
""",
}


@pytest.mark.parametrize("how", TOUCHES)
@pytest.mark.parametrize("between", [False, True])
async def test_the_policy_holds_for_the_plans_that_the_plan_runs(tmp_path: Path, how: str, between: bool) -> None:
    child = f"plan_id: middle\n{BELOW.replace('child', 'last').replace('below', 'last')}" if between else TOUCHES[how]
    children = _Children(child=child, last=TOUCHES[how])
    recorded = await guarded(tmp_path, BELOW, NO_TOUCH, sub_plans=children)
    assert recorded.outcome.status is RunStatus.FAILED
    assert SAID in str(recorded.result("below")["message"])
    assert not (tmp_path / "made").exists()
    used = [event for event in recorded.sink.of(EventKind.STAGE_FINISHED) if "a policy of the run" in str(event.data)]
    assert len(used) == (2 if between else 1)


async def test_a_plan_below_has_its_own_policy_beside_that_of_the_plan(tmp_path: Path) -> None:
    found = registry(tmp_path, NO_TOUCH)
    rule = {"id": "no-echo", "reason": "silence", "commands": ["echo"]}
    found.add("policy/own", json.dumps({"kind": "validation", "rules": [rule]}), "json")
    child = """
plan_id: child
assets: {own: policy/own}
steps:
  - {id: a, command: touch, args: [made]}
  - {id: b, command: echo}
"""
    recorded = await run_text(HEAD + BELOW, tmp_path, assets=found, sub_plans=_Children(child=child))
    said = str([event.data for event in recorded.sink.of(EventKind.STAGE_FINISHED)])
    assert "b: echo is forbidden by policy/own@1, rule no-echo: silence" in said
    assert f"a: {SAID}" in said

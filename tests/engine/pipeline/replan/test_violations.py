"""A plan that a validation policy forbids: another one before anything runs, with or without somebody's word. Real processes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.event import EventKind
from engine.model.states import RunStatus
from engine.plan.load import load_plan
from engine.ports import ControlRequest, ControlVerb
from tests.engine.pipeline.recording import MemorySink, Operator, resume_events, run_text
from tests.engine.pipeline.registry import Registry
from tests.engine.pipeline.replan.runs import replans, saying, stages, times_run
from tests.engine.pipeline.test_rebuild import stored

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.event import Event
    from engine.model.json import Json
    from tests.engine.pipeline.recording import Recorded

PLAN = """
plan_id: guarded
assets: {house: policy/house, replans: policy/replans}
steps:
  - {id: first, idempotent: true, command: sh, args: ["-c", "echo ran >>first.log"]}
  - {id: read, idempotent: true, command: cat, args: [/etc/hostname], depends_on: [first]}
finally:
  - {id: note, idempotent: true, command: sh, args: ["-c", "echo ran >>note.log"]}
compose: {read: "{read.data}"}
"""
HOUSE = {"kind": "validation", "rules": [{"id": "system", "reason": "not ours", "paths": ["/etc/"]}]}
ALLOWED: dict[str, Any] = {
    "trigger": "policy_violation",
    "mode": "auto",
    "reason": "read our own",
    "patch": {"read": {"command": "cat", "args": ["own"]}},
}


def registry(*rules: dict[str, Any], limit: int = 3) -> Registry:
    """What is forbidden, and what follows on that."""
    found = Registry()
    found.add("policy/house", json.dumps(HOUSE), "json")
    found.add("policy/replans", json.dumps({"kind": "replan", "limit": limit, "rules": list(rules)}), "json")
    return found


async def guarded(folder: Path, *rules: dict[str, Any], text: str = PLAN, **given: Any) -> Recorded:
    """Run it with these rules."""
    (folder / "own").write_text("ours\n")
    return await run_text(text, folder, assets=registry(*rules), **given)


async def test_another_plan_follows_before_anything_runs(tmp_path: Path) -> None:
    recorded = await guarded(tmp_path, ALLOWED)
    assert recorded.outcome.composed == {"read": "ours"}
    assert stages(recorded)[:4] == [(0, "route_plan"), (0, "validate"), (1, "route_plan"), (1, "validate")]
    (replan,) = replans(recorded)
    assert (replan["trigger"], replan["step_id"], replan["decision"]) == ("policy_violation", None, "auto_approved")
    kinds = recorded.sink.kinds()
    at = kinds.index(EventKind.REPLAN_REQUESTED)
    assert (kinds[at - 1], recorded.sink.events[at].stage) == (EventKind.STAGE_FINISHED, "validate")
    assert times_run(tmp_path, "first") == 1


async def test_without_a_rule_for_it_the_run_fails(tmp_path: Path) -> None:
    recorded = await guarded(tmp_path, {**ALLOWED, "mode": "never"})
    assert (recorded.outcome.status, (recorded.outcome.first_cause or {})["stage"]) == (RunStatus.FAILED, "validate")
    assert (replans(recorded), times_run(tmp_path, "note")) == ([], 0)


@pytest.mark.parametrize(
    ("verb", "status"),
    [
        (ControlVerb.APPROVE, RunStatus.SUCCEEDED),
        (ControlVerb.DENY, RunStatus.FAILED),
        (ControlVerb.CANCEL, RunStatus.CANCELED),
    ],
)
async def test_somebody_is_asked(tmp_path: Path, verb: ControlVerb, status: RunStatus) -> None:
    """The run waits before its steps; a cancel ends that too."""
    sink, operator = saying(verb)
    recorded = await guarded(tmp_path, {**ALLOWED, "mode": "approval"}, sink=sink, operator=operator)
    assert recorded.outcome.status is status
    (paused,) = sink.of(EventKind.RUN_PAUSED)
    assert "the plan: read our own (policy_violation)" in str(paused.data["message"])
    assert replans(recorded)[0]["decision"] == ("approved" if verb is ControlVerb.APPROVE else "denied")
    assert len(sink.of(EventKind.RUN_RESUMED)) == 1


INTO: dict[str, Any] = {"trigger": "failed", "mode": "auto", "patch": {"@failed": {"args": ["/etc/hostname"]}}}
NOT_THERE = PLAN.replace("args: [/etc/hostname]", "args: [nothing-there]")


@pytest.mark.parametrize("mode", ["auto", "approval"])
@pytest.mark.parametrize(("on_failure", "status"), [("abort", RunStatus.FAILED), ("continue", RunStatus.SUCCEEDED)])
async def test_a_replan_into_what_is_forbidden_is_denied(
    tmp_path: Path, mode: str, on_failure: str, status: RunStatus
) -> None:
    """Nobody is asked, the step stays failed, and its on_failure decides."""
    text = NOT_THERE.replace("{id: read,", f"{{id: read, on_failure: {on_failure},")
    recorded = await guarded(tmp_path, {**INTO, "mode": mode}, text=text)
    assert recorded.outcome.status is status
    (replan,) = replans(recorded)
    assert (replan["decision"], replan["decided_by"]) == ("denied", "engine")
    assert "read: /etc/hostname is forbidden by " in replan["decision_reason"]
    assert replan["after"] == {"read": {"step_def": {"args": ["/etc/hostname"]}}}
    assert recorded.sink.of(EventKind.RUN_PAUSED) == []
    assert {index for index, _ in stages(recorded)} == {0}
    assert [times_run(tmp_path, step) for step in ("first", "note")] == [1, 1]


async def test_another_plan_that_violates_the_policy_too_is_denied(tmp_path: Path) -> None:
    recorded = await guarded(tmp_path, {**ALLOWED, "patch": {"read": {"args": ["/etc/passwd"]}}})
    assert (recorded.outcome.status, (recorded.outcome.first_cause or {})["stage"]) == (RunStatus.FAILED, "validate")
    (replan,) = replans(recorded)
    assert (replan["decision"], replan["decided_by"]) == ("denied", "engine")
    assert "read: /etc/passwd is forbidden by " in replan["decision_reason"]


async def test_an_operators_patch_into_what_is_forbidden_is_refused(tmp_path: Path) -> None:
    """What waits waits on, and can be denied."""
    operator = Operator()
    told: list[str] = []

    def look(event: Event) -> None:
        if event.kind is EventKind.RUN_PAUSED:
            patch: Json = {"read": {"args": ["/etc/passwd"]}}
            operator.say(
                ControlRequest(
                    ControlVerb.REPLAN,
                    "operator:ann",
                    arguments={"patch": patch},
                    on_refused=lambda why, _: told.append(why),
                )
            )
            operator.say(ControlRequest(ControlVerb.DENY, "operator:ann"))

    recorded = await guarded(
        tmp_path, {**ALLOWED, "mode": "approval"}, sink=MemorySink(on_event=look), operator=operator
    )
    assert "the plan with this patch may not run: read: /etc/passwd is forbidden by " in told[0]
    (replan,) = replans(recorded)
    assert (replan["decision"], replan["decided_by"]) == ("denied", "operator:ann")


async def test_what_becomes_forbidden_after_the_decision_fails_and_cleans_up(tmp_path: Path) -> None:
    """Steps have run by then, so that `finally` does too, once."""

    def look(event: Event) -> None:
        if event.kind is EventKind.REPLAN_DECIDED:
            (tmp_path / "later").symlink_to("/etc/hostname")

    into = {**INTO, "patch": {"@failed": {"args": ["./later"]}}}
    recorded = await guarded(tmp_path, into, text=NOT_THERE, sink=MemorySink(on_event=look))
    assert recorded.outcome.status is RunStatus.FAILED
    cause = recorded.outcome.first_cause or {}
    assert (cause["stage"], "is forbidden by " in str(cause["message"])) == ("validate", True)
    assert [times_run(tmp_path, step) for step in ("first", "note")] == [1, 1]
    assert stages(recorded)[-3:] == [(1, "route_plan"), (1, "validate"), (1, "execute")]


async def ending(recorded: Recorded) -> tuple[Any, ...]:
    """How the run ended, and every decision in it."""
    ends = [(e.pass_index, e.step_id, e.data["status"]) for e in recorded.sink.of(EventKind.STEP_FINISHED)]
    assert len(ends) == len(set(ends))
    made = [(one["event_id"], one.get("decision")) for one in replans(recorded)]
    return (recorded.outcome.status, recorded.outcome.first_cause, recorded.outcome.composed, made, stages(recorded))


@pytest.mark.parametrize("kind", ["approved", "denied", "auto", "into"])
async def test_cut_anywhere_it_ends_as_if_it_had_not_been(tmp_path: Path, kind: str) -> None:
    rule = INTO if kind == "into" else ALLOWED if kind == "auto" else {**ALLOWED, "mode": "approval"}
    text = NOT_THERE if kind == "into" else PLAN

    def answering() -> tuple[MemorySink, Operator]:
        return saying(ControlVerb.DENY if kind == "denied" else ControlVerb.APPROVE, times=9)

    sink, operator = answering()
    whole = await guarded(tmp_path, rule, text=text, sink=sink, operator=operator)
    expected = await ending(whole)
    plan, assets = load_plan(text.encode(), name="plan.yaml"), registry(rule)
    first = max(n for n, e in enumerate(whole.sink.events) if e.kind is EventKind.ASSET_RESOLVED) + 1
    for length in range(first, len(whole.sink.events)):
        sink, operator = answering()
        taken = await resume_events(
            plan, stored(whole.sink.events[:length]), sink=sink, operator=operator, assets=assets
        )
        assert await ending(taken) == expected, f"cut after {length} events"


async def test_an_answer_takes_up_a_run_that_waits_before_its_steps(tmp_path: Path) -> None:
    sink, operator = saying(ControlVerb.DENY)
    rule = {**ALLOWED, "mode": "approval"}
    whole = await guarded(tmp_path, rule, sink=sink, operator=operator)
    events = stored(whole.sink.events[: whole.sink.kinds().index(EventKind.RUN_PAUSED) + 1])
    answer = ControlRequest(ControlVerb.APPROVE, "operator:bob")
    plan, assets = load_plan(PLAN.encode(), name="plan.yaml"), registry(rule)
    taken = await resume_events(plan, events, assets=assets, answer=answer)
    assert taken.outcome.composed == {"read": "ours"}

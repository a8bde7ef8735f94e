"""Passes: what an approved replan starts, what it reuses, and that `finally` runs once. Real processes and queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from engine.model.event import EventKind
from engine.model.states import RunStatus
from engine.ports import ControlRequest, ControlVerb
from tests.engine.pipeline.recording import RUN_ID, MemorySink, Operator
from tests.engine.pipeline.replan.runs import (
    LOOKUP,
    WIDEN,
    by_approval,
    ends,
    look_up,
    replans,
    saying,
    stages,
    times_run,
)

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.event import Event

STAGES = ["route_plan", "validate", "execute", "compose", "present"]


async def test_an_empty_result_is_looked_up_again_with_the_wider_query(tmp_path: Path) -> None:
    """A second pass through all stages; only what changed and what depends on it runs again, `finally` once."""
    recorded = await look_up(tmp_path)
    assert (recorded.outcome.status, recorded.outcome.composed) == (RunStatus.SUCCEEDED, {"found": "found 2"})
    assert stages(recorded) == [(0, stage) for stage in STAGES[:3]] + [(1, stage) for stage in STAGES]
    assert [times_run(tmp_path, step) for step in ("before", "after", "beside", "note")] == [1, 1, 1, 1]
    assert ends(recorded, 0) == {
        "before": ("succeeded", None),
        "beside": ("succeeded", None),
        "primary": ("succeeded", None),
    }
    assert ends(recorded, 1) == {
        "before": ("succeeded", "reused"),
        "beside": ("succeeded", "reused"),
        "primary": ("succeeded", None),
        "after": ("succeeded", None),
        "note": ("succeeded", None),
    }
    (reused,) = [e for e in recorded.sink.of(EventKind.STEP_FINISHED, "before") if e.pass_index]
    assert reused.data["reused_from"] == {"run_id": RUN_ID, "pass_index": 0, "step_id": "before"}
    assert reused.data["data"] == 1
    (noted,) = recorded.sink.of(EventKind.STEP_FINISHED, "note")
    assert noted.data["data"] == "2"


async def test_what_was_asked_and_decided_is_on_record(tmp_path: Path) -> None:
    """The request stands right behind the end of the step that led to it."""
    recorded = await look_up(tmp_path)
    (replan,) = replans(recorded)
    assert replan["event_id"] == "r0.1"
    assert (replan["trigger"], replan["severity"], replan["mode"], replan["rule"]) == (
        "empty_result",
        "warning",
        "auto",
        0,
    )
    assert (replan["decision"], replan["decided_by"]) == ("auto_approved", "policy")
    assert replan["before"] == {"primary": {"step_def": replan["before"]["primary"]["step_def"]}}
    assert replan["after"]["primary"]["step_def"]["query"] == "{assets.wide}"
    assert replan["patch"] == WIDEN["patch"]
    kinds = recorded.sink.kinds()
    at = kinds.index(EventKind.REPLAN_REQUESTED)
    assert kinds[at - 1 : at + 2] == [EventKind.STEP_FINISHED, EventKind.REPLAN_REQUESTED, EventKind.REPLAN_DECIDED]
    routes = [e for e in recorded.sink.of(EventKind.STAGE_FINISHED) if e.stage == "route_plan"]
    hashes = [e.data["output"]["result"]["plan"]["plan_hash"] for e in routes]  # type: ignore[index,call-overload]
    assert hashes[1] == replan["plan_hash"] != hashes[0]


async def test_every_event_has_its_pass(tmp_path: Path) -> None:
    """From the end of the first execute on, all belongs to the second pass."""
    recorded = await look_up(tmp_path)
    passes = [event.pass_index for event in recorded.sink.events]
    assert passes == sorted(passes)
    chains = [e.pass_index for e in recorded.sink.of(EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT)]
    inputs = [e.data["input"]["pass_index"] for e in recorded.sink.of(EventKind.STAGE_STARTED)]  # type: ignore[index,call-overload]
    assert (chains, inputs) == ([0, 1], [0] * 3 + [1] * 5)


async def test_it_waits_for_approval_and_goes_on_when_that_is_given(tmp_path: Path) -> None:
    sink, operator = saying(ControlVerb.APPROVE, reason="fine")
    recorded = await look_up(tmp_path, by_approval(), sink=sink, operator=operator)
    assert recorded.outcome.composed == {"found": "found 2"}
    (paused,) = sink.of(EventKind.RUN_PAUSED)
    assert paused.data["reason"] == "approval"
    message = str(paused.data["message"])
    assert "step primary: nothing found under that name (empty_result)" in message
    assert f"opscope approve {RUN_ID[:6]}" in message
    (resumed,) = sink.of(EventKind.RUN_RESUMED)
    assert resumed.actor == "operator:ann"
    (replan,) = replans(recorded)
    assert (replan["decision"], replan["decided_by"], replan["decision_reason"]) == ("approved", "operator:ann", "fine")
    assert times_run(tmp_path, "beside") == 1, "what does not depend on it had gone on"


async def test_a_denied_one_goes_on_as_planned(tmp_path: Path) -> None:
    """On the empty result, in the same pass."""
    sink, operator = saying(ControlVerb.DENY, reason="no")
    recorded = await look_up(tmp_path, by_approval(), sink=sink, operator=operator)
    assert recorded.outcome.composed == {"found": "found 0"}
    assert {event.pass_index for event in sink.events} == {0}
    (replan,) = replans(recorded)
    assert (replan["decision"], replan["decided_by"], replan["plan_hash"]) == ("denied", "operator:ann", None)


FAILING = LOOKUP.replace('echo "found $1"', "exit 3")
RETRY_IT: dict[str, Any] = {"trigger": "failure", "mode": "auto", "patch": {"@failed": {"retries": 1}}}


async def test_denied_a_failed_step_fails_the_run(tmp_path: Path) -> None:
    """Its `on_failure` decides, and `finally` runs."""
    sink, operator = saying(ControlVerb.DENY)
    rule = {**RETRY_IT, "mode": "approval"}
    recorded = await look_up(tmp_path, rule, text=FAILING, sink=sink, operator=operator)
    assert recorded.outcome.status is RunStatus.FAILED
    assert (recorded.outcome.first_cause or {})["step_id"] == "after"
    assert times_run(tmp_path, "note") == 1


async def test_the_limit_ends_it(tmp_path: Path) -> None:
    """A step that goes on failing is replanned so often and then fails the run."""
    rule = {**RETRY_IT, "patch": {"@failed": {"env": {"PASS": "{run.id}", "LAST": "x{failed.message}"}}}}
    moving = FAILING.replace("exit 3", "exit $(wc -l <after.log)")
    recorded = await look_up(tmp_path, rule, text=moving, policy={"limit": 2})
    assert recorded.outcome.status is RunStatus.FAILED
    assert [(r["event_id"], r["decision"], r["decision_reason"]) for r in replans(recorded)] == [
        ("r0.1", "auto_approved", "exit 1"),
        ("r1.1", "auto_approved", "exit 2"),
        ("r2.1", "denied", "the limit of 2 replans is reached"),
    ]
    assert (recorded.outcome.first_cause or {})["message"] == "exit 3"
    assert times_run(tmp_path, "note") == 1


async def test_a_patch_that_changes_nothing_is_denied(tmp_path: Path) -> None:
    """Or the run would go round and round."""
    recorded = await look_up(tmp_path, RETRY_IT, text=FAILING)
    assert [(r["decision"], r["decided_by"], r["decision_reason"]) for r in replans(recorded)] == [
        ("auto_approved", "policy", "exit 3"),
        ("denied", "engine", "the patch changes nothing"),
    ]


async def test_cooling_keeps_the_second_one_off(tmp_path: Path) -> None:
    first = {**WIDEN, "steps": ["primary"]}
    then = {"trigger": "step_failed", "mode": "auto", "patch": {"@failed": {"retries": 2}}}
    recorded = await look_up(tmp_path, first, then, text=FAILING, policy={"cooling_sec": 3600})
    said = [(r["step_id"], r["decision"], r["decision_reason"]) for r in replans(recorded)]
    assert said[0][:2] == ("primary", "auto_approved")
    assert said[1][:2] == ("after", "denied")
    assert said[1][2].startswith("cooling: 3.6e+03 s") or said[1][2].startswith("cooling: 3")


async def test_a_patch_that_makes_no_plan_is_denied_by_the_engine(tmp_path: Path) -> None:
    """With the first fault; the run goes on as it is."""
    bad = {**WIDEN, "patch": {"primary": {"step_def": {"query": "{assets.wyde}"}}}}
    recorded = await look_up(tmp_path, bad)
    assert recorded.outcome.composed == {"found": "found 0"}
    (replan,) = replans(recorded)
    assert (replan["decision"], replan["decided_by"]) == ("denied", "engine")
    assert "wyde" in replan["decision_reason"]


async def test_what_a_program_printed_is_no_reference_in_the_next_plan(tmp_path: Path) -> None:
    """It is text there, braces and all, and never part of a shell's program."""
    (tmp_path / "said").write_text("{params.host}{secrets.x}{'{'}")
    text = LOOKUP.replace('echo "found $1"', "cat said >&2; exit 3")
    rule = {**RETRY_IT, "patch": {"after": {"command": "echo", "args": ["{failed.stderr}"]}}}
    recorded = await look_up(tmp_path, rule, text=text)
    assert recorded.outcome.composed == {"found": "{params.host}{secrets.x}{'{'}"}
    code = {**RETRY_IT, "patch": {"after": {"command": "sh", "args": ["-c", "echo {failed.stderr}"]}}}
    recorded = await look_up(tmp_path, code, text=text)
    (replan,) = replans(recorded)
    assert (replan["decision"], replan["decided_by"]) == ("denied", "engine")


async def test_a_new_step_and_one_that_is_gone(tmp_path: Path) -> None:
    rule = {
        **WIDEN,
        "patch": {
            "primary": {"step_def": {"query": "{assets.wide}"}},
            "beside": None,
            "more": {"command": "sh", "args": ["-c", "echo ran >>more.log"], "depends_on": ["primary"]},
        },
    }
    recorded = await look_up(tmp_path, rule)
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert set(ends(recorded, 1)) == {"before", "primary", "after", "more", "note"}
    (replan,) = replans(recorded)
    assert (replan["before"]["more"], replan["after"]["beside"]) == (None, None)
    assert times_run(tmp_path, "more") == 1


async def test_an_operator_changes_the_plan_of_a_live_run(tmp_path: Path) -> None:
    """What runs and is changed is stopped; what it does not concern goes on and is kept."""
    hangs = "echo ran >>beside.log; touch begun; while [ ! -e go ]; do sleep 0.01; done"
    text = LOOKUP.replace("echo ran >>beside.log", hangs)
    text = text.replace("echo ran >>before.log", "while [ ! -e begun ]; do sleep 0.01; done; echo ran >>before.log")
    patch: Any = {"beside": {"command": "sh", "args": ["-c", "echo ran >>beside.log"]}}
    operator = Operator()

    def look(event: Event) -> None:
        if event.kind is EventKind.STEP_FINISHED and event.step_id == "before" and not event.pass_index:
            arguments = {"patch": patch, "reason": "it hangs"}
            operator.say(ControlRequest(ControlVerb.REPLAN, "operator:ann", arguments=arguments))

    recorded = await look_up(
        tmp_path, {**WIDEN, "mode": "never"}, text=text, sink=MemorySink(on_event=look), operator=operator
    )
    assert recorded.outcome.composed == {"found": "found 0"}
    (replan,) = replans(recorded)
    assert (replan["trigger"], replan["decision"], replan["decided_by"]) == ("operator", "approved", "operator:ann")
    assert (replan["decision_reason"], replan["patch"]) == ("it hangs", patch)
    assert ends(recorded, 0)["beside"] == ("canceled", "replanned")
    assert ends(recorded, 1)["beside"] == ("succeeded", None)
    assert [times_run(tmp_path, step) for step in ("before", "beside", "note")] == [1, 2, 1]


async def test_an_operators_patch_takes_the_place_of_the_one_that_waits(tmp_path: Path) -> None:
    patch: Any = {"primary": {"step_def": {"args": {"host": "app-1"}}}}
    sink, operator = saying(ControlVerb.REPLAN, patch=patch)
    recorded = await look_up(tmp_path, by_approval(), sink=sink, operator=operator)
    assert recorded.outcome.composed == {"found": "found 1"}
    (replan,) = replans(recorded)
    assert (replan["trigger"], replan["decision"], replan["patch"]) == ("empty_result", "approved", patch)


@pytest.mark.parametrize(
    ("verb", "arguments", "said"),
    [
        (ControlVerb.APPROVE, {}, "nothing in the run waits for an approval"),
        (ControlVerb.DENY, {"event_id": "r0.7"}, "replan r0.7 does not wait for an approval"),
        (ControlVerb.REPLAN, {"patch": {"nobody": None}}, "there is no step nobody to take out"),
        (ControlVerb.REPLAN, {"patch": {"before": {}}}, "the patch changes nothing"),
        (ControlVerb.REPLAN, {"patch": {"before": {"depends_on": ["after"]}}}, "after -> "),
        (ControlVerb.REPLAN, {"patch": "x"}, "a patch is an object by step id"),
    ],
)
async def test_what_cannot_be_is_refused_and_recorded(
    tmp_path: Path, verb: ControlVerb, arguments: dict[str, Any], said: str
) -> None:
    """Whoever asked is told why; the run goes on as it was."""
    told: list[str] = []
    operator = Operator()

    def look(event: Event) -> None:
        if event.kind is EventKind.ATTEMPT_STARTED and event.step_id == "before":
            operator.say(
                ControlRequest(verb, "operator:ann", arguments=arguments, on_refused=lambda why, _: told.append(why))
            )

    sink = MemorySink(on_event=look)
    recorded = await look_up(tmp_path, {**WIDEN, "mode": "never"}, sink=sink, operator=operator)
    assert recorded.outcome.composed == {"found": "found 0"}
    assert said in told[0]
    (asked,) = sink.of(EventKind.CONTROL_RECEIVED)
    assert (asked.data["verb"], asked.data["refused"]) == (verb.value, told[0])
    assert replans(recorded) == []


async def test_a_cancel_of_a_run_that_waits_for_approval_runs_finally(tmp_path: Path) -> None:
    """What was asked for is closed, and nothing waits any more."""
    sink, operator = saying(ControlVerb.CANCEL)
    recorded = await look_up(tmp_path, by_approval(), sink=sink, operator=operator)
    assert recorded.outcome.status is RunStatus.CANCELED
    (replan,) = replans(recorded)
    assert (replan["decision"], replan["decided_by"]) == ("denied", "engine")
    assert times_run(tmp_path, "note") == 1
    assert len(sink.of(EventKind.RUN_RESUMED)) == 1


async def test_a_cancel_between_two_passes_runs_finally(tmp_path: Path) -> None:
    operator = Operator()

    def look(event: Event) -> None:
        if event.kind is EventKind.STAGE_STARTED and (event.pass_index, event.stage) == (1, "validate"):
            operator.say(ControlRequest(ControlVerb.CANCEL, "operator:ann"))

    recorded = await look_up(tmp_path, sink=MemorySink(on_event=look), operator=operator)
    assert recorded.outcome.status is RunStatus.CANCELED
    assert [times_run(tmp_path, step) for step in ("before", "after", "note")] == [1, 0, 1]
    assert ends(recorded, 1)["primary"] == ("canceled", "canceled")


async def test_a_pause_holds_back_the_next_pass_and_an_approval_does_not_end_it(tmp_path: Path) -> None:
    """Paused by an operator and waiting for approval at once: both are asked for."""
    operator = Operator()
    said: list[str] = []

    def look(event: Event) -> None:
        match event.kind, event.data.get("reason"):
            case EventKind.RUN_PAUSED, "approval" if not said:
                said.append("pause")
                operator.say(ControlRequest(ControlVerb.PAUSE, "operator:ann"))
            case EventKind.RUN_PAUSED, "operator":
                operator.say(ControlRequest(ControlVerb.APPROVE, "operator:ann"))
            case EventKind.REPLAN_DECIDED, _:
                operator.say(ControlRequest(ControlVerb.RESUME, "operator:ann"))
            case _:
                pass

    recorded = await look_up(tmp_path, by_approval(), sink=MemorySink(on_event=look), operator=operator)
    assert recorded.outcome.composed == {"found": "found 2"}
    story = [
        (e.kind.value, e.data.get("reason"))
        for e in recorded.sink.events
        if e.kind in (EventKind.RUN_PAUSED, EventKind.RUN_RESUMED, EventKind.REPLAN_DECIDED)
    ]
    assert story == [
        ("run.paused", "approval"),
        ("run.paused", "operator"),
        ("replan.decided", None),
        ("run.resumed", None),
    ]


async def test_two_that_wait_are_answered_by_name(tmp_path: Path) -> None:
    """Without one, nobody knows which is meant."""
    text = LOOKUP.replace("echo ran >>beside.log", "echo ran >>beside.log; exit 4")
    other = {
        "trigger": "error",
        "steps": ["beside"],
        "mode": "approval",
        "patch": {"beside": {"on_failure": "continue"}},
    }
    told: list[tuple[str, str]] = []
    operator = Operator()

    def say(verb: ControlVerb, **arguments: Any) -> None:
        request = ControlRequest(verb, "operator:ann", arguments=arguments, on_refused=lambda *why: told.append(why))
        operator.say(request)

    def look(event: Event) -> None:
        if event.kind is EventKind.RUN_PAUSED:
            waiting: Any = event.data["event_ids"]
            if len(waiting) == 2:
                say(ControlVerb.APPROVE)
            for one in waiting[:1]:
                say(ControlVerb.APPROVE, event_id=one)

    sink = MemorySink(on_event=look)
    recorded = await look_up(tmp_path, by_approval(), other, text=text, sink=sink, operator=operator)
    assert recorded.outcome.composed == {"found": "found 2"}
    assert "2 replans wait for an approval" in told[0][0]
    assert "r0.1" in told[0][1]
    assert [e.data["reason"] for e in sink.of(EventKind.RUN_PAUSED)] == ["approval", "approval"]
    assert [(r["event_id"], r["decision"]) for r in replans(recorded)] == [
        ("r0.1", "approved"),
        ("r0.2", "approved"),
        ("r1.1", "denied"),  # it fails again, as it may now
    ]
    assert ends(recorded, 1)["beside"] == ("failed", "exit_code")

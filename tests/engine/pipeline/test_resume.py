"""Taking a run up after its engine was lost: what is settled stays, what is uncertain is decided by a person. Real processes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.errors import ExitCode, InfrastructureError, InputError, WaitingError
from engine.model.event import Event, EventKind
from engine.model.states import PauseReason, RunStatus, Stage
from engine.pipeline.decisions import Decision
from engine.pipeline.rebuild import resume_point_from_events
from engine.pipeline.resume import after_engine_loss, undecided
from engine.pipeline.units import Unit
from engine.plan.load import load_plan
from engine.ports import ControlRequest, ControlVerb
from tests.engine.pipeline.recording import RUN_ID, MemorySink, Operator, point_of, resume_events, run_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.plan.compiled import CompiledPlan

CANCEL = ControlRequest(ControlVerb.CANCEL, actor="operator:bob")

CHAIN = """
plan_id: chain
params: {who: {default: ops}}
steps:
  - {id: first, command: sh, args: ["-c", "echo ran >>first.log; echo one"]}
  - {id: second, command: sh, args: ["-c", "echo ran >>second.log; echo two"], depends_on: [first]}
  - {id: third, command: echo, args: ["{first.data} {second.data ?? \\"nothing\\"} {second.status} {params.who}"]}
finally:
  - {id: note, command: sh, args: ["-c", "echo ran >>note.log; echo $1", "-", "{third.data}"]}
  - {id: tidy, command: sh, args: ["-c", "echo ran >>tidy.log"]}
compose: {said: "{third.data}"}
"""


async def interrupted(folder: Path, after: Callable[[Event], bool], text: str = CHAIN) -> list[Event]:
    """The events of a run up to and with the first one of that kind, as if the engine had died right then."""
    recorded = await run_text(text, folder)
    at = next(at for at, event in enumerate(recorded.sink.events) if after(event))
    return recorded.sink.events[: at + 1]


def at(kind: EventKind, step_id: str | None = None, stage: Stage | None = None) -> Callable[[Event], bool]:
    """An event of this kind, of this step and stage."""
    return lambda e: e.kind is kind and e.step_id == step_id and (stage is None or e.stage is stage)


def times_run(folder: Path, step_id: str) -> int:
    """How often the step's program was run."""
    log = folder / f"{step_id}.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def compiled(text: str = CHAIN) -> CompiledPlan:
    """The plan, compiled again as after a crash."""
    return load_plan(text.encode(), name="plan.yaml")


async def test_what_is_settled_is_not_run_again_and_the_rest_is(tmp_path: Path) -> None:
    """The end is the same as without the loss, from what was recorded."""
    events = await interrupted(tmp_path, at(EventKind.STEP_FINISHED, "second"))
    for name in ("first", "second", "note", "tidy"):
        (tmp_path / f"{name}.log").unlink()
    recorded = await resume_events(compiled(), events)
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert [times_run(tmp_path, step) for step in ("first", "second", "note", "tidy")] == [0, 0, 1, 1]
    assert recorded.result("third")["data"] == "one two succeeded ops"
    assert recorded.output("compose")["result"] == {"said": "one two succeeded ops"}
    started = [event.stage for event in recorded.sink.of(EventKind.STAGE_STARTED)]
    assert started == [*Stage], "a stage that had started is not started twice"
    assert len(recorded.sink.of(EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT)) == 1
    assert recorded.sink.events[-1].data["steps"] == {"succeeded": 5}


async def test_who_took_it_up_is_recorded_before_anything_goes_on(tmp_path: Path) -> None:
    """The request with its decisions, that the run goes on, and the end of the lost attempt, at once."""
    events = await interrupted(tmp_path, at(EventKind.ATTEMPT_STARTED, "second"))
    sink = MemorySink()
    recorded = await resume_events(compiled(), events, {"second": Decision.RETRY}, sink=sink)
    asked, resumed, lost = recorded.sink.events[len(events) : len(events) + 3]
    assert sink.batches[0] == len(events) + 3
    assert (asked.kind, asked.actor) == (EventKind.CONTROL_RECEIVED, "operator:ann")
    assert asked.data == {"verb": "resume", "force": False, "arguments": {"retry": ["second"]}}
    assert resumed.kind is EventKind.RUN_RESUMED
    assert (lost.kind, lost.step_id, lost.attempt, lost.data["reason"]) == (
        EventKind.ATTEMPT_FINISHED,
        "second",
        1,
        "engine_lost",
    )


async def test_an_uncertain_step_is_not_run_before_somebody_decides(tmp_path: Path) -> None:
    """Nothing is recorded and nothing runs; the error names the step and the ways out."""
    events = await interrupted(tmp_path, at(EventKind.ATTEMPT_STARTED, "second"))
    sink = MemorySink()
    with pytest.raises(WaitingError, match="step second may or may not have done the work") as caught:
        await resume_events(compiled(), events, sink=sink)
    assert caught.value.exit_code is ExitCode.WAITING
    assert caught.value.steps == ("second",)
    assert all(f"--{decision}" in caught.value.hint for decision in Decision)
    assert sink.events == events


@pytest.mark.parametrize(
    ("decision", "status", "reason", "attempts", "said"),
    [
        (Decision.RETRY, "succeeded", None, 2, "one two succeeded ops"),
        (Decision.SKIP, "skipped", "operator", 1, "one nothing skipped ops"),
        (Decision.SUCCEEDED, "succeeded", "operator", 1, "one nothing succeeded ops"),
    ],
)
async def test_each_decision_does_what_it_says(
    tmp_path: Path, decision: Decision, status: str, reason: str | None, attempts: int, said: str
) -> None:
    """Run again with the next number, or settled by the operator without data; dependents see which."""
    events = await interrupted(tmp_path, at(EventKind.ATTEMPT_STARTING, "second"))
    recorded = await resume_events(compiled(), events, {"second": decision})
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    result = recorded.result("second")
    assert (result["status"], result["reason"], result["attempts"]) == (status, reason, attempts)
    assert recorded.result("third")["data"] == said
    assert isinstance(result["started_at_us"], int)
    if reason is not None:
        assert "operator:ann" in str(result["message"])
        assert result["data"] is None
    numbers = [event.attempt for event in recorded.sink.of(EventKind.ATTEMPT_STARTING, "second")]
    assert numbers == list(range(1, attempts + 1))


async def test_an_idempotent_step_is_run_again_by_itself(tmp_path: Path) -> None:
    """And its lost attempt takes nothing from its retries."""
    text = """
plan_id: p
steps:
  - id: flaky
    command: sh
    args: ["-c", "echo ran >>flaky.log; test -e seen || { touch seen; exit 1; }"]
    retries: 1
    idempotent: true
    backoff: {initial_sec: 0}
"""
    events = await interrupted(tmp_path, at(EventKind.ATTEMPT_STARTING, "flaky"), text)
    for name in ("seen", "flaky.log"):
        (tmp_path / name).unlink()
    recorded = await resume_events(compiled(text), events)
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert recorded.result("flaky")["attempts"] == 3
    assert times_run(tmp_path, "flaky") == 2


async def test_a_decision_made_once_holds_after_another_crash(tmp_path: Path) -> None:
    """The engine that took the run up dies before the step begins again: nobody is asked twice."""
    events = await interrupted(tmp_path, at(EventKind.ATTEMPT_STARTED, "second"))
    sink = MemorySink()
    await resume_events(compiled(), events, {"second": Decision.RETRY}, sink=sink)
    cut = sink.events[: sink.batches[0]]
    point = point_of(cut)
    left = point.left[Unit("second")]
    assert (point.uncertain, left.attempts, left.lost, left.tries) == ((), 1, 1, 0)
    recorded = await resume_events(compiled(), cut)
    assert recorded.result("second")["attempts"] == 2


async def test_finally_goes_on_after_its_last_finished_step(tmp_path: Path) -> None:
    """What cleaned up does not clean up twice."""
    events = await interrupted(tmp_path, at(EventKind.STEP_FINISHED, "note"))
    recorded = await resume_events(compiled(), events)
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert [times_run(tmp_path, step) for step in ("note", "tidy")] == [1, 2]


async def test_an_uncertain_step_of_finally_needs_a_decision_too(tmp_path: Path) -> None:
    """Not idempotent is not idempotent."""
    events = await interrupted(tmp_path, at(EventKind.ATTEMPT_STARTED, "note"))
    with pytest.raises(WaitingError, match="step note"):
        await resume_events(compiled(), events)
    recorded = await resume_events(compiled(), events, {"note": Decision.SKIP})
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert recorded.result("note")["reason"] == "operator"


@pytest.mark.parametrize("stage", [Stage.EXECUTE, Stage.COMPOSE])
async def test_finished_stages_are_not_run_again(tmp_path: Path, stage: Stage) -> None:
    """compose and present run from what is recorded."""
    undisturbed = await run_text(CHAIN, tmp_path)
    end = next(n for n, event in enumerate(undisturbed.sink.events) if at(EventKind.STAGE_FINISHED, None, stage)(event))
    recorded = await resume_events(compiled(), undisturbed.sink.events[: end + 1])
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert [e.stage for e in recorded.sink.of(EventKind.STAGE_FINISHED)] == [*Stage]
    assert recorded.output("present")["result"] == undisturbed.output("present")["result"]
    assert times_run(tmp_path, "first") == 1


async def test_a_failure_keeps_its_first_cause_over_a_loss(tmp_path: Path) -> None:
    """Whether the engine dies while the rest is stopped, in finally, or just before the final event."""
    text = CHAIN.replace("echo one", "exit 3")
    undisturbed = await run_text(text, tmp_path)
    cause = undisturbed.outcome.first_cause
    assert cause is not None
    executed = at(EventKind.STAGE_FINISHED, None, Stage.EXECUTE)
    for until in (at(EventKind.STEP_FINISHED, "first"), at(EventKind.STEP_FINISHED, "note"), executed):
        cut = next(n for n, event in enumerate(undisturbed.sink.events) if until(event))
        recorded = await resume_events(compiled(text), undisturbed.sink.events[: cut + 1])
        assert recorded.outcome.status is RunStatus.FAILED
        assert recorded.outcome.first_cause == cause
        assert recorded.result("second")["status"] == "canceled"


async def canceled_events(folder: Path, times: int = 1) -> list[Event]:
    """A run that was canceled while `second` was at work, up to where that is recorded and no further."""
    operator = Operator()
    request = ControlRequest(ControlVerb.CANCEL, actor="operator:cat")

    def cancel_once_started(event: Event) -> None:
        if at(EventKind.ATTEMPT_STARTED, "second")(event):
            for _ in range(times):
                operator.say(request)

    text = CHAIN.replace("echo ran >>second.log", "echo ran >>second.log; exec sleep 60")
    recorded = await run_text(text, folder, sink=MemorySink(on_event=cancel_once_started), operator=operator)
    last = max(n for n, event in enumerate(recorded.sink.events) if event.kind is EventKind.CONTROL_RECEIVED)
    return [event for event in recorded.sink.events[: last + 1] if event.step_id in (None, "first", "second")]


async def test_a_run_that_was_being_canceled_goes_on_canceling(tmp_path: Path) -> None:
    """Only finally runs. What was under way is not asked about, since it would not be run again."""
    text = CHAIN.replace("echo ran >>second.log", "echo ran >>second.log; exec sleep 60")
    events = await canceled_events(tmp_path)
    assert [event.kind for event in events][-2:] == [EventKind.ATTEMPT_STARTED, EventKind.CONTROL_RECEIVED]
    assert undecided(point_of(events), compiled(text)) == ()
    recorded = await resume_events(compiled(text), events)
    assert recorded.outcome.status is RunStatus.CANCELED
    assert len(recorded.sink.of(EventKind.ATTEMPT_STARTING, "second")) == 1
    assert recorded.result("second")["reason"] == "engine_lost"
    assert recorded.result("third")["message"] == "not run: canceled by operator:cat"
    assert times_run(tmp_path, "note") == 0, "it refers to what the canceled step would have said"
    assert recorded.result("tidy")["status"] == "succeeded"


async def test_a_run_that_was_canceled_twice_does_not_run_finally(tmp_path: Path) -> None:
    """The second cancel outlives the engine."""
    text = CHAIN.replace("echo ran >>second.log", "echo ran >>second.log; exec sleep 60")
    events = await canceled_events(tmp_path, times=2)
    assert point_of(events).forced
    recorded = await resume_events(compiled(text), events)
    assert recorded.outcome.status is RunStatus.CANCELED
    assert recorded.result("tidy")["status"] == "canceled"


@pytest.mark.parametrize("force", [False, True])
async def test_a_lost_run_can_be_taken_up_only_to_cancel_it(tmp_path: Path, force: bool) -> None:
    """finally runs unless it is forced; an uncertain step needs no decision, and after another crash it is the same."""
    events = await interrupted(tmp_path, at(EventKind.ATTEMPT_STARTED, "second"))
    (tmp_path / "tidy.log").unlink()
    sink = MemorySink()
    recorded = await resume_events(compiled(), events, cancel=replace(CANCEL, force=force), sink=sink)
    assert recorded.outcome.status is RunStatus.CANCELED
    assert times_run(tmp_path, "tidy") == (0 if force else 1)
    point = point_of(sink.events[: sink.batches[0]])
    assert (point.canceled_by, point.forced) == ("operator:bob", force)


async def test_canceling_a_run_that_was_being_canceled_takes_it_up_for_finally(tmp_path: Path) -> None:
    """It is no second cancel: the engine that heard the first one is gone."""
    text = CHAIN.replace("echo ran >>second.log", "echo ran >>second.log; exec sleep 60")
    events = await canceled_events(tmp_path)
    sink = MemorySink()
    recorded = await resume_events(compiled(text), events, cancel=CANCEL, sink=sink)
    assert recorded.result("tidy")["status"] == "succeeded"
    assert not point_of(sink.events).forced


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        ({"first": Decision.RETRY}, "there is nothing to decide about step first"),
        ({"second": Decision.RETRY, "nope": Decision.SKIP}, "there is nothing to decide about step nope"),
    ],
)
async def test_a_decision_that_nobody_asked_for_is_refused(
    tmp_path: Path, decisions: dict[str, Decision], message: str
) -> None:
    """A slip of the pen must not settle the wrong step."""
    events = await interrupted(tmp_path, at(EventKind.ATTEMPT_STARTED, "second"))
    with pytest.raises(InputError, match=message):
        await resume_events(compiled(), events, decisions)


async def test_a_step_is_not_tried_again_in_a_run_that_is_stopping(tmp_path: Path) -> None:
    """The decision contradicts the cancel."""
    text = CHAIN.replace("echo ran >>second.log", "echo ran >>second.log; exec sleep 60")
    events = await canceled_events(tmp_path)
    with pytest.raises(InputError, match="step second is not run again"):
        await resume_events(compiled(text), events, {"second": Decision.RETRY})


async def test_another_plan_or_a_run_that_has_ended_is_refused(tmp_path: Path) -> None:
    """A run goes on only as what it was."""
    ended = await run_text(CHAIN, tmp_path)
    with pytest.raises(InputError, match="it has ended: succeeded"):
        await resume_events(compiled(), ended.sink.events)
    with pytest.raises(InputError, match="the plan is not the one"):
        await resume_events(compiled(CHAIN.replace("echo one", "echo 1")), ended.sink.events[:-1])


async def test_recovery_quarantines_what_needs_a_decision_and_pauses_the_rest(tmp_path: Path) -> None:
    """The two things that can be said of a run whose engine is lost."""
    whole = await run_text(CHAIN, tmp_path)

    def recovered(until: Callable[[Event], bool]) -> tuple[EventKind, object]:
        cut = next(n for n, event in enumerate(whole.sink.events) if until(event))
        kind, data = after_engine_loss(point_of(whole.sink.events[: cut + 1]), compiled())
        assert data["reason"] == PauseReason.ENGINE_LOST.value
        assert data["message"]
        return kind, data["uncertain"]

    assert recovered(at(EventKind.ATTEMPT_STARTING, "second")) == (EventKind.RUN_QUARANTINED, ["second"])
    assert recovered(at(EventKind.STEP_FINISHED, "second")) == (EventKind.RUN_PAUSED, [])
    assert recovered(at(EventKind.RUN_CREATED)) == (EventKind.RUN_PAUSED, [])


async def test_a_run_that_had_only_been_created_starts(tmp_path: Path) -> None:
    """Its start is recorded now."""
    events = await interrupted(tmp_path, at(EventKind.RUN_CREATED))
    recorded = await resume_events(compiled(), events)
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert len(recorded.sink.of(EventKind.RUN_STARTED)) == 1


HOUR_US = 3_600_000_000


def long_ago(events: list[Event], us: int) -> list[Event]:
    """The same story, so much earlier."""
    return [replace(event, at_us=event.at_us - us) for event in events]


def lasted_us(event: Event) -> int:
    """The duration that an event records."""
    duration_us = event.data["duration_us"]
    assert isinstance(duration_us, int)
    return duration_us


@pytest.mark.parametrize("cause", ["engine_lost", "operator"])
async def test_what_was_taken_over_lasted_from_its_beginning_to_its_end(tmp_path: Path, cause: str) -> None:
    """No engine's clock spans another's, and when the lost one stopped nobody saw: run, stage and step go by the host's clock."""
    events = long_ago(await interrupted(tmp_path, at(EventKind.ATTEMPT_STARTED, "second")), HOUR_US)
    later = [Event(EventKind.RUN_PAUSED, events[-1].at_us, {"reason": cause})]
    later.insert(1 if cause == "operator" else 0, Event(EventKind.RUN_TAKEN_OVER, events[-1].at_us + 60_000_000))
    recorded = await resume_events(compiled(), [*events, *later], {"second": Decision.RETRY})

    def began_us(kind: EventKind, stage: Stage | None = None) -> int:
        return next(e.at_us for e in recorded.sink.events if e.kind is kind and (stage is None or e.stage is stage))

    def spans(end: Event, began: int) -> bool:
        return abs(lasted_us(end) - (end.at_us - began)) < 1_000_000

    executed = next(e for e in recorded.sink.of(EventKind.STAGE_FINISHED) if e.stage is Stage.EXECUTE)
    (completed,) = recorded.sink.of(EventKind.ORCHESTRATION_EXECUTION_COMPLETED)
    (second,) = recorded.sink.of(EventKind.STEP_FINISHED, "second")
    (third,) = recorded.sink.of(EventKind.STEP_FINISHED, "third")
    assert lasted_us(recorded.sink.events[-1]) > HOUR_US
    assert spans(recorded.sink.events[-1], began_us(EventKind.RUN_STARTED))
    assert spans(executed, began_us(EventKind.STAGE_STARTED, Stage.EXECUTE))
    assert spans(completed, began_us(EventKind.STAGE_STARTED, Stage.EXECUTE))
    began = second.data["started_at_us"]
    assert isinstance(began, int)
    assert spans(second, began)
    assert lasted_us(second) > HOUR_US
    assert lasted_us(third) < 60_000_000, "what began after it was taken over is measured"


async def test_how_long_a_lost_attempt_lasted_is_not_made_up(tmp_path: Path) -> None:
    """Nobody saw its end; no time at all is wrong for certain."""
    events = await interrupted(tmp_path, at(EventKind.ATTEMPT_STARTED, "second"))
    recorded = await resume_events(compiled(), events, {"second": Decision.RETRY})
    lost, tried = recorded.sink.of(EventKind.ATTEMPT_FINISHED, "second")
    assert lost.data["duration_us"] is None
    assert lasted_us(tried) > 0


@pytest.mark.parametrize("decision", [Decision.SKIP, Decision.SUCCEEDED])
async def test_a_step_that_was_decided_about_lasted_until_then(tmp_path: Path, decision: Decision) -> None:
    """It began long ago and ends with the decision."""
    events = long_ago(await interrupted(tmp_path, at(EventKind.ATTEMPT_STARTED, "second")), HOUR_US)
    recorded = await resume_events(compiled(), events, {"second": decision})
    (second,) = recorded.sink.of(EventKind.STEP_FINISHED, "second")
    began = second.data["started_at_us"]
    assert isinstance(began, int)
    assert abs(lasted_us(second) - (second.at_us - began)) < 1_000_000
    assert lasted_us(second) > HOUR_US


async def test_items_and_their_step_span_a_takeover(tmp_path: Path) -> None:
    """A step with items began with the first of them, in whichever engine that was."""
    text = """
    plan_id: items
    steps:
      - {id: each, command: echo, args: ["{item}"], for_each: "{params.names}", idempotent: true}
    params: {names: {type: array, default: [a, b, c]}}
    globals: {max_concurrency: 1}
    """
    whole = await run_text(text, tmp_path)
    cut = [n for n, e in enumerate(whole.sink.events) if e.kind is EventKind.ATTEMPT_STARTED][1]
    events = long_ago(whole.sink.events[: cut + 1], HOUR_US)
    recorded = await resume_events(compiled(text), events)
    ends = {event.item_index: event for event in recorded.sink.of(EventKind.STEP_FINISHED, "each")}
    assert lasted_us(ends[None]) > HOUR_US
    assert lasted_us(ends[0]) < 60_000_000, "it had its end before"
    assert lasted_us(ends[1]) > HOUR_US
    assert lasted_us(ends[2]) < 60_000_000


async def test_a_clock_that_was_set_back_takes_nothing_away(tmp_path: Path) -> None:
    """What is measured after it was taken up counts, and nothing is less than that."""
    events = long_ago(await interrupted(tmp_path, at(EventKind.ATTEMPT_STARTED, "second")), -HOUR_US)
    recorded = await resume_events(compiled(), events, {"second": Decision.RETRY})
    execute = next(e for e in recorded.sink.of(EventKind.STAGE_FINISHED) if e.stage is Stage.EXECUTE)
    (second,) = recorded.sink.of(EventKind.STEP_FINISHED, "second")
    assert 0 < lasted_us(second) <= lasted_us(execute) <= lasted_us(recorded.sink.events[-1]) < HOUR_US


async def test_what_the_run_was_given_is_given_again(tmp_path: Path) -> None:
    """Parameters, folders and environment come from the record, not from whoever resumes."""
    recorded = await run_text(CHAIN, tmp_path, params={"who": "night"}, host_env={"LANG": "C.UTF-8"})
    point = point_of(recorded.sink.events[:3])
    assert (point.params, point.workdir, point.plan_folder) == ({"who": "night"}, tmp_path, tmp_path)
    assert point.base_env == {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    again = await resume_events(compiled(), recorded.sink.events[:3])
    assert again.result("third")["data"] == "one two succeeded night"


def test_a_record_without_a_beginning_is_no_run() -> None:
    """Said with the run's id, as everything that is wrong with the ground."""
    with pytest.raises(InfrastructureError, match=f"run {RUN_ID}: nothing is recorded"):
        resume_point_from_events(RUN_ID, [])
    with pytest.raises(InfrastructureError, match=r"begins with run\.started"):
        resume_point_from_events(RUN_ID, [Event(EventKind.RUN_STARTED, 0)])

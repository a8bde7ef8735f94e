"""Cancel, pause and resume at any moment; signals that cannot be; and taking up an execution where it was left."""

from __future__ import annotations

import json

import pytest

from engine.errors import InvalidTransitionError
from engine.model.bound import BoundCommand
from engine.model.result import AttemptOutcome, StepResult
from engine.model.states import Reason, RunStatus, StepStatus
from engine.plan.load import load_plan
from engine.schedule.instructions import FinishExecution, StartAttempt, StopAttempt
from engine.schedule.signals import AttemptEnded, Begin, Cancel, DelayElapsed
from tests.engine.schedule.builders import plan_of, step, succeeded
from tests.engine.schedule.driver import Driver, settled, started


def _busy() -> Driver:
    drive = Driver(plan_of([step("runs"), step("waits", retries=1), step("later", "runs")]))
    drive.begin()
    drive.fail("waits")
    return drive


def test_cancel_stops_what_runs_settles_the_rest_and_ends_when_the_last_attempt_has() -> None:
    drive = _busy()
    said = drive.cancel("operator:ann")
    assert [s for s in said if isinstance(s, StopAttempt)] == [StopAttempt("runs", 1, Reason.CANCELED)]
    assert settled(said) == ["waits", "later"]
    drive.stop("runs")
    assert drive.finish == FinishExecution(RunStatus.CANCELED, None)
    assert {result.reason for result in drive.ledger.settled.values()} == {Reason.CANCELED}
    assert drive.result("runs").message == "stopped: canceled by operator:ann"
    assert drive.result("waits").message == "not tried again: canceled by operator:ann"
    assert drive.result("later").message == "not run: canceled by operator:ann"


def test_a_second_cancel_changes_nothing() -> None:
    drive = _busy()
    drive.cancel("operator:ann")
    assert drive.send(Cancel("operator:bob", force=True)) == []
    drive.stop("runs")
    assert "ann" in drive.result("later").message
    assert drive.cancel() == []


def test_a_step_that_succeeds_after_all_keeps_its_outcome_and_the_run_is_canceled() -> None:
    drive = _busy()
    drive.cancel()
    drive.succeed("runs", data=1)
    assert drive.result("runs").status is StepStatus.SUCCEEDED
    assert drive.result("later").status is StepStatus.CANCELED
    assert drive.finish.status is RunStatus.CANCELED


def test_a_cancel_keeps_the_first_cause_of_what_had_failed_before() -> None:
    drive = Driver(plan_of([step("bad"), step("runs")]))
    drive.begin()
    drive.fail("bad")
    drive.cancel()
    drive.stop("runs")
    assert drive.finish.status is RunStatus.CANCELED
    assert drive.finish.first_cause is not None
    assert drive.finish.first_cause.step_id == "bad"


def test_a_cancel_while_an_abort_drains_leaves_the_run_failed() -> None:
    drive = Driver(plan_of([step("bad", on_failure="abort"), step("runs")]))
    drive.begin()
    drive.fail("bad")
    assert drive.cancel() == []
    drive.stop("runs")
    assert drive.finish.status is RunStatus.FAILED
    assert drive.result("runs").reason is Reason.ABORTED


def test_a_cancel_before_the_beginning_ends_everything_and_the_beginning_is_void() -> None:
    drive = Driver(plan_of([step("a"), step("b", "a")]))
    said = drive.cancel()
    assert settled(said) == ["a", "b"]
    assert drive.finish.status is RunStatus.CANCELED
    assert drive.begin() == []


def test_pause_starts_nothing_new_and_resume_goes_on_in_order() -> None:
    drive = Driver(plan_of([step("a"), step("d", retries=1), step("b", "a"), step("c", "a")], max_concurrency=2))
    assert started(drive.begin()) == ["a", "d"]
    assert drive.pause() == []
    assert drive.scheduler.is_paused
    assert started(drive.succeed("a")) == []
    assert started(drive.fail("d")) == []
    assert started(drive.elapse("d")) == [], "delays go on, attempts do not"
    assert started(drive.resume()) == ["d", "b"]
    assert not drive.scheduler.is_paused


def test_pause_before_the_beginning_holds_it_back() -> None:
    drive = Driver(plan_of([step("a")]))
    drive.pause()
    assert drive.begin() == []
    assert started(drive.resume()) == ["a"]


def test_pause_and_resume_twice_are_as_good_as_once_and_a_cancel_ends_a_pause() -> None:
    drive = Driver(plan_of([step("a"), step("b", "a")]))
    drive.begin()
    assert drive.pause() + drive.pause() == []
    drive.cancel()
    assert not drive.scheduler.is_paused
    assert drive.pause() == []
    assert not drive.scheduler.is_paused, "nothing will start anyway"
    drive.stop("a")
    assert drive.finish.status is RunStatus.CANCELED
    assert drive.pause() == []
    assert not drive.scheduler.is_paused, "what has ended cannot pause"


def test_a_pause_in_which_the_last_step_ends_is_over() -> None:
    drive = Driver(plan_of([step("a")]))
    drive.begin()
    drive.pause()
    drive.succeed("a")
    assert drive.finish.status is RunStatus.SUCCEEDED
    assert not drive.scheduler.is_paused


def test_an_impossible_signal_tells_the_story_and_changes_nothing() -> None:
    drive = Driver(plan_of([step("a", retries=1), step("b", "a")]))
    drive.begin()
    drive.fail("a", after=1.5)
    drive.elapse("a", after=0.5)
    with pytest.raises(InvalidTransitionError) as caught:
        drive.send(AttemptEnded("a", 1, succeeded()))
    assert caught.value.cause == "attempt 1 ended, but the step is running with 2 begun"
    assert caught.value.story == (
        "+0.000000 s: attempt started, attempt 1 → running",
        "+1.500000 s: attempt failed, another planned, attempt 1 → waiting",
        "+2.000000 s: delay before the next attempt elapsed, attempt 1 → waiting",
        "+2.000000 s: attempt started, attempt 2 → running",
    )
    assert started(drive.succeed("a")) == ["b"]


@pytest.mark.parametrize(
    "signal",
    [
        Begin(),
        AttemptEnded("b", 1, succeeded()),
        AttemptEnded("a", 2, succeeded()),
        AttemptEnded("a", 1, AttemptOutcome(StepStatus.SKIPPED)),
        AttemptEnded("nobody", 1, succeeded()),
        DelayElapsed("a", 1),
        DelayElapsed("a", 0),
        DelayElapsed("b", 1),
        DelayElapsed("nobody", 1),
    ],
)
def test_signals_that_cannot_be_are_refused(signal: Begin | AttemptEnded | DelayElapsed) -> None:
    drive = Driver(plan_of([step("a"), step("b", "a")]))
    drive.begin()
    before = drive.shape()
    with pytest.raises(InvalidTransitionError):
        drive.send(signal)
    assert drive.shape() == before
    drive.succeed("a")
    drive.succeed("b")
    assert drive.finish.status is RunStatus.SUCCEEDED


def test_a_delay_cannot_elapse_twice() -> None:
    drive = _busy()
    drive.cancel()
    drive.elapse("waits")
    with pytest.raises(InvalidTransitionError):
        drive.send(DelayElapsed("waits", 2))


def _left(step_id: str, status: StepStatus, reason: Reason | None = None) -> StepResult:
    return StepResult(step_id, status, reason, "as it was left", attempts=1)


def test_an_execution_is_taken_up_where_it_was_left() -> None:
    plan = plan_of([step("a"), step("b", "a", retries=2), step("c", "b"), step("d")])
    drive = Driver(plan, settled={"a": _left("a", StepStatus.SUCCEEDED)}, attempts={"b": 2})
    said = drive.begin()
    assert started(said) == ["b", "d"] or started(said) == ["d", "b"]
    assert drive.ledger.running["b"] == 3
    drive.fail("b")
    assert drive.result("b").message == "exited with code 1; gave up after 3 attempts"
    assert drive.result("c").reason is Reason.DEPENDENCY_FAILED
    drive.succeed("d")
    assert drive.finish.status is RunStatus.FAILED


def test_what_had_failed_before_still_has_its_consequences() -> None:
    plan = plan_of([step("a"), step("b", "a"), step("c", "b"), step("d"), step("e", on_failure="abort")])
    left = {
        "a": _left("a", StepStatus.FAILED, Reason.EXIT_CODE),
        "b": _left("b", StepStatus.SKIPPED, Reason.DEPENDENCY_FAILED),
    }
    drive = Driver(plan, settled=left)
    said = drive.begin()
    assert settled(said) == ["c"]
    assert drive.result("c").message == "as it was left", "a skip passes on the reason it was given"
    drive.fail("e")
    drive.stop("d")
    assert drive.finish.first_cause is not None
    assert drive.finish.first_cause.step_id == "a"


def test_an_execution_that_was_all_settled_only_finishes() -> None:
    plan = plan_of([step("a"), step("b", "a")])
    left = {name: _left(name, StepStatus.SUCCEEDED) for name in ("a", "b")}
    drive = Driver(plan, settled=left)
    assert drive.begin() == [FinishExecution(RunStatus.SUCCEEDED, None)]


def test_a_pause_before_the_beginning_draws_no_consequences_yet() -> None:
    plan = plan_of([step("a"), step("b", "a"), step("c", "a")])
    drive = Driver(plan, settled={"a": _left("a", StepStatus.SUCCEEDED)})
    assert drive.pause() == []
    assert drive.begin() == []
    assert started(drive.resume()) == ["b", "c"]


def test_conditions_are_looked_at_before_the_first_attempt_only() -> None:
    plan = plan_of([step("a"), step("b", condition="a.status == 'failed'", retries=1)])
    drive = Driver(plan, settled={"a": _left("a", StepStatus.SUCCEEDED)}, attempts={"b": 1})
    assert started(drive.begin()) == ["b"], "it had begun, so it had been decided"


def test_an_abort_is_taken_up_where_it_was_left() -> None:
    plan = plan_of([step("bad", on_failure="abort"), step("stopped", on_failure="continue"), step("rest")])
    left = {
        "bad": _left("bad", StepStatus.FAILED, Reason.EXIT_CODE),
        "stopped": _left("stopped", StepStatus.CANCELED, Reason.ABORTED),
    }
    drive = Driver(plan, settled=left)
    assert settled(drive.begin()) == ["rest"]
    assert drive.result("rest").message == "not run: step bad failed, which aborts the run"
    assert drive.finish.status is RunStatus.FAILED
    assert drive.finish.warnings == (), "what the abort stopped did not fail"


def test_an_attempt_that_an_engine_took_with_it_is_no_try() -> None:
    plan = plan_of([step("flaky", retries=1, backoff={"initial_sec": 0})])
    drive = Driver(plan, attempts={"flaky": 3}, lost={"flaky": 2})
    assert started(drive.begin()) == ["flaky"]
    drive.fail("flaky")
    assert drive.result("flaky").message == "exited with code 1; gave up after 2 attempts"
    assert drive.result("flaky").attempts == 4, "its attempts are counted on"

    other = Driver(plan, attempts={"flaky": 2}, lost={"flaky": 2})
    other.begin()
    other.fail("flaky")
    assert other.ledger.delays == {"flaky": 4}, "both its tries are still its own"


def test_results_of_steps_that_are_not_its_own_stay_in_sight() -> None:
    document = {
        "plan_id": "tested",
        "steps": [step("work")],
        "finally": [
            {"id": "note", "command": "echo", "args": ["{work.status}"]},
            {"id": "after", "command": "echo", "args": ["{work.status} {note.status}"]},
        ],
    }
    final = load_plan(json.dumps(document).encode(), name="tested.json").finally_plan()
    drive = Driver(final, in_sight={"work": _left("work", StepStatus.FAILED, Reason.EXIT_CODE)})
    said = drive.begin()
    assert started(said) == ["note"]
    (start,) = [one for one in drive.fail("note") if isinstance(one, StartAttempt)]
    assert isinstance(start.bound.definition, BoundCommand)
    assert start.bound.definition.args == ("failed failed",)


def test_a_pause_while_everything_stops_or_after_the_end_is_none() -> None:
    drive = Driver(plan_of([step("runs")]))
    drive.begin()
    drive.cancel()
    drive.pause()
    assert not drive.scheduler.is_paused
    drive.stop("runs")
    drive.pause()
    assert not drive.scheduler.is_paused

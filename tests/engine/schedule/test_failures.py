"""What the failure of a step for good does: abort, skip_dependents, continue, the first cause, and attempts before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.result import AttemptOutcome
from engine.model.states import Reason, RunStatus, StepStatus
from engine.schedule.instructions import SettleStep, StartAttempt, StopAttempt, WaitForRetry
from tests.engine.schedule.builders import canceled, failed, plan_of, step, succeeded
from tests.engine.schedule.driver import Driver, settled, started

if TYPE_CHECKING:
    from engine.model.json import Json
    from engine.schedule.instructions import Instruction


def _aborting() -> Driver:
    """`bad` fails for good while `runs` runs, `waits` waits for a retry, `queued` for a slot and `later` for `runs`."""
    steps = [
        step("bad", on_failure="abort"),
        step("runs"),
        step("waits", retries=2, backoff={"initial_sec": 5, "jitter": False}),
        step("runs_too"),
        step("queued"),
        step("later", "runs"),
    ]
    drive = Driver(plan_of(steps, max_concurrency=3))
    assert started(drive.begin()) == ["bad", "runs", "waits"]
    assert started(drive.fail("waits")) == ["runs_too"]
    return drive


def test_abort_stops_what_runs_and_cancels_the_rest() -> None:
    drive = _aborting()
    said = drive.fail("bad", after=2.0)
    assert [type(instruction) for instruction in said[:1]] == [SettleStep]
    stops = [instruction for instruction in said if isinstance(instruction, StopAttempt)]
    assert stops == [StopAttempt("runs", 1, Reason.ABORTED), StopAttempt("runs_too", 1, Reason.ABORTED)]
    assert set(settled(said)) == {"bad", "waits", "queued", "later"}
    assert not drive.scheduler.is_finished

    drive.stop("runs")
    drive.stop("runs_too")
    assert drive.finish.status is RunStatus.FAILED
    assert drive.finish.first_cause is not None
    assert (drive.finish.first_cause.step_id, drive.finish.first_cause.reason) == ("bad", Reason.EXIT_CODE)
    assert drive.finish.first_cause.message == "exited with code 1"
    for step_id in ("runs", "runs_too", "waits", "queued", "later"):
        assert (drive.result(step_id).status, drive.result(step_id).reason) == (StepStatus.CANCELED, Reason.ABORTED)
    assert drive.result("runs").message == "stopped: step bad failed, which aborts the run"
    assert drive.result("queued").message == "not run: step bad failed, which aborts the run"
    assert drive.result("waits").message == "not tried again: step bad failed, which aborts the run"
    assert drive.result("waits").exit_code == 1, "what its last attempt left is kept"
    assert drive.result("waits").stderr == "err"


def test_a_delay_that_runs_out_after_the_abort_is_no_surprise() -> None:
    drive = _aborting()
    drive.fail("bad")
    assert drive.elapse("waits") == []
    assert drive.scheduler.status("waits") is StepStatus.CANCELED


def test_what_really_happened_to_a_stopped_attempt_is_kept() -> None:
    drive = _aborting()
    drive.fail("bad")
    drive.succeed("runs", data=7)
    drive.fail("runs_too")
    assert (drive.result("runs").status, drive.result("runs").data) == (StepStatus.SUCCEEDED, 7)
    assert (drive.result("runs_too").status, drive.result("runs_too").reason) == (
        StepStatus.FAILED,
        Reason.EXIT_CODE,
    )
    assert drive.finish.first_cause is not None
    assert drive.finish.first_cause.step_id == "bad"


def test_skip_dependents_skips_down_and_lets_the_independent_go_on() -> None:
    steps = [
        step("bad"),
        step("other"),
        step("child", "bad", on_failure="continue"),
        step("grandchild", "child", "other"),
        step("independent", "other"),
    ]
    drive = Driver(plan_of(steps))
    drive.begin()
    said = drive.fail("bad")
    assert set(settled(said)) == {"bad", "child", "grandchild"}, "at once, though `other` still runs"
    for step_id in ("child", "grandchild"):
        skipped = drive.result(step_id)
        assert (skipped.status, skipped.reason) == (StepStatus.SKIPPED, Reason.DEPENDENCY_FAILED)
        assert skipped.message == "not run: it depends on bad, which failed"
    assert started(drive.succeed("other")) == ["independent"]
    drive.succeed("independent")
    assert drive.finish.status is RunStatus.FAILED
    assert drive.finish.first_cause is not None
    assert drive.finish.first_cause.step_id == "bad"
    assert drive.finish.warnings == ()


def test_of_two_failures_the_first_in_time_is_the_cause_and_names_the_skip() -> None:
    drive = Driver(plan_of([step("a"), step("b"), step("both", "a", "b")]))
    drive.begin()
    drive.fail("b")
    drive.fail("a")
    assert drive.result("both").message == "not run: it depends on b, which failed"
    assert drive.finish.first_cause is not None
    assert drive.finish.first_cause.step_id == "b"


def test_continue_lets_dependents_see_the_failure_and_the_run_succeed_with_a_warning() -> None:
    steps = [
        step("ping", on_failure="continue"),
        step("repair", "ping", condition="ping.status == 'failed'"),
        step("report", "ping", condition="ping.status == 'succeeded'"),
    ]
    drive = Driver(plan_of(steps))
    drive.begin()
    said = drive.end("ping", failed(Reason.TIMED_OUT, "timed out after 10 s"))
    assert started(said) == ["repair"]
    assert settled(said) == ["ping", "report"]
    assert drive.result("ping").data is None
    drive.succeed("repair")
    assert drive.finish.status is RunStatus.SUCCEEDED
    assert drive.finish.first_cause is None
    assert drive.finish.warnings == ("ping: timed out after 10 s, continued (on_failure: continue)",)


def test_a_failure_that_may_pass_is_not_the_cause_of_a_later_one() -> None:
    drive = Driver(plan_of([step("soft", on_failure="continue"), step("hard", "soft")]))
    drive.begin()
    drive.fail("soft")
    drive.fail("hard")
    assert drive.finish.status is RunStatus.FAILED
    assert drive.finish.first_cause is not None
    assert drive.finish.first_cause.step_id == "hard"
    assert len(drive.finish.warnings) == 1


def test_an_attempt_ended_from_outside_counts_as_a_failure_that_is_not_tried_again() -> None:
    drive = Driver(plan_of([step("a", retries=3), step("b", "a")]))
    drive.begin()
    drive.end("a", canceled())
    assert (drive.result("a").status, drive.result("a").reason) == (StepStatus.CANCELED, Reason.CANCELED)
    assert drive.result("a").message == "ended by SIGTERM"
    assert drive.result("b").message == "not run: it depends on a, which was canceled"
    assert drive.finish.status is RunStatus.FAILED


def test_attempts_follow_each_other_with_growing_delays_until_one_succeeds() -> None:
    backoff: Json = {"initial_sec": 1, "factor": 3, "max_sec": 100, "jitter": True}
    drive = Driver(plan_of([step("a", retries=3, backoff=backoff)]), jitter=lambda: 0.5)
    drive.begin()
    assert drive.fail("a", after=0.25) == [WaitForRetry("a", 2, 0.5)]
    assert drive.scheduler.status("a") is StepStatus.WAITING
    assert started(drive.elapse("a", after=0.5)) == ["a"]
    assert drive.fail("a") == [WaitForRetry("a", 3, 1.5)]
    drive.elapse("a", after=1.5)
    drive.end("a", succeeded("ok"), after=1.0)
    result = drive.result("a")
    assert (result.status, result.attempts, result.data) == (StepStatus.SUCCEEDED, 3, "ok")
    assert result.started_at_us is not None
    assert result.finished_at_us is not None
    assert result.finished_at_us - result.started_at_us == result.duration_us == 3_250_000
    assert drive.finish.status is RunStatus.SUCCEEDED


def test_the_last_failure_is_the_result_and_says_how_often_it_was_tried() -> None:
    drive = Driver(plan_of([step("a", retries=1)]))
    drive.begin()
    drive.fail("a")
    drive.elapse("a")
    drive.end("a", failed(Reason.TIMED_OUT, "timed out after 60 s"))
    result = drive.result("a")
    assert (result.reason, result.attempts) == (Reason.TIMED_OUT, 2)
    assert result.message == "timed out after 60 s; gave up after 2 attempts"
    assert (result.stdout, result.stderr, result.data) == ("out", "err", None)


def test_the_cap_cuts_the_last_attempt_and_ends_the_retries() -> None:
    backoff: Json = {"initial_sec": 2, "factor": 1, "jitter": False}
    plan = plan_of([step("a", retries=9, timeout_sec=6, backoff=backoff)], max_step_duration_sec=10)
    drive = Driver(plan)
    assert _timeouts(drive.begin()) == [6]
    drive.fail("a", after=6)
    assert _timeouts(drive.elapse("a", after=2)) == [2]
    drive.end("a", failed(Reason.TIMED_OUT, "timed out after 2 s"), after=2)
    assert drive.result("a").message == (
        "timed out after 2 s; not tried again: max_step_duration_sec (10 s) is used up"
    )


def test_no_delay_is_waited_for_that_leads_past_the_cap() -> None:
    backoff: Json = {"initial_sec": 5, "factor": 1, "jitter": False}
    drive = Driver(plan_of([step("a", retries=9, backoff=backoff)], max_step_duration_sec=10))
    drive.begin()
    drive.fail("a", after=5)
    assert "would start after max_step_duration_sec (10 s)" in drive.result("a").message
    assert drive.finish.status is RunStatus.FAILED


def test_a_cap_used_up_in_the_queue_ends_the_step_with_its_last_failure() -> None:
    backoff: Json = {"initial_sec": 1, "jitter": False}
    plan = plan_of([step("a", retries=2, backoff=backoff), step("b")], max_concurrency=1, max_step_duration_sec=10)
    drive = Driver(plan)
    drive.begin()
    drive.fail("a")
    drive.elapse("a", after=1)
    drive.end("b", succeeded(), after=9)
    result = drive.result("a")
    assert (result.status, result.reason, result.attempts) == (StepStatus.FAILED, Reason.EXIT_CODE, 1)
    assert result.message == "exited with code 1; not tried again: max_step_duration_sec (10 s) is used up"
    assert (result.exit_code, result.stderr) == (1, "err")


def test_a_failure_without_words_still_gets_a_sentence() -> None:
    drive = Driver(plan_of([step("a")]))
    drive.begin()
    drive.end("a", AttemptOutcome(StepStatus.FAILED, Reason.INTERNAL))
    assert drive.result("a").message == "the attempt failed"


def _timeouts(said: list[Instruction]) -> list[float]:
    return [instruction.timeout_sec for instruction in said if isinstance(instruction, StartAttempt)]

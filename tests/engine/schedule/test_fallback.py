"""A step with a fallback: when that is called, what its end makes of the step, and of the run. Critical steps at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.model.result import StepResult
from engine.model.states import Reason, RunStatus, StepStatus
from engine.schedule.consequences import Consequence, step_consequence
from engine.schedule.instructions import AwaitFallback, SettleStep, StopAttempt, WaitForRetry
from engine.schedule.taken_up import ItemsLeft, Left, TakenUp
from tests.engine.schedule.builders import canceled, failed, plan_of, step
from tests.engine.schedule.driver import Driver, settled, started

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject

STEADY: Json = {"initial_sec": 5, "jitter": False}


def _main(*depends_on: str, **fields: Json) -> JsonObject:
    return step("main", *depends_on, **{"on_failure": "fallback_step", "fallback_step": "spare", **fields})


def _drive(
    *others: JsonObject, main: JsonObject | None = None, spare: JsonObject | None = None, **limits: Json
) -> Driver:
    """`main` with its fallback `spare`, and `after` that depends on `main`."""
    steps = [main or _main(), spare or step("spare"), step("after", "main"), *others]
    return Driver(plan_of(steps, strategy="dag", **limits))


def test_a_fallback_that_is_not_needed_is_skipped_when_its_step_has_its_end() -> None:
    drive = _drive()
    assert started(drive.begin()) == ["main"]
    assert settled(drive.succeed("main")) == ["main", "spare"]
    assert (drive.result("spare").status, drive.result("spare").reason) == (StepStatus.SKIPPED, Reason.NOT_NEEDED)
    drive.succeed("after")
    assert drive.finish.status is RunStatus.SUCCEEDED
    assert drive.finish.warnings == ()


def test_it_runs_when_its_step_has_failed_for_good_and_stands_in_with_its_data() -> None:
    drive = _drive(main=_main(retries=1, backoff=STEADY))
    drive.begin()
    assert drive.fail("main") == [WaitForRetry("main", 2, 5.0)], "retries come first"
    drive.elapse("main", after=5.0)
    said = drive.fail("main", after=1.0)
    assert isinstance(said[0], AwaitFallback)
    assert (said[0].step_id, said[0].fallback_step) == ("main", "spare")
    assert said[0].failure.message == "exited with code 1; gave up after 2 attempts"
    assert started(said) == ["spare"]
    assert settled(said) == []
    assert drive.scheduler.status("main") is StepStatus.WAITING

    drive.seconds += 3.0
    said = drive.succeed("spare", data={"from": "spare"})
    assert settled(said) == ["spare", "main"]
    assert started(said) == ["after"]
    result = drive.result("main")
    assert (result.status, result.reason, result.is_fallback) == (StepStatus.SUCCEEDED, Reason.FALLBACK, True)
    assert result.data == {"from": "spare"}
    assert result.message == "exited with code 1; gave up after 2 attempts; FALLBACK spare stood in"
    assert (result.exit_code, result.attempts) == (0, 2)
    assert result.duration_us == 9_000_000, "those that depend on it waited for the fallback, too"

    drive.succeed("after")
    assert drive.finish.status is RunStatus.SUCCEEDED
    assert drive.finish.warnings == (f"main: {result.message}",)


def test_a_step_that_waits_for_its_fallback_holds_no_slot() -> None:
    drive = _drive(step("other"), max_concurrency=1)
    drive.begin()
    assert started(drive.fail("main")) == ["spare"]
    assert drive.scheduler.running == 1


@pytest.mark.parametrize("how", ["fails", "canceled from outside"])
def test_when_both_fail_the_step_fails_with_its_own_failure_and_aborts(how: str) -> None:
    drive = _drive(step("runs"))
    drive.begin()
    drive.fail("main")
    if how == "fails":
        drive.end("spare", failed(Reason.TIMED_OUT, "timed out"))
        ended = "failed too: timed out"
    else:
        drive.end("spare", canceled())
        ended = "was canceled: ended by SIGTERM"
    result = drive.result("main")
    assert (result.status, result.reason, result.exit_code) == (StepStatus.FAILED, Reason.EXIT_CODE, 1)
    assert result.message == f"exited with code 1; its fallback spare {ended}"
    drive.stop("runs")
    assert drive.finish.status is RunStatus.FAILED
    assert drive.finish.first_cause is not None
    assert drive.finish.first_cause.step_id == "main", "never the fallback"
    assert drive.result("after").reason is Reason.ABORTED
    assert drive.finish.warnings == ()


def test_a_fallback_that_is_skipped_does_not_stand_in() -> None:
    drive = _drive(spare=step("spare", skip_if=["true"]))
    drive.begin()
    drive.fail("main")
    assert drive.result("main").message == "exited with code 1; its fallback spare was skipped: skip_if holds: true"


def test_it_waits_for_its_own_dependencies() -> None:
    drive = _drive(step("needed"), spare=step("spare", "needed"))
    drive.begin()
    assert started(drive.fail("main")) == []
    assert started(drive.succeed("needed")) == ["spare"]


@pytest.mark.parametrize("order", [("main", "needed"), ("needed", "main")])
def test_if_what_it_needs_has_failed_it_cannot_stand_in(order: tuple[str, str]) -> None:
    drive = _drive(step("needed"), spare=step("spare", "needed"))
    drive.begin()
    for step_id in order:
        drive.fail(step_id)
    assert drive.result("spare").reason is Reason.DEPENDENCY_FAILED
    assert drive.result("main").message == (
        "exited with code 1; its fallback spare was skipped: not run: it depends on needed, which failed"
    )


def test_if_what_it_needs_has_failed_and_it_is_not_needed_it_was_not_needed() -> None:
    drive = _drive(step("needed"), spare=step("spare", "needed"))
    drive.begin()
    drive.fail("needed")
    drive.succeed("main")
    assert drive.result("spare").reason is Reason.NOT_NEEDED


def test_fallbacks_may_have_fallbacks() -> None:
    spare = step("spare", on_failure="fallback_step", fallback_step="last")
    drive = _drive(step("last"), spare=spare)
    drive.begin()
    drive.fail("main")
    drive.fail("spare")
    assert settled(drive.succeed("last", data="at last")) == ["last", "spare", "main"]
    assert drive.result("main").data == "at last"
    assert len(drive.finish.warnings if drive.succeed("after") else ()) == 2


def test_a_chain_that_is_not_needed_is_skipped_as_a_whole() -> None:
    spare = step("spare", on_failure="fallback_step", fallback_step="last")
    drive = _drive(step("last"), spare=spare)
    drive.begin()
    assert settled(drive.succeed("main")) == ["main", "spare", "last"]


def test_a_refusal_calls_for_it_too() -> None:
    main = _main("needed", args=["{needed.data.name}"])
    drive = _drive(step("needed"), main=main)
    drive.begin()
    assert started(drive.succeed("needed", data={})) == ["spare"]
    drive.succeed("spare")
    assert (drive.result("main").reason, drive.result("main").attempts) == (Reason.FALLBACK, 0)


def test_a_skip_does_not_call_for_it() -> None:
    drive = _drive(main=_main(skip_if=["true"]))
    drive.begin()
    assert drive.result("main").reason is Reason.SKIP_IF
    assert drive.result("spare").reason is Reason.NOT_NEEDED


def test_failed_items_call_for_it_once_all_have_ended() -> None:
    drive = _drive(main=_main(for_each=[1, 2]))
    drive.begin()
    assert started(drive.fail("main#0")) == []
    assert started(drive.succeed("main#1")) == ["spare"]
    drive.succeed("spare", data="instead")
    result = drive.result("main")
    assert (result.data, result.items, result.attempts) == ("instead", None, 2)


def test_a_fallback_may_run_for_items() -> None:
    drive = _drive(spare=step("spare", for_each=[1, 2]))
    drive.begin()
    drive.fail("main")
    drive.succeed("spare#0", "spare#1", data="x")
    assert drive.result("main").data == ["x", "x"]


def test_a_cancel_does_not_wait_for_it() -> None:
    drive = _drive()
    drive.begin()
    drive.fail("main")
    said = drive.cancel("operator:ann")
    assert StopAttempt("spare", 1, Reason.CANCELED) in said
    result = drive.result("main")
    assert (result.status, result.reason, result.exit_code) == (StepStatus.CANCELED, Reason.CANCELED, 1)
    assert result.message == "exited with code 1; its fallback did not stand in: canceled by operator:ann"
    drive.succeed("spare")
    assert drive.finish.status is RunStatus.CANCELED


def test_a_failure_after_the_cancel_calls_for_nothing() -> None:
    drive = _drive()
    drive.begin()
    drive.cancel()
    drive.fail("main")
    assert drive.result("main").status is StepStatus.FAILED
    assert drive.result("spare").reason is Reason.CANCELED


def test_in_a_serial_plan_it_has_its_turn_in_the_place_of_its_step() -> None:
    steps = [_main(), step("between"), step("spare", retries=1, backoff=STEADY), step("after", "main")]
    drive = Driver(plan_of(steps, strategy="serial"))
    assert started(drive.begin()) == ["main"]
    assert started(drive.fail("main")) == ["spare"]
    assert started(drive.fail("spare")) == [], "and its delay holds the line"
    drive.elapse("spare")
    drive.succeed("spare")
    assert set(drive.ledger.running) <= {"between", "after"}


def test_in_a_serial_plan_what_it_needs_goes_before_it() -> None:
    steps = [_main(), step("needed"), step("spare", "needed"), step("after", "main"), step("last", "after")]
    drive = Driver(plan_of(steps, strategy="serial"))
    drive.begin()
    assert started(drive.fail("main")) == ["needed"]
    assert started(drive.succeed("needed")) == ["spare"]
    drive.succeed("spare", "after", "last")
    assert drive.finish.status is RunStatus.SUCCEEDED


def test_a_step_that_waited_for_its_fallback_is_taken_up_waiting() -> None:
    drive = _drive()
    drive.begin()
    (told,) = (said for said in drive.fail("main") if isinstance(said, AwaitFallback))
    plan = drive.ledger.plan
    again = Driver(plan, taken_up=TakenUp(awaiting={"main": told.failure}, steps={"spare": Left(1, lost=1)}))
    assert started(again.begin()) == ["spare"]
    again.succeed("spare", data=1)
    result = again.result("main")
    assert (result.reason, result.attempts, result.data) == (Reason.FALLBACK, 1, 1)
    assert result.started_at_us == told.failure.started_at_us


def test_a_fallback_that_had_its_end_already_stands_in_when_the_run_is_taken_up() -> None:
    drive = _drive()
    drive.begin()
    (told,) = (said for said in drive.fail("main") if isinstance(said, AwaitFallback))
    (spare,) = (
        said for said in drive.succeed("spare") if isinstance(said, SettleStep) and said.result.step_id == "spare"
    )
    again = Driver(
        drive.ledger.plan, settled={"spare": spare.result}, taken_up=TakenUp(awaiting={"main": told.failure})
    )
    assert settled(again.begin()) == ["main"]
    assert again.result("main").is_fallback


def test_a_fallback_that_was_divided_goes_on_with_its_items() -> None:
    drive = _drive(spare=step("spare", for_each=[1, 2]))
    drive.begin()
    (told,) = (said for said in drive.fail("main") if isinstance(said, AwaitFallback))
    drive.succeed("spare#0", data="x")
    left = ItemsLeft(settled={0: drive.item("spare", 0)}, left={1: Left(1, lost=1)})
    again = Driver(drive.ledger.plan, taken_up=TakenUp(awaiting={"main": told.failure}, items={"spare": left}))
    assert started(again.begin()) == ["spare#1"]
    again.succeed("spare#1", data="y")
    assert again.result("main").data == ["x", "y"]


def test_a_failed_fallback_has_no_consequence_of_its_own() -> None:
    plan = _drive().ledger.plan
    failure = StepResult("spare", StepStatus.FAILED, Reason.EXIT_CODE, "exited with code 1")
    assert step_consequence(failure, plan.steps["spare"]) is Consequence.SATISFY
    assert step_consequence(failure, plan.steps["main"]) is Consequence.ABORT


# Critical steps


@pytest.mark.parametrize(
    ("mode", "dependent"), [("continue", StepStatus.SUCCEEDED), ("skip_dependents", StepStatus.SKIPPED)]
)
def test_a_critical_failure_fails_the_run_and_leaves_the_dependents_to_on_failure(
    mode: str, dependent: StepStatus
) -> None:
    drive = Driver(plan_of([step("main", critical=True, on_failure=mode), step("after", "main")]))
    drive.begin()
    drive.fail("main")
    if "after" in drive.ledger.running:
        drive.succeed("after")
    assert drive.result("after").status is dependent
    assert drive.finish.status is RunStatus.FAILED
    assert drive.finish.first_cause is not None
    assert drive.finish.first_cause.step_id == "main"
    assert drive.finish.warnings == ()


def test_a_critical_step_for_which_a_fallback_stood_in_has_succeeded() -> None:
    drive = _drive(main=_main(critical=True))
    drive.begin()
    drive.fail("main")
    drive.succeed("spare", "after")
    assert drive.finish.status is RunStatus.SUCCEEDED

"""What breakers mean for steps and items: held off, refused, and quarantined where they are critical."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.model.breaker import BreakerPhase, BreakerState
from engine.model.states import Reason, RunStatus, StepStatus
from engine.schedule.instructions import MoveBreaker, QuarantineStep, StartAttempt, WaitForRetry, WaitReason
from engine.schedule.taken_up import ItemsLeft, Left, TakenUp
from tests.engine.schedule.builders import canceled, failed, plan_of, step, succeeded
from tests.engine.schedule.driver import EPOCH_US, Driver, settled, started

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject

QUICK: Json = {"initial_sec": 1, "jitter": False}
TOOL = "command:true"
OPEN = BreakerState(BreakerPhase.OPEN, 5, EPOCH_US + 100_000_000)


def _drive(
    *steps: JsonObject,
    taken_up: TakenUp | None = None,
    breakers: dict[str, BreakerState] | None = None,
    failures: int = 2,
    **limits: Json,
) -> Driver:
    policy: Json = {"failures": failures, "cooldown_sec": 60}
    plan = plan_of(steps, strategy="dag", breaker=policy, **limits)
    return Driver(plan, taken_up=taken_up or TakenUp(), breakers=breakers)


def test_a_failure_moves_the_breaker_and_that_is_said_first() -> None:
    drive = _drive(step("main", retries=1, backoff=QUICK))
    drive.begin()
    said = drive.fail("main")
    assert said[0] == MoveBreaker(TOOL, BreakerState(BreakerPhase.CLOSED, 1))
    assert [type(told) for told in said] == [MoveBreaker, WaitForRetry]


def test_without_a_policy_commands_have_no_breaker() -> None:
    drive = Driver(plan_of([step("main")]), breakers={TOOL: OPEN})
    assert started(drive.begin()) == ["main"]


def test_a_refusal_is_no_attempt_and_waits_for_the_half_open_where_tries_are_left() -> None:
    drive = _drive(step("main", retries=1, backoff=QUICK), breakers={TOOL: OPEN})
    drive.seconds = 110.0
    assert drive.begin() == [WaitForRetry("main", 1, 50.0, WaitReason.BREAKER_OPEN, tool=TOOL)]
    assert drive.scheduler.status("main") is StepStatus.WAITING
    said = drive.elapse("main", after=50.0)
    assert isinstance(said[0], MoveBreaker)
    assert said[0].state.phase is BreakerPhase.HALF_OPEN
    assert isinstance(said[1], StartAttempt)
    assert said[1].attempt == 1
    assert drive.succeed("main")[0] == MoveBreaker(TOOL, BreakerState(BreakerPhase.CLOSED, 0, OPEN.opened_at_us))


def test_the_wait_is_never_shorter_than_the_backoff() -> None:
    backoff: Json = {"initial_sec": 90, "max_sec": 90, "jitter": False}
    drive = _drive(step("main", retries=1, backoff=backoff), breakers={TOOL: OPEN})
    drive.seconds = 110.0
    assert drive.begin() == [WaitForRetry("main", 1, 90.0, WaitReason.BREAKER_OPEN, tool=TOOL)]


def test_a_refusal_uses_up_a_try() -> None:
    drive = _drive(step("main", retries=1, backoff=QUICK), breakers={TOOL: OPEN})
    drive.seconds = 110.0
    drive.begin()
    drive.elapse("main", after=20.0)  # earlier than it was asked for: still open
    result = drive.result("main")
    assert (result.status, result.reason, result.attempts) == (StepStatus.FAILED, Reason.BREAKER_OPEN, 0)
    assert result.message == (
        "not run: the breaker of command:true is open after 5 failures in a row, for 30 s more; gave up after 2 tries"
    )


def test_without_tries_left_a_refused_step_has_failed_and_what_it_last_came_to_is_kept() -> None:
    drive = _drive(step("main", retries=1, backoff=QUICK), failures=1)
    drive.begin()
    assert drive.fail("main")[1] == WaitForRetry("main", 2, 1.0)
    drive.elapse("main", after=1.0)
    result = drive.result("main")
    assert (result.reason, result.exit_code, result.attempts) == (Reason.BREAKER_OPEN, 1, 1)
    assert (result.tool, result.to_json()["tool"]) == (TOOL, TOOL)


def test_only_a_refused_step_names_the_tool() -> None:
    """Not one that was held off and ran after that, nor one that failed of something else."""
    drive = _drive(step("main", retries=1, backoff=QUICK), step("other", command="false"), breakers={TOOL: OPEN})
    drive.seconds = 110.0
    drive.begin()
    drive.elapse("main", after=50.0)
    drive.fail("main")
    drive.fail("other")
    assert [drive.result(name).tool for name in ("main", "other")] == ["", ""]
    assert "tool" not in drive.result("other").to_json()


def test_while_the_probe_is_under_way_the_others_are_refused() -> None:
    steps = [step("one", retries=1, backoff=QUICK), step("two", retries=1, backoff=QUICK), step("three")]
    drive = _drive(*steps, breakers={TOOL: OPEN})
    drive.seconds = 200.0
    said = drive.begin()
    assert started(said) == ["one"]
    assert WaitForRetry("two", 1, 1.0, WaitReason.BREAKER_OPEN, tool=TOOL) in said
    assert "its probe is under way" in drive.result("three").message


def test_cancellations_are_not_counted_and_a_canceled_probe_is_followed_by_another() -> None:
    steps = [step("one"), step("two", retries=1, backoff=QUICK)]
    drive = _drive(*steps, breakers={TOOL: OPEN})
    drive.seconds = 200.0
    drive.begin()
    assert not [told for told in drive.end("one", canceled()) if isinstance(told, MoveBreaker)]
    assert started(drive.elapse("two", after=1.0)) == ["two"]


@pytest.mark.parametrize(
    ("reason", "counts"),
    [
        (Reason.EXIT_CODE, True),
        (Reason.TIMED_OUT, True),
        (Reason.SIGNALED, True),
        (Reason.BAD_OUTPUT, True),
        (Reason.EXCEPTION, True),
        (Reason.HTTP_STATUS, True),
        (Reason.INTERNAL, False),
        (Reason.REFUSED, False),
        (Reason.TOOL_MISSING, False),
    ],
)
def test_what_a_tool_did_counts_and_what_others_did_does_not(reason: Reason, counts: bool) -> None:
    drive = _drive(step("main"))
    drive.begin()
    drive.end("main", failed(reason, "failed"))
    assert drive.scheduler.breakers[TOOL].failures == int(counts)


def test_what_fails_before_an_attempt_or_comes_from_the_cache_does_not_count() -> None:
    steps = [step("one"), step("two", args=["{one.data.x}"], depends_on=["one"]), step("kept", cache={"ttl_sec": 5})]
    drive = _drive(*steps)
    drive.begin()
    drive.answer("kept", succeeded(1))
    drive.succeed("one", data={})
    assert drive.result("two").reason is Reason.MISSING_REFERENCE
    assert drive.scheduler.breakers[TOOL] == BreakerState()


def test_tools_have_breakers_of_their_own() -> None:
    drive = _drive(step("one"), step("two", command="false"), breakers={TOOL: OPEN})
    drive.seconds = 110.0
    assert started(drive.begin()) == ["two"]


def test_the_cap_counts_the_waits_for_a_breaker() -> None:
    drive = _drive(step("main", retries=9, backoff=QUICK), breakers={TOOL: OPEN}, max_step_duration_sec=30)
    drive.seconds = 110.0
    drive.begin()
    assert drive.result("main").reason is Reason.BREAKER_OPEN
    assert "max_step_duration_sec" in drive.result("main").message


def test_every_item_is_refused_by_itself() -> None:
    drive = _drive(step("each", for_each=[1, 2, 3]), failures=1, max_concurrency=1)
    drive.begin()
    drive.fail("each#0")
    assert [drive.item("each", index).reason for index in (1, 2)] == [Reason.BREAKER_OPEN] * 2
    assert drive.result("each").reason is Reason.ITEMS_FAILED


# Critical steps


def _quarantined() -> Driver:
    steps = [
        step("main", critical=True),
        step("after", "main"),
        step("other", command="false"),
        step("last", "other", command="false"),
    ]
    drive = _drive(*steps, breakers={TOOL: OPEN})
    drive.seconds = 110.0
    return drive


def test_a_critical_step_without_tries_left_is_quarantined_and_the_rest_drains() -> None:
    drive = _quarantined()
    said = drive.begin()
    assert [told.result.step_id for told in said if isinstance(told, QuarantineStep)] == ["main"]
    assert started(said) == ["other"]
    drive.succeed("other")
    assert not drive.scheduler.is_finished
    drive.succeed("last")
    assert (drive.finish.status, drive.finish.quarantined) == (RunStatus.QUARANTINED, ("main",))
    assert drive.finish.first_cause is None
    assert drive.shape() == {"main": "quarantined", "after": "pending", "other": "succeeded", "last": "succeeded"}


def test_a_failure_elsewhere_is_told_with_the_quarantine() -> None:
    drive = _quarantined()
    drive.begin()
    drive.fail("other")
    assert drive.finish.status is RunStatus.QUARANTINED
    assert drive.finish.first_cause is not None
    assert drive.finish.first_cause.step_id == "other"


def test_a_delay_and_a_pause_keep_the_run_from_being_quarantined() -> None:
    steps = [step("main", critical=True), step("other", command="false", retries=1, backoff=QUICK)]
    drive = _drive(*steps, breakers={TOOL: OPEN})
    drive.seconds = 110.0
    drive.begin()
    drive.fail("other")
    drive.pause()
    drive.elapse("other")
    assert not drive.scheduler.is_finished
    drive.resume()
    drive.succeed("other")
    assert drive.finish.status is RunStatus.QUARANTINED


@pytest.mark.parametrize("how", ["cancel", "abort"])
def test_what_stops_the_run_settles_a_quarantined_step_too(how: str) -> None:
    steps = [step("main", critical=True), step("other", command="false", on_failure="abort")]
    drive = _drive(*steps, breakers={TOOL: OPEN})
    drive.seconds = 110.0
    drive.begin()
    if how == "cancel":
        drive.cancel()
        drive.stop("other")
    else:
        drive.fail("other")
    assert drive.result("main").status is StepStatus.CANCELED
    assert drive.finish.status is (RunStatus.CANCELED if how == "cancel" else RunStatus.FAILED)


def test_the_fallback_of_a_critical_step_comes_before_an_operator() -> None:
    steps = [
        step("main", critical=True, on_failure="fallback_step", fallback_step="spare"),
        step("spare", command="false"),
    ]
    drive = _drive(*steps, breakers={TOOL: OPEN})
    drive.seconds = 110.0
    assert started(drive.begin()) == ["spare"]
    drive.succeed("spare")
    assert drive.finish.status is RunStatus.SUCCEEDED


def test_refused_items_of_a_critical_step_quarantine_it_when_the_others_have_ended() -> None:
    drive = _drive(step("each", critical=True, for_each=[1, 2, 3]), failures=1, max_concurrency=2)
    drive.begin()
    assert settled(drive.fail("each#0")) == []
    assert drive.scheduler.status("each", 2) is StepStatus.QUARANTINED
    assert drive.scheduler.status("each") is StepStatus.RUNNING
    (told,) = (said for said in drive.succeed("each#1", data="kept") if isinstance(said, QuarantineStep))
    assert told.result.message == "1 of 3 items wait for a decision: #2; the breaker was open"
    assert drive.finish.quarantined == ("each",)
    left = ItemsLeft(settled={0: drive.item("each", 0), 1: drive.item("each", 1)}, left={2: Left(patient=True)})
    again = _drive(step("each", critical=True, for_each=[1, 2, 3]), taken_up=TakenUp(items={"each": left}))
    again.begin()
    again.succeed("each#2", data="now")
    assert again.result("each").data == [None, "kept", "now"]


def test_a_cancel_settles_refused_items_whatever_their_place() -> None:
    drive = _drive(step("each", critical=True, for_each=[1, 2, 3, 4]), failures=1, max_concurrency=2)
    drive.begin()
    drive.fail("each#1")
    drive.cancel()
    drive.stop("each#0")
    assert drive.result("each").status is StepStatus.CANCELED
    assert drive.finish.status is RunStatus.CANCELED


def test_a_patient_step_waits_for_its_breaker_and_uses_up_no_try() -> None:
    taken_up = TakenUp(steps={"main": Left(failures=0, patient=True)})
    main = step("main", critical=True, retries=1, backoff=QUICK)
    drive = _drive(main, taken_up=taken_up, breakers={TOOL: OPEN}, failures=9)
    drive.seconds = 110.0
    assert drive.begin() == [WaitForRetry("main", 1, 50.0, WaitReason.BREAKER_OPEN, tool=TOOL)]
    assert drive.elapse("main", after=20.0) == [WaitForRetry("main", 1, 30.0, WaitReason.BREAKER_OPEN, tool=TOOL)]
    assert started(drive.elapse("main", after=30.0)) == ["main"]
    assert drive.fail("main")[-1] == WaitForRetry("main", 2, 1.0), "it has both of its tries"
    drive.elapse("main", after=1.0)
    assert drive.finish.status is RunStatus.QUARANTINED, "and with its attempt its patience has ended"


def test_a_patient_step_without_retries_is_tried_once() -> None:
    taken_up = TakenUp(steps={"main": Left(failures=0, patient=True)})
    drive = _drive(step("main", critical=True, backoff=QUICK), taken_up=taken_up, breakers={TOOL: OPEN})
    drive.seconds = 110.0
    drive.begin()
    assert started(drive.elapse("main", after=50.0)) == ["main"]
    drive.fail("main")
    assert drive.result("main").reason is Reason.EXIT_CODE

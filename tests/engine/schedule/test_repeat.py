"""A step with `repeat`: until when it runs again, after how long, and how that mixes with failures and items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.model.states import Reason, RunStatus, StepStatus
from engine.schedule.instructions import StartAttempt, WaitForRetry, WaitReason
from engine.schedule.taken_up import Left, TakenUp
from tests.engine.schedule.builders import plan_of, step, succeeded
from tests.engine.schedule.driver import Driver, started

if TYPE_CHECKING:
    from engine.model.json import Json

UNTIL = "item.data.done == true"
STEADY: Json = {"initial_sec": 5, "jitter": False}
NOT_YET: Json = {"done": False}


def _polling(*, most: int = 3, **fields: Json) -> Driver:
    repeat: Json = {"until": UNTIL, "max": most, "delay_sec": 2}
    return Driver(plan_of([step("poll", repeat=repeat, **fields)], max_step_duration_sec=60))


def test_it_succeeds_with_the_data_of_the_attempt_for_which_until_holds() -> None:
    drive = _polling()
    drive.begin()
    assert drive.succeed("poll", data=NOT_YET) == [WaitForRetry("poll", 2, 2.0, WaitReason.REPEAT)]
    assert drive.scheduler.status("poll") is StepStatus.WAITING
    assert started(drive.elapse("poll", after=2.0)) == ["poll"]
    drive.succeed("poll", data={"done": True, "n": 2})
    result = drive.result("poll")
    assert (result.status, result.data) == (StepStatus.SUCCEEDED, {"done": True, "n": 2})
    assert result.counts == {"iterations": 2}
    assert result.attempts == 2
    assert result.duration_us == 2_000_000


def test_it_fails_when_until_never_held() -> None:
    drive = _polling(most=2)
    drive.begin()
    drive.succeed("poll", data=NOT_YET)
    drive.elapse("poll")
    drive.succeed("poll", data=NOT_YET)
    result = drive.result("poll")
    assert (result.status, result.reason, result.data) == (StepStatus.FAILED, Reason.REPEAT_EXHAUSTED, None)
    assert result.message == f"repeated 2 times and until did not hold: {UNTIL}"
    assert result.counts == {"iterations": 2}


def test_retries_count_the_failures_since_the_last_success() -> None:
    drive = _polling(most=5, retries=1, backoff=STEADY)
    drive.begin()
    for _ in range(2):
        assert drive.fail("poll")[0] == WaitForRetry("poll", drive.ledger.begun["poll"] + 1, 5.0)
        drive.elapse("poll")
        drive.succeed("poll", data=NOT_YET)
        drive.elapse("poll")
    drive.fail("poll")
    drive.elapse("poll")
    drive.fail("poll")
    result = drive.result("poll")
    assert (result.reason, result.attempts) == (Reason.EXIT_CODE, 6)
    assert result.message == "exited with code 1; gave up after 2 attempts"
    assert result.counts == {"iterations": 2}


def test_the_cap_counts_over_all_repetitions_and_their_delays() -> None:
    drive = _polling(most=100)
    drive.begin()
    drive.succeed("poll", data=NOT_YET)
    drive.elapse("poll", after=50.0)
    drive.end("poll", succeeded(NOT_YET), after=9.0)
    result = drive.result("poll")
    assert result.reason is Reason.REPEAT_EXHAUSTED
    assert result.message == (
        f"until did not hold: {UNTIL}; not tried again: the next attempt would start after max_step_duration_sec (60 s)"
    )


def test_a_cap_that_is_used_up_in_a_pause_ends_it() -> None:
    drive = _polling()
    drive.begin()
    drive.succeed("poll", data=NOT_YET)
    drive.pause()
    drive.elapse("poll", after=100.0)
    drive.resume()
    result = drive.result("poll")
    assert (result.reason, result.data) == (Reason.REPEAT_EXHAUSTED, None)
    assert "is used up" in result.message


def test_what_is_stopped_between_repetitions_is_canceled() -> None:
    drive = _polling()
    drive.begin()
    drive.succeed("poll", data=NOT_YET)
    drive.cancel("operator:ann")
    result = drive.result("poll")
    assert (result.status, result.message) == (StepStatus.CANCELED, "not repeated: canceled by operator:ann")


@pytest.mark.parametrize(("data", "status"), [(NOT_YET, StepStatus.CANCELED), ({"done": True}, StepStatus.SUCCEEDED)])
def test_a_success_that_comes_after_the_cancel_is_looked_at(data: Json, status: StepStatus) -> None:
    drive = _polling()
    drive.begin()
    drive.cancel()
    drive.succeed("poll", data=data)
    assert drive.result("poll").status is status
    assert drive.finish.status is RunStatus.CANCELED


def test_with_for_each_every_item_repeats_by_itself() -> None:
    repeat: Json = {"until": UNTIL, "max": 2, "delay_sec": 1}
    drive = Driver(plan_of([step("each", for_each=["a", "b"], repeat=repeat)], strategy="dag"))
    drive.begin()
    drive.succeed("each#0", data={"done": True})
    assert drive.succeed("each#1", data=NOT_YET) == [WaitForRetry("each", 2, 1.0, WaitReason.REPEAT, 1)]
    drive.elapse("each#1")
    drive.succeed("each#1", data=NOT_YET)
    assert drive.item("each", 0).counts == {"iterations": 1}
    assert drive.item("each", 1).reason is Reason.REPEAT_EXHAUSTED
    assert drive.result("each").data == [{"done": True}, None]


def test_until_sees_how_often_it_was_tried() -> None:
    repeat: Json = {"until": "item.attempts >= 3", "max": 9, "delay_sec": 0}
    drive = Driver(plan_of([step("poll", repeat=repeat)]))
    drive.begin()
    drive.succeed("poll")
    drive.elapse("poll")
    drive.succeed("poll")
    drive.elapse("poll")
    drive.succeed("poll")
    assert drive.result("poll").counts == {"iterations": 3}


def test_repetitions_are_taken_up_where_they_were_left() -> None:
    plan = plan_of([step("poll", repeat={"until": UNTIL, "max": 3, "delay_sec": 2}, retries=1)])
    left = Left(attempts=4, lost=1, failures=1, iterations=2)
    drive = Driver(plan, taken_up=TakenUp(steps={"poll": left}))
    assert [told.attempt for told in drive.begin() if isinstance(told, StartAttempt)] == [5]
    drive.succeed("poll", data=NOT_YET)
    assert drive.result("poll").message == f"repeated 3 times and until did not hold: {UNTIL}"

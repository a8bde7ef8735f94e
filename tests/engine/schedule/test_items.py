"""A step with `for_each`: when it is divided, how its items run, and what they come to together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import InvalidTransitionError
from engine.model.bound import BoundCommand
from engine.model.states import Reason, RunStatus, StepStatus
from engine.schedule.instructions import SettleItem, SettleStep, StartAttempt, StopAttempt, WaitForRetry
from engine.schedule.signals import AttemptEnded
from engine.schedule.taken_up import ItemsLeft, Left, TakenUp
from tests.engine.schedule.builders import canceled, failed, plan_of, step, succeeded
from tests.engine.schedule.driver import Driver, settled, started

if TYPE_CHECKING:
    from engine.model.json import Json
    from engine.schedule.instructions import Instruction

STEADY: Json = {"initial_sec": 5, "jitter": False}


def _each(*items: Json, **fields: Json) -> Driver:
    """A step for each of these, and one behind it."""
    steps = [step("each", for_each=list(items), args=["{item}", "{index}"], **fields), step("after", "each")]
    return Driver(plan_of(steps, strategy="dag"))


def _args(said: list[Instruction]) -> list[tuple[str, ...]]:
    found = []
    for told in said:
        if isinstance(told, StartAttempt):
            assert isinstance(told.bound.definition, BoundCommand)
            found.append(told.bound.definition.args)
    return found


def test_each_item_is_bound_with_itself_and_its_index() -> None:
    said = _each("a", 7).begin()
    assert started(said) == ["each#0", "each#1"]
    assert _args(said) == [("a", "0"), ("7", "1")]


def test_items_run_in_input_order_as_many_as_there_are_slots() -> None:
    drive = Driver(plan_of([step("each", for_each=[1, 2, 3, 4]), step("other")], max_concurrency=2))
    assert started(drive.begin()) == ["each#0", "each#1"]
    assert started(drive.succeed("each#1")) == ["each#2"]
    assert started(drive.succeed("each#0")) == ["each#3"]
    assert started(drive.succeed("each#2")) == ["other"], "its items go before what comes after it in order"


def test_the_step_succeeds_when_all_items_did_and_has_their_data_in_input_order() -> None:
    drive = _each("a", "b", "c")
    drive.begin()
    drive.succeed("each#2", data="third")
    drive.succeed("each#0", data={"first": True})
    said = drive.succeed("each#1", data=None)
    assert [type(told) for told in said] == [SettleItem, SettleStep, StartAttempt]
    result = drive.result("each")
    assert (result.status, result.reason) == (StepStatus.SUCCEEDED, None)
    assert result.data == [{"first": True}, None, "third"]
    assert result.counts == {"items": 3}
    assert result.attempts == 3
    assert result.items is not None
    assert result.items[0] == {
        "index": 0,
        "item": "a",
        "status": "succeeded",
        "reason": None,
        "message": "",
        "exit_code": 0,
        "attempts": 1,
        "duration_us": 0,
    }


def test_a_failing_item_stops_no_other_and_fails_the_step() -> None:
    drive = _each(*range(4), on_failure="continue")
    drive.begin()
    drive.fail("each#1")
    drive.succeed("each#0", data="zero")
    drive.end("each#3", failed(Reason.TIMED_OUT, "timed out after 60 s\nand more"))
    drive.succeed("each#2", data="two")
    result = drive.result("each")
    assert (result.status, result.reason) == (StepStatus.FAILED, Reason.ITEMS_FAILED)
    assert result.message == "2 of 4 items failed: #1 exited with code 1, #3 timed out after 60 s"
    assert result.data == ["zero", None, "two", None], "null where it failed"
    assert result.counts == {"items": 4, "failed": 2}
    assert drive.item("each", 1).reason is Reason.EXIT_CODE
    assert drive.scheduler.status("after") is StepStatus.RUNNING
    drive.succeed("after")
    assert drive.finish.status is RunStatus.SUCCEEDED


def test_many_failures_are_counted_and_some_are_named() -> None:
    drive = Driver(plan_of([step("each", for_each=list(range(9)))], max_concurrency=9))
    drive.begin()
    for index in range(9):
        drive.fail(f"each#{index}")
    assert drive.result("each").message.endswith("#4 exited with code 1, and 4 more")
    assert drive.result("each").message.startswith("9 of 9 items failed: #0 exited with code 1, #1 ")


def test_an_item_that_was_stopped_from_outside_has_failed() -> None:
    drive = _each("a")
    drive.begin()
    drive.end("each#0", canceled())
    assert drive.result("each").reason is Reason.ITEMS_FAILED
    assert drive.result("each").message == "1 of 1 item failed: #0 ended by SIGTERM"
    assert drive.result("after").reason is Reason.DEPENDENCY_FAILED


def test_an_empty_list_succeeds_at_once() -> None:
    drive = _each()
    assert settled(drive.begin()) == ["each"]
    result = drive.result("each")
    assert (result.status, result.data, result.items) == (StepStatus.SUCCEEDED, [], ())
    assert result.counts == {"items": 0}
    assert (result.attempts, result.started_at_us) == (0, None)


def test_each_item_has_its_own_retries_and_delays() -> None:
    drive = _each("a", "b", retries=1, backoff=STEADY)
    drive.begin()
    assert drive.fail("each#0") == [WaitForRetry("each", 2, 5.0, item_index=0)]
    assert drive.fail("each#1") == [WaitForRetry("each", 2, 5.0, item_index=1)]
    assert drive.scheduler.status("each") is StepStatus.RUNNING
    assert drive.scheduler.status("each", 0) is StepStatus.WAITING
    assert started(drive.elapse("each#1", after=5.0)) == ["each#1"]
    drive.fail("each#1")
    assert drive.item("each", 1).message == "exited with code 1; gave up after 2 attempts"
    drive.elapse("each#0")
    drive.succeed("each#0")
    assert drive.result("each").attempts == 4


def test_the_cap_counts_for_each_item_by_itself() -> None:
    plan = plan_of(
        [step("each", for_each=[1, 2], retries=9, backoff=STEADY)], max_concurrency=1, max_step_duration_sec=8
    )
    drive = Driver(plan)
    drive.begin()
    drive.fail("each#0", after=7.0)
    assert "max_step_duration_sec" in drive.item("each", 0).message
    assert drive.fail("each#1", after=2.0) == [WaitForRetry("each", 2, 5.0, item_index=1)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"rows": "no list"}, Reason.BAD_ITEMS),
        ({"rows": None}, Reason.BAD_ITEMS),
        ({"rows": list(range(10_001))}, Reason.BAD_ITEMS),
        ({}, Reason.MISSING_REFERENCE),
    ],
)
def test_what_is_no_list_or_too_long_fails_the_step_without_an_attempt(data: Json, reason: Reason) -> None:
    drive = Driver(plan_of([step("find"), step("each", for_each="{find.data.rows}")]))
    drive.begin()
    drive.succeed("find", data=data)
    result = drive.result("each")
    assert (result.status, result.reason, result.attempts) == (StepStatus.FAILED, reason, 0)
    assert result.items is None


def test_a_step_is_divided_once_its_conditions_hold() -> None:
    steps = [step("find"), step("each", for_each="{find.data.rows}", condition="find.data.go")]
    drive = Driver(plan_of(steps))
    drive.begin()
    drive.succeed("find", data={"go": False})
    assert drive.result("each").reason is Reason.CONDITION_FALSE


def test_an_item_that_cannot_be_bound_fails_alone() -> None:
    drive = Driver(plan_of([step("each", for_each=[{"n": 1}, {}], args=["{item.n}"])], strategy="dag"))
    assert started(drive.begin()) == ["each#0"]
    assert drive.item("each", 1).reason is Reason.MISSING_REFERENCE


def test_serial_items_run_one_at_a_time_and_a_delay_holds_the_line() -> None:
    steps = [step("each", for_each=[1, 2], retries=1, backoff=STEADY), step("other")]
    drive = Driver(plan_of(steps, strategy="serial"))
    assert started(drive.begin()) == ["each#0"]
    assert started(drive.fail("each#0")) == []
    assert started(drive.elapse("each#0")) == ["each#0"]
    assert started(drive.succeed("each#0")) == ["each#1"]
    assert started(drive.succeed("each#1")) == ["other"]


def test_a_cancel_stops_the_items_that_run_and_settles_those_that_do_not() -> None:
    plan = plan_of([step("each", for_each=[1, 2, 3, 4], retries=1, backoff=STEADY)], strategy="dag", max_concurrency=2)
    drive = Driver(plan)
    drive.begin()
    drive.succeed("each#0", data="kept")
    drive.fail("each#1")
    said = drive.cancel("operator:ann")
    assert [told for told in said if isinstance(told, StopAttempt)] == [
        StopAttempt("each", 1, Reason.CANCELED, 2),
        StopAttempt("each", 1, Reason.CANCELED, 3),
    ]
    assert drive.item("each", 1).message == "not tried again: canceled by operator:ann"
    assert drive.item("each", 1).exit_code == 1
    drive.stop("each#2")
    drive.succeed("each#3", data="too late to stop")
    result = drive.result("each")
    assert (result.status, result.reason) == (StepStatus.CANCELED, Reason.CANCELED)
    assert result.data == ["kept", None, None, "too late to stop"]


def test_items_that_all_succeeded_in_spite_of_a_cancel_make_a_step_that_did() -> None:
    drive = _each("a")
    drive.begin()
    drive.cancel()
    drive.succeed("each#0", data=1)
    assert (drive.result("each").status, drive.result("each").data) == (StepStatus.SUCCEEDED, [1])


def test_an_abort_from_elsewhere_ends_the_items() -> None:
    drive = Driver(plan_of([step("bad", on_failure="abort"), step("each", for_each=[1, 2])], max_concurrency=2))
    assert started(drive.begin()) == ["bad", "each#0"]
    drive.fail("bad")
    assert drive.item("each", 1).message == "not run: step bad failed, which aborts the run"
    drive.stop("each#0")
    assert drive.result("each").reason is Reason.ABORTED
    assert drive.finish.first_cause is not None
    assert drive.finish.first_cause.step_id == "bad"


def test_nothing_of_an_item_that_is_long_or_no_scalar_is_repeated() -> None:
    drive = Driver(plan_of([step("each", for_each=[{"big": 1}, "x" * 300, None])], strategy="dag"))
    drive.begin()
    drive.succeed("each#0", "each#1", "each#2")
    heads = drive.result("each").items
    assert heads is not None
    assert [isinstance(head, dict) and "item" in head for head in heads] == [False, False, True]


def test_items_are_taken_up_where_they_were_left() -> None:
    each = step("each", for_each=["a", "b", "c", "d"], retries=1)
    plan = plan_of([{**each, "skip_if": ["true"]}], strategy="dag")
    before = Driver(plan_of([each], strategy="dag"))
    before.begin()
    before.succeed("each#0", data="done before")
    left = ItemsLeft(
        settled={0: before.item("each", 0)},
        left={1: Left(attempts=2, lost=1), 2: Left(attempts=1, lost=1, first_at_us=5)},
    )
    drive = Driver(plan, taken_up=TakenUp(items={"each": left}))
    said = drive.begin()
    assert started(said) == ["each#1", "each#2", "each#3"], "and skip_if is not looked at again"
    assert [told.attempt for told in said if isinstance(told, StartAttempt)] == [3, 2, 1]
    drive.fail("each#1")
    assert drive.item("each", 1).message == "exited with code 1; gave up after 2 attempts"
    drive.succeed("each#2", "each#3", data="now")
    result = drive.result("each")
    assert result.data == ["done before", None, "now", "now"]
    assert result.attempts == 1 + 3 + 2 + 1
    assert result.started_at_us == 5


def test_a_step_whose_items_all_had_their_end_is_settled_when_it_is_taken_up() -> None:
    first = Driver(plan_of([step("each", for_each=["a"])]))
    first.begin()
    first.succeed("each#0", data=1)
    left = ItemsLeft(settled={0: first.item("each", 0)})
    drive = Driver(plan_of([step("each", for_each=["a"])]), taken_up=TakenUp(items={"each": left}))
    assert settled(drive.begin()) == ["each"]
    assert drive.result("each").data == [1]


def test_items_that_were_left_in_a_run_that_is_canceled_are_settled() -> None:
    left = ItemsLeft(left={1: Left(attempts=1, lost=1, first_at_us=5)})
    drive = Driver(plan_of([step("each", for_each=["a", "b"])]), taken_up=TakenUp(items={"each": left}))
    drive.cancel()
    drive.begin()
    assert [drive.item("each", index).status for index in (0, 1)] == [StepStatus.CANCELED] * 2
    assert drive.result("each").attempts == 1
    assert drive.finish.status is RunStatus.CANCELED


def test_a_list_that_lost_items_since_is_a_defect_that_is_told() -> None:
    left = ItemsLeft(left={2: Left(attempts=1, lost=1)})
    drive = Driver(plan_of([step("each", for_each=["a", "b"])]), taken_up=TakenUp(items={"each": left}))
    with pytest.raises(InvalidTransitionError, match="item 2 has been under way, and now there are 2 items"):
        drive.begin()


def test_a_signal_for_an_item_that_is_not_there_tells_the_story() -> None:
    drive = _each("a")
    drive.begin()
    for index in (None, 1, -1):
        with pytest.raises(InvalidTransitionError) as caught:
            drive.send(AttemptEnded("each", 1, succeeded(), index))
        assert "divided into its items" in "\n".join(caught.value.story)

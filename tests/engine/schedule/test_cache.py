"""The cache: asked once, before the first attempt, with the slot held; and what a late answer may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import InvalidTransitionError
from engine.model.bound import BoundCommand
from engine.model.states import Reason, RunStatus, StepStatus
from engine.schedule.instructions import AskCache, StartAttempt, WaitForRetry
from engine.schedule.signals import CacheAnswered
from engine.schedule.taken_up import Left, TakenUp
from tests.engine.schedule.builders import failed, plan_of, step, succeeded
from tests.engine.schedule.driver import Driver, settled, started

if TYPE_CHECKING:
    from engine.model.json import Json

TTL: Json = {"ttl_sec": 60}
STEADY: Json = {"initial_sec": 5, "jitter": False}


def _drive(**fields: Json) -> Driver:
    return Driver(plan_of([step("main", cache=TTL, **fields), step("other")], strategy="dag", max_concurrency=1))


def test_it_is_asked_before_the_first_attempt_and_the_slot_is_held() -> None:
    drive = _drive(args=["x"])
    said = drive.begin()
    assert [type(told) for told in said] == [AskCache]
    assert isinstance(said[0], AskCache)
    assert said[0].ttl_sec == 60
    assert isinstance(said[0].bound.definition, BoundCommand)
    assert said[0].bound.definition.args == ("x",)
    assert drive.scheduler.running == 1
    assert drive.scheduler.status("main") is StepStatus.PENDING


def test_a_hit_settles_the_step_without_an_attempt() -> None:
    drive = _drive()
    drive.begin()
    said = drive.answer("main", succeeded({"kept": True}))
    assert settled(said) == ["main"]
    assert started(said) == ["other"]
    result = drive.result("main")
    assert (result.status, result.reason, result.attempts) == (StepStatus.SUCCEEDED, Reason.CACHE_HIT, 0)
    assert result.data == {"kept": True}
    assert result.started_at_us is None


def test_a_miss_starts_the_attempt_in_the_slot() -> None:
    drive = _drive()
    drive.begin()
    assert started(drive.answer("main", None)) == ["main"]
    assert drive.scheduler.running == 1


def test_a_retry_does_not_ask() -> None:
    drive = _drive(retries=1, backoff=STEADY)
    drive.begin()
    drive.answer("main", None)
    assert drive.fail("main")[0] == WaitForRetry("main", 2, 5.0)
    drive.succeed("other")
    assert started(drive.elapse("main")) == ["main"]


def test_neither_does_what_was_begun_before_the_run_was_taken_up() -> None:
    plan = plan_of([step("main", cache=TTL)])
    assert started(Driver(plan, taken_up=TakenUp(steps={"main": Left(1, lost=1)})).begin()) == ["main"]
    assert [type(told) for told in Driver(plan).begin()] == [AskCache]


def test_every_item_asks_for_itself() -> None:
    drive = Driver(plan_of([step("each", for_each=[1, 2], cache=TTL)], strategy="dag"))
    assert [told.item_index for told in drive.begin() if isinstance(told, AskCache)] == [0, 1]
    drive.answer("each#1", succeeded("kept"))
    assert started(drive.answer("each#0", None)) == ["each#0"]
    drive.succeed("each#0", data="new")
    assert drive.result("each").data == ["new", "kept"]
    assert drive.item("each", 1).reason is Reason.CACHE_HIT


def test_a_miss_in_a_pause_starts_nothing_and_is_asked_for_again() -> None:
    drive = _drive()
    drive.begin()
    drive.pause()
    assert drive.answer("main", None) == []
    assert drive.scheduler.running == 0
    assert [type(told) for told in drive.resume()] == [AskCache]


def test_a_hit_in_a_pause_is_taken() -> None:
    drive = _drive()
    drive.begin()
    drive.pause()
    assert settled(drive.answer("main", succeeded())) == ["main"]


@pytest.mark.parametrize("kept", [None, succeeded("late")])
def test_an_answer_that_comes_after_the_cancel_is_no_surprise(kept: object) -> None:
    plan = plan_of([step("main", cache=TTL), step("runs")], strategy="dag")
    drive = Driver(plan)
    drive.begin()
    drive.cancel()
    assert drive.scheduler.running == 1
    assert drive.answer("main", kept) == []  # type: ignore[arg-type]
    assert drive.result("main").status is StepStatus.CANCELED
    drive.stop("runs")
    assert drive.finish.status is RunStatus.CANCELED


def test_an_answer_to_no_question_and_a_kept_failure_are_refused() -> None:
    drive = _drive()
    drive.begin()
    with pytest.raises(InvalidTransitionError):
        drive.send(CacheAnswered("other", None))
    with pytest.raises(InvalidTransitionError):
        drive.send(CacheAnswered("main", failed()))
    assert [told for told in drive.answer("main", None) if isinstance(told, StartAttempt)]
    with pytest.raises(InvalidTransitionError):
        drive.send(CacheAnswered("main", None))


def test_a_hit_is_looked_for_before_the_breaker_is_asked() -> None:
    from engine.model.breaker import BreakerPhase, BreakerState

    plan = plan_of([step("main", cache=TTL)], breaker={"failures": 1})
    still_open = BreakerState(BreakerPhase.OPEN, 1, 1_767_268_900_000_000)
    for kept, reason in ((succeeded(1), Reason.CACHE_HIT), (None, Reason.BREAKER_OPEN)):
        drive = Driver(plan, breakers={"command:true": still_open}, seconds=101.0)
        drive.begin()
        drive.answer("main", kept)
        assert drive.result("main").reason is reason
        assert drive.scheduler.running == 0

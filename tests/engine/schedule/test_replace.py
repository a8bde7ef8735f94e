"""An operator's replan of a live run: what is stopped, what does not begin, what goes on to its end. Rules are test_replan.py's."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from engine.model.replan import ReplanMode
from engine.model.states import Reason, RunStatus, StepStatus
from engine.schedule.instructions import AwaitDecision, AwaitFallback, FinishExecution, SettleItem, StopAttempt
from engine.schedule.signals import Begin, Replace
from engine.schedule.taken_up import ItemsLeft, Left, TakenUp
from tests.engine.schedule.builders import canceled, failed, plan_of, step, succeeded
from tests.engine.schedule.driver import Driver, settled, started
from tests.engine.schedule.rules import Wants, wants

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject

STEADY: Json = {"initial_sec": 5, "jitter": False}


def _drive(*steps: JsonObject, strategy: str = "dag", rules: Wants | None = None, **limits: Json) -> Driver:
    return Driver(plan_of(steps, strategy=strategy, **limits), replans=rules)


def _replanned(*step_ids: str) -> FinishExecution:
    return FinishExecution(RunStatus.SUCCEEDED, None, replan=step_ids)


def test_a_running_step_is_stopped_and_nothing_follows_from_its_end() -> None:
    drive = _drive(step("main", on_failure="abort"), step("after", "main"), step("other"))
    drive.begin()
    assert drive.replace("main") == [StopAttempt("main", 1, Reason.REPLANNED)]
    assert settled(drive.stop("main")) == ["main"]
    result = drive.result("main")
    assert (result.status, result.reason) == (StepStatus.CANCELED, Reason.REPLANNED)
    assert result.message == "stopped: the plan is being changed"
    assert drive.scheduler.status("after") is StepStatus.PENDING
    assert drive.succeed("other")[-1] == drive.finish == _replanned("main")


@pytest.mark.parametrize("ends", [succeeded({"late": 1}), failed()], ids=["succeeded", "failed"])
def test_its_own_end_may_have_been_on_its_way(ends: object) -> None:
    drive = _drive(step("main", on_failure="abort", retries=3), step("after", "main"))
    drive.begin()
    drive.replace("main")
    said = drive.end("main", ends)  # type: ignore[arg-type]
    assert settled(said) == ["main"]
    assert drive.result("main").status is not StepStatus.CANCELED
    assert drive.finish == _replanned("main"), "no retry, no abort, no dependent"


def test_a_repetition_is_not_gone_on_with() -> None:
    drive = _drive(step("main", repeat={"until": "item.data.done == true", "max": 5}))
    drive.begin()
    drive.replace("main")
    drive.succeed("main", data={"done": False})
    assert (drive.result("main").status, drive.result("main").reason) == (StepStatus.CANCELED, Reason.REPLANNED)


def test_a_step_that_is_ready_does_not_begin() -> None:
    drive = _drive(step("first"), step("main"), step("other"), max_concurrency=1)
    drive.begin()
    assert drive.replace("main") == []
    assert started(drive.succeed("first")) == ["other"]
    drive.succeed("other")
    assert drive.finish == _replanned("main")
    assert drive.scheduler.status("main") is StepStatus.PENDING
    assert drive.scheduler.story("main")[-1].endswith(
        "held back because the plan is being changed, attempt 0 → pending"
    )


@pytest.mark.parametrize("seed", range(20))
def test_those_that_are_left_begin_in_their_order(seed: int) -> None:
    random, names = Random(seed), [f"s{n}" for n in range(30)]
    drive = _drive(*(step(name) for name in names), max_concurrency=1)
    running = started(drive.begin())
    for _ in range(random.randrange(10)):
        running = started(drive.succeed(*running))
    gone = random.sample(names[names.index(running[0]) + 1 :], 8)
    drive.replace(*gone)
    for name in names[names.index(running[0]) :]:
        if name not in gone:
            assert running == [name]
            running = started(drive.succeed(name))
    assert drive.finish.replan == tuple(sorted(gone))


def test_in_a_serial_plan_the_line_goes_on_without_it() -> None:
    steps = [step("first"), step("main"), step("after", "main"), step("other")]
    drive = _drive(*steps, strategy="serial")
    drive.begin()
    drive.replace("main")
    assert started(drive.succeed("first")) == ["other"]
    drive.succeed("other")
    assert drive.finish == _replanned("main")


def test_a_delay_is_dropped_and_the_step_has_no_end() -> None:
    drive = _drive(step("main", retries=1, backoff=STEADY), step("other"))
    drive.begin()
    drive.fail("main")
    assert drive.replace("main") == []
    assert drive.elapse("main", after=5.0) == [], "it was on its way"
    assert drive.scheduler.status("main") is StepStatus.WAITING
    assert drive.succeed("other")[-1] == _replanned("main")


def test_nobody_waits_for_a_delay_that_was_dropped() -> None:
    drive = _drive(step("main", retries=1, backoff=STEADY))
    drive.begin()
    drive.fail("main")
    assert drive.replace("main") == [_replanned("main")]


def test_a_retry_whose_delay_is_over_does_not_begin_either() -> None:
    drive = _drive(step("main", retries=1, backoff=STEADY), step("other"), max_concurrency=1)
    drive.begin()
    drive.fail("main")
    drive.elapse("main", after=5.0)
    drive.replace("main")
    drive.succeed("other")
    assert drive.finish == _replanned("main")


def test_a_delay_in_a_serial_plan_holds_the_line_no_longer() -> None:
    drive = _drive(step("main", retries=1, backoff=STEADY), step("other"), strategy="serial")
    drive.begin()
    assert started(drive.fail("main")) == []
    assert started(drive.replace("main")) == ["other"]


def test_what_comes_after_a_step_that_has_its_end_does_not_begin() -> None:
    drive = _drive(
        step("main"), step("wait"), step("after", "main", "wait"), step("last", "after"), step("other", "wait")
    )
    drive.begin()
    drive.succeed("main")
    assert drive.replace("main") == []
    assert started(drive.succeed("wait")) == ["other"]
    drive.succeed("other")
    assert drive.finish == _replanned("main")
    assert {drive.scheduler.status(step_id) for step_id in ("after", "last")} == {StepStatus.PENDING}


def test_what_has_begun_after_it_goes_on_to_its_end_with_retries() -> None:
    drive = _drive(step("main"), step("after", "main", retries=1, backoff=STEADY), step("last", "after"))
    drive.begin()
    drive.succeed("main")
    assert drive.replace("main") == []
    drive.fail("after")
    assert started(drive.elapse("after", after=5.0)) == ["after"]
    drive.succeed("after")
    assert drive.finish == _replanned("main")
    assert drive.scheduler.status("last") is StepStatus.PENDING


def test_the_cache_may_answer_for_a_step_that_does_not_begin_any_more() -> None:
    drive = _drive(step("main", cache={"ttl_sec": 60}), step("after", "main"))
    drive.begin()
    assert drive.replace("main") == []
    assert drive.scheduler.running == 1, "it holds its slot until then"
    assert drive.answer("main", succeeded("kept")) == [_replanned("main")]
    assert drive.scheduler.running == 0
    assert drive.scheduler.status("main") is StepStatus.PENDING


def test_all_items_of_a_divided_step_end_with_it() -> None:
    steps = [step("main", for_each=[1, 2, 3, 4], retries=1, backoff=STEADY), step("after", "main"), step("other")]
    drive = _drive(*steps, max_concurrency=3)
    drive.begin()
    drive.succeed("main#0")
    drive.fail("main#1")
    said = drive.replace("main")
    assert [told for told in said if isinstance(told, StopAttempt)] == [
        StopAttempt("main", 1, Reason.REPLANNED, 2),
        StopAttempt("main", 1, Reason.REPLANNED, 3),
    ]
    assert [told.item_index for told in said if isinstance(told, SettleItem)] == [1]
    drive.stop("main#2")
    drive.succeed("main#3")
    result = drive.result("main")
    assert (result.status, result.reason) == (StepStatus.CANCELED, Reason.REPLANNED)
    assert drive.elapse("main#1") == [], "it was on its way"
    drive.succeed("other")
    assert drive.finish == _replanned("main")


def test_items_that_all_went_well_make_a_step_that_did() -> None:
    drive = _drive(step("main", for_each=[1]), step("after", "main"))
    drive.begin()
    drive.replace("main")
    drive.succeed("main#0", data="x")
    assert drive.result("main").data == ["x"]
    assert drive.finish == _replanned("main")


def test_items_that_fail_call_for_no_fallback() -> None:
    main = step("main", for_each=[1], on_failure="fallback_step", fallback_step="spare")
    drive = _drive(main, step("spare"))
    drive.begin()
    drive.replace("main")
    assert settled(drive.fail("main#0")) == ["main"]
    assert drive.finish == _replanned("main")


# Fallbacks


def _with_fallback() -> Driver:
    main = step("main", on_failure="fallback_step", fallback_step="spare")
    drive = _drive(main, step("spare"), step("after", "main"))
    drive.begin()
    return drive


def test_a_fallback_that_runs_for_a_replaced_step_is_stopped_with_it() -> None:
    drive = _with_fallback()
    drive.fail("main")
    assert drive.replace("main") == [StopAttempt("spare", 1, Reason.REPLANNED)]
    drive.stop("spare")
    assert drive.finish == _replanned("main")
    assert drive.scheduler.status("main") is StepStatus.WAITING


def test_a_replaced_step_that_fails_calls_for_none() -> None:
    drive = _with_fallback()
    drive.replace("main")
    assert settled(drive.fail("main")) == ["main"]
    assert drive.finish == _replanned("main")


def test_a_replaced_fallback_does_not_stand_in_any_more() -> None:
    drive = _with_fallback()
    drive.replace("spare")
    said = drive.fail("main")
    assert any(isinstance(told, AwaitFallback) for told in said)
    assert started(said) == []
    assert drive.finish == _replanned("spare")


def test_the_same_holds_when_the_run_is_taken_up() -> None:
    live = _with_fallback()
    (told,) = (said for said in live.fail("main") if isinstance(said, AwaitFallback))
    live.replace("main")
    live.stop("spare")
    for touched in ("main", "spare"):
        again = Driver(
            live.ledger.plan,
            settled=dict(live.ledger.settled),
            taken_up=TakenUp(awaiting={"main": told.failure}),
            replaced=frozenset([touched]),
        )
        assert again.begin() == [_replanned(touched)]


def test_a_fallback_of_what_comes_after_is_not_called_when_the_run_is_taken_up() -> None:
    middle = step("middle", "main", on_failure="fallback_step", fallback_step="spare")
    live = _drive(step("main"), middle, step("spare"))
    live.begin()
    live.succeed("main")
    (told,) = (said for said in live.fail("middle") if isinstance(said, AwaitFallback))
    assert live.replace("main") == [], "what has begun goes on, and so does its fallback"
    again = Driver(
        live.ledger.plan,
        settled=dict(live.ledger.settled),
        taken_up=TakenUp(awaiting={"middle": told.failure}, steps={"spare": Left(1, lost=1)}),
        replaced=frozenset(["main"]),
    )
    assert again.begin() == [_replanned("main")], "nothing of it is under way any more"


# Several, at the wrong time, of what is not there


def test_it_may_be_said_again() -> None:
    drive = _drive(step("a"), step("b"), step("c"))
    drive.begin()
    assert drive.replace("a") == [StopAttempt("a", 1, Reason.REPLANNED)]
    assert drive.replace("b", "a") == [StopAttempt("b", 1, Reason.REPLANNED)]
    drive.stop("b", "a")
    drive.succeed("c")
    assert drive.finish == _replanned("a", "b")


def test_steps_that_are_new_leave_all_others_alone() -> None:
    drive = _drive(step("a"), step("b", "a"))
    drive.begin()
    assert drive.replace("new") == []
    drive.succeed("a", "b")
    assert drive.finish == _replanned("new")


def test_nothing_means_nothing() -> None:
    drive = _drive(step("a"))
    drive.begin()
    assert drive.replace() == []
    drive.succeed("a")
    assert drive.finish == FinishExecution(RunStatus.SUCCEEDED, None)


def test_it_may_come_before_the_beginning() -> None:
    drive = _drive(step("main"), step("after", "main"), step("other"))
    assert drive.replace("main") == []
    assert started(drive.begin()) == ["other"]
    drive.succeed("other")
    assert drive.finish == _replanned("main")


def test_after_the_end_and_after_a_stop_it_changes_nothing() -> None:
    drive = _drive(step("a"), step("b"))
    drive.begin()
    drive.cancel()
    assert drive.replace("a") == []
    drive.stop("a", "b")
    assert drive.result("a").reason is Reason.CANCELED
    assert drive.finish.status is RunStatus.CANCELED
    assert drive.replace("a") == []


def test_the_pass_does_not_end_in_a_pause() -> None:
    drive = _drive(step("a"))
    drive.begin()
    drive.pause()
    drive.replace("a")
    assert FinishExecution not in [type(told) for told in drive.stop("a")]
    assert drive.resume() == [_replanned("a")]


# What wins, and holds


def test_a_cancel_wins_and_stops_nothing_twice() -> None:
    drive = _drive(step("main"), step("after", "main"), step("other"))
    drive.begin()
    drive.replace("main")
    said = drive.cancel()
    assert [told.step_id for told in said if isinstance(told, StopAttempt)] == ["other"]
    drive.stop("main", "other")
    assert drive.result("after").reason is Reason.CANCELED
    assert drive.finish.status is RunStatus.CANCELED


def test_an_abort_wins() -> None:
    drive = _drive(step("main"), step("bad", on_failure="abort"))
    drive.begin()
    drive.replace("main")
    drive.fail("bad")
    drive.stop("main")
    assert drive.finish.status is RunStatus.FAILED
    assert drive.finish.replan == ()


def test_a_hold_is_decided_before_the_plan_changes() -> None:
    drive = _drive(step("main"), step("other"), step("after", "main"), rules=wants("main"))
    drive.begin()
    drive.fail("main")
    drive.replace("other")
    assert drive.stop("other")[-1] == AwaitDecision(("main",))
    assert settled(drive.decide("main", approved=False)) == ["after"]
    assert drive.finish.replan == ("other",)


def test_what_is_held_and_then_replaced_has_no_consequence_even_if_denied() -> None:
    drive = _drive(step("main", on_failure="abort"), step("after", "main"), rules=wants("main"))
    drive.begin()
    drive.fail("main")
    assert drive.replace("main") == []
    assert drive.decide("main", approved=False) == [_replanned("main")]


def test_what_is_held_and_replaced_is_named_once() -> None:
    drive = _drive(step("main"), step("b"), rules=wants("main"))
    drive.begin()
    drive.fail("main")
    drive.replace("main", "b")
    drive.stop("b")
    assert drive.decide("main", approved=True) == [_replanned("main", "b")]


def test_a_replaced_step_is_not_judged() -> None:
    rules = Wants({"main": ReplanMode.APPROVAL})
    drive = _drive(step("main"), rules=rules)
    drive.begin()
    drive.replace("main")
    drive.fail("main")
    assert rules.judged == []
    assert drive.finish == _replanned("main")


def test_a_quarantined_step_that_is_replaced_needs_no_other_decision() -> None:
    steps = [step("bad", command="x"), step("grave", "wait", command="x", critical=True), step("wait"), step("other")]
    drive = _drive(*steps, breaker={"failures": 1, "cooldown_sec": 60})
    drive.begin()
    drive.fail("bad")
    drive.succeed("wait")
    assert drive.scheduler.status("grave") is StepStatus.QUARANTINED
    assert settled(drive.replace("grave")) == ["grave"]
    drive.succeed("other")
    assert drive.finish.replan == ("grave",)


# Taking up


def test_a_run_is_taken_up_with_what_was_replaced() -> None:
    steps = [step("main", on_failure="abort"), step("after", "main"), step("waits", retries=1), step("other")]
    live = _drive(*steps)
    live.begin()
    live.fail("waits")
    live.replace("main", "waits")
    live.stop("main")
    again = Driver(
        live.ledger.plan,
        settled=dict(live.ledger.settled),
        taken_up=TakenUp(steps={"waits": Left(1, 0, 1), "other": Left(1, 1)}),
        replaced=frozenset(["main", "waits"]),
    )
    assert started(again.begin()) == ["other"], "the canceled end of main aborts nothing"
    again.succeed("other")
    assert again.finish == _replanned("main", "waits")


@pytest.mark.parametrize("is_canceled", [False, True])
def test_items_of_a_replaced_step_do_not_go_on_when_the_run_is_taken_up(is_canceled: bool) -> None:
    live = _drive(step("main", for_each=[1, 2]), step("after", "main"))
    live.begin()
    live.succeed("main#0", data="x")
    left = ItemsLeft(settled={0: live.item("main", 0)}, left={1: Left(1, lost=1, first_at_us=5)})
    again = Driver(live.ledger.plan, taken_up=TakenUp(items={"main": left}), replaced=frozenset(["main"]))
    if not is_canceled:
        assert again.begin() == [_replanned("main")]
        return
    again.cancel()
    assert again.item("main", 1).status is StepStatus.CANCELED
    assert again.finish.status is RunStatus.CANCELED


def test_signals_tell_who_they_concern() -> None:
    """The runner knows no plan: all that it hands over are names."""
    drive = _drive(step("a"))
    drive.ledger.begin()
    drive.send(Begin())
    drive.ledger.replaced(frozenset(["a"]))
    assert drive.send(Replace(frozenset(["a"]))) == [StopAttempt("a", 1, Reason.REPLANNED)]
    assert drive.end("a", canceled())[-1] == _replanned("a")

"""Steps whose end asks for another plan: what waits, what goes on, what a decision leads to. An operator's are test_replace.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import InvalidTransitionError
from engine.model.replan import ReplanMode
from engine.model.states import Reason, RunStatus, StepStatus
from engine.schedule.instructions import (
    AwaitDecision,
    FinishExecution,
    QuarantineStep,
    RequestReplan,
    SettleStep,
    StopAttempt,
)
from engine.schedule.signals import ReplanDecided
from engine.schedule.taken_up import TakenUp
from tests.engine.schedule.builders import canceled, plan_of, plan_with_finally, step
from tests.engine.schedule.driver import Driver, settled, started
from tests.engine.schedule.rules import Wants, ask, wants

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from engine.schedule.instructions import Instruction

STEADY: Json = {"initial_sec": 5, "jitter": False}


def _diamond(on_failure: str = "abort") -> list[JsonObject]:
    """`main`, then `after`; beside them `other`, then `later`."""
    return [
        step("main", on_failure=on_failure),
        step("other"),
        step("after", "main"),
        step("later", "other"),
    ]


def _drive(*steps: JsonObject, rules: Wants | None = None, strategy: str = "dag", **limits: Json) -> Driver:
    return Driver(plan_of(steps or _diamond(), strategy=strategy, **limits), replans=rules or wants("main"))


def _kinds(said: list[Instruction]) -> list[type]:
    return [type(told) for told in said]


# What waits, and what goes on


def test_a_held_step_is_settled_and_asks_and_nothing_follows_from_its_end() -> None:
    drive = _drive()
    drive.begin()
    said = drive.fail("main")
    assert _kinds(said) == [SettleStep, RequestReplan]
    assert said[1] == RequestReplan("main", ask())
    assert drive.scheduler.status("after") is StepStatus.PENDING
    assert drive.scheduler.held == {"main": None}
    assert started(drive.succeed("other")) == ["later"], "what has nothing to do with it goes on"


def test_when_nothing_else_can_go_on_a_decision_is_awaited_once() -> None:
    drive = _drive()
    drive.begin()
    drive.fail("main")
    drive.succeed("other")
    assert drive.succeed("later")[-1] == AwaitDecision(("main",))
    assert not drive.scheduler.is_finished
    assert drive.scheduler.running == 0
    drive.pause()
    assert drive.resume() == [AwaitDecision(("main",))], "whoever goes on after a pause hears of it anew"
    assert drive.resume() == [], "and only once"


def test_what_is_decided_before_that_is_never_awaited() -> None:
    drive = _drive()
    drive.begin()
    drive.fail("main")
    assert drive.decide("main", approved=True) == []
    drive.succeed("other")
    said = drive.succeed("later")
    assert _kinds(said) == [SettleStep, FinishExecution]


def test_what_decides_itself_is_not_awaited() -> None:
    drive = _drive(step("main"), rules=wants("main", mode=ReplanMode.AUTO))
    drive.begin()
    assert _kinds(drive.fail("main")) == [SettleStep, RequestReplan]
    assert not drive.scheduler.is_finished, "but neither does the execution end without the decision"
    assert drive.decide("main", approved=True) == [drive.finish]
    assert drive.finish.replan == ("main",)


def test_nothing_is_awaited_while_a_delay_runs_or_in_a_pause() -> None:
    drive = _drive(step("main"), step("other", retries=1, backoff=STEADY))
    drive.begin()
    drive.fail("main")
    assert AwaitDecision not in _kinds(drive.fail("other"))
    drive.pause()
    drive.elapse("other", after=5.0)
    assert drive.scheduler.running == 0
    assert started(drive.resume()) == ["other"]
    assert drive.succeed("other")[-1] == AwaitDecision(("main",))


def test_nothing_is_awaited_while_a_rate_lets_something_start_later() -> None:
    pools: JsonObject = {"api": {"rate": {"count": 1, "per_sec": 1}}}
    drive = _drive(step("main", pool="api"), step("other", pool="api"), pools=pools)
    drive.begin()
    assert AwaitDecision not in _kinds(drive.fail("main"))
    assert started(drive.ring(after=1.0)) == ["other"]
    assert drive.succeed("other")[-1] == AwaitDecision(("main",))


def test_in_a_serial_plan_what_does_not_depend_on_it_has_its_turn() -> None:
    drive = _drive(strategy="serial")
    drive.begin()
    assert started(drive.fail("main")) == ["other"]
    assert started(drive.succeed("other")) == ["later"]
    assert drive.succeed("later")[-1] == AwaitDecision(("main",))


# Decisions


@pytest.mark.parametrize("on_failure", ["abort", "skip_dependents", "continue"])
@pytest.mark.parametrize("is_late", [False, True], ids=["while the rest runs", "when all waits for it"])
def test_a_denied_replan_leaves_all_to_on_failure(on_failure: str, is_late: bool) -> None:
    drive = _drive(*_diamond(on_failure))
    drive.begin()
    drive.fail("main")
    if is_late:
        drive.succeed("other", "later")
    said = drive.decide("main", approved=False)
    assert drive.scheduler.held == {}
    if on_failure == "continue":
        assert started(said) == ["after"]
        drive.succeed("after")
    else:
        assert settled(said) == ["after"] if is_late else ["after", "later"]
        assert (StopAttempt("other", 1, Reason.ABORTED) in said) == (on_failure == "abort" and not is_late)
    if not is_late and on_failure == "abort":
        drive.stop("other")
    elif not is_late:
        drive.succeed("other", "later")
    reason = {"abort": Reason.ABORTED, "skip_dependents": Reason.DEPENDENCY_FAILED, "continue": None}[on_failure]
    assert drive.result("after").reason is reason
    finish = drive.finish
    assert finish.status is (RunStatus.SUCCEEDED if on_failure == "continue" else RunStatus.FAILED)
    assert (finish.first_cause.step_id if finish.first_cause else None) == (
        None if on_failure == "continue" else "main"
    )
    assert len(finish.warnings) == (on_failure == "continue")
    assert finish.replan == ()


def test_an_approved_step_stays_held_until_the_pass_ends() -> None:
    drive = _drive()
    drive.begin()
    drive.fail("main")
    drive.decide("main", approved=True)
    assert drive.scheduler.held == {"main": True}
    drive.succeed("other", "later")
    assert drive.finish == FinishExecution(RunStatus.SUCCEEDED, None, replan=("main",))
    assert drive.scheduler.status("after") is StepStatus.PENDING, "what waits for it has no end in this pass"
    assert "after" not in drive.ledger.settled


def test_a_pass_ends_for_another_plan_although_every_step_has_its_end() -> None:
    drive = _drive(step("main"))
    drive.begin()
    assert drive.fail("main")[-1] == AwaitDecision(("main",))
    assert drive.decide("main", approved=True) == [FinishExecution(RunStatus.SUCCEEDED, None, replan=("main",))]


def test_a_step_that_succeeded_can_be_held_too_and_if_denied_satisfies_its_dependents() -> None:
    rules = Wants({"main": ReplanMode.APPROVAL}, (StepStatus.SUCCEEDED,))
    drive = _drive(step("main"), step("after", "main"), rules=rules)
    drive.begin()
    assert _kinds(drive.succeed("main", data=[])) == [SettleStep, RequestReplan, AwaitDecision]
    assert started(drive.decide("main", approved=False)) == ["after"]
    drive.succeed("after")
    assert drive.finish.status is RunStatus.SUCCEEDED


def test_two_are_decided_one_after_the_other() -> None:
    drive = _drive(step("a"), step("b"), step("a2", "a"), step("b2", "b"), rules=wants("a", "b"))
    drive.begin()
    drive.fail("b")
    assert drive.fail("a")[-1] == AwaitDecision(("b", "a"))
    assert drive.decide("b", approved=True) == [AwaitDecision(("a",))], "one is missing yet"
    said = drive.decide("a", approved=False)
    assert settled(said) == ["a2"]
    assert drive.finish.replan == ("b",)
    assert drive.finish.first_cause is not None
    assert drive.finish.first_cause.step_id == "a", "what was denied had its consequence"


def test_what_a_denial_lets_go_can_ask_itself() -> None:
    drive = _drive(step("a", on_failure="continue"), step("b", "a"), rules=wants("a", "b"))
    drive.begin()
    assert drive.fail("a")[-1] == AwaitDecision(("a",))
    assert started(drive.decide("a", approved=False)) == ["b"]
    assert drive.fail("b")[-1] == AwaitDecision(("b",))
    drive.decide("b", approved=True)
    assert drive.finish.replan == ("b",)


def test_a_pass_does_not_end_for_another_plan_in_a_pause() -> None:
    drive = _drive(step("main"))
    drive.begin()
    drive.fail("main")
    drive.pause()
    assert drive.decide("main", approved=True) == []
    assert drive.resume() == [drive.finish]


def test_only_what_waits_for_a_decision_can_be_decided() -> None:
    drive = _drive(step("a"), step("b"), step("c"), rules=wants("a"))
    drive.begin()
    drive.fail("a")
    drive.decide("a", approved=True)
    for step_id in ("a", "b", "unknown"):
        for approved in (True, False):
            with pytest.raises(InvalidTransitionError):
                drive.send(ReplanDecided(step_id, approved))
    assert drive.scheduler.held == {"a": True}


# What wins over a hold


@pytest.mark.parametrize("decision", [None, True])
def test_a_cancel_wins(decision: bool | None) -> None:
    drive = _drive()
    drive.begin()
    drive.fail("main")
    if decision is not None:
        drive.decide("main", approved=decision)
    said = drive.cancel()
    assert settled(said) == ["after", "later"]
    drive.stop("other")
    assert drive.finish.status is RunStatus.CANCELED
    assert drive.finish.replan == ()
    assert drive.decide("main", approved=True) == [], "too late, and no fault"


@pytest.mark.parametrize("decision", [None, True])
def test_an_abort_wins(decision: bool | None) -> None:
    drive = _drive(step("main"), step("bad", on_failure="abort"), step("after", "main"))
    drive.begin()
    drive.fail("main")
    if decision is not None:
        drive.decide("main", approved=decision)
    drive.fail("bad")
    assert drive.finish.status is RunStatus.FAILED
    assert drive.finish.first_cause is not None
    assert drive.finish.first_cause.step_id == "bad"
    assert drive.finish.replan == ()
    assert drive.result("after").reason is Reason.ABORTED


def test_a_cancel_wins_while_a_decision_is_awaited() -> None:
    drive = _drive(step("main"), step("after", "main"))
    drive.begin()
    assert drive.fail("main")[-1] == AwaitDecision(("main",))
    said = drive.cancel()
    assert settled(said) == ["after"]
    assert drive.finish.status is RunStatus.CANCELED


def test_what_is_quarantined_comes_first_when_all_is_drained() -> None:
    breaker: JsonObject = {"failures": 1, "cooldown_sec": 60}
    steps = [step("main", command="x"), step("grave", "first", command="y", critical=True), step("first", command="y")]
    steps[2]["on_failure"] = "continue"
    drive = _drive(*steps, breaker=breaker)
    drive.begin()
    drive.fail("main")
    said = drive.fail("first")
    assert QuarantineStep in _kinds(said)
    assert AwaitDecision not in _kinds(said)
    assert drive.finish.status is RunStatus.QUARANTINED
    assert drive.finish.replan == ()


# Who is judged


def test_skipped_and_canceled_steps_are_not_judged() -> None:
    rules = Wants({})
    steps = [
        step("bad"),
        step("blocked", "bad"),
        step("passed", skip_if=["true"]),
        step("gone", on_failure="continue"),
        step("good"),
    ]
    drive = _drive(*steps, rules=rules)
    drive.begin()
    drive.end("gone", canceled())
    drive.fail("bad")
    drive.succeed("good")
    assert rules.judged == ["bad", "good"]
    assert drive.finish.status is RunStatus.FAILED


def test_nothing_is_judged_once_everything_stops() -> None:
    rules = wants("main", "late")
    drive = _drive(step("main"), step("late"), rules=rules)
    drive.begin()
    drive.cancel()
    drive.fail("main")
    drive.fail("late")
    assert rules.judged == []


def test_a_step_is_judged_when_its_retries_are_used_up() -> None:
    rules = wants("main")
    drive = _drive(step("main", retries=1, backoff=STEADY), rules=rules)
    drive.begin()
    drive.fail("main")
    assert rules.judged == []
    drive.elapse("main", after=5.0)
    assert RequestReplan("main", ask()) in drive.fail("main")


def test_a_refused_step_is_judged() -> None:
    drive = _drive(step("first"), step("main", "first", args=["{first.data.name}"]))
    drive.begin()
    assert RequestReplan("main", ask()) in drive.succeed("first", data={})
    assert drive.result("main").reason is Reason.MISSING_REFERENCE


def test_a_step_of_finally_is_not_judged() -> None:
    rules = wants("clean")
    drive = Driver(plan_with_finally([step("work")], "clean").finally_plan(), replans=rules)
    drive.begin()
    drive.fail("clean")
    assert rules.judged == []
    assert drive.scheduler.is_finished


def test_a_step_with_items_is_judged_as_a_whole() -> None:
    rules = wants("main")
    drive = _drive(step("main", for_each=[1, 2]), step("after", "main"), rules=rules)
    drive.begin()
    assert RequestReplan not in _kinds(drive.fail("main#0"))
    said = drive.succeed("main#1")
    assert RequestReplan("main", ask()) in said
    assert rules.judged == ["main"]
    drive.decide("main", approved=False)
    assert drive.result("after").reason is Reason.DEPENDENCY_FAILED


# Fallbacks


def _with_fallback(*others: JsonObject, spare: JsonObject | None = None, rules: Wants | None = None) -> Driver:
    main = step("main", on_failure="fallback_step", fallback_step="spare")
    return _drive(main, spare or step("spare"), step("after", "main"), *others, rules=rules or wants("main", "spare"))


def test_a_step_with_a_fallback_is_judged_after_that_and_the_fallback_never() -> None:
    rules = wants("main", "spare")
    drive = _with_fallback(rules=rules)
    drive.begin()
    assert RequestReplan not in _kinds(drive.fail("main"))
    said = drive.fail("spare")
    assert _kinds(said) == [SettleStep, SettleStep, RequestReplan, AwaitDecision]
    assert rules.judged == ["main"]
    drive.decide("main", approved=False)
    assert drive.finish.status is RunStatus.FAILED
    assert drive.result("after").reason is Reason.ABORTED


def test_a_step_for_which_its_fallback_stood_in_is_judged_by_what_that_found() -> None:
    rules = Wants({"main": ReplanMode.APPROVAL}, (StepStatus.SUCCEEDED,))
    drive = _with_fallback(rules=rules)
    drive.begin()
    drive.fail("main")
    assert RequestReplan("main", ask()) in drive.succeed("spare", data=[])
    assert started(drive.decide("main", approved=False)) == ["after"]
    drive.succeed("after")
    assert len(drive.finish.warnings) == 1


def test_a_fallback_of_a_held_step_is_spared_only_when_that_is_let_go() -> None:
    rules = Wants({"main": ReplanMode.APPROVAL}, (StepStatus.SUCCEEDED,))
    drive = _with_fallback(rules=rules)
    drive.begin()
    assert settled(drive.succeed("main")) == ["main"]
    assert settled(drive.decide("main", approved=False)) == ["spare"]
    assert drive.result("spare").reason is Reason.NOT_NEEDED


@pytest.mark.parametrize("approved", [True, False])
def test_a_fallback_that_depends_on_a_held_step_waits_for_the_decision_too(approved: bool) -> None:
    drive = _with_fallback(step("needed"), spare=step("spare", "needed"), rules=wants("needed"))
    drive.begin()
    drive.fail("needed")
    assert drive.fail("main")[-1] == AwaitDecision(("needed",))
    said = drive.decide("needed", approved=approved)
    if approved:
        assert drive.finish.replan == ("needed",)
        assert drive.scheduler.status("main") is StepStatus.WAITING
        return
    assert settled(said)[:2] == ["spare", "main"]
    assert drive.result("spare").reason is Reason.DEPENDENCY_FAILED


# Taking up


def _taken_up(live: Driver, *, rules: Wants | None = None, **given: object) -> Driver:
    """Another engine takes up what this one left, nothing of it under way."""
    return Driver(
        live.ledger.plan,
        settled=dict(live.ledger.settled),
        replans=rules or wants("main"),
        held=dict(live.ledger.held),
        replaced=frozenset(live.ledger.to_replace),
        taken_up=TakenUp(awaiting=dict(live.ledger.awaiting)),
    )


def test_a_run_is_taken_up_waiting_for_the_decision_and_nothing_is_judged_twice() -> None:
    live = _drive(step("main"), step("after", "main"))
    live.begin()
    live.fail("main")
    rules = wants("main")
    again = _taken_up(live, rules=rules)
    assert again.begin() == [AwaitDecision(("main",))]
    assert rules.judged == []
    again.decide("main", approved=False)
    assert again.result("after").reason is Reason.DEPENDENCY_FAILED


def test_a_run_is_taken_up_with_an_approved_replan() -> None:
    live = _drive()
    live.begin()
    live.fail("main")
    live.decide("main", approved=True)
    again = _taken_up(live)
    assert started(again.begin()) == ["other"]
    again.succeed("other", "later")
    assert again.finish.replan == ("main",)


def test_a_denied_one_has_its_consequence_when_the_run_is_taken_up_and_is_not_judged_again() -> None:
    live = _drive(step("main"), step("after", "main"), step("other"))
    live.begin()
    live.fail("main")
    rules = wants("main")
    again = Driver(live.ledger.plan, settled=dict(live.ledger.settled), replans=rules)
    assert settled(again.begin()) == ["after"]
    assert rules.judged == []


def test_what_is_decided_before_the_run_goes_on_counts() -> None:
    live = _drive(step("main"), step("after", "main"))
    live.begin()
    live.fail("main")
    again = _taken_up(live)
    assert again.decide("main", approved=False) == []
    assert settled(again.begin()) == ["after"]


def test_a_cancel_before_the_run_goes_on_wins() -> None:
    live = _drive(step("main"), step("after", "main"))
    live.begin()
    live.fail("main")
    again = _taken_up(live)
    assert settled(again.cancel()) == ["after"]
    assert again.finish.status is RunStatus.CANCELED


def test_only_what_has_its_end_can_be_held() -> None:
    with pytest.raises(InvalidTransitionError):
        Driver(plan_of(_diamond()), held={"main": None})

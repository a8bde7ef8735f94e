"""The core against every order of signals that Hypothesis can think of; the ledger holds it to its rules at each one."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from engine.errors import InvalidTransitionError
from engine.model.states import RunStatus, StepStatus
from engine.schedule.signals import AttemptEnded, Begin, CacheAnswered, DelayElapsed, ReplanDecided
from tests.engine.schedule.books import parts_of
from tests.engine.schedule.builders import canceled, failed, succeeded
from tests.engine.schedule.driver import Driver
from tests.engine.schedule.oracle import is_hard_failure
from tests.engine.schedule.random_plans import draw_plan
from tests.engine.schedule.record import AttemptOver, Decided, Entry, GoneOn, Replaced, point_after, whole
from tests.engine.schedule.rules import RandomRules

if TYPE_CHECKING:
    from engine.model.json import Json
    from engine.schedule.instructions import FinishExecution, Instruction

DONE: Json = {"value": "v", "done": True, "rows": [1, 2]}
OUTCOMES = st.sampled_from([succeeded(DONE), succeeded({"done": False}), succeeded(), failed(), canceled()])
A_WHILE = st.sampled_from([0.0, 0.25, 2.0, 5.0])


class SchedulerMachine(RuleBasedStateMachine):
    """Begins, ends attempts, lets delays elapse, answers for the cache, rings, cancels, pauses, resumes and kills engines.

    It decides about replans that rules ask for, and wants some of its own.
    Now and then it says what cannot be.
    """

    def __init__(self) -> None:
        super().__init__()
        self.begun = False
        self.canceled = False
        self.record: list[Entry] = []

    @initialize(
        seed=st.integers(0, 2**32),
        cap=st.sampled_from([3.0, 3600.0]),
        breakers=st.booleans(),
        share=st.sampled_from([None, 0.3, 0.8]),
    )
    def draw(self, seed: int, cap: float, breakers: bool, share: float | None) -> None:
        self.replan_rules = None if share is None else RandomRules(seed, share)
        self.drawn = draw_plan(Random(seed), most=8, breakers=breakers)
        self.drawn.max_step_duration_sec = cap
        self.plan = self.drawn.compiled()
        self.drive = Driver(self.plan, jitter=lambda: 0.5, replans=self.replan_rules)

    def _note(self, said: list[Instruction]) -> list[Instruction]:
        self.record += [Entry(self.drive.now.at_us, instruction) for instruction in said]
        return said

    @precondition(lambda self: not self.begun)
    @rule()
    def begin(self) -> None:
        self.begun = True
        self._note(self.drive.begin())

    @precondition(lambda self: self.drive.ledger.running)
    @rule(data=st.data(), outcome=OUTCOMES, after=A_WHILE)
    def end(self, data: st.DataObject, outcome: object, after: float) -> None:
        unit = data.draw(st.sampled_from(sorted(self.drive.ledger.running)))
        self.record.append(Entry(self.drive.now.at_us, AttemptOver(unit)))
        self._note(self.drive.end(unit, outcome, after=after))  # type: ignore[arg-type]

    @precondition(lambda self: self.drive.ledger.delays or self.drive.ledger.dropped)
    @rule(data=st.data(), after=A_WHILE)
    def elapse(self, data: st.DataObject, after: float) -> None:
        """One that was dropped may have been on its way."""
        delays = sorted({*self.drive.ledger.delays, *self.drive.ledger.dropped})
        self._note(self.drive.elapse(data.draw(st.sampled_from(delays)), after=after))

    @precondition(lambda self: self._undecided())
    @rule(data=st.data(), approved=st.booleans())
    def decide(self, data: st.DataObject, approved: bool) -> None:
        self._decide(data.draw(st.sampled_from(self._undecided())), approved=approved)

    def _undecided(self) -> list[str]:
        return [step_id for step_id, said in self.drive.ledger.held.items() if said is None]

    def _decide(self, step_id: str, *, approved: bool) -> None:
        if not self.drive.ledger.stopping and self.drive.ledger.finish is None:
            self.record.append(Entry(self.drive.now.at_us, Decided(step_id, approved)))
        self._note(self.drive.decide(step_id, approved=approved))

    @rule(data=st.data(), sure=st.integers(0, 6))
    def replace(self, data: st.DataObject, sure: int) -> None:
        if sure:
            return
        steps = sorted(self.plan.steps)
        touched = data.draw(st.frozensets(st.sampled_from([*steps, "new"]), min_size=0, max_size=3))
        if not self.drive.ledger.stopping and self.drive.ledger.finish is None:
            self.record.append(Entry(self.drive.now.at_us, Replaced(touched)))
        self._note(self.drive.replace(*touched))

    @precondition(lambda self: self.drive.ledger.asking)
    @rule(data=st.data(), is_kept=st.booleans())
    def answer(self, data: st.DataObject, is_kept: bool) -> None:
        unit = data.draw(st.sampled_from(sorted(self.drive.ledger.asking)))
        self._note(self.drive.answer(unit, succeeded(DONE) if is_kept else None))

    @rule(after=A_WHILE)
    def ring(self, after: float) -> None:
        """An alarm may ring when nobody set one: it was on its way when it was moved."""
        self._note(self.drive.ring(after=after))

    @rule(sure=st.integers(0, 6))
    def cancel(self, sure: int) -> None:
        if sure:  # most runs should go on for a while
            return
        if not self.drive.ledger.stopping and self.drive.ledger.finish is None:
            self.canceled = True
        self._note(self.drive.cancel())

    @rule()
    def pause(self) -> None:
        assert self.drive.pause() == []

    @rule()
    def resume(self) -> None:
        self._note(self.drive.resume())

    @precondition(lambda self: self.begun and self.drive.ledger.finish is None)
    @rule(sure=st.integers(0, 3), forgotten=st.integers(0, 4), after=A_WHILE)
    def die(self, sure: int, forgotten: int, after: float) -> None:
        """The engine dies, and the last of what it said was not recorded. Another one goes on."""
        if sure:
            return
        del self.record[whole(self.record, max(0, len(self.record) - forgotten)) :]
        self._go_on(after)

    def _go_on(self, after: float) -> None:
        point = point_after(self.record, self.plan)
        self.record.append(Entry(self.drive.now.at_us, GoneOn()))
        self.drive = Driver(
            self.plan,
            jitter=lambda: 0.5,
            settled=point.settled,
            taken_up=point.taken_up(),
            breakers=point.breakers,
            replans=self.replan_rules,
            held=point.held,
            replaced=frozenset(point.replaced),
            seconds=self.drive.seconds + after,
        )
        if self.canceled:
            self._note(self.drive.cancel())
        self._note(self.drive.begin())

    @rule(data=st.data(), attempt=st.integers(-1, 5), index=st.sampled_from([None, None, 0, 4, 77]))
    def say_what_cannot_be(self, data: st.DataObject, attempt: int, index: int | None) -> None:
        ledger = self.drive.ledger
        step_id = data.draw(st.sampled_from(sorted(ledger.plan.steps)))
        unit = step_id if index is None else f"{step_id}#{index}"
        before, order = self.drive.shape(), list(ledger.settled)
        if ledger.running.get(unit) != attempt:
            with pytest.raises(InvalidTransitionError):
                self.drive.send(AttemptEnded(step_id, attempt, succeeded(), index))
        if {**ledger.delays, **ledger.dropped}.get(unit) != attempt:
            with pytest.raises(InvalidTransitionError):
                self.drive.send(DelayElapsed(step_id, attempt, index))
        if unit not in ledger.asking:
            with pytest.raises(InvalidTransitionError):
                self.drive.send(CacheAnswered(step_id, None, index))
        if self.begun:
            with pytest.raises(InvalidTransitionError):
                self.drive.send(Begin())
        if not ledger.stopping and ledger.finish is None and step_id not in self._undecided():
            with pytest.raises(InvalidTransitionError):
                self.drive.send(ReplanDecided(step_id, approved=attempt > 0))
        assert self.drive.shape() == before
        assert list(self.drive.scheduler.results) == order

    @invariant()
    def the_core_and_the_ledger_agree(self) -> None:
        ledger, scheduler = self.drive.ledger, self.drive.scheduler
        assert scheduler.running == len(ledger.running) + len(ledger.taking_slots)
        assert dict(scheduler.results) == ledger.settled
        assert scheduler.is_finished == (ledger.finish is not None)
        assert dict(scheduler.held) == ledger.held
        assert dict(scheduler.breakers) == {**scheduler.breakers, **ledger.breakers.states}
        for pool, taken in scheduler.in_pools.items():
            assert taken == ledger.in_pool(pool)
        for unit in ledger.running:
            assert scheduler.status(*parts_of(unit)) is StepStatus.RUNNING
        for step_id in ledger.plan.steps:
            status = scheduler.status(step_id)
            assert status.is_final == (step_id in ledger.settled)
            assert (status is StepStatus.QUARANTINED) == (step_id in ledger.quarantined)
            if step_id in ledger.awaiting and ledger.is_begun:
                assert status is StepStatus.WAITING
            if step_id in ledger.delays and not ledger.stopping:
                assert status is StepStatus.WAITING

    @invariant()
    def nothing_that_could_go_on_is_left_standing(self) -> None:
        """With no pause and nothing under way or to wait for, there is nothing left to do."""
        ledger = self.drive.ledger
        waits = ledger.running or ledger.delays or ledger.asking or ledger.alarm_at is not None
        if self.begun and not ledger.paused and not waits and ledger.finish is None:
            undecided = self._undecided()
            assert undecided
            missing = tuple(step_id for step_id in undecided if step_id not in ledger.by_itself)
            assert not missing or ledger.awaited == missing

    def teardown(self) -> None:
        """Whatever was said so far, the run ends once its attempts do."""
        if not hasattr(self, "drive"):
            return
        if not self.begun:
            self.drive.begin()
        self.drive.resume()
        for _ in range(2000):
            if not self._let_one_thing_happen():
                break
        self._check_the_end(self.drive.finish)

    def _let_one_thing_happen(self) -> bool:
        ledger = self.drive.ledger
        if ledger.running:
            self.drive.end(min(ledger.running), succeeded(DONE))
        elif ledger.asking:
            self.drive.answer(min(ledger.asking), None)
        elif ledger.delays:
            self.drive.elapse(min(ledger.delays), after=1.0)
        elif ledger.alarm_at is not None and ledger.finish is None:
            self.drive.ring(after=max(0.0, ledger.alarm_at - self.drive.seconds))
        elif ledger.finish is None and (undecided := self._undecided()):
            self.drive.decide(undecided[0], approved=len(undecided) % 2 == 0)
        else:
            return False
        return True

    def _check_the_end(self, finish: FinishExecution) -> None:
        ledger = self.drive.ledger
        assert (finish.status is RunStatus.CANCELED) == (self.canceled and finish.status is not RunStatus.QUARANTINED)
        assert (finish.status is RunStatus.QUARANTINED) == bool(ledger.quarantined)
        assert self.drive.scheduler.running == 0
        assert not any(self.drive.scheduler.in_pools.values())
        if finish.status is RunStatus.SUCCEEDED and not finish.replan:
            for drawn in self.drawn.steps:
                result = ledger.settled[drawn.step_id]
                assert not is_hard_failure(drawn, result), f"{drawn.step_id} failed, and the run did not"


@pytest.mark.timeout(600)
def test_no_order_of_signals_breaks_a_rule(request: pytest.FixtureRequest) -> None:
    long = bool(request.config.getoption("--long"))
    run_state_machine_as_test(
        SchedulerMachine,
        settings=settings(
            max_examples=600 if long else 150,
            stateful_step_count=60 if long else 40,
            deadline=None,
            derandomize=not long,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )

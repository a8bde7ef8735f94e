"""The core against every order of signals that Hypothesis can think of; the ledger holds it to its rules at each one."""

from __future__ import annotations

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
from engine.schedule.signals import AttemptEnded, Begin, DelayElapsed
from tests.engine.schedule.builders import canceled, failed, succeeded
from tests.engine.schedule.driver import Driver
from tests.engine.schedule.random_plans import draw_plan

if TYPE_CHECKING:
    from random import Random

OUTCOMES = st.sampled_from([succeeded({"value": "v"}), succeeded(), failed(), canceled()])


class SchedulerMachine(RuleBasedStateMachine):
    """Begins, ends attempts, lets delays elapse, cancels, pauses and resumes, and now and then says what cannot be."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = False
        self.canceled = False

    @initialize(random=st.randoms(use_true_random=False), cap=st.sampled_from([3.0, 3600.0]))
    def draw(self, random: Random, cap: float) -> None:
        plan = draw_plan(random, most=8)
        plan.max_step_duration_sec = cap
        self.drive = Driver(plan.compiled(), jitter=lambda: 0.5)

    @precondition(lambda self: not self.begun)
    @rule()
    def begin(self) -> None:
        self.begun = True
        self.drive.begin()

    @precondition(lambda self: self.drive.ledger.running)
    @rule(data=st.data(), outcome=OUTCOMES, after=st.sampled_from([0.0, 0.25, 2.0]))
    def end(self, data: st.DataObject, outcome: object, after: float) -> None:
        step_id = data.draw(st.sampled_from(sorted(self.drive.ledger.running)))
        self.drive.end(step_id, outcome, after=after)  # type: ignore[arg-type]

    @precondition(lambda self: self.drive.ledger.delays)
    @rule(data=st.data(), after=st.sampled_from([0.0, 0.5, 4.0]))
    def elapse(self, data: st.DataObject, after: float) -> None:
        self.drive.elapse(data.draw(st.sampled_from(sorted(self.drive.ledger.delays))), after=after)

    @rule(sure=st.integers(0, 4))
    def cancel(self, sure: int) -> None:
        if sure:  # most runs should go on for a while
            return
        if not self.drive.ledger.stopping and self.drive.ledger.finish is None:
            self.canceled = True
        self.drive.cancel()

    @rule()
    def pause(self) -> None:
        assert self.drive.pause() == []

    @rule()
    def resume(self) -> None:
        self.drive.resume()

    @rule(data=st.data(), attempt=st.integers(-1, 5))
    def say_what_cannot_be(self, data: st.DataObject, attempt: int) -> None:
        ledger = self.drive.ledger
        step_id = data.draw(st.sampled_from(sorted(ledger.plan.steps)))
        before, order = self.drive.shape(), list(ledger.settled)
        if ledger.running.get(step_id) != attempt:
            with pytest.raises(InvalidTransitionError):
                self.drive.send(AttemptEnded(step_id, attempt, succeeded()))
        if ledger.delays.get(step_id) != attempt:
            with pytest.raises(InvalidTransitionError):
                self.drive.send(DelayElapsed(step_id, attempt))
        if self.begun:
            with pytest.raises(InvalidTransitionError):
                self.drive.send(Begin())
        assert self.drive.shape() == before
        assert list(self.drive.scheduler.results) == order

    @invariant()
    def the_core_and_the_ledger_agree(self) -> None:
        ledger, scheduler = self.drive.ledger, self.drive.scheduler
        assert scheduler.running == len(ledger.running)
        assert dict(scheduler.results) == ledger.settled
        assert scheduler.is_finished == (ledger.finish is not None)
        for step_id in ledger.plan.steps:
            status = scheduler.status(step_id)
            assert (status is StepStatus.RUNNING) == (step_id in ledger.running)
            assert status.is_final == (step_id in ledger.settled)
            if step_id in ledger.delays and not ledger.stopping:
                assert status is StepStatus.WAITING

    @invariant()
    def nothing_that_could_go_on_is_left_standing(self) -> None:
        """With a free slot, no pause and nothing under way, there is nothing left to do."""
        ledger = self.drive.ledger
        if self.begun and not ledger.paused and not ledger.running and not ledger.delays:
            assert ledger.finish is not None

    def teardown(self) -> None:
        """Whatever was said so far, the run ends once its attempts do."""
        if not hasattr(self, "drive"):
            return
        if not self.begun:
            self.drive.begin()
        self.drive.resume()
        ledger = self.drive.ledger
        for _ in range(1000):
            if ledger.running:
                self.drive.end(min(ledger.running), succeeded({"value": "v"}))
            elif ledger.delays:
                self.drive.elapse(min(ledger.delays))
            else:
                break
        finish = self.drive.finish
        assert (finish.status is RunStatus.CANCELED) == self.canceled
        if finish.status is RunStatus.SUCCEEDED:
            steps = ledger.plan.steps
            for step_id, result in ledger.settled.items():
                if result.status in (StepStatus.FAILED, StepStatus.CANCELED):
                    assert steps[step_id].step.on_failure == "continue"


def test_no_order_of_signals_breaks_a_rule(request: pytest.FixtureRequest) -> None:
    long = bool(request.config.getoption("--long"))
    run_state_machine_as_test(
        SchedulerMachine,
        settings=settings(
            max_examples=1500 if long else 100,
            stateful_step_count=60 if long else 40,
            deadline=None,
            derandomize=not long,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )

"""Watches what a scheduler says, from outside, and fails on the first instruction that breaks a rule. Decides nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from engine.model.states import OnFailure, Reason, RunStatus, StepStatus, Strategy
from engine.schedule.instructions import FinishExecution, SettleStep, StartAttempt, StopAttempt, WaitForRetry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.result import StepResult
    from engine.plan.compiled import CompiledPlan
    from engine.schedule.instructions import Instruction
    from engine.schedule.signals import Moment


class Ledger:
    """The books of one execution: what runs, what waits, what is settled.

    Whoever drives the core books what happened outside (`ended`, `elapsed`, `paused`, `stopping`) before telling it.
    """

    def __init__(self, plan: CompiledPlan) -> None:
        self.plan = plan
        self.limits = plan.plan.globals
        self.running: dict[str, int] = {}
        self.delays: dict[str, int] = {}
        self.stopped: set[str] = set()
        self.begun: dict[str, int] = {}
        self.lost: dict[str, int] = {}
        self.first_start: dict[str, Moment] = {}
        self.settled: dict[str, StepResult] = {}
        self.paused = False
        self.stopping = False
        self.most_running = 0
        self.first_failure: str | None = None
        self.finish: FinishExecution | None = None

    def ended(self, step_id: str) -> None:
        """Book that the runner reported the end of the step's attempt; before the core is told."""
        del self.running[step_id]

    def note_failure(self, result: StepResult) -> None:
        """Remember the first failure that the run cannot get over; what fails while everything stops is none."""
        if self.first_failure is not None or self.stopping:
            return
        failed = result.status in (StepStatus.FAILED, StepStatus.CANCELED)
        if failed and self.plan.steps[result.step_id].step.on_failure is not OnFailure.CONTINUE:
            self.first_failure = result.step_id

    def elapsed(self, step_id: str) -> None:
        """Book that a delay is over; before the core is told."""
        del self.delays[step_id]

    def book(self, instructions: Sequence[Instruction], now: Moment) -> None:
        """Check each instruction against the books, then write it down."""
        for instruction in instructions:
            assert self.finish is None, f"{instruction} after the finish"
            match instruction:
                case StartAttempt():
                    self._start(instruction, now)
                case StopAttempt(step_id, attempt, reason):
                    assert self.running[step_id] == attempt
                    assert step_id not in self.stopped, "asked to stop twice"
                    assert reason in (Reason.CANCELED, Reason.ABORTED)
                    self.stopped.add(step_id)
                    self.stopping = True
                case WaitForRetry(step_id, next_attempt, delay_sec):
                    assert step_id not in self.running
                    assert step_id not in self.delays
                    assert step_id not in self.settled
                    assert not self.stopping
                    assert next_attempt == self.begun[step_id] + 1
                    assert 0 <= delay_sec <= self.plan.steps[step_id].step.backoff.max_sec
                    self.delays[step_id] = next_attempt
                case SettleStep(result):
                    self._settle(result)
                case FinishExecution():
                    self._finish(instruction)
                case _:
                    assert_never(instruction)

    def _start(self, start: StartAttempt, now: Moment) -> None:
        step = self.plan.steps[start.step_id]
        assert not self.paused, "started in a pause"
        assert not self.stopping, "started while everything stops"
        assert start.step_id not in self.running, "two attempts at once"
        assert start.step_id not in self.delays, "started before its delay was over"
        assert start.step_id not in self.settled, "started after its end"
        assert start.attempt == self.begun.get(start.step_id, 0) + 1, "an attempt was left out or doubled"
        assert start.attempt <= step.step.retries + 1 + self.lost.get(start.step_id, 0)
        assert all(needed in self.settled for needed in step.depends_on), "started before its dependencies were settled"
        if self.plan.strategy is Strategy.SERIAL:
            earlier = [s for s in self.plan.steps.values() if s.execution_order < step.execution_order]
            assert all(s.step.id in self.settled for s in earlier), "out of line"
        spent = now.monotonic - self.first_start.setdefault(start.step_id, now).monotonic
        own = step.step.timeout_sec or self.limits.default_timeout_sec
        assert 0 < start.timeout_sec <= own
        assert start.timeout_sec + spent <= self.limits.max_step_duration_sec + 1e-6
        self.begun[start.step_id] = start.attempt
        self.running[start.step_id] = start.attempt
        self.most_running = max(self.most_running, len(self.running))
        slots = 1 if self.plan.strategy is Strategy.SERIAL else self.limits.max_concurrency
        assert len(self.running) <= slots, "more than there are slots"

    def _settle(self, result: StepResult) -> None:
        assert result.step_id not in self.settled, "settled twice"
        assert result.step_id not in self.running, "settled while its attempt runs"
        assert result.status.is_final
        assert result.attempts == self.begun.get(result.step_id, 0)
        assert (result.started_at_us is None) == (result.attempts == 0)
        assert (result.finished_at_us is None) == (result.attempts == 0)
        assert result.data is None or result.status is StepStatus.SUCCEEDED
        if result.status is not StepStatus.SUCCEEDED:
            assert result.reason is not None
            assert result.message
        if result.reason is Reason.ABORTED:
            self.stopping = True
        assert self.stopping or result.step_id not in self.delays, "settled while a delay runs"
        self.note_failure(result)
        self.settled[result.step_id] = result

    def _finish(self, finish: FinishExecution) -> None:
        assert not self.running, "finished while attempts run"
        assert set(self.settled) == set(self.plan.steps), "finished with steps that have no end"
        assert finish.status.is_final
        assert (finish.first_cause.step_id if finish.first_cause else None) == self.first_failure
        if finish.status is not RunStatus.CANCELED:
            assert finish.status is (RunStatus.FAILED if self.first_failure else RunStatus.SUCCEEDED)
        if finish.first_cause is not None:
            cause = self.settled[finish.first_cause.step_id]
            assert (cause.reason, cause.message) == (finish.first_cause.reason, finish.first_cause.message)
        self.finish = finish

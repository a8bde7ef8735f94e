"""The scheduler core: signals in, instructions out, nothing else. What an attempt is and how time passes is the runner's business."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, assert_never

from engine.errors import InvalidTransitionError
from engine.model.bound import BoundStep
from engine.model.states import Reason, StepStatus, Strategy
from engine.schedule.consequences import Consequence, blocked_message, consequence
from engine.schedule.instructions import SettleStep, StartAttempt, StopAttempt, WaitForRetry
from engine.schedule.lineup import Lineup
from engine.schedule.preparation import Refusal, Skip, prepare
from engine.schedule.progress import StepProgress
from engine.schedule.retry import GiveUp, TryAgain, after_failure, attempt_timeout, cap_used_up
from engine.schedule.signals import AttemptEnded, Begin, Cancel, DelayElapsed, Pause, Resume
from engine.schedule.transitions import Happening
from engine.schedule.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.model.result import AttemptOutcome, StepResult
    from engine.plan.compiled import CompiledPlan
    from engine.plan.scope import Scope
    from engine.schedule.instructions import Instruction
    from engine.schedule.signals import Moment, Signal
    from engine.schedule.verdict import StopOrder

NO_ATTEMPTS: Final[Mapping[str, int]] = MappingProxyType({})
NO_RESULTS: Final[Mapping[str, StepResult]] = MappingProxyType({})


class Phase(StrEnum):
    """Where the execution as a whole stands."""

    NEW = "new"
    UNDER_WAY = "under way"
    FINISHED = "finished"


class Scheduler:
    """Decides what runs, when, how often, and what every ending means for the rest.

    A step starts when its own dependencies are settled and a slot is free; among those that could, the first in
    execution order goes first. With the serial strategy each step waits until all before it are settled, so the delay
    of a retry holds the line there; otherwise it holds neither a slot nor anybody but its dependents.

    Results that `scope` has already, of steps that are not the plan's own, stay in sight.

    To take up a run where it was left, give `settled` (results in the order in which they were settled) and
    `attempts` (attempts begun so far, of steps that are not settled); these steps are not said to be settled again.
    `lost` says how many of these attempts ended with an engine and not of themselves: they do not count as tries.
    The time cap of a step counts anew from there, and what was left of a delay is not waited for. If the run was being
    canceled, send Cancel before Begin.
    """

    def __init__(
        self,
        plan: CompiledPlan,
        *,
        scope: Scope,
        jitter: Callable[[], float],
        settled: Mapping[str, StepResult] = NO_RESULTS,
        attempts: Mapping[str, int] = NO_ATTEMPTS,
        lost: Mapping[str, int] = NO_ATTEMPTS,
    ) -> None:
        self._limits = plan.plan.globals
        self._jitter = jitter
        self._results: dict[str, StepResult] = dict(settled)
        self.results: Mapping[str, StepResult] = MappingProxyType(self._results)
        in_sight = ChainMap(self._results, dict(scope.results)) if scope.results else self.results
        self._scope = replace(scope, results=in_sight)

        self._line = [
            StepProgress(compiled=step, order=order, unmet=len(step.depends_on))
            for order, step in enumerate(plan.steps.values())
        ]
        self._steps = {progress.step_id: progress for progress in self._line}
        for step_id, result in settled.items():
            self._steps[step_id].status = result.status
            self._steps[step_id].attempts = result.attempts
        for step_id, count in attempts.items():
            self._steps[step_id].attempts = count
        for step_id, count in lost.items():
            self._steps[step_id].lost = count

        self._lineup = Lineup(self._line, slots=self._limits.max_concurrency, serial=plan.strategy is Strategy.SERIAL)
        self._verdict = Verdict()
        self._spreading = [self._steps[step_id] for step_id in settled]  # settled, consequences not drawn yet
        self._unsettled = len(self._line) - len(settled)
        self._phase = Phase.NEW
        self._begun = False
        self._paused = False
        self._said: list[Instruction] = []

    @property
    def running(self) -> int:
        """How many attempts are under way; never more than the plan's max_concurrency."""
        return self._lineup.running

    @property
    def is_paused(self) -> bool:
        """True while nothing new starts."""
        return self._paused

    @property
    def is_finished(self) -> bool:
        """True once FinishExecution has been said."""
        return self._phase is Phase.FINISHED

    def status(self, step_id: str) -> StepStatus:
        """Where the step stands. Raises KeyError for a step that the plan does not have."""
        return self._steps[step_id].status

    def story(self, step_id: str) -> tuple[str, ...]:
        """The last happenings of the step, oldest first. Raises KeyError for a step that the plan does not have."""
        return self._steps[step_id].tell()

    def handle(self, signal: Signal, now: Moment) -> list[Instruction]:
        """Take one signal and say what is to be done because of it, in order.

        Raises InvalidTransitionError, and changes nothing, for a signal that cannot follow on those before it. Cancel,
        Pause and Resume are never impossible: an operator may press a key at any moment, even after the end.
        """
        said: list[Instruction] = []
        self._said = said
        match signal:
            case AttemptEnded():
                self._attempt_ended(signal, now)
            case DelayElapsed():
                self._delay_elapsed(signal, now)
            case Begin():
                self._begin()
            case Cancel():
                self._cancel(signal, now)
            case Pause():
                self._paused = self._phase is not Phase.FINISHED and self._verdict.stop is None
            case Resume():
                self._paused = False
            case _:
                assert_never(signal)
        self._spread(now)
        self._start_ready(now)
        if self._unsettled == 0 and self._phase is Phase.UNDER_WAY:
            self._phase = Phase.FINISHED
            self._paused = False
            said.append(self._verdict.pronounce())
        return said

    # What each signal does

    def _begin(self) -> None:
        if self._begun:
            raise InvalidTransitionError(f"told to begin again; the execution is {self._phase}", step_id="-", story=())
        self._begun = True
        if self._phase is not Phase.NEW:
            return  # canceled before it could begin
        self._phase = Phase.UNDER_WAY
        for progress in self._line:
            if progress.unmet == 0 and not progress.status.is_final:
                self._lineup.add(progress)

    def _cancel(self, signal: Cancel, now: Moment) -> None:
        if self._phase is Phase.FINISHED or self._verdict.stop is not None:
            return
        self._phase = Phase.UNDER_WAY
        self._stop_all(self._verdict.cancel(signal.actor), now)

    def _delay_elapsed(self, signal: DelayElapsed, now: Moment) -> None:
        progress = self._find(signal.step_id)
        if signal.attempt != progress.delayed_attempt or signal.attempt == 0:
            raise progress.impossible(f"no delay before attempt {signal.attempt} was asked for")
        progress.advance(Happening.DELAY_ELAPSED, now)
        progress.delayed_attempt = 0
        if progress.status is StepStatus.WAITING:
            self._lineup.add(progress)

    def _attempt_ended(self, signal: AttemptEnded, now: Moment) -> None:
        progress = self._find(signal.step_id)
        outcome = signal.outcome
        if progress.status is not StepStatus.RUNNING or signal.attempt != progress.attempts:
            raise progress.impossible(
                f"attempt {signal.attempt} ended, but the step is {progress.status} with {progress.attempts} begun"
            )
        match outcome.status:
            case StepStatus.SUCCEEDED:
                progress.advance(Happening.ATTEMPT_SUCCEEDED, now)
                self._settle(progress, now, outcome.reason, outcome.message, outcome)
            case StepStatus.FAILED:
                self._attempt_failed(progress, outcome, now)
            case StepStatus.CANCELED:
                progress.advance(Happening.ATTEMPT_CANCELED, now)
                stop = self._verdict.stop
                if stop is None:
                    message = outcome.message or "the attempt was stopped from outside"
                    self._settle(progress, now, outcome.reason or Reason.CANCELED, message, outcome)
                else:
                    self._settle(progress, now, stop.reason, f"stopped: {stop.because}", outcome)
            case _:
                raise progress.impossible(f"an attempt cannot end {outcome.status}")
        self._lineup.running -= 1

    def _attempt_failed(self, progress: StepProgress, outcome: AttemptOutcome, now: Moment) -> None:
        message = outcome.message or "the attempt failed"
        if self._verdict.stop is not None:
            progress.advance(Happening.ATTEMPT_FAILED, now)
            self._settle(progress, now, outcome.reason, message, outcome)
            return
        verdict = after_failure(
            progress.compiled.step,
            self._limits,
            outcome=outcome,
            attempts=progress.attempts - progress.lost,
            elapsed=progress.elapsed(now),
            jitter=self._jitter,
        )
        match verdict:
            case TryAgain(delay_sec):
                progress.advance(Happening.RETRY_PLANNED, now)
                progress.last_failure = outcome
                progress.delayed_attempt = progress.attempts + 1
                self._said.append(WaitForRetry(progress.step_id, progress.delayed_attempt, delay_sec))
            case GiveUp(why):
                progress.advance(Happening.ATTEMPT_FAILED, now)
                self._settle(progress, now, outcome.reason, f"{message}; {why}" if why else message, outcome)

    # Starting

    def _start_ready(self, now: Moment) -> None:
        """Start what can start. A step that is passed over or refused settles at once and may make others ready."""
        while self._phase is Phase.UNDER_WAY and not self._paused:
            progress = self._lineup.take()
            if progress is None:
                return
            self._start(progress, now)
            self._spread(now)

    def _start(self, progress: StepProgress, now: Moment) -> None:
        timeout = attempt_timeout(progress.compiled.step, self._limits, progress.elapsed(now))
        if timeout is None:
            self._give_up_waiting(progress, now)
            return
        prepared = prepare(progress.compiled, self._scope, first=progress.attempts == 0)
        match prepared:
            case Skip(reason, message):
                progress.advance(Happening.PASSED_OVER, now)
                self._settle(progress, now, reason, message)
            case Refusal(reason, message):
                progress.advance(Happening.REFUSED, now)
                self._settle(progress, now, reason, message, progress.last_failure)
            case BoundStep():
                progress.attempts += 1
                progress.advance(Happening.ATTEMPT_STARTED, now)
                progress.last_failure = None
                if progress.first_monotonic is None:
                    progress.first_monotonic, progress.first_at_us = now.monotonic, now.at_us
                self._lineup.running += 1
                self._said.append(StartAttempt(progress.step_id, progress.attempts, prepared, timeout))
            case _:
                assert_never(prepared)

    def _give_up_waiting(self, progress: StepProgress, now: Moment) -> None:
        """The cap was used up while the step waited for a slot, or in a pause: its last failure is its result."""
        last = progress.last_failure
        assert last is not None, "the cap counts from the first attempt on"
        progress.advance(Happening.REFUSED, now)
        message = f"{last.message or 'the attempt failed'}; {cap_used_up(self._limits)}"
        self._settle(progress, now, last.reason, message, last)

    # Settling, and what follows on it

    def _settle(
        self,
        progress: StepProgress,
        now: Moment,
        reason: Reason | None,
        message: str,
        outcome: AttemptOutcome | None = None,
    ) -> None:
        result = progress.result(now, reason, message, outcome)
        progress.last_failure = None
        self._results[progress.step_id] = result
        self._unsettled -= 1
        self._said.append(SettleStep(result))
        self._spreading.append(progress)

    def _spread(self, now: Moment) -> None:
        """Draw the consequences of what has been settled, those of the consequences too, without recursion."""
        while self._spreading and self._phase is not Phase.NEW:
            batch, self._spreading = self._spreading, []
            for progress in batch:
                # Once everything stops, the rest has its end already or will have it from its attempt.
                if self._verdict.stop is None:
                    self._draw_consequence(progress, now)

    def _draw_consequence(self, progress: StepProgress, now: Moment) -> None:
        result = self._results[progress.step_id]
        follows = consequence(result, progress.compiled.step.on_failure)
        self._verdict.note(result, follows)
        match follows:
            case Consequence.SATISFY:
                for dependent in self._dependents(progress):
                    dependent.unmet -= 1
                    if dependent.unmet == 0 and not dependent.status.is_final:
                        self._lineup.add(dependent)
            case Consequence.BLOCK:
                message = blocked_message(result)
                for dependent in self._dependents(progress):
                    if not dependent.status.is_final:
                        dependent.advance(Happening.BLOCKED, now)
                        self._settle(dependent, now, Reason.DEPENDENCY_FAILED, message)
            case Consequence.ABORT:
                self._stop_all(self._verdict.abort(result), now)
            case _:
                assert_never(follows)

    def _dependents(self, progress: StepProgress) -> list[StepProgress]:
        return [self._steps[step_id] for step_id in progress.compiled.dependents]

    def _stop_all(self, order: StopOrder, now: Moment) -> None:
        """Ask what runs to stop and drop what does not. What runs is settled by its own ending."""
        self._paused = False
        self._lineup.clear()
        never_ran, between = f"not run: {order.because}", f"not tried again: {order.because}"
        for progress in self._line:
            match progress.status:
                case StepStatus.RUNNING:
                    progress.advance(Happening.STOP_ASKED, now)
                    self._said.append(StopAttempt(progress.step_id, progress.attempts, order.reason))
                case StepStatus.PENDING:
                    progress.advance(Happening.DROPPED, now)
                    self._settle(progress, now, order.reason, never_ran)
                case StepStatus.WAITING:
                    progress.advance(Happening.DROPPED, now)
                    self._settle(progress, now, order.reason, between, progress.last_failure)
                case _:
                    pass  # has its end

    def _find(self, step_id: str) -> StepProgress:
        progress = self._steps.get(step_id)
        if progress is None:
            raise InvalidTransitionError("the plan has no such step", step_id=step_id, story=())
        return progress

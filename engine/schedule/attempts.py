"""From a step's turn to its end: cache, breaker, attempts, retries and repetitions. What an end means for others is core.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from engine.errors import OpscopeError
from engine.model.bound import BoundStep
from engine.model.breaker import BreakerPhase
from engine.model.states import Reason, StepStatus
from engine.schedule.breaker import Refused
from engine.schedule.instructions import AskCache, MoveBreaker, StartAttempt, WaitForRetry, WaitReason
from engine.schedule.preparation import Division, Refusal, Skip, prepare
from engine.schedule.progress import Ending
from engine.schedule.retry import (
    TryAgain,
    after_failure,
    after_iteration,
    after_refusal,
    attempt_timeout,
    cap_used_up,
    not_until,
)
from engine.schedule.transitions import Happening

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from engine.model.plan import Globals
    from engine.model.result import AttemptOutcome
    from engine.plan.scope import Scope
    from engine.schedule.breaker import Breakers
    from engine.schedule.instructions import Instruction
    from engine.schedule.lineup import Lineup
    from engine.schedule.progress import Progress
    from engine.schedule.signals import Moment
    from engine.schedule.verdict import Verdict

# Failures in which the tool had no part: they say nothing of how it is.
_NOT_THE_TOOLS: Final = frozenset(
    [Reason.ENGINE_LOST, Reason.INTERNAL, Reason.REFUSED, Reason.TOOL_MISSING, Reason.MISSING_REFERENCE]
)


class Attempts:
    """Leads one step or item at a time. Every method appends what is to be done to `said` and returns what ended it, if anything did."""

    def __init__(
        self,
        limits: Globals,
        scope: Scope,
        *,
        lineup: Lineup,
        breakers: Breakers,
        verdict: Verdict,
        jitter: Callable[[], float],
        guarded: bool,
    ) -> None:
        self._limits = limits
        self._scope = scope
        self._lineup = lineup
        self._breakers = breakers
        self._verdict = verdict
        self._jitter = jitter
        self._guarded = guarded  # any step by a breaker: to ask each of them costs more than all the rest of a start
        self.delayed: set[Progress] = set()  # whose delay was asked for and has not elapsed

    def begin(self, unit: Progress, now: Moment, said: list[Instruction]) -> Ending | Division | None:
        """It is its turn. It is passed over, refused, divided, looked up, held off, or an attempt starts."""
        step = unit.compiled.step
        timeout = attempt_timeout(step, self._limits, unit.elapsed(now))
        if timeout is None:
            return self._out_of_time(unit)
        prepared = prepare(unit, self._scope)
        match prepared:
            case BoundStep():
                if step.cache is not None and unit.attempts == 0 and unit.status is StepStatus.PENDING:
                    unit.advance(Happening.CACHE_ASKED, now)
                    unit.asking = prepared
                    self._lineup.hold(unit)
                    said.append(AskCache(step.id, prepared, step.cache.ttl_sec, unit.item_index))
                    return None
                return self._launch(unit, prepared, timeout, now, said)
            case Skip(reason, message):
                return Ending(Happening.PASSED_OVER, reason, message)
            case Refusal(reason, message):
                return Ending(Happening.REFUSED, reason, message, unit.last_outcome)
            case Division():
                return prepared
            case _:
                assert_never(prepared)

    def answered(
        self, unit: Progress, outcome: AttemptOutcome | None, now: Moment, said: list[Instruction], *, paused: bool
    ) -> Ending | None:
        """The cache has answered. In a pause, what is not in it waits, and asks anew afterwards."""
        bound, unit.asking = unit.asking, None
        assert bound is not None, "whoever tells of an answer has seen the question"
        if unit.status is StepStatus.CANCELED:
            unit.advance(Happening.CACHE_MISSED if outcome is None else Happening.CACHE_HIT, now)
            return None
        self._lineup.release(unit, held=True)
        if outcome is not None:
            return Ending(Happening.CACHE_HIT, Reason.CACHE_HIT, outcome.message, outcome)
        unit.advance(Happening.CACHE_MISSED, now)
        if paused:
            self._lineup.add(unit)
            return None
        timeout = attempt_timeout(unit.compiled.step, self._limits, unit.elapsed(now))
        return self._out_of_time(unit) if timeout is None else self._launch(unit, bound, timeout, now, said)

    def answered_in_vain(self, unit: Progress, now: Moment) -> None:
        """The cache has answered for a step that does not begin any more."""
        unit.asking = None
        unit.advance(Happening.HELD_BACK, now)
        self._lineup.release(unit, held=True)

    def drop_delays(self, step_ids: Container[str]) -> None:
        """Nobody waits for the delays of these steps and of their items."""
        self.delayed = {unit for unit in self.delayed if unit.step_id not in step_ids}

    def ended(self, unit: Progress, outcome: AttemptOutcome, now: Moment, said: list[Instruction]) -> Ending | None:
        """Its attempt is over, whichever way."""
        self._lineup.release(unit)
        if unit.ticket is not None:
            moved = self._breakers.ended(unit.ticket, _tells(outcome), now)
            if moved is not None:
                said.append(MoveBreaker(unit.ticket.tool, moved))
            unit.ticket = None
        match outcome.status:
            case StepStatus.SUCCEEDED:
                if unit.compiled.step.repeat is not None:
                    return self._repeat(unit, outcome, now, said)
                return Ending(Happening.ATTEMPT_SUCCEEDED, outcome.reason, outcome.message, outcome)
            case StepStatus.FAILED:
                return self._retry(unit, outcome, now, said)
            case _:
                stop = self._verdict.stop_for(unit.step_id)
                if stop is None:
                    message = outcome.message or "the attempt was stopped from outside"
                    return Ending(Happening.ATTEMPT_CANCELED, outcome.reason or Reason.CANCELED, message, outcome)
                return Ending(Happening.ATTEMPT_CANCELED, stop.reason, f"stopped: {stop.because}", outcome)

    def _launch(
        self, unit: Progress, bound: BoundStep, timeout: float, now: Moment, said: list[Instruction]
    ) -> Ending | None:
        step = unit.compiled.step
        if self._guarded and (policy := unit.compiled.breaker) is not None:
            tool = unit.compiled.breaker_key(bound)
            if tool is not None:
                admission = self._breakers.admit(tool, policy, now)
                if isinstance(admission, Refused):
                    return self._hold_off(unit, tool, admission, now, said)
                unit.ticket = admission.ticket
                if admission.moved is not None:
                    said.append(MoveBreaker(tool, admission.moved))
        unit.attempts += 1
        unit.advance(Happening.ATTEMPT_STARTED, now)
        unit.last_outcome = None
        unit.patient = False
        unit.refused_tool = ""
        if unit.first_monotonic is None:
            unit.first_monotonic = now.monotonic
        if unit.first_at_us is None:
            unit.first_at_us = now.at_us
        self._lineup.occupy(unit, now)
        said.append(StartAttempt(step.id, unit.attempts, bound, timeout, unit.item_index))
        return None

    def _hold_off(
        self, unit: Progress, tool: str, refused: Refused, now: Moment, said: list[Instruction]
    ) -> Ending | None:
        step = unit.compiled.step
        unit.refused_tool = tool
        if not unit.patient:
            unit.failures += 1
        if unit.first_monotonic is None:
            unit.first_monotonic = now.monotonic
        follows = after_refusal(
            step,
            self._limits,
            opens_in_sec=refused.opens_in_sec,
            failures=unit.failures,
            patient=unit.patient,
            elapsed=unit.elapsed(now),
            jitter=self._jitter,
        )
        if isinstance(follows, TryAgain):
            self._wait(unit, Happening.HELD_OFF, follows.delay_sec, WaitReason.BREAKER_OPEN, now, said)
            return None
        # An operator decides about what matters most, unless the plan has an answer of its own.
        is_grave = step.critical and step.fallback_step is None
        last = unit.last_outcome
        failure = "" if last is None or last.status is not StepStatus.FAILED else last.message or "the attempt failed"
        message = _refusal(tool, refused, failure)
        return Ending(
            Happening.QUARANTINED if is_grave else Happening.REFUSED,
            Reason.BREAKER_OPEN,
            f"{message}; {follows.why}" if follows.why else message,
            unit.last_outcome,
        )

    def _retry(self, unit: Progress, outcome: AttemptOutcome, now: Moment, said: list[Instruction]) -> Ending | None:
        message = outcome.message or "the attempt failed"
        if self._verdict.stop_for(unit.step_id) is not None:
            return Ending(Happening.ATTEMPT_FAILED, outcome.reason, message, outcome)
        unit.failures += 1
        follows = after_failure(
            unit.compiled.step,
            self._limits,
            outcome=outcome,
            failures=unit.failures,
            elapsed=unit.elapsed(now),
            jitter=self._jitter,
        )
        if isinstance(follows, TryAgain):
            unit.last_outcome = outcome
            self._wait(unit, Happening.RETRY_PLANNED, follows.delay_sec, WaitReason.RETRY, now, said)
            return None
        why = f"{message}; {follows.why}" if follows.why else message
        return Ending(Happening.ATTEMPT_FAILED, outcome.reason, why, outcome)

    def _repeat(self, unit: Progress, outcome: AttemptOutcome, now: Moment, said: list[Instruction]) -> Ending | None:
        step = unit.compiled.step
        assert step.repeat is not None, "only such a step is repeated"
        try:
            holds = unit.compiled.until_holds(self._scope, outcome, unit.item, attempts=unit.attempts)
        except OpscopeError as error:
            return Ending(Happening.REPEAT_FAILED, Reason.BAD_CONDITION, str(error), outcome)
        unit.iterations += 1
        unit.failures = 0
        if holds:
            return Ending(Happening.ATTEMPT_SUCCEEDED, outcome.reason, outcome.message, outcome)
        if (stop := self._verdict.stop_for(unit.step_id)) is not None:
            return Ending(Happening.REPEAT_CUT, stop.reason, f"not repeated: {stop.because}", outcome)
        follows = after_iteration(
            step, step.repeat, self._limits, iterations=unit.iterations, elapsed=unit.elapsed(now)
        )
        if isinstance(follows, TryAgain):
            unit.last_outcome = outcome
            self._wait(unit, Happening.REPEAT_PLANNED, follows.delay_sec, WaitReason.REPEAT, now, said)
            return None
        return Ending(Happening.REPEAT_FAILED, Reason.REPEAT_EXHAUSTED, follows.why, outcome)

    def _wait(
        self,
        unit: Progress,
        happening: Happening,
        delay_sec: float,
        reason: WaitReason,
        now: Moment,
        said: list[Instruction],
    ) -> None:
        unit.advance(happening, now)
        unit.delayed_attempt = unit.attempts + 1
        self.delayed.add(unit)
        tool = unit.refused_tool if reason is WaitReason.BREAKER_OPEN else ""
        said.append(WaitForRetry(unit.step_id, unit.delayed_attempt, delay_sec, reason, unit.item_index, tool))

    def _out_of_time(self, unit: Progress) -> Ending:
        """The cap was used up while it waited for a slot, or in a pause: what its last attempt came to is its result."""
        last, why = unit.last_outcome, cap_used_up(self._limits)
        if last is None:
            return Ending(Happening.REFUSED, Reason.BREAKER_OPEN, f"not run: its breaker was open; {why}")
        if last.status is StepStatus.SUCCEEDED and (repeat := unit.compiled.step.repeat) is not None:
            return Ending(Happening.REFUSED, Reason.REPEAT_EXHAUSTED, f"{not_until(repeat)}; {why}", last)
        return Ending(Happening.REFUSED, last.reason, f"{last.message or 'the attempt failed'}; {why}", last)


def _tells(outcome: AttemptOutcome) -> bool | None:
    """What the attempt says of its tool: it does its work, it does not, or nothing."""
    if outcome.status is StepStatus.FAILED:
        return None if outcome.reason in _NOT_THE_TOOLS else False
    return True if outcome.status is StepStatus.SUCCEEDED else None


def _refusal(tool: str, refused: Refused, failure: str) -> str:
    """Why it is held off, behind what its own last attempt failed of, which is the cause of it all."""
    not_run = f"{failure}; not tried again" if failure else "not run"
    if refused.state.phase is BreakerPhase.HALF_OPEN:
        return f"{not_run}: the breaker of {tool} is open, and its probe is under way"
    times = "1 failure" if refused.state.failures == 1 else f"{refused.state.failures} failures in a row"
    return f"{not_run}: the breaker of {tool} is open after {times}, for {refused.opens_in_sec:.0f} s more"

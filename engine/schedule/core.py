"""The scheduler core: signals in, instructions out, nothing else. What an attempt is and how time passes is the runner's business."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, assert_never

from engine.errors import InvalidTransitionError
from engine.model.states import StepStatus, Strategy
from engine.schedule.attempts import Attempts
from engine.schedule.breaker import Breakers
from engine.schedule.instructions import SetAlarm
from engine.schedule.lineup import Lineup, SerialLineup
from engine.schedule.preparation import Division, divide
from engine.schedule.replans import NO_HOLDS, Holds
from engine.schedule.settlement import Settlement
from engine.schedule.signals import (
    AlarmRang,
    AttemptEnded,
    Begin,
    CacheAnswered,
    Cancel,
    DelayElapsed,
    Pause,
    Replace,
    ReplanDecided,
    Resume,
)
from engine.schedule.taken_up import NOTHING, TakenUp, line_up
from engine.schedule.transitions import Happening
from engine.schedule.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.model.breaker import BreakerState
    from engine.model.json import Json
    from engine.model.result import StepResult
    from engine.plan.compiled import CompiledPlan
    from engine.plan.scope import Scope
    from engine.schedule.instructions import FinishExecution, Instruction
    from engine.schedule.progress import Progress
    from engine.schedule.replans import ReplanRules
    from engine.schedule.signals import Moment, Signal

_ENDS: Final = frozenset([StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.CANCELED])  # of an attempt
_SAME_MOMENT_SEC: Final = 1e-6  # two ways to work out one moment differ by less

NO_ATTEMPTS: Final[Mapping[str, int]] = MappingProxyType({})
NO_RESULTS: Final[Mapping[str, StepResult]] = MappingProxyType({})
NO_BREAKERS: Final[Mapping[str, BreakerState]] = MappingProxyType({})


class Phase(StrEnum):
    """Where the execution as a whole stands."""

    NEW = "new"
    UNDER_WAY = "under way"
    FINISHED = "finished"


class Scheduler:
    """Decides what runs, when, how often, and what every ending means for the rest.

    A step starts when its own dependencies are settled and there is a slot, and room in its pool; among those that could,
    the first in execution order goes first. With the serial strategy each step waits until all before it are settled, so
    the delay of a retry holds the line there; otherwise it holds neither a slot nor anybody but its dependents.

    Results that `scope` has already, of steps that are not the plan's own, stay in sight.

    To take up a run where it was left, give `settled` (results in the order in which they were settled) and, of steps
    that are not settled, what `taken_up` says; `attempts` and `lost` are a short way to say the first two things of it.
    What is settled is not said to be settled again. The time cap of a step counts anew from there, and what was left of a
    delay is not waited for. If the run was being canceled, send Cancel before Begin. `breakers` are the states in which
    other runs, or the phase before, left the tools.

    A step whose end `replans` want another plan for is held: its dependents wait, and nothing else follows from its end
    until ReplanDecided. The rest goes on; when nothing else can, AwaitDecision says what is missing, or with another plan
    approved FinishExecution ends the pass. Orders to stop everything win over that. To take up such a run, `held` has the
    settled steps whose replan was asked for and not denied, True where it was approved, None where nobody has decided;
    one whose replan was denied stands in `settled` where that was decided. `replaced` is what Replace said. What was
    settled before is not judged again.
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
        taken_up: TakenUp = NOTHING,
        breakers: Mapping[str, BreakerState] = NO_BREAKERS,
        replans: ReplanRules | None = None,
        held: Mapping[str, bool | None] = NO_HOLDS,
        replaced: frozenset[str] = frozenset(),
    ) -> None:
        limits = plan.plan.globals
        results = dict(settled)
        self.results: Mapping[str, StepResult] = MappingProxyType(results)
        in_sight = ChainMap(results, dict(scope.results)) if scope.results else self.results
        self._scope = replace(scope, results=in_sight)
        self._taken_up = taken_up

        self._line = line_up(plan.steps.values(), settled=settled, attempts=attempts, lost=lost, taken_up=taken_up)
        self._steps = {progress.step_id: progress for progress in self._line}
        self._lineup = (
            SerialLineup(self._line, pools=limits.pools)
            if plan.strategy is Strategy.SERIAL
            else Lineup(self._line, slots=limits.max_concurrency, pools=limits.pools)
        )
        self._breakers = Breakers(breakers)
        self._verdict = Verdict()
        self._attempts = Attempts(
            limits,
            self._scope,
            lineup=self._lineup,
            breakers=self._breakers,
            verdict=self._verdict,
            jitter=jitter,
            guarded=any(step.breaker is not None for step in plan.steps.values()),
        )
        self._holds = Holds(replans, self._scope, held, replaced)
        for step_id in held:
            if step_id not in results:
                raise self._find(step_id, None).impossible("held, but it has no end")
        self._settlement = Settlement(
            self._line, self._steps, results, lineup=self._lineup, verdict=self._verdict, holds=self._holds
        )
        self._phase = Phase.NEW
        self._begun = False
        self._paused = False
        self._alarm_at: float | None = None  # monotonic seconds
        self._said: list[Instruction] = []

    @property
    def running(self) -> int:
        """How many slots are taken, by attempts and by questions to the cache; never more than the plan's max_concurrency."""
        return self._lineup.running

    @property
    def is_paused(self) -> bool:
        """True while nothing new starts."""
        return self._paused and self._verdict.stop is None

    @property
    def is_finished(self) -> bool:
        """True once FinishExecution has been said."""
        return self._phase is Phase.FINISHED

    @property
    def held(self) -> Mapping[str, bool | None]:
        """The steps from whose ends nothing follows yet; True where another plan was approved, None while it is open."""
        return MappingProxyType(self._holds.decisions)

    @property
    def breakers(self) -> Mapping[str, BreakerState]:
        """The state of every tool's breaker that is known."""
        return self._breakers.states

    @property
    def in_pools(self) -> Mapping[str, int]:
        """How many places of each pool are taken."""
        return {pool: gauge.under_way for pool, gauge in self._lineup.gauges()}

    @property
    def begun_us(self) -> Mapping[str, tuple[int, ...]]:
        """By pool, when (UTC, microseconds) the attempts began that its rate still counts."""
        return {pool: gauge.begun_us() for pool, gauge in self._lineup.gauges()}

    def status(self, step_id: str, item_index: int | None = None) -> StepStatus:
        """Where the step stands, or an item of it. Raises InvalidTransitionError for one that the plan does not have."""
        return self._find(step_id, item_index).status

    def item_count(self, step_id: str) -> int:
        """Into how many items the step is divided; 0 if it is not. Raises InvalidTransitionError as `status` does."""
        items = self._find(step_id, None).items
        return 0 if items is None else len(items.units)

    def story(self, step_id: str, item_index: int | None = None) -> tuple[str, ...]:
        """The last happenings, oldest first. Raises InvalidTransitionError for a step that the plan does not have."""
        return self._find(step_id, item_index).tell()

    def handle(self, signal: Signal, now: Moment) -> list[Instruction]:
        """Take one signal and say what is to be done because of it, in order.

        Raises InvalidTransitionError, and changes nothing, for a signal that cannot follow on those before it. Cancel,
        Pause, Resume, Replace and AlarmRang are never impossible: an operator may press a key at any moment, even after
        the end, and an alarm may have been on its way when it was moved.
        """
        said: list[Instruction] = []
        self._said = said
        match signal:
            case AttemptEnded():
                self._attempt_ended(signal, now)
            case DelayElapsed():
                self._delay_elapsed(signal, now)
            case CacheAnswered():
                self._cache_answered(signal, now)
            case AlarmRang():
                self._alarm_at = None
            case Begin():
                self._begin(now)
            case Cancel() | Pause() | Resume() | ReplanDecided() | Replace():
                self._heed(signal, now)
            case _:
                assert_never(signal)
        if self._phase is Phase.UNDER_WAY:
            self._settlement.spread(now, said)
            self._start_ready(now)
            is_open = self._verdict.stop is None and self._holds
            if self._settlement.unsettled == 0 and not is_open:
                self._finish(self._verdict.pronounce())
            elif is_open or self._settlement.quarantined:
                self._finish_if_drained(now)
        return said

    # What each signal does

    def _heed(self, signal: Cancel | Pause | Resume | ReplanDecided | Replace, now: Moment) -> None:
        match signal:
            case Cancel():
                self._cancel(signal, now)
            case Pause():
                self._paused = self._phase is not Phase.FINISHED
            case Resume():
                self._paused = False
            case ReplanDecided():
                self._replan_decided(signal)
            case Replace(touched):
                self._replace(touched, now)
            case _:
                assert_never(signal)

    def _begin(self, now: Moment) -> None:
        if self._begun:
            raise InvalidTransitionError(f"told to begin again; the execution is {self._phase}", step_id="-", story=())
        self._begun = True
        if self._phase is not Phase.NEW:
            return  # canceled before it could begin
        self._phase = Phase.UNDER_WAY
        self._go_on(now)

    def _go_on(self, now: Moment) -> None:
        """Bring back what was under way when the run was left, then let everything go that waits for nothing."""
        taken_up, said = self._taken_up, self._said
        if self._holds.to_replace:
            self._settlement.replace(self._holds.to_replace, now, said)
        for pool, begun_us in taken_up.begun_us.items():
            self._lineup.gauge(pool).recall(begun_us, now)
        for step_id, failure in taken_up.awaiting.items():
            progress = self._steps[step_id]
            progress.attempts = failure.attempts
            progress.begun_before(failure.started_at_us)
            progress.advance(Happening.FALLBACK_AWAITED, now)
        # Before anything is brought back: what that lets go is lined up by whatever lets it go.
        free = [progress for progress in self._line if progress.unmet == 0]
        for step_id in taken_up.items:
            progress = self._steps[step_id]
            values = divide(progress.compiled, self._scope) if progress.status is StepStatus.PENDING else None
            if values is not None:
                self._divide(progress, values, now)
        for progress in free:
            if progress.status is StepStatus.PENDING:
                self._lineup.add(progress)
        for step_id, failure in taken_up.awaiting.items():
            self._settlement.call_fallback(self._steps[step_id], failure, now, said)

    def _cancel(self, signal: Cancel, now: Moment) -> None:
        if self._phase is Phase.FINISHED or self._verdict.stop is not None:
            return
        if self._phase is Phase.NEW:
            self._phase = Phase.UNDER_WAY
            self._go_on(now)
        self._paused = False
        self._settlement.stop_all(self._verdict.cancel(signal.actor), now, self._said)

    def _replan_decided(self, signal: ReplanDecided) -> None:
        step = self._find(signal.step_id, None)
        if self._phase is Phase.FINISHED or self._verdict.stop is not None:
            return
        if self._holds.decisions.get(signal.step_id, True) is not None:
            raise step.impossible("no replan of it waits for a decision")
        self._holds.decide(signal.step_id, approved=signal.approved)
        if not signal.approved:
            self._settlement.let_go(signal.step_id)

    def _replace(self, touched: frozenset[str], now: Moment) -> None:
        if self._phase is Phase.FINISHED or self._verdict.stop is not None:
            return
        self._holds.to_replace |= touched
        if self._phase is Phase.UNDER_WAY:
            self._settlement.replace(touched, now, self._said)
            self._attempts.drop_delays(self._verdict.touched)

    def _delay_elapsed(self, signal: DelayElapsed, now: Moment) -> None:
        unit = self._find(signal.step_id, signal.item_index)
        if signal.attempt != unit.delayed_attempt or signal.attempt == 0:
            raise unit.impossible(f"no delay before attempt {signal.attempt} was asked for")
        unit.advance(Happening.DELAY_ELAPSED, now)
        unit.delayed_attempt = 0
        self._attempts.delayed.discard(unit)
        if unit.status is StepStatus.WAITING and unit.step_id not in self._settlement.back:
            self._lineup.add(unit)

    def _cache_answered(self, signal: CacheAnswered, now: Moment) -> None:
        unit = self._find(signal.step_id, signal.item_index)
        if unit.asking is None:
            raise unit.impossible("the cache was not asked")
        if signal.outcome is not None and signal.outcome.status is not StepStatus.SUCCEEDED:
            raise unit.impossible(f"what {signal.outcome.status} is not kept")
        if unit.status is StepStatus.PENDING and unit.step_id in self._settlement.back:
            self._attempts.answered_in_vain(unit, now)
            return
        ending = self._attempts.answered(unit, signal.outcome, now, self._said, paused=self._paused)
        if ending is not None:
            self._settlement.end(unit, ending, now, self._said)

    def _attempt_ended(self, signal: AttemptEnded, now: Moment) -> None:
        unit = self._find(signal.step_id, signal.item_index)
        if unit.status is not StepStatus.RUNNING or signal.attempt != unit.attempts or unit.items is not None:
            raise unit.impossible(
                f"attempt {signal.attempt} ended, but the step is {unit.status} with {unit.attempts} begun"
            )
        if signal.outcome.status not in _ENDS:
            raise unit.impossible(f"an attempt cannot end {signal.outcome.status}")
        if signal.began is not None:
            unit.launched(signal.began)
        ending = self._attempts.ended(unit, signal.outcome, now, self._said)
        if ending is not None:
            self._settlement.end(unit, ending, now, self._said)

    # Starting

    def _start_ready(self, now: Moment) -> None:
        """Start what can start. A step that is passed over or refused settles at once and may make others ready."""
        said = self._said
        while not self._paused:
            unit = self._lineup.take(now)
            if unit is None:
                if self._lineup.has_rates:
                    self._set_alarm(now)
                return
            follows = self._attempts.begin(unit, now, said)
            if follows is None:
                continue
            if isinstance(follows, Division):
                self._divide(unit, follows.values, now)
            else:
                self._settlement.end(unit, follows, now, said)
            self._settlement.spread(now, said)

    def _divide(self, step: Progress, values: Sequence[Json], now: Moment) -> None:
        left = self._taken_up.items.get(step.step_id)
        self._settlement.divide(step, values, left, now, self._said)

    def _set_alarm(self, now: Moment) -> None:
        delay = self._lineup.alarm(now)
        if delay is None:
            return
        rings_at = now.monotonic + delay
        if self._alarm_at is None or rings_at < self._alarm_at - _SAME_MOMENT_SEC:
            self._alarm_at = rings_at
            self._said.append(SetAlarm(delay))

    def _finish_if_drained(self, now: Moment) -> None:
        """Nothing is under way, and nothing can be as long as nobody decides, or until another plan follows."""
        if self._paused or self._lineup.running or self._attempts.delayed or self._lineup.alarm(now) is not None:
            self._holds.goes_on()
        elif self._settlement.quarantined:
            self._finish(self._verdict.pronounce(tuple(self._settlement.quarantined)))
        elif self._holds.is_undecided:
            if (missing := self._holds.missing()) is not None:
                self._said.append(missing)
        else:
            self._finish(self._verdict.pronounce(replan=self._holds.because()))

    def _finish(self, finish: FinishExecution) -> None:
        self._phase = Phase.FINISHED
        self._paused = False
        self._said.append(finish)

    def _find(self, step_id: str, item_index: int | None) -> Progress:
        step = self._steps.get(step_id)
        if step is None:
            raise InvalidTransitionError("the plan has no such step", step_id=step_id, story=())
        if item_index is None:
            return step
        if step.items is None or not 0 <= item_index < len(step.items.units):
            raise step.impossible(f"there is no item {item_index}")
        return step.items.units[item_index]

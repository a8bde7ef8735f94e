"""Drives one scheduler core: attempts as tasks, delays as timers, events made durable before anything acts on them. Decides nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol, assert_never

from engine.model.breaker import BreakerPhase
from engine.model.states import Reason, RunStatus
from engine.pipeline.asking import CacheDesk
from engine.pipeline.attempts import Attempts, attempt_of
from engine.pipeline.records import StepRecords
from engine.pipeline.units import Attempt, Unit
from engine.schedule.core import Scheduler
from engine.schedule.instructions import (
    AskCache,
    AwaitDecision,
    AwaitFallback,
    FinishExecution,
    MoveBreaker,
    QuarantineStep,
    RequestReplan,
    SetAlarm,
    SettleItem,
    SettleStep,
    StartAttempt,
    StopAttempt,
    WaitForRetry,
)
from engine.schedule.signals import (
    AlarmRang,
    AttemptEnded,
    Begin,
    CacheAnswered,
    Cancel,
    DelayElapsed,
    Moment,
    Pause,
    Replace,
    ReplanDecided,
    Resume,
    Signal,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.breaker import BreakerState
    from engine.model.event import Event
    from engine.model.result import StepResult
    from engine.pipeline.attempts import Course
    from engine.pipeline.recorder import Recorder
    from engine.pipeline.replan.desk import Requested
    from engine.pipeline.request import RunRequest, Services
    from engine.ports import AttemptSpec, Executor
    from engine.schedule.instructions import Instruction

SIGNALS_AT_ONCE: Final = 64
"""How many signals are handled before what follows on them is handed to the file, which writes while more are handled."""


class Replanning(Protocol):
    """Who makes another plan of what the rules ask for."""

    def asked_for(self, step_id: str) -> Requested:
        """What was asked for because of the end of this step, to be recorded with that end; once."""
        ...

    def await_decision(self, step_ids: Sequence[str]) -> list[Event]:
        """Nothing else can go on; the events of that."""
        ...


class Execution:
    """Some steps of a pass, from Begin to the end. `run` returns when the core is finished and no attempt is under way.

    What follows on signals goes to the file in the order in which they are handled, and attempts start when the file has
    them. Meanwhile the next signals are handled: what they lead to stands behind it in the file, so nothing acts on what
    is not durable. Those that arrive together are written together.
    """

    def __init__(
        self,
        course: Course,
        request: RunRequest,
        services: Services,
        recorder: Recorder,
        *,
        pass_index: int,
        sub_plans: Executor | None = None,
        replans: Replanning | None = None,
    ) -> None:
        self._course = course
        self._request = request
        self._services = services
        self._recorder = recorder
        self._records = StepRecords(recorder, course.plan.steps, pass_index=pass_index)
        self._scheduler = Scheduler(
            course.plan,
            scope=course.scope,
            jitter=services.jitter,
            settled=course.settled,
            taken_up=course.taken_up,
            breakers=course.breakers,
            replans=course.rules,
            held=course.held,
            replaced=course.replaced,
        )
        self._replans = replans
        self._is_stopping = False
        self._cache = CacheDesk(services.cache, services.clock, course.plan.plan.plan_id, course.asked)
        self._signals: deque[Signal] = deque()
        self._wake = asyncio.Event()
        self._writing: set[asyncio.Task[None]] = set()
        self._asking: set[asyncio.Task[None]] = set()
        self._timers: dict[Unit, asyncio.TimerHandle] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._opened: set[str] = set()
        self._broken: Exception | None = None
        self._finished: FinishExecution | None = None
        self._late: frozenset[str] = frozenset()  # what an operator changed in the moment in which all was over
        self._held = False
        self._attempts = Attempts(
            course,
            request,
            services,
            recorder,
            self._records,
            sub_plans=sub_plans,
            post=self._post,
            broke=self._broke,
        )

    @property
    def results(self) -> Mapping[str, StepResult]:
        """The settled steps so far."""
        return self._scheduler.results

    @property
    def breakers(self) -> Mapping[str, BreakerState]:
        """Where the breakers of the tools stand."""
        return self._scheduler.breakers

    @property
    def begun_us(self) -> Mapping[str, Sequence[int]]:
        """When attempts of the steps of a pool began lately, by pool."""
        return self._scheduler.begun_us

    def cancel(self, actor: str) -> None:
        """Stop everything. May be said again, and before `run`."""
        self._is_stopping = True
        # What runs is stopped here and now. The core hears of it in its turn, which may have to wait for the file.
        self._attempts.cancel()
        self._post(Cancel(actor=actor))

    @property
    def is_stopping(self) -> bool:
        """True when everything stops."""
        return self._is_stopping or self._finished is not None

    def decided(self, step_id: str, *, approved: bool) -> None:
        """It was decided about the replan that a step had asked for."""
        self._post(ReplanDecided(step_id, approved))

    def replace(self, steps: frozenset[str]) -> None:
        """Another plan follows, in which these steps are others."""
        self._post(Replace(steps))

    def hold(self, *, held: bool) -> None:
        """Start nothing new while held. What runs goes on."""
        if held is not self._held:
            self._held = held
            self._post(Pause() if held else Resume())

    async def run(self) -> FinishExecution:
        """Run every step to its end. Raises InfrastructureError when the file can no longer take what happens."""
        self._post(Begin())
        try:
            while self._finished is None or self._writing:
                await self._wake.wait()
                self._wake.clear()
                while self._signals and self._broken is None:
                    self._turn()
                    # What was said is on its way to the file before the rest is handled.
                    await asyncio.sleep(0)
                if self._broken is not None:
                    raise self._broken
        finally:
            await self._leave_nothing_running()
        return self._with_late_changes(self._finished)

    def _with_late_changes(self, finish: FinishExecution) -> FinishExecution:
        """A change that was accepted is carried out, also where the last step ended before the core heard of it."""
        late = self._late.union(*(signal.touched for signal in self._signals if isinstance(signal, Replace)))
        if not late or finish.status not in (RunStatus.SUCCEEDED, RunStatus.FAILED):
            return finish
        return replace(finish, replan=tuple(sorted(late)))

    def _broke(self, error: Exception) -> None:
        self._broken = self._broken or error
        self._wake.set()

    def _post(self, signal: Signal) -> None:
        self._signals.append(signal)
        self._wake.set()

    def _turn(self) -> None:
        """Handle some signals, and hand what follows on them to the file."""
        batch = _Batch()
        clock = self._services.clock
        for _ in range(min(len(self._signals), SIGNALS_AT_ONCE)):
            signal = self._signals.popleft()
            if self._finished is not None and isinstance(signal, Replace):
                self._late |= signal.touched
            now = Moment(monotonic=clock.monotonic(), at_us=clock.now_us())
            said = self._scheduler.handle(signal, now)
            if isinstance(signal, AttemptEnded):
                batch.events.append(self._attempt_finished(signal, said, now))
            for instruction in said:
                self._carry_out(instruction, now, batch)
        if batch.events or batch.starts or self._finished is not None:
            writing = asyncio.create_task(self._write(batch))
            self._writing.add(writing)

    def _carry_out(self, instruction: Instruction, now: Moment, batch: _Batch) -> None:
        events = batch.events
        match instruction:
            case StartAttempt():
                self._plan_start(instruction, batch)
            case SettleStep(result):
                unit = Unit(result.step_id)
                self._forget_timer(unit)
                events.append(self._records.settled(result, cache=self._cache.settled(unit, result)))
                events += self._denied_at_once(result.step_id)
            case SettleItem(item_index, result):
                unit = Unit(result.step_id, item_index)
                self._forget_timer(unit)
                events.append(self._records.settled(result, item_index, cache=self._cache.settled(unit, result)))
            case WaitForRetry():
                events.append(self._records.waiting(instruction, now))
                self._delay(instruction)
            case StopAttempt(reason=reason):
                self._is_stopping = self._is_stopping or reason is not Reason.REPLANNED
                self._attempts.stop(attempt_of(instruction), instruction.reason)
            case AskCache():
                self._ask(instruction)
            case SetAlarm(delay_sec):
                self._set_alarm(delay_sec)
            case MoveBreaker(state=state):
                # Any other was recorded with the end of the attempt that moved it.
                batch.probe = instruction if state.phase is BreakerPhase.HALF_OPEN else None
            case AwaitFallback() | QuarantineStep() | RequestReplan() | AwaitDecision():
                events += self._waits(instruction)
            case FinishExecution():
                self._finished = instruction
            case _:
                assert_never(instruction)

    def _denied_at_once(self, step_id: str) -> list[Event]:
        """What was asked for because of this end and needed nobody to be denied: the step is not held, and all goes on."""
        if self._replans is None or self._scheduler.held.get(step_id, True) is None:
            return []
        return self._replans.asked_for(step_id).events

    def _waits(self, instruction: AwaitFallback | QuarantineStep | RequestReplan | AwaitDecision) -> list[Event]:
        """What is recorded of a step that waits for something else than its turn."""
        match instruction:
            case AwaitFallback():
                return [self._records.awaiting(instruction)]
            case QuarantineStep(result):
                return [self._records.quarantined(result)]
            case RequestReplan(step_id):
                assert self._replans is not None, "there are rules that asked"
                requested = self._replans.asked_for(step_id)
                if requested.decision is not None:
                    self.decided(step_id, approved=requested.decision)
                return requested.events
            case AwaitDecision(step_ids):
                assert self._replans is not None, "there are rules that asked"
                return self._replans.await_decision(step_ids)
            case _:
                assert_never(instruction)

    def _plan_start(self, start: StartAttempt, batch: _Batch) -> None:
        attempt = attempt_of(start)
        spec = self._attempts.spec(start)
        opens_step = start.item_index is not None and start.step_id not in self._opened
        if opens_step:
            self._opened.add(start.step_id)
        cache = self._cache.starting(attempt)
        moved, batch.probe = batch.probe, None
        batch.events.append(self._records.starting(start, spec, moved=moved, cache=cache, opens_step=opens_step))
        batch.starts.append((attempt, spec))

    async def _write(self, batch: _Batch) -> None:
        """Make what was said durable, then start what it says."""
        try:
            await self._recorder.record(batch.events)
        except Exception as error:  # noqa: BLE001  `run` raises it
            self._broken = self._broken or error
        else:
            if self._broken is None:
                for attempt, spec in batch.starts:
                    self._attempts.launch(attempt, spec)
        finally:
            task = asyncio.current_task()
            assert task is not None
            self._writing.discard(task)
            if self._broken is not None or self._finished is not None:
                self._wake.set()

    def _delay(self, wait: WaitForRetry) -> None:
        unit = Unit(wait.step_id, wait.item_index)

        def elapsed() -> None:
            del self._timers[unit]
            self._post(DelayElapsed(wait.step_id, wait.next_attempt, wait.item_index))

        self._timers[unit] = asyncio.get_running_loop().call_later(wait.delay_sec, elapsed)

    def _forget_timer(self, unit: Unit) -> None:
        if self._timers and (timer := self._timers.pop(unit, None)) is not None:
            timer.cancel()

    def _set_alarm(self, delay_sec: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_later(delay_sec, lambda: self._post(AlarmRang()))

    def _ask(self, question: AskCache) -> None:
        async def ask() -> None:
            unit = Unit(question.step_id, question.item_index)
            key = self._attempts.idempotency_key(unit)
            step = self._course.plan.steps[question.step_id].step
            outcome = await self._cache.ask(
                unit,
                question,
                self._attempts.environment(unit, 1, question.bound, key),
                output=step.output_format,
                max_output_bytes=step.max_output_bytes,
                workdir=self._request.workdir,
                plan_folder=self._request.plan_folder,
            )
            self._post(CacheAnswered(question.step_id, outcome, question.item_index))

        asking = asyncio.create_task(ask(), name=f"cache {question.step_id}")
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)

    async def _leave_nothing_running(self) -> None:
        for timer in (*self._timers.values(), *([self._alarm] if self._alarm is not None else [])):
            timer.cancel()
        tasks = [*self._attempts.tasks, *self._writing, *self._asking]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _attempt_finished(self, ended: AttemptEnded, said: Sequence[Instruction], now: Moment) -> Event:
        attempt = Attempt(ended.step_id, ended.item_index, ended.attempt)
        elapsed = self._attempts.elapsed_sec(attempt, now)
        first = said[0] if said else None
        moved = first if isinstance(first, MoveBreaker) and first.state.phase is not BreakerPhase.HALF_OPEN else None
        return self._records.finished(attempt, ended.outcome, elapsed, moved=moved)


class _Batch:
    """What is written at once: events, and the attempts that start when they are durable."""

    __slots__ = ("events", "probe", "starts")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.starts: list[tuple[Attempt, AttemptSpec]] = []
        self.probe: MoveBreaker | None = None

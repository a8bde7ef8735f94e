"""Drives one scheduler core: attempts as tasks, delays as timers, events made durable before anything acts on them. Decides nothing."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, assert_never

from engine.errors import InfrastructureError
from engine.model.bound import BoundPlan
from engine.model.breaker import BreakerPhase
from engine.model.result import AttemptOutcome
from engine.model.states import Reason, StepStatus
from engine.pipeline.asking import CacheDesk
from engine.pipeline.records import StepRecords
from engine.pipeline.units import Attempt, Unit
from engine.ports import AttemptSpec, FailurePoint
from engine.schedule.core import Scheduler
from engine.schedule.instructions import (
    AskCache,
    AwaitFallback,
    FinishExecution,
    MoveBreaker,
    QuarantineStep,
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
    Resume,
    Signal,
)
from engine.schedule.taken_up import NOTHING, TakenUp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.bound import BoundStep, BoundText
    from engine.model.breaker import BreakerState
    from engine.model.event import Event
    from engine.model.result import StepResult
    from engine.model.states import Stream
    from engine.pipeline.recorder import Recorder
    from engine.pipeline.request import RunRequest, Services
    from engine.plan.compiled import CompiledPlan
    from engine.plan.scope import Scope
    from engine.ports import Executor, ProcessIdentity
    from engine.schedule.instructions import Instruction

SIGNALS_AT_ONCE: Final = 64
"""How many signals are handled before what follows on them is handed to the file, which writes while more are handled."""


@dataclass(frozen=True, slots=True)
class Course:
    """What an execution runs: the steps of `plan`, seeing `scope`, from where they were left.

    `settled`, `taken_up` and `breakers` are as the scheduler takes them. `children` are the runs of sub-plans whose
    attempts were lost, `asked` the keys under which results were looked for before the run was taken up. `before_spawn`
    are the failure points that an attempt passes on its way to the executor.
    """

    plan: CompiledPlan
    scope: Scope
    settled: Mapping[str, StepResult] = field(default_factory=dict)
    taken_up: TakenUp = NOTHING
    breakers: Mapping[str, BreakerState] = field(default_factory=dict)
    children: Mapping[Unit, str] = field(default_factory=dict)
    asked: Mapping[Unit, str] = field(default_factory=dict)
    before_spawn: tuple[FailurePoint, ...] = (FailurePoint.BEFORE_SPAWN,)


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
    ) -> None:
        self._course = course
        self._request = request
        self._services = services
        self._sub_plans = sub_plans or services.executor
        self._recorder = recorder
        self._pass_index = pass_index
        self._records = StepRecords(recorder, course.plan.steps, pass_index=pass_index)
        self._scheduler = Scheduler(
            course.plan,
            scope=course.scope,
            jitter=services.jitter,
            settled=course.settled,
            taken_up=course.taken_up,
            breakers=course.breakers,
        )
        self._cache = CacheDesk(services.cache, services.clock, course.plan.plan.plan_id, course.asked)
        self._children = dict(course.children)
        self._signals: deque[Signal] = deque()
        self._wake = asyncio.Event()
        self._writing: set[asyncio.Task[None]] = set()
        self._asking: set[asyncio.Task[None]] = set()
        self._tasks: dict[Attempt, asyncio.Task[None]] = {}
        self._started_at: dict[Attempt, float] = {}
        self._stop_reasons: dict[Attempt, Reason] = {}
        self._timers: dict[Unit, asyncio.TimerHandle] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._opened: set[str] = set()
        self._broken: Exception | None = None
        self._finished: FinishExecution | None = None
        self._held = False
        self._is_canceled = False

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
        self._is_canceled = True
        # What runs is stopped here and now. The core hears of it in its turn, which may have to wait for the file.
        for attempt in self._tasks:
            self._stop(attempt, Reason.CANCELED)
        self._post(Cancel(actor=actor))

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
        return self._finished

    def _post(self, signal: Signal) -> None:
        self._signals.append(signal)
        self._wake.set()

    def _turn(self) -> None:
        """Handle some signals, and hand what follows on them to the file."""
        batch = _Batch()
        clock = self._services.clock
        for _ in range(min(len(self._signals), SIGNALS_AT_ONCE)):
            signal = self._signals.popleft()
            now = Moment(monotonic=clock.monotonic(), at_us=clock.now_us())
            said = self._scheduler.handle(signal, now)
            if isinstance(signal, AttemptEnded):
                batch.events.append(self._attempt_finished(signal, said))
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
            case SettleItem(item_index, result):
                unit = Unit(result.step_id, item_index)
                self._forget_timer(unit)
                events.append(self._records.settled(result, item_index, cache=self._cache.settled(unit, result)))
            case WaitForRetry():
                events.append(self._records.waiting(instruction, now))
                self._delay(instruction)
            case StopAttempt():
                self._stop(_attempt_of(instruction), instruction.reason)
            case AskCache():
                self._ask(instruction)
            case SetAlarm(delay_sec):
                self._set_alarm(delay_sec)
            case MoveBreaker(state=state):
                # Any other was recorded with the end of the attempt that moved it.
                batch.probe = instruction if state.phase is BreakerPhase.HALF_OPEN else None
            case AwaitFallback():
                events.append(self._records.awaiting(instruction))
            case QuarantineStep(result):
                events.append(self._records.quarantined(result))
            case FinishExecution():
                self._finished = instruction
            case _:
                assert_never(instruction)

    def _plan_start(self, start: StartAttempt, batch: _Batch) -> None:
        attempt = _attempt_of(start)
        spec = self._spec(start)
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
                    self._launch(attempt, spec)
        finally:
            task = asyncio.current_task()
            assert task is not None
            self._writing.discard(task)
            if self._broken is not None or self._finished is not None:
                self._wake.set()

    def _launch(self, attempt: Attempt, spec: AttemptSpec) -> None:
        if self._is_canceled:
            self._stop(attempt, Reason.CANCELED)
        if (reason := self._stop_reasons.get(attempt)) is not None:
            # Stopped between the decision to start and the moment it was durable: nothing was spawned.
            self._end(attempt, _stopped(reason))
            return
        self._started_at[attempt] = self._services.clock.monotonic()
        task = asyncio.create_task(self._run_attempt(attempt, spec), name=f"{attempt.step_id}#{attempt.number}")
        self._tasks[attempt] = task
        task.add_done_callback(lambda ended: self._attempt_gone(attempt, ended))

    def _attempt_gone(self, attempt: Attempt, task: asyncio.Task[None]) -> None:
        """A task that is cancelled before its first step never gets to say how it ended."""
        if task.cancelled() and self._tasks.pop(attempt, None) is not None:
            self._end(attempt, _stopped(self._stop_reasons.get(attempt, Reason.CANCELED)))

    async def _run_attempt(self, attempt: Attempt, spec: AttemptSpec) -> None:
        observer = _Observer(attempt, self._records, self._recorder, self._services)
        try:
            for point in self._course.before_spawn:
                self._services.checkpoint(point)
            outcome = await self._executor_of(spec).run(spec, observer)
        except asyncio.CancelledError:
            outcome = _stopped(self._stop_reasons.get(attempt, Reason.CANCELED))
        except InfrastructureError as error:
            self._broken = self._broken or error
            self._wake.set()
            return
        except Exception as error:  # noqa: BLE001  a defect in an executor fails its step, never the run's record
            outcome = AttemptOutcome(
                status=StepStatus.FAILED,
                reason=Reason.INTERNAL,
                message=f"the executor failed: {type(error).__name__}: {error}",
            )
        finally:
            self._tasks.pop(attempt, None)
        self._end(attempt, outcome)

    def _executor_of(self, spec: AttemptSpec) -> Executor:
        return self._sub_plans if isinstance(spec.definition, BoundPlan) else self._services.executor

    def _end(self, attempt: Attempt, outcome: AttemptOutcome) -> None:
        self._post(AttemptEnded(attempt.step_id, attempt.number, outcome, attempt.item_index))

    def _stop(self, attempt: Attempt, reason: Reason) -> None:
        if attempt in self._stop_reasons:
            return  # it is on its way down the ladder already
        self._stop_reasons[attempt] = reason
        if (task := self._tasks.get(attempt)) is not None:
            task.cancel()

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
            key = self._idempotency_key(unit)
            outcome = await self._cache.ask(
                unit,
                question,
                self._environment(unit, 1, question.bound, key),
                output=self._course.plan.steps[question.step_id].step.output_format,
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
        tasks = [*self._tasks.values(), *self._writing, *self._asking]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _attempt_finished(self, ended: AttemptEnded, said: Sequence[Instruction]) -> Event:
        attempt = Attempt(ended.step_id, ended.item_index, ended.attempt)
        self._stop_reasons.pop(attempt, None)
        started = self._started_at.pop(attempt, None)
        elapsed = 0.0 if started is None else self._services.clock.monotonic() - started
        first = said[0] if said else None
        moved = first if isinstance(first, MoveBreaker) and first.state.phase is not BreakerPhase.HALF_OPEN else None
        return self._records.finished(attempt, ended.outcome, elapsed, moved=moved)

    def _spec(self, start: StartAttempt) -> AttemptSpec:
        request = self._request
        unit = Unit(start.step_id, start.item_index)
        key = self._idempotency_key(unit)
        place = start.step_id if start.item_index is None else f"{start.step_id}.{start.item_index}"
        cookie = f"{request.run_id}.{self._pass_index}.{place}.{start.attempt}"
        child_run_id = None
        if isinstance(start.bound.definition, BoundPlan):
            # The one whose engine was lost is taken up again; any other try is a run of its own.
            child_run_id = self._children.pop(unit, None) or _digits(f"child {cookie}")
        return AttemptSpec(
            run_id=request.run_id,
            pass_index=self._pass_index,
            step_id=start.step_id,
            item_index=start.item_index,
            attempt=start.attempt,
            definition=start.bound.definition,
            environment=self._environment(unit, start.attempt, start.bound, key),
            workdir=request.workdir,
            plan_folder=request.plan_folder,
            timeout_sec=start.timeout_sec,
            output=self._course.plan.steps[start.step_id].step.output_format,
            idempotency_key=key,
            cookie=cookie,
            child_run_id=child_run_id,
        )

    def _idempotency_key(self, unit: Unit) -> str:
        run_id = self._request.run_id
        item = "" if unit.item_index is None else f"/{unit.item_index}"
        return _digits(f"{run_id}/{unit.step_id}{item}")

    def _environment(self, unit: Unit, attempt: int, bound: BoundStep, key: str) -> dict[str, BoundText]:
        environment: dict[str, BoundText] = {
            **self._course.scope.env,
            **bound.env,
            "OPSCOPE_RUN_ID": self._request.run_id,
            "OPSCOPE_STEP_ID": unit.step_id,
            "OPSCOPE_ATTEMPT": str(attempt),
            "OPSCOPE_IDEMPOTENCY_KEY": key,
        }
        if unit.item_index is not None:
            environment["OPSCOPE_ITEM_INDEX"] = str(unit.item_index)
        return environment


class _Batch:
    """What is written at once: events, and the attempts that start when they are durable."""

    __slots__ = ("events", "probe", "starts")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.starts: list[tuple[Attempt, AttemptSpec]] = []
        self.probe: MoveBreaker | None = None


class _Observer:
    """Records what one attempt does while it runs. Implements `engine.ports.AttemptObserver`."""

    __slots__ = ("_attempt", "_recorder", "_records", "_services")

    def __init__(self, attempt: Attempt, records: StepRecords, recorder: Recorder, services: Services) -> None:
        self._attempt = attempt
        self._records = records
        self._recorder = recorder
        self._services = services

    async def started(self, process: ProcessIdentity | None) -> None:
        # Without a process there is nothing to find again after a crash: `attempt.starting` has said it all.
        if process is None:
            return
        self._services.checkpoint(FailurePoint.AFTER_SPAWN)
        await self._recorder.record([self._records.started(self._attempt, process)])

    async def output(self, stream: Stream, offset: int, content: bytes) -> None:
        await self._recorder.record_output(
            pass_index=self._records.pass_index,
            step_id=self._attempt.step_id,
            item_index=self._attempt.item_index,
            attempt=self._attempt.number,
            stream=stream,
            offset=offset,
            content=content,
        )


def _attempt_of(instruction: StartAttempt | StopAttempt) -> Attempt:
    return Attempt(instruction.step_id, instruction.item_index, instruction.attempt)


def _digits(text: str) -> str:
    """32 hex digits that stand for the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _stopped(reason: Reason) -> AttemptOutcome:
    message = "stopped because the run was aborted" if reason is Reason.ABORTED else "canceled while it ran"
    return AttemptOutcome(status=StepStatus.CANCELED, reason=reason, message=message)

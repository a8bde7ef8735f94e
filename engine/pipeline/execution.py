"""Drives one scheduler core: attempts as tasks, delays as timers, events made durable before anything acts on them. Decides nothing."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, assert_never

from engine.errors import InfrastructureError
from engine.model.result import AttemptOutcome
from engine.model.states import Reason, StepStatus
from engine.pipeline.records import StepRecords
from engine.ports import AttemptSpec, FailurePoint
from engine.schedule.core import Scheduler
from engine.schedule.instructions import FinishExecution, SettleStep, StartAttempt, StopAttempt, WaitForRetry
from engine.schedule.signals import AttemptEnded, Begin, Cancel, DelayElapsed, Moment, Pause, Resume, Signal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.bound import BoundText
    from engine.model.event import Event
    from engine.model.result import StepResult
    from engine.model.states import Stream
    from engine.pipeline.recorder import Recorder
    from engine.pipeline.request import RunRequest, Services
    from engine.plan.compiled import CompiledPlan
    from engine.plan.scope import Scope
    from engine.ports import ProcessIdentity


@dataclass(frozen=True, slots=True)
class Course:
    """What an execution runs: the steps of `plan`, seeing `scope`, from where they were left.

    `settled`, `attempts` and `lost` are as the scheduler takes them. `before_spawn` are the failure points that an
    attempt passes on its way to the executor.
    """

    plan: CompiledPlan
    scope: Scope
    settled: Mapping[str, StepResult] = field(default_factory=dict)
    attempts: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)
    before_spawn: tuple[FailurePoint, ...] = (FailurePoint.BEFORE_SPAWN,)


class _Attempt(NamedTuple):
    """Which try of which step; the key of everything that is under way."""

    step_id: str
    number: int


class Execution:
    """Some steps of a pass, from Begin to the end. `run` returns when the core is finished and no attempt is under way.

    Signals that arrive while a batch is being made durable are handled together in the next one, so that the file is
    asked once for a whole wave of steps.
    """

    def __init__(
        self, course: Course, request: RunRequest, services: Services, recorder: Recorder, *, pass_index: int
    ) -> None:
        self._course = course
        self._request = request
        self._services = services
        self._recorder = recorder
        self._pass_index = pass_index
        self._records = StepRecords(recorder, course.plan.steps, pass_index=pass_index)
        self._scheduler = Scheduler(
            course.plan,
            scope=course.scope,
            jitter=services.jitter,
            settled=course.settled,
            attempts=course.attempts,
            lost=course.lost,
        )
        self._signals: deque[Signal] = deque()
        self._wake = asyncio.Event()
        self._tasks: dict[_Attempt, asyncio.Task[None]] = {}
        self._started_at: dict[_Attempt, float] = {}
        self._stop_reasons: dict[_Attempt, Reason] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._broken: InfrastructureError | None = None
        self._finished: FinishExecution | None = None
        self._held = False
        self._is_canceled = False

    @property
    def results(self) -> Mapping[str, StepResult]:
        """The settled steps so far."""
        return self._scheduler.results

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
            while self._finished is None:
                await self._wake.wait()
                self._wake.clear()
                if self._broken is not None:
                    raise self._broken
                await self._turn()
        finally:
            await self._leave_nothing_running()
        return self._finished

    def _post(self, signal: Signal) -> None:
        self._signals.append(signal)
        self._wake.set()

    async def _turn(self) -> None:
        events: list[Event] = []
        starts: list[tuple[_Attempt, AttemptSpec]] = []
        clock = self._services.clock
        while self._signals:
            signal = self._signals.popleft()
            if isinstance(signal, AttemptEnded):
                events.append(self._attempt_finished(signal))
            now = Moment(monotonic=clock.monotonic(), at_us=clock.now_us())
            for instruction in self._scheduler.handle(signal, now):
                match instruction:
                    case StartAttempt():
                        spec = self._spec(instruction)
                        events.append(self._records.starting(instruction, spec))
                        starts.append((_Attempt(instruction.step_id, instruction.attempt), spec))
                    case StopAttempt():
                        self._stop(_Attempt(instruction.step_id, instruction.attempt), instruction.reason)
                    case WaitForRetry():
                        events.append(self._records.waiting(instruction, now))
                        self._delay(instruction)
                    case SettleStep():
                        if (timer := self._timers.pop(instruction.result.step_id, None)) is not None:
                            timer.cancel()
                        events.append(self._records.settled(instruction.result))
                    case FinishExecution():
                        self._finished = instruction
                    case _:
                        assert_never(instruction)
        await self._recorder.record(events)
        for attempt, spec in starts:
            self._launch(attempt, spec)

    def _launch(self, attempt: _Attempt, spec: AttemptSpec) -> None:
        if self._is_canceled:
            self._stop(attempt, Reason.CANCELED)
        if (reason := self._stop_reasons.get(attempt)) is not None:
            # Stopped between the decision to start and the moment it was durable: nothing was spawned.
            self._post(AttemptEnded(attempt.step_id, attempt.number, _stopped(reason)))
            return
        self._started_at[attempt] = self._services.clock.monotonic()
        task = asyncio.create_task(self._run_attempt(attempt, spec), name=f"{attempt.step_id}#{attempt.number}")
        self._tasks[attempt] = task

    async def _run_attempt(self, attempt: _Attempt, spec: AttemptSpec) -> None:
        observer = _Observer(attempt, self._records, self._recorder, self._services)
        try:
            for point in self._course.before_spawn:
                self._services.checkpoint(point)
            outcome = await self._services.executor.run(spec, observer)
        except asyncio.CancelledError:
            outcome = _stopped(self._stop_reasons.get(attempt, Reason.CANCELED))
        except InfrastructureError as error:
            self._broken = error
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
        self._post(AttemptEnded(attempt.step_id, attempt.number, outcome))

    def _stop(self, attempt: _Attempt, reason: Reason) -> None:
        if attempt in self._stop_reasons:
            return  # it is on its way down the ladder already
        self._stop_reasons[attempt] = reason
        if (task := self._tasks.get(attempt)) is not None:
            task.cancel()

    def _delay(self, wait: WaitForRetry) -> None:
        def elapsed() -> None:
            del self._timers[wait.step_id]
            self._post(DelayElapsed(wait.step_id, wait.next_attempt))

        self._timers[wait.step_id] = asyncio.get_running_loop().call_later(wait.delay_sec, elapsed)

    async def _leave_nothing_running(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _attempt_finished(self, ended: AttemptEnded) -> Event:
        attempt = _Attempt(ended.step_id, ended.attempt)
        self._stop_reasons.pop(attempt, None)
        started = self._started_at.pop(attempt, None)
        elapsed = 0.0 if started is None else self._services.clock.monotonic() - started
        return self._records.finished(ended.step_id, ended.attempt, ended.outcome, elapsed)

    def _spec(self, start: StartAttempt) -> AttemptSpec:
        request = self._request
        key = hashlib.sha256(f"{request.run_id}/{start.step_id}".encode()).hexdigest()[:32]
        environment: dict[str, BoundText] = {
            **self._course.scope.env,
            **start.bound.env,
            "OPSCOPE_RUN_ID": request.run_id,
            "OPSCOPE_STEP_ID": start.step_id,
            "OPSCOPE_ATTEMPT": str(start.attempt),
            "OPSCOPE_IDEMPOTENCY_KEY": key,
        }
        return AttemptSpec(
            run_id=request.run_id,
            pass_index=self._pass_index,
            step_id=start.step_id,
            item_index=None,
            attempt=start.attempt,
            definition=start.bound.definition,
            environment=environment,
            workdir=request.workdir,
            plan_folder=request.plan_folder,
            timeout_sec=start.timeout_sec,
            output=self._course.plan.steps[start.step_id].step.output_format,
            idempotency_key=key,
            cookie=f"{request.run_id}.{self._pass_index}.{start.step_id}.{start.attempt}",
        )


class _Observer:
    """Records what one attempt does while it runs. Implements `engine.ports.AttemptObserver`."""

    __slots__ = ("_attempt", "_recorder", "_records", "_services")

    def __init__(self, attempt: _Attempt, records: StepRecords, recorder: Recorder, services: Services) -> None:
        self._attempt = attempt
        self._records = records
        self._recorder = recorder
        self._services = services

    async def started(self, process: ProcessIdentity | None) -> None:
        # Without a process there is nothing to find again after a crash: `attempt.starting` has said it all.
        if process is None:
            return
        self._services.checkpoint(FailurePoint.AFTER_SPAWN)
        await self._recorder.record([self._records.started(self._attempt.step_id, self._attempt.number, process)])

    async def output(self, stream: Stream, offset: int, content: bytes) -> None:
        await self._recorder.record_output(
            pass_index=self._records.pass_index,
            step_id=self._attempt.step_id,
            attempt=self._attempt.number,
            stream=stream,
            offset=offset,
            content=content,
        )


def _stopped(reason: Reason) -> AttemptOutcome:
    message = "stopped because the run was aborted" if reason is Reason.ABORTED else "canceled while it ran"
    return AttemptOutcome(status=StepStatus.CANCELED, reason=reason, message=message)

"""Drives the scheduler core: attempts as tasks, delays as timers, events made durable before anything acts on them. Decides nothing."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from engine.errors import InfrastructureError
from engine.model.event import EventKind
from engine.model.result import AttemptOutcome, Orchestration
from engine.model.states import Reason, Stage, StepStatus
from engine.plan.scope import Scope
from engine.ports import AttemptSpec, ControlRequest, ControlVerb
from engine.schedule.core import Scheduler
from engine.schedule.instructions import FinishExecution, SettleStep, StartAttempt, StopAttempt, WaitForRetry
from engine.schedule.signals import AttemptEnded, Begin, Cancel, DelayElapsed, Moment, Pause, Resume, Signal
from engine.steps.environment import base_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.bound import BoundText
    from engine.model.event import Event
    from engine.model.json import JsonObject
    from engine.model.result import StepResult
    from engine.model.states import Stream
    from engine.pipeline.recorder import Recorder
    from engine.pipeline.request import RunRequest, Services
    from engine.ports import ProcessIdentity


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Which try of which step; the key of everything that is under way."""

    step_id: str
    number: int


class _Observer:
    """Records what one attempt does while it runs. Implements `engine.ports.AttemptObserver`."""

    def __init__(self, attempt: _Attempt, pass_index: int, recorder: Recorder) -> None:
        self._attempt = attempt
        self._pass_index = pass_index
        self._recorder = recorder

    async def started(self, process: ProcessIdentity | None) -> None:
        # Without a process there is nothing to find again after a crash: `attempt.starting` has said it all.
        if process is None:
            return
        await self._recorder.record(
            [
                self._recorder.event(
                    EventKind.ATTEMPT_STARTED,
                    {"process": process.to_json()},
                    pass_index=self._pass_index,
                    stage=Stage.EXECUTE,
                    step_id=self._attempt.step_id,
                    attempt=self._attempt.number,
                )
            ]
        )

    async def output(self, stream: Stream, offset: int, content: bytes) -> None:
        await self._recorder.record_output(
            pass_index=self._pass_index,
            step_id=self._attempt.step_id,
            attempt=self._attempt.number,
            stream=stream,
            offset=offset,
            content=content,
        )


class Execution:
    """One pass of the execute stage. `run` returns when the core says that it is finished and no attempt is under way.

    Signals that arrive while a batch is being made durable are handled together in the next one, so that the file is
    asked once for a whole wave of steps.
    """

    def __init__(self, request: RunRequest, services: Services, recorder: Recorder, *, pass_index: int) -> None:
        self._request = request
        self._services = services
        self._recorder = recorder
        self._pass_index = pass_index
        self._base_env = base_environment(request.host_env, request.plan.plan.globals.env_from_host)
        self._scheduler = Scheduler(
            request.plan,
            scope=Scope(params=request.params, env=self._base_env, results={}, run=run_facts(request)),
            jitter=services.jitter,
        )
        self._signals: deque[Signal] = deque()
        self._wake = asyncio.Event()
        self._tasks: dict[_Attempt, asyncio.Task[None]] = {}
        self._started_at: dict[_Attempt, float] = {}
        self._stop_reasons: dict[_Attempt, Reason] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._broken: InfrastructureError | None = None
        self._finished: FinishExecution | None = None

    @property
    def results(self) -> Mapping[str, StepResult]:
        """The settled steps so far."""
        return self._scheduler.results

    def control(self, request: ControlRequest) -> None:
        """Take an operator's request; it acts at once and is recorded by whoever received it."""
        match request.verb:
            case ControlVerb.CANCEL:
                self._post(Cancel(actor=request.actor, force=request.force))
            case ControlVerb.PAUSE:
                self._post(Pause())
            case ControlVerb.RESUME:
                self._post(Resume())
            case ControlVerb.APPROVE | ControlVerb.DENY:
                pass
            case _:
                assert_never(request.verb)

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
        while self._signals:
            signal = self._signals.popleft()
            if isinstance(signal, AttemptEnded):
                events.append(self._attempt_finished(signal))
            clock = self._services.clock
            now = Moment(monotonic=clock.monotonic(), at_us=clock.now_us())
            for instruction in self._scheduler.handle(signal, now):
                match instruction:
                    case StartAttempt():
                        spec = self._spec(instruction)
                        events.append(self._attempt_starting(instruction, spec))
                        starts.append((_Attempt(instruction.step_id, instruction.attempt), spec))
                    case StopAttempt():
                        self._stop(_Attempt(instruction.step_id, instruction.attempt), instruction.reason)
                    case WaitForRetry():
                        events.append(self._waiting(instruction, now))
                        self._delay(instruction)
                    case SettleStep():
                        if (timer := self._timers.pop(instruction.result.step_id, None)) is not None:
                            timer.cancel()
                        events.append(self._step_finished(instruction.result))
                    case FinishExecution():
                        self._finished = instruction
                    case _:
                        assert_never(instruction)
        await self._recorder.record(events)
        for attempt, spec in starts:
            self._launch(attempt, spec)

    def _launch(self, attempt: _Attempt, spec: AttemptSpec) -> None:
        if (reason := self._stop_reasons.get(attempt)) is not None:
            # Stopped between the decision to start and the moment it was durable: nothing was spawned.
            self._post(AttemptEnded(attempt.step_id, attempt.number, _stopped(reason)))
            return
        self._started_at[attempt] = self._services.clock.monotonic()
        task = asyncio.create_task(self._run_attempt(attempt, spec), name=f"{attempt.step_id}#{attempt.number}")
        self._tasks[attempt] = task

    async def _run_attempt(self, attempt: _Attempt, spec: AttemptSpec) -> None:
        observer = _Observer(attempt, self._pass_index, self._recorder)
        try:
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

    def _spec(self, start: StartAttempt) -> AttemptSpec:
        request = self._request
        step = request.plan.steps[start.step_id].step
        cookie = f"{request.run_id}.{self._pass_index}.{start.step_id}.{start.attempt}"
        key = hashlib.sha256(f"{request.run_id}/{start.step_id}".encode()).hexdigest()[:32]
        environment: dict[str, BoundText] = {
            **self._base_env,
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
            output=step.output_format,
            idempotency_key=key,
            cookie=cookie,
        )

    def _step_event(self, kind: EventKind, data: JsonObject, step_id: str, attempt: int | None = None) -> Event:
        return self._recorder.event(
            kind, data, pass_index=self._pass_index, stage=Stage.EXECUTE, step_id=step_id, attempt=attempt
        )

    def _attempt_starting(self, start: StartAttempt, spec: AttemptSpec) -> Event:
        compiled = self._request.plan.steps[start.step_id]
        data: JsonObject = {
            "tool_type": compiled.step.type.value,
            "definition": start.bound.definition.to_json(),
            "env": {name: str(text) for name, text in start.bound.env.items()},
            "inputs": dict(start.bound.inputs),
            "timeout_sec": start.timeout_sec,
            "idempotent": compiled.step.is_idempotent,
            "idempotency_key": spec.idempotency_key,
            "cookie": spec.cookie,
            "orchestration": self._orchestration(start.step_id).to_json(),
        }
        return self._step_event(EventKind.ATTEMPT_STARTING, data, start.step_id, start.attempt)

    def _attempt_finished(self, ended: AttemptEnded) -> Event:
        outcome = ended.outcome
        attempt = _Attempt(ended.step_id, ended.attempt)
        self._stop_reasons.pop(attempt, None)
        started = self._started_at.pop(attempt, None)
        elapsed = 0.0 if started is None else self._services.clock.monotonic() - started
        data: JsonObject = {
            "status": outcome.status.value,
            "reason": outcome.reason.value if outcome.reason else None,
            "message": outcome.message,
            "exit_code": outcome.exit_code,
            "duration_us": round(elapsed * 1_000_000),
            "stdout": outcome.stdout.to_json(),
            "stderr": outcome.stderr.to_json(),
            "stderr_tail": outcome.stderr_tail,
            "counts": dict(outcome.counts),
        }
        return self._step_event(EventKind.ATTEMPT_FINISHED, data, ended.step_id, ended.attempt)

    def _waiting(self, wait: WaitForRetry, now: Moment) -> Event:
        data: JsonObject = {
            "next_attempt": wait.next_attempt,
            "delay_ms": round(wait.delay_sec * 1000),
            "until_us": now.at_us + round(wait.delay_sec * 1_000_000),
            "reason": "retry",
        }
        return self._step_event(EventKind.STEP_WAITING, data, wait.step_id)

    def _step_finished(self, result: StepResult) -> Event:
        data = result.to_json()
        if data["stdout"] == result.data:
            del data["stdout"]
        data["started_at_us"] = result.started_at_us
        data["duration_us"] = result.duration_us
        data["orchestration"] = self._orchestration(result.step_id).to_json()
        return self._step_event(EventKind.STEP_FINISHED, data, result.step_id)

    def _orchestration(self, step_id: str) -> Orchestration:
        compiled = self._request.plan.steps[step_id]
        return Orchestration(
            group_index=compiled.group_index,
            execution_order=compiled.execution_order,
            tool_id=step_id,
            tool_type=compiled.step.type,
            depends_on=compiled.depends_on,
            output_mapping={name: str(value) for name, value in compiled.step.output_mapping.items()},
        )


def run_facts(request: RunRequest) -> JsonObject:
    """What a plan may ask of its own run, as `{run.id}`."""
    return {"id": request.run_id, "plan_id": request.plan.plan.plan_id, "workdir": str(request.workdir)}


def count_statuses(results: Mapping[str, StepResult]) -> dict[str, int]:
    """How many steps ended in which state, by the state's word."""
    return dict(Counter(result.status.value for result in results.values()))


def _stopped(reason: Reason) -> AttemptOutcome:
    message = "stopped because the run was aborted" if reason is Reason.ABORTED else "canceled while it ran"
    return AttemptOutcome(status=StepStatus.CANCELED, reason=reason, message=message)

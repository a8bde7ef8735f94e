"""The attempts of an execution as tasks: made ready, started, stopped, and what they say while they run. When they go is execution.py's."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.errors import InfrastructureError
from engine.model.bound import BoundPlan
from engine.model.result import AttemptOutcome
from engine.model.states import Reason, StepStatus
from engine.pipeline.guarding import guard_of
from engine.pipeline.units import Attempt, Unit
from engine.ports import AttemptSpec, FailurePoint
from engine.schedule.signals import AttemptEnded, Moment
from engine.schedule.taken_up import NOTHING, TakenUp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.model.bound import BoundStep, BoundText
    from engine.model.breaker import BreakerState
    from engine.model.result import StepResult
    from engine.model.states import Stream
    from engine.pipeline.recorder import Recorder
    from engine.pipeline.records import StepRecords
    from engine.pipeline.request import RunRequest, Services
    from engine.plan.compiled import CompiledPlan
    from engine.plan.scope import Scope
    from engine.ports import Executor, ProcessIdentity
    from engine.schedule.instructions import StartAttempt, StopAttempt
    from engine.schedule.replans import ReplanRules


@dataclass(frozen=True, slots=True)
class Course:
    """What an execution runs: the steps of `plan`, seeing `scope`, from where they were left.

    `settled`, `taken_up` and `breakers` are as the scheduler takes them. `children` are the runs of sub-plans whose
    attempts were lost, `asked` the keys under which results were looked for before the run was taken up. `before_spawn`
    are the failure points that an attempt passes on its way to the executor. `rules`, `held` and `replaced` are as the
    scheduler takes them.
    """

    plan: CompiledPlan
    scope: Scope
    settled: Mapping[str, StepResult] = field(default_factory=dict)
    taken_up: TakenUp = NOTHING
    breakers: Mapping[str, BreakerState] = field(default_factory=dict)
    children: Mapping[Unit, str] = field(default_factory=dict)
    asked: Mapping[Unit, str] = field(default_factory=dict)
    before_spawn: tuple[FailurePoint, ...] = (FailurePoint.BEFORE_SPAWN,)
    rules: ReplanRules | None = None
    held: Mapping[str, bool | None] = field(default_factory=dict)
    replaced: frozenset[str] = frozenset()


class Attempts:
    """What is under way. `post` is told how each attempt ended, `broke` what the engine cannot go on after."""

    def __init__(
        self,
        course: Course,
        request: RunRequest,
        services: Services,
        recorder: Recorder,
        records: StepRecords,
        *,
        sub_plans: Executor | None,
        post: Callable[[AttemptEnded], None],
        broke: Callable[[Exception], None],
    ) -> None:
        self._course = course
        self._request = request
        self._services = services
        self._sub_plans = sub_plans or services.executor
        self._recorder = recorder
        self._records = records
        self._post = post
        self._broke = broke
        self._guard = guard_of(request, course.scope.env.get("HOME", ""))
        self._children = dict(course.children)
        self._tasks: dict[Attempt, asyncio.Task[None]] = {}
        self._began: dict[Attempt, Moment] = {}
        self._stop_reasons: dict[Attempt, Reason] = {}
        self.is_canceled = False

    @property
    def tasks(self) -> tuple[asyncio.Task[None], ...]:
        """Those that run."""
        return tuple(self._tasks.values())

    def cancel(self) -> None:
        """Stop all, and every one that was about to start."""
        self.is_canceled = True
        for attempt in self._tasks:
            self.stop(attempt, Reason.CANCELED)

    def elapsed_sec(self, attempt: Attempt, now: Moment) -> float:
        """How long it took, when its end was seen at that moment; nothing more is known of it after that."""
        self._stop_reasons.pop(attempt, None)
        began = self._began.pop(attempt, None)
        return 0.0 if began is None else now.monotonic - began.monotonic

    def launch(self, attempt: Attempt, spec: AttemptSpec) -> None:
        """Start what has been recorded as starting, unless it was stopped by now."""
        if self.is_canceled:
            self.stop(attempt, Reason.CANCELED)
        if (reason := self._stop_reasons.get(attempt)) is not None:
            # Stopped between the decision to start and the moment it was durable: nothing was spawned.
            self._end(attempt, _stopped(reason, "canceled before it began"))
            return
        self._began[attempt] = self._now()
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
            # Last of all: what it does is known in full now, and links lead where they will lead it.
            outcome = self._forbidden(spec) or await self._executor_of(spec).run(spec, observer)
        except asyncio.CancelledError:
            outcome = _stopped(self._stop_reasons.get(attempt, Reason.CANCELED))
        except InfrastructureError as error:
            self._broke(error)
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

    def _forbidden(self, spec: AttemptSpec) -> AttemptOutcome | None:
        """The end of an attempt that a policy forbids, now that all of its references are filled in."""
        if self._guard is None:
            return None
        step = self._course.plan.steps[spec.step_id].step
        found = [one for one in self._guard.check(step, spec.definition) if one.rule.severity == "error"]
        if not found:
            return None
        message = "; ".join(one.sentence for one in found)
        return AttemptOutcome(status=StepStatus.FAILED, reason=Reason.REFUSED, message=message)

    def _executor_of(self, spec: AttemptSpec) -> Executor:
        return self._sub_plans if isinstance(spec.definition, BoundPlan) else self._services.executor

    def _end(self, attempt: Attempt, outcome: AttemptOutcome) -> None:
        began = self._began.get(attempt) or self._now()
        self._post(AttemptEnded(attempt.step_id, attempt.number, outcome, attempt.item_index, began))

    def _now(self) -> Moment:
        return Moment(self._services.clock.monotonic(), self._services.clock.now_us())

    def stop(self, attempt: Attempt, reason: Reason) -> None:
        """Have it end by the ladder. The first reason stands."""
        if attempt in self._stop_reasons:
            return  # it is on its way down the ladder already
        self._stop_reasons[attempt] = reason
        if (task := self._tasks.get(attempt)) is not None:
            task.cancel()

    def spec(self, start: StartAttempt) -> AttemptSpec:
        """What the executor is given for it."""
        request = self._request
        unit = Unit(start.step_id, start.item_index)
        key = self.idempotency_key(unit)
        place = start.step_id if start.item_index is None else f"{start.step_id}.{start.item_index}"
        cookie = f"{request.run_id}.{self._records.pass_index}.{place}.{start.attempt}"
        child_run_id = None
        if isinstance(start.bound.definition, BoundPlan):
            # The one whose engine was lost is taken up again; any other try is a run of its own.
            child_run_id = self._children.pop(unit, None) or _digits(f"child {cookie}")
        return AttemptSpec(
            run_id=request.run_id,
            pass_index=self._records.pass_index,
            step_id=start.step_id,
            item_index=start.item_index,
            attempt=start.attempt,
            definition=start.bound.definition,
            environment=self.environment(unit, start.attempt, start.bound, key),
            workdir=request.workdir,
            plan_folder=request.plan_folder,
            timeout_sec=start.timeout_sec,
            output=self._course.plan.steps[start.step_id].step.output_format,
            idempotency_key=key,
            cookie=cookie,
            child_run_id=child_run_id,
            max_output_bytes=self._course.plan.steps[start.step_id].step.max_output_bytes,
        )

    def idempotency_key(self, unit: Unit) -> str:
        """The same for every attempt of the unit in this run."""
        run_id = self._request.run_id
        item = "" if unit.item_index is None else f"/{unit.item_index}"
        return _digits(f"{run_id}/{unit.step_id}{item}")

    def environment(self, unit: Unit, attempt: int, bound: BoundStep, key: str) -> dict[str, BoundText]:
        """All that its process sees."""
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


def attempt_of(instruction: StartAttempt | StopAttempt) -> Attempt:
    """Which one an instruction is about."""
    return Attempt(instruction.step_id, instruction.item_index, instruction.attempt)


def _digits(text: str) -> str:
    """32 hex digits that stand for the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


_WHY_STOPPED = {
    Reason.ABORTED: "stopped because the run was aborted",
    Reason.REPLANNED: "stopped because another plan follows, in which it is changed",
}


def _stopped(reason: Reason, otherwise: str = "canceled while it ran") -> AttemptOutcome:
    message = _WHY_STOPPED.get(reason, otherwise)
    return AttemptOutcome(status=StepStatus.CANCELED, reason=reason, message=message)

"""What is written down of attempts and steps, as events. When and why they happen is decided elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.event import EventKind
from engine.model.states import Stage
from engine.plan.orchestration import step_orchestration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.event import Event
    from engine.model.json import JsonObject
    from engine.model.result import AttemptOutcome, StepResult
    from engine.pipeline.recorder import Recorder
    from engine.plan.compiled import CompiledStep
    from engine.ports import AttemptSpec, ProcessIdentity
    from engine.schedule.instructions import StartAttempt, WaitForRetry
    from engine.schedule.signals import Moment


class StepRecords:
    """Makes the events of steps in one pass; recording them is up to whoever asks."""

    def __init__(self, recorder: Recorder, steps: Mapping[str, CompiledStep], *, pass_index: int) -> None:
        self._recorder = recorder
        self._steps = steps
        self._places: dict[str, JsonObject] = {}
        self.pass_index = pass_index

    def starting(self, start: StartAttempt, spec: AttemptSpec) -> Event:
        """`attempt.starting`: durable before anything is spawned."""
        step = self._steps[start.step_id].step
        bound = start.bound
        data: JsonObject = {
            "tool_type": step.type.value,
            "definition": bound.definition.to_json(),
            "env": {name: str(text) for name, text in bound.env.items()},
            "inputs": dict(bound.inputs),
            "timeout_sec": start.timeout_sec,
            "idempotent": step.is_idempotent,
            "idempotency_key": spec.idempotency_key,
            "cookie": spec.cookie,
            "orchestration": self._place(start.step_id),
        }
        return self._event(EventKind.ATTEMPT_STARTING, data, start.step_id, start.attempt)

    def started(self, step_id: str, attempt: int, process: ProcessIdentity) -> Event:
        """`attempt.started`: by this the process is found again after a crash."""
        return self._event(EventKind.ATTEMPT_STARTED, {"process": process.to_json()}, step_id, attempt)

    def finished(self, step_id: str, attempt: int, outcome: AttemptOutcome, elapsed_sec: float) -> Event:
        """`attempt.finished`."""
        data: JsonObject = {
            "status": outcome.status.value,
            "reason": outcome.reason.value if outcome.reason else None,
            "message": outcome.message,
            "exit_code": outcome.exit_code,
            "duration_us": round(elapsed_sec * 1_000_000),
            "stdout": outcome.stdout.to_json(),
            "stderr": outcome.stderr.to_json(),
            "stderr_tail": outcome.stderr_tail,
            "counts": dict(outcome.counts),
        }
        return self._event(EventKind.ATTEMPT_FINISHED, data, step_id, attempt)

    def waiting(self, wait: WaitForRetry, now: Moment) -> Event:
        """`step.waiting`."""
        data: JsonObject = {
            "next_attempt": wait.next_attempt,
            "delay_ms": round(wait.delay_sec * 1000),
            "until_us": now.at_us + round(wait.delay_sec * 1_000_000),
            "reason": "retry",
        }
        return self._event(EventKind.STEP_WAITING, data, wait.step_id)

    def settled(self, result: StepResult) -> Event:
        """`step.finished`, without the output where it is the data once more."""
        data = result.to_json()
        if data["stdout"] == result.data:
            del data["stdout"]
        data["started_at_us"] = result.started_at_us
        data["duration_us"] = result.duration_us
        data["orchestration"] = self._place(result.step_id)
        self._places.pop(result.step_id, None)
        return self._event(EventKind.STEP_FINISHED, data, result.step_id)

    def _event(self, kind: EventKind, data: JsonObject, step_id: str, attempt: int | None = None) -> Event:
        return self._recorder.event(
            kind, data, pass_index=self.pass_index, stage=Stage.EXECUTE, step_id=step_id, attempt=attempt
        )

    def _place(self, step_id: str) -> JsonObject:
        """Where the step stands in the plan; made once for all events of a step."""
        place = self._places.get(step_id)
        if place is None:
            place = self._places[step_id] = step_orchestration(self._steps[step_id]).to_json()
        return place

"""What is written down of attempts and steps, as events. When and why they happen is decided elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.event import EventKind
from engine.plan.orchestration import step_orchestration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.event import Event
    from engine.model.json import JsonObject
    from engine.model.result import AttemptOutcome, StepResult
    from engine.pipeline.recorder import Recorder
    from engine.pipeline.units import Attempt, Unit
    from engine.plan.compiled import CompiledStep
    from engine.ports import AttemptSpec, ProcessIdentity
    from engine.schedule.instructions import AwaitFallback, MoveBreaker, StartAttempt, WaitForRetry
    from engine.schedule.signals import Moment


class StepRecords:
    """Makes the events of steps in one pass; recording them is up to whoever asks."""

    def __init__(self, recorder: Recorder, steps: Mapping[str, CompiledStep], *, pass_index: int) -> None:
        self._recorder = recorder
        self._steps = steps
        self._places: dict[str, JsonObject] = {}
        self.pass_index = pass_index

    def starting(
        self,
        start: StartAttempt,
        spec: AttemptSpec,
        *,
        moved: MoveBreaker | None = None,
        cache: JsonObject | None = None,
        opens_step: bool = False,
    ) -> Event:
        """`attempt.starting`: durable before anything is spawned. `opens_step` marks the first item that begins."""
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
        if moved is not None:
            data["breaker"] = breaker_json(moved)
        if cache is not None:
            data["cache"] = cache
        if opens_step:
            data["opens_step"] = True
        if spec.child_run_id is not None:
            data["child_run_id"] = spec.child_run_id
        return self._event(EventKind.ATTEMPT_STARTING, data, start.step_id, start.item_index, start.attempt)

    def started(self, attempt: Attempt, process: ProcessIdentity) -> Event:
        """`attempt.started`: by this the process is found again after a crash."""
        return self._event(EventKind.ATTEMPT_STARTED, {"process": process.to_json()}, *attempt)

    def finished(
        self, attempt: Attempt, outcome: AttemptOutcome, elapsed_sec: float | None, *, moved: MoveBreaker | None = None
    ) -> Event:
        """`attempt.finished`; `elapsed_sec` is None where nobody saw the end."""
        data: JsonObject = {
            "status": outcome.status.value,
            "reason": outcome.reason.value if outcome.reason else None,
            "message": outcome.message,
            "exit_code": outcome.exit_code,
            "duration_us": None if elapsed_sec is None else round(elapsed_sec * 1_000_000),
            "stdout": outcome.stdout.to_json(),
            "stderr": outcome.stderr.to_json(),
            "stderr_tail": outcome.stderr_tail,
            "counts": dict(outcome.counts),
        }
        if outcome.error is not None:
            data["error"] = outcome.error
        if moved is not None:
            data["breaker"] = breaker_json(moved)
        return self._event(EventKind.ATTEMPT_FINISHED, data, *attempt)

    def waiting(self, wait: WaitForRetry, now: Moment) -> Event:
        """`step.waiting` before another attempt."""
        data: JsonObject = {
            "next_attempt": wait.next_attempt,
            "delay_ms": round(wait.delay_sec * 1000),
            "until_us": now.at_us + round(wait.delay_sec * 1_000_000),
            "reason": wait.reason.value,
        }
        if wait.tool:
            data["tool"] = wait.tool
        return self._event(EventKind.STEP_WAITING, data, wait.step_id, wait.item_index)

    def awaiting(self, awaited: AwaitFallback) -> Event:
        """`step.waiting` for the fallback, with the failure that stands if the fallback fails as well."""
        data: JsonObject = {
            "reason": "fallback",
            "fallback_step": awaited.fallback_step,
            "failure": timed_json(awaited.failure),
        }
        return self._event(EventKind.STEP_WAITING, data, awaited.step_id)

    def quarantined(self, result: StepResult) -> Event:
        """`step.waiting` for somebody's decision."""
        data: JsonObject = {"reason": "quarantined", "failure": timed_json(result)}
        return self._event(EventKind.STEP_WAITING, data, result.step_id)

    def settled(self, result: StepResult, item_index: int | None = None, *, cache: JsonObject | None = None) -> Event:
        """`step.finished`, without the output where it is the data once more."""
        data = timed_json(result)
        if data["stdout"] == result.data:
            del data["stdout"]
        data["orchestration"] = self._place(result.step_id)
        if cache is not None:
            data["cache"] = cache
        if item_index is None:
            self._places.pop(result.step_id, None)
        return self._event(EventKind.STEP_FINISHED, data, result.step_id, item_index)

    def _event(
        self, kind: EventKind, data: JsonObject, step_id: str, item_index: int | None = None, attempt: int | None = None
    ) -> Event:
        return self._recorder.step_event(kind, data, self.pass_index, step_id, item_index, attempt)

    def _place(self, step_id: str) -> JsonObject:
        """Where the step stands in the plan; made once for all events of a step."""
        place = self._places.get(step_id)
        if place is None:
            place = self._places[step_id] = step_orchestration(self._steps[step_id]).to_json()
        return place


def breaker_json(moved: MoveBreaker) -> JsonObject:
    """How the breaker of a tool moved, as the event of the attempt that moved it carries it."""
    return {"tool": moved.tool, **moved.state.to_json()}


def timed_json(result: StepResult) -> JsonObject:
    """A result with its times, as it is read back by `engine.pipeline.rebuild`."""
    data = result.to_json()
    data["started_at_us"] = result.started_at_us
    data["duration_us"] = result.duration_us
    return data


def uncertain_json(uncertain: tuple[Unit, ...]) -> JsonObject:
    """Units that may or may not have done their work: the steps, and which of their items, as `run.paused` names them."""
    named: JsonObject = {"uncertain": [*dict.fromkeys(unit.step_id for unit in uncertain)]}
    items: JsonObject = {}
    for step_id, item_index in uncertain:
        if item_index is not None:
            known = items.setdefault(step_id, [])
            assert isinstance(known, list)
            known.append(item_index)
    if items:
        named["uncertain_items"] = items
    return named

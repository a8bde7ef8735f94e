"""Events as an engine makes them, for tests of the store. Nothing is run."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from engine.model.event import Event, EventKind, LogChunk
from engine.model.states import Stage, Stream
from engine.ports import PlanRecord, RunCreation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.model.json import Json, JsonObject

NOW_US = 1_767_268_800_000_000
STREAM: JsonObject = {"size_bytes": 0, "sha256": "", "dropped_bytes": 0}


def new_run_id() -> str:
    """An id like the engine's."""
    return secrets.token_hex(16)


def creation(
    engine_id: str,
    run_id: str | None = None,
    *,
    plan_id: str = "demo",
    at_us: int = NOW_US,
    params: JsonObject | None = None,
) -> RunCreation:
    """A run that is about to exist."""
    run_id = run_id or new_run_id()
    data: JsonObject = {
        "plan_id": plan_id,
        "plan_version": "1.0",
        "plan_hash": "ab" * 32,
        "params": params if params is not None else {"host": "web-1"},
        "workdir": "/srv/ops",
        "plan_folder": "/srv/plans",
        "environment": {"host": "host", "os": "Linux", "arch": "x86_64", "hash": "cd" * 32},
        "base_env": {"PATH": "/bin"},
        "mode": "normal",
        "engine_id": engine_id,
        "opscope_version": "0.1.0",
    }
    plan = PlanRecord("ab" * 32, plan_id, "1.0", f"plan_id: {plan_id}\n", '{"plan_id":"demo"}')
    return RunCreation(run_id, plan, Event(EventKind.RUN_CREATED, at_us, data))


def orchestration(place: int, depends_on: Sequence[str] = ()) -> JsonObject:
    """Where a step stands."""
    waits_for: list[Json] = list(depends_on)
    return {
        "group_index": place,
        "execution_order": place,
        "tool_id": f"s{place}",
        "tool_type": "command",
        "depends_on": waits_for,
        "output_mapping": {},
    }


def starting(place: int, attempt: int = 1, at_us: int = NOW_US) -> Event:
    """`attempt.starting` of step `s{place}`."""
    data: JsonObject = {
        "tool_type": "command",
        "definition": {"type": "command", "command": "true", "args": [], "cwd": None},
        "env": {"LC_ALL": "C.UTF-8"},
        "inputs": {},
        "timeout_sec": 60.0,
        "idempotent": False,
        "idempotency_key": "k" * 40,
        "cookie": "c" * 32,
        "orchestration": orchestration(place),
    }
    return Event(EventKind.ATTEMPT_STARTING, at_us, data, stage=Stage.EXECUTE, step_id=f"s{place}", attempt=attempt)


def started(place: int, attempt: int = 1) -> Event:
    """`attempt.started` of step `s{place}`."""
    data: JsonObject = {"process": {"pid": 4711, "start_ticks": 1, "boot_id": "b"}}
    return Event(EventKind.ATTEMPT_STARTED, NOW_US, data, stage=Stage.EXECUTE, step_id=f"s{place}", attempt=attempt)


def ended(place: int, attempt: int = 1, *, exit_code: int = 0) -> Event:
    """`attempt.finished` of step `s{place}`."""
    data: JsonObject = {
        "status": "failed" if exit_code else "succeeded",
        "reason": "exit_code" if exit_code else None,
        "message": f"exit {exit_code}" if exit_code else "",
        "exit_code": exit_code,
        "duration_us": 1500,
        "stdout": STREAM,
        "stderr": STREAM,
        "stderr_tail": "",
        "counts": {},
    }
    at_us = NOW_US + 2000
    return Event(EventKind.ATTEMPT_FINISHED, at_us, data, stage=Stage.EXECUTE, step_id=f"s{place}", attempt=attempt)


def waiting(place: int, next_attempt: int = 2) -> Event:
    """`step.waiting` of step `s{place}`."""
    data: JsonObject = {"next_attempt": next_attempt, "delay_ms": 500, "until_us": NOW_US + 500_000, "reason": "retry"}
    return Event(EventKind.STEP_WAITING, NOW_US, data, stage=Stage.EXECUTE, step_id=f"s{place}")


def settled(
    place: int, status: str = "succeeded", *, attempts: int = 1, result: Json = "hello", stdout: str | None = None
) -> Event:
    """`step.finished` of step `s{place}`."""
    data: JsonObject = {
        "status": status,
        "reason": "exit_code" if status == "failed" else None,
        "message": "exit 7" if status == "failed" else "",
        "exit_code": 7 if status == "failed" else 0,
        "attempts": attempts,
        "counts": {},
        "started_at_us": NOW_US,
        "duration_us": 1600,
        "orchestration": orchestration(place),
        "data": result,
        "stderr": "",
    }
    if stdout is not None:
        data["stdout"] = stdout
    return Event(EventKind.STEP_FINISHED, NOW_US + 2000, data, stage=Stage.EXECUTE, step_id=f"s{place}")


def chain_built(count: int) -> Event:
    """`orchestration.tool_chain_built` for a chain of steps, each after the one before."""
    groups: list[Json] = [
        {
            "group_index": place,
            "tools": [
                {
                    "tool_id": f"s{place}",
                    "tool_type": "command",
                    "depends_on": [f"s{place - 1}"] if place else [],
                    "dependency_groups": [place - 1] if place else [],
                    "output_mapping": {},
                }
            ],
            "parallel_execution": False,
        }
        for place in range(count)
    ]
    ids: list[Json] = [f"s{place}" for place in range(count)]
    trace: JsonObject = {
        "strategy": "serial",
        "execution_groups": groups,
        "total_groups": count,
        "total_tools": count,
        "tool_ids": ids,
    }
    data: JsonObject = {"trace": trace, "order": ids}
    return Event(EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT, NOW_US, data, stage=Stage.EXECUTE)


def stage_started(stage: Stage, pass_index: int = 0) -> Event:
    """`stage.started`."""
    given: JsonObject = {
        "stage": stage.value,
        "pass_index": pass_index,
        "applied_assets": {},
        "params": {},
        "trace_id": "t",
    }
    return Event(EventKind.STAGE_STARTED, NOW_US, {"input": given}, pass_index=pass_index, stage=stage)


def stage_finished(stage: Stage, result: Json = None, *, status: str = "succeeded", pass_index: int = 0) -> Event:
    """`stage.finished`; for execute the result is left out, as the engine does."""
    output: JsonObject = {
        "stage": stage.value,
        "diagnostics": {"status": "ok", "warnings": [], "errors": [], "empty_flags": {}, "counts": {"rows": 2}},
        "references": [],
        "duration_ms": 1.5,
    }
    if stage is not Stage.EXECUTE:
        output["result"] = result
    data: JsonObject = {"status": status, "duration_us": 1500, "output": output}
    return Event(EventKind.STAGE_FINISHED, NOW_US + 1500, data, pass_index=pass_index, stage=stage)


def run_finished(status: str = "succeeded", first_cause: JsonObject | None = None) -> Event:
    """The last event of a run."""
    data: JsonObject = {"duration_us": 12_400_000, "warnings": 1, "first_cause": first_cause, "steps": {"succeeded": 2}}
    return Event(EventKind(f"run.{status}"), NOW_US + 12_400_000, data)


def whole_run(steps: int = 3, *, failing: int | None = None) -> Iterator[list[Event]]:
    """What an engine records after `run.created`, in the portions in which it waits for it."""
    yield [Event(EventKind.RUN_STARTED, NOW_US)]
    yield [stage_started(Stage.ROUTE_PLAN)]
    yield [stage_finished(Stage.ROUTE_PLAN, {"kind": "plan", "confidence": 1.0})]
    yield [stage_started(Stage.VALIDATE), stage_finished(Stage.VALIDATE, {"faults": []})]
    yield [stage_started(Stage.EXECUTE), chain_built(steps)]
    for place in range(steps):
        yield [starting(place)]
        yield [started(place)]
        if place == failing:
            yield [ended(place, exit_code=7), waiting(place)]
            yield [starting(place, 2)]
            yield [ended(place, 2, exit_code=7), settled(place, "failed", attempts=2, result=None)]
        else:
            yield [ended(place), settled(place, result={"rows": [place]}, stdout="text\n")]
    yield [stage_finished(Stage.EXECUTE)]
    yield [stage_started(Stage.COMPOSE), stage_finished(Stage.COMPOSE, {"summary": "ok"})]
    yield [stage_started(Stage.PRESENT), stage_finished(Stage.PRESENT, {"blocks": []})]
    if failing is None:
        yield [run_finished()]
    else:
        cause: JsonObject = {"stage": "execute", "step_id": f"s{failing}", "reason": "exit_code", "message": "exit 7"}
        yield [run_finished("failed", cause)]


def log_chunk(content: bytes, place: int = 0, *, offset: int = 0, stream: Stream = Stream.STDOUT) -> LogChunk:
    """A piece of output of step `s{place}`."""
    return LogChunk(0, f"s{place}", None, 1, stream, NOW_US, offset, content)

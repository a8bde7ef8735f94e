"""A release with everything a plan's shape can have: a fan, a step with items, retries, a fallback, a wait, steps at the end."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.model.event import Event, EventKind, LogChunk
from engine.model.json import canonical_json
from engine.model.states import Stage, Stream
from engine.ports import PlanRecord, RunCreation
from tests.tui.samples import NOW_US, SECOND, run_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model.json import Json, JsonObject
    from store.writer import Writer

RELEASE, RELEASE_BEFORE = 70, 69
"""The numbers of the runs: the one that is looked at, and the good one before it."""


@dataclass(frozen=True)
class Part:
    """A step: what it waits for, its tries as (begins, ends) in seconds, and its status, None while it runs or waits."""

    id: str
    needs: tuple[str, ...] = ()
    tries: tuple[tuple[float, float | None], ...] = ((0, 1),)
    ends: str | None = "succeeded"
    message: str = ""
    items: int = 0


def parts(*, is_over: bool = False) -> list[Part]:
    """The steps of the release, in execution order."""
    checks = ("lint", "types", "units")
    deploy: Part = Part(
        "deploy", ("image", "notes"), ((21, 26 if is_over else None),), "succeeded" if is_over else None
    )
    return [
        Part("checkout", (), ((0, 1.5),)),
        Part("lint", ("checkout",), ((1.5, 4),)),
        Part("types", ("checkout",), ((1.5, 6.2),)),
        Part("units", ("checkout",), ((1.5, 4), (5, 7.5), (9.5, 12)), items=0),
        Part("notes", ("checkout",), ((1.6, 2.1),)),
        Part("image", checks, ((12, 18),), items=12),
        Part("push", ("image",), ((18, 20),), "failed", "exit code 1: the registry refused the layer"),
        Part("push_mirror", ("push",), ((20, 21),)),
        deploy,
        Part("smoke", ("deploy",), (), "skipped" if is_over else None, "skipped: env.DRY_RUN == '1'"),
        Part("unlock", (), ((26, 26.4),) if is_over else (), "succeeded" if is_over else None),
        Part("report", (), ((26.4, 27),) if is_over else (), "succeeded" if is_over else None),
    ]


AT_THE_END = ("unlock", "report")
_AGO = 30 * SECOND


def _groups(told: list[Part]) -> dict[str, int]:
    group: dict[str, int] = {}
    for part in told:
        group[part.id] = 1 + max((group[need] for need in part.needs), default=-1)
    last = max(group[part.id] for part in told if part.id not in AT_THE_END)
    return group | dict.fromkeys(AT_THE_END, last + 1)


def events(number: int, told: list[Part], engine_id: str, ago_us: int, *, ends: str | None) -> Iterator[Event]:
    """What happened, in order; `ends` is None for a run that goes on."""
    began = NOW_US - ago_us
    yield Event(
        EventKind.RUN_CREATED,
        began,
        {
            "plan_id": "release",
            "plan_version": "2",
            "plan_hash": _HASH,
            "params": {"tag": "v1.8"},
            "workdir": "/home/ops",
            "plan_folder": "/home/ops/plans",
            "environment": {"host": "testhost", "os": "Linux", "arch": "x86_64", "hash": "0" * 64},
            "base_env": {},
            "mode": "normal",
            "engine_id": engine_id,
            "opscope_version": "0.1.0",
        },
    )
    yield Event(EventKind.RUN_STARTED, began)
    for stage in (Stage.ROUTE_PLAN, Stage.VALIDATE):
        yield Event(EventKind.STAGE_STARTED, began, {"input": {}}, stage=stage)
        finished: JsonObject = {"status": "succeeded", "duration_us": 0, "output": {"diagnostics": {"status": "ok"}}}
        yield Event(EventKind.STAGE_FINISHED, began, finished, stage=stage)
    yield Event(EventKind.STAGE_STARTED, began, {"input": {}}, stage=Stage.EXECUTE)
    yield Event(EventKind.ORCHESTRATION_STRATEGY_DETERMINED, began, {"strategy": "dag"})
    yield Event(EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT, began, _chain(told))
    happened = [event for part in told for event in _of(part, told, began)]
    yield from sorted(happened, key=lambda event: event.at_us)
    if ends is not None:
        at = max(event.at_us for event in happened)
        yield Event(
            EventKind(f"run.{ends}"), at, {"duration_us": at - began, "warnings": 1, "first_cause": None, "steps": {}}
        )


def _chain(told: list[Part]) -> JsonObject:
    group = _groups(told)
    groups: list[Json] = [
        {
            "group_index": index,
            "parallel_execution": True,
            "tools": [
                {
                    "tool_id": p.id,
                    "tool_type": "command",
                    "depends_on": list(p.needs),
                    "dependency_groups": [],
                    "output_mapping": {},
                }
                for p in told
                if group[p.id] == index
            ],
        }
        for index in sorted(set(group.values()))
    ]
    names: list[Json] = [part.id for part in told]
    trace: JsonObject = {
        "strategy": "dag",
        "execution_groups": groups,
        "total_groups": len(groups),
        "total_tools": len(told),
        "tool_ids": names,
    }
    return {"trace": trace, "order": names}


def _of(part: Part, told: list[Part], began: int) -> Iterator[Event]:
    where: JsonObject = {
        "tool_id": part.id,
        "tool_type": "command",
        "group_index": _groups(told)[part.id],
        "execution_order": [one.id for one in told].index(part.id),
        "depends_on": list(part.needs),
    }
    at = began
    for number, (start, stop) in enumerate(part.tries, 1):
        at = began + round(start * SECOND)
        starting: JsonObject = {
            "tool_type": "command",
            "definition": {"type": "command", "command": f"./{part.id}.sh", "args": ["--tag", "v1.8"], "cwd": None},
            "env": {"LC_ALL": "C.UTF-8"},
            "inputs": {},
            "timeout_sec": 60,
            "idempotent": True,
            "idempotency_key": part.id,
            "cookie": "c" * 32,
            "orchestration": where,
        }
        yield Event(EventKind.ATTEMPT_STARTING, at, starting, step_id=part.id, attempt=number)
        if stop is None:
            return
        at = began + round(stop * SECOND)
        is_last = number == len(part.tries)
        status = part.ends if is_last and part.ends else "failed"
        ended: JsonObject = {
            "status": status,
            "reason": None if status == "succeeded" else "exit_code",
            "message": "" if status == "succeeded" else part.message or "exit code 1",
            "exit_code": 0 if status == "succeeded" else 1,
            "duration_us": round((stop - start) * SECOND),
            "stderr_tail": "",
            "counts": {},
        }
        yield Event(EventKind.ATTEMPT_FINISHED, at, ended, step_id=part.id, attempt=number)
        if not is_last:
            waiting: JsonObject = {
                "next_attempt": number + 1,
                "delay_ms": 1000,
                "until_us": at + SECOND,
                "reason": "retry",
            }
            yield Event(EventKind.STEP_WAITING, at, waiting, step_id=part.id, attempt=number)
    if part.ends is None:
        return
    if not part.tries:
        at = began + 26 * SECOND
    reasons = {"succeeded": None, "failed": "exit_code", "skipped": "skip_if"}
    done: JsonObject = {
        "status": part.ends,
        "reason": reasons[part.ends],
        "message": part.message,
        "exit_code": 1 if part.ends == "failed" else 0 if part.tries else None,
        "attempts": len(part.tries),
        "counts": {},
        "started_at_us": began + round(part.tries[0][0] * SECOND) if part.tries else None,
        "duration_us": at - began - round(part.tries[0][0] * SECOND) if part.tries else 0,
        "orchestration": where,
        "data": {"tag": "v1.8"},
        "stdout": "",
        "stderr": "",
    }
    for index in range(part.items):
        item: JsonObject = {**done, "status": "failed" if index == 7 else "succeeded"}
        yield Event(EventKind.STEP_FINISHED, at, item, step_id=part.id, item_index=index)
    yield Event(EventKind.STEP_FINISHED, at, done, step_id=part.id)


_PLAN: JsonObject = {
    "plan_id": "release",
    "strategy": "dag",
    "steps": [{"id": "push", "on_failure": "fallback_step", "fallback_step": "push_mirror"}, {"id": "checkout"}],
    "finally": [{"id": step_id} for step_id in AT_THE_END],
}
_HASH = hashlib.sha256(canonical_json(_PLAN).encode()).hexdigest()


async def write_release(writer: Writer) -> None:
    """Write the good run of yesterday, and the one that deploys just now."""
    plan = PlanRecord(_HASH, "release", "2", "plan_id: release\n", canonical_json(_PLAN))
    before = parts(is_over=True)
    quick = [
        Part(p.id, p.needs, tuple((s, e and s + (e - s) * 0.7) for s, e in p.tries), p.ends, p.message) for p in before
    ]
    for number, told, ago, ends in (
        (RELEASE_BEFORE, quick, 86_400 * SECOND, "succeeded"),
        (RELEASE, parts(), _AGO, None),
    ):
        happened = list(events(number, told, writer.engine_id, ago, ends=ends))
        await writer.create_run(RunCreation(run_id(number), plan, happened[0]))
        await writer.append(run_id(number), happened[1:])
    logs = [
        LogChunk(
            0, "deploy", None, 1, Stream.STDOUT, NOW_US - 2 * SECOND, 0, b"host app1 drained\nhost app1 updated\n"
        ),
        LogChunk(
            0, "push", None, 1, Stream.STDERR, NOW_US - 10 * SECOND, 0, b"denied: the registry refused the layer\n"
        ),
    ]
    await writer.append_logs(run_id(RELEASE), logs)


async def end_deploy(writer: Writer) -> None:
    """The deployment comes to its end, and the rest of the steps with it."""
    known = len(list(events(RELEASE, parts(), writer.engine_id, _AGO, ends=None)))
    told = list(events(RELEASE, parts(is_over=True), writer.engine_id, _AGO, ends="succeeded"))
    await writer.append(run_id(RELEASE), told[known:])

"""What each event changes in the tables that show the state of runs. Pure: events in, statements out; nothing is executed.

Replaying all events of a file into empty tables gives the same rows as writing them live did, in batches of any size.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from engine.model.breaker import BreakerPhase
from engine.model.event import EventKind
from engine.model.states import Reason, RunStatus, Stage, StageStatus, StepStatus
from store import projection_sql as sql
from store.blobs import PLACES, uses

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model.event import Event
    from engine.model.json import Json, JsonObject
    from store.statements import Statements


class Recorded(NamedTuple):
    """An event with its place in the file. `size` is the length of its data, with the values that are kept apart."""

    event_no: int
    run_id: str
    seq: int
    hash: bytes
    event: Event
    data: JsonObject
    size: int


PROJECTED_TABLES: Final = (
    "runs",
    "passes",
    "stages",
    "steps",
    "step_attempts",
    "replan_events",
    "applied_assets",
    "breakers",
    "result_cache",
    "blob_uses",
)
"""The tables that are made of events alone."""

_RUNNING: Final = StepStatus.RUNNING.value
_FAILED: Final = StepStatus.FAILED.value
_SUCCEEDED: Final = StepStatus.SUCCEEDED.value
_WAITS: Final[dict[str | None, tuple[StepStatus, Reason | None]]] = {
    "breaker_open": (StepStatus.WAITING, Reason.BREAKER_OPEN),
    "fallback": (StepStatus.WAITING, Reason.FALLBACK),
    "quarantined": (StepStatus.QUARANTINED, Reason.BREAKER_OPEN),
}
"""What a step waits for, where that is more than the next try."""


def _int(value: Json) -> int | None:
    """A number that fits a column, else nothing: what came from a step may be anything."""
    return value if isinstance(value, int) and -(2**63) <= value < 2**63 else None


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _item(event: Event) -> int:
    return -1 if event.item_index is None else event.item_index


def _run_created(into: Statements, r: Recorded) -> None:
    data = r.data
    environment = _object(data.get("environment"))
    into.run(
        r.run_id,
        sql.RUN_CREATED,
        (
            r.run_id,
            _text(data.get("plan_id")) or "",
            _text(data.get("plan_version")) or "",
            _text(data.get("plan_hash")) or "",
            _text(data.get("mode")) or "normal",
            r.event.pass_index,
            r.event.at_us,
            _text(data.get("workdir")) or "",
            _text(environment.get("hash")) or "",
            _text(data.get("parent_run_id")),
            _text(data.get("parent_step_id")),
            r.event_no,
            _text(data.get("engine_id")) or "",
            r.seq,
            r.hash,
        ),
    )


def _run_started(into: Statements, r: Recorded) -> None:
    into.run(r.run_id, sql.RUN_STARTED, (r.event.at_us, r.run_id))


def _run_resumed(into: Statements, r: Recorded) -> None:
    into.run(r.run_id, sql.RUN_STATUS, (RunStatus.RUNNING.value, None, r.run_id))


def _run_paused(into: Statements, r: Recorded) -> None:
    into.run(r.run_id, sql.RUN_STATUS, (RunStatus.PAUSED.value, _text(r.data.get("reason")), r.run_id))
    _uncertain(into, r, StepStatus.WAITING)


def _run_quarantined(into: Statements, r: Recorded) -> None:
    into.run(r.run_id, sql.RUN_STATUS, (RunStatus.QUARANTINED.value, None, r.run_id))
    _uncertain(into, r, StepStatus.QUARANTINED)


def _uncertain(into: Statements, r: Recorded, status: StepStatus) -> None:
    """The steps that were under way when the engine died are not running any more."""
    named, items = r.data.get("uncertain"), _object(r.data.get("uncertain_items"))
    for step_id in named if isinstance(named, list) else ():
        if not isinstance(step_id, str):
            continue
        indices = items.get(step_id)
        for item in (-1, *(indices if isinstance(indices, list) else ())):
            step = (r.run_id, r.event.pass_index, step_id, item)
            into.add("steps", step, 5, sql.STEP_UNCERTAIN, (status.value, *step))


def _run_taken_over(into: Statements, r: Recorded) -> None:
    into.run(r.run_id, sql.RUN_TAKEN, (_text(r.data.get("to_engine")) or "", _int(r.data.get("epoch")) or 0, r.run_id))


def _run_finished(into: Statements, r: Recorded) -> None:
    status = r.event.kind.value.removeprefix("run.")
    duration, warnings = _int(r.data.get("duration_us")), _int(r.data.get("warnings")) or 0
    into.run(r.run_id, sql.RUN_FINISHED, (status, r.event.at_us, duration, warnings, r.event_no, r.run_id))
    into.add(
        "passes", (r.run_id, r.event.pass_index), 2, sql.PASSES_FINISHED, (r.event.at_us, r.run_id, r.event.pass_index)
    )


def _stage_started(into: Statements, r: Recorded) -> None:
    event = r.event
    stage = _stage(event)
    into.run(r.run_id, sql.RUN_STAGE, (stage, event.pass_index, r.run_id))
    into.add("passes", (r.run_id, event.pass_index), 0, sql.PASSES_STARTED, (r.run_id, event.pass_index, event.at_us))
    key = (r.run_id, event.pass_index, stage)
    into.add("stages", key, 0, sql.STAGE_STARTED, (*key, event.at_us, r.event_no))


def _stage_finished(into: Statements, r: Recorded) -> None:
    event = r.event
    stage = _stage(event)
    output = _object(r.data.get("output"))
    diagnostics = _text(_object(output.get("diagnostics")).get("status"))
    key = (r.run_id, event.pass_index, stage)
    status = _text(r.data.get("status")) or StageStatus.SUCCEEDED.value
    row = (*key, status, diagnostics, event.at_us, _int(r.data.get("duration_us")), r.event_no)
    into.add("stages", key, 1, sql.STAGE_FINISHED, row)
    if event.stage is Stage.ROUTE_PLAN:
        route = _text(_object(output.get("result")).get("kind"))
        if route is not None:
            into.run(r.run_id, sql.RUN_ROUTE, (route, r.run_id))


def _stage(event: Event) -> str:
    return event.stage.value if event.stage is not None else Stage.EXECUTE.value


def _chain_built(into: Statements, r: Recorded) -> None:
    event = r.event
    trace = _object(r.data.get("trace"))
    order = r.data.get("order")
    places = {step_id: place for place, step_id in enumerate(order)} if isinstance(order, list) else {}
    tools = list(_tools(trace))
    # A trace that could not be made has no groups, and the order still names every step.
    into.run(r.run_id, sql.RUN_CHAIN, (max(len(tools), len(places)), r.run_id))
    key = (r.run_id, event.pass_index)
    into.add("passes", key, 0, sql.PASSES_STARTED, (*key, event.at_us))
    into.add("passes", key, 1, sql.PASSES_CHAIN, (r.event_no, _text(trace.get("strategy")), *key))
    for found, (group_index, tool) in enumerate(tools):
        step_id = _text(tool.get("tool_id")) or ""
        row = (
            r.run_id,
            event.pass_index,
            step_id,
            StepStatus.PENDING.value,
            _text(tool.get("tool_type")) or "",
            group_index,
            places.get(step_id, found),
            _listed(tool.get("depends_on")),
        )
        into.add("steps", (r.run_id, event.pass_index, step_id, -1), 0, sql.STEP_PENDING, row)


def _listed(step_ids: Json) -> str:
    """Names as a JSON list. Nearly all are identifiers, in which nothing needs an escape; an encoder costs ten times as much."""
    if not isinstance(step_ids, list) or not step_ids:
        return "[]"
    if all(isinstance(name, str) and name.isidentifier() for name in step_ids):
        return '["' + '","'.join(map(str, step_ids)) + '"]'
    return json.dumps(step_ids, separators=(",", ":"))


def _tools(trace: JsonObject) -> list[tuple[int, JsonObject]]:
    """Every step of the execution plan with the index of its group."""
    found: list[tuple[int, JsonObject]] = []
    groups = trace.get("execution_groups")
    for group in groups if isinstance(groups, list) else []:
        if isinstance(group, dict):
            tools = group.get("tools")
            index = _int(group.get("group_index")) or 0
            found.extend((index, tool) for tool in (tools if isinstance(tools, list) else []) if isinstance(tool, dict))
    return found


def _place(data: JsonObject) -> tuple[str, int, int]:
    """Type, group and order of a step, from the orchestration that its events carry."""
    where = data.get("orchestration")
    if not isinstance(where, dict):
        return (_text(data.get("tool_type")) or "", 0, 0)
    return (
        _text(where.get("tool_type")) or "",
        _int(where.get("group_index")) or 0,
        _int(where.get("execution_order")) or 0,
    )


def _attempt_starting(into: Statements, r: Recorded) -> None:
    event = r.event
    step = (r.run_id, event.pass_index, event.step_id, _item(event))
    attempt = (*step, event.attempt)
    into.add("step_attempts", attempt, 0, sql.ATTEMPT_STARTING, (*attempt, _RUNNING, event.at_us, r.event_no))
    into.add("steps", step, 1, sql.STEP_RUNNING, (*step, _RUNNING, *_place(r.data), event.attempt, event.at_us))
    if r.data.get("opens_step") is True:
        whole = (r.run_id, event.pass_index, event.step_id, -1)
        into.add("steps", whole, 2, sql.STEP_OPENED, (event.at_us, *whole[:3]))
    _breaker_moved(into, r)


def _attempt_started(into: Statements, r: Recorded) -> None:
    event = r.event
    attempt = (r.run_id, event.pass_index, event.step_id, _item(event), event.attempt)
    into.add("step_attempts", attempt, 1, sql.ATTEMPT_STARTED, (r.event_no, *attempt))


def _attempt_finished(into: Statements, r: Recorded) -> None:
    event, data = r.event, r.data
    attempt = (r.run_id, event.pass_index, event.step_id, _item(event), event.attempt)
    duration_us = _int(data.get("duration_us"))
    row = (
        *attempt,
        _text(data.get("status")),
        _text(data.get("reason")),
        _int(data.get("exit_code")),
        event.at_us - (duration_us or 0),
        event.at_us,
        duration_us,
        r.event_no,
        r.event_no,
    )
    into.add("step_attempts", attempt, 2, sql.ATTEMPT_FINISHED, row)
    _breaker_moved(into, r)


def _breaker_moved(into: Statements, r: Recorded) -> None:
    """The breaker of a tool moves with the attempt that moved it."""
    if "breaker" not in r.data:
        return
    moved = _object(r.data["breaker"])
    tool = _text(moved.get("tool")) or ""
    phase = _text(moved.get("phase")) or BreakerPhase.CLOSED.value
    numbers = (_int(moved.get("failures")) or 0, _int(moved.get("opened_at_us")) or 0)
    into.add(
        "breakers", (r.run_id, tool), 0, sql.BREAKER_MOVED, (r.run_id, tool, phase, *numbers, r.event.at_us, r.event_no)
    )


def _step_waiting(into: Statements, r: Recorded) -> None:
    step = (r.run_id, r.event.pass_index, r.event.step_id, _item(r.event))
    status, reason = _WAITS.get(_text(r.data.get("reason")), (StepStatus.WAITING, None))
    into.add("steps", step, 3, sql.STEP_WAITING, (status.value, None if reason is None else reason.value, *step))


def _step_finished(into: Statements, r: Recorded) -> None:
    event, data = r.event, r.data
    step = (r.run_id, event.pass_index, event.step_id, _item(event))
    status = _text(data.get("status")) or ""
    row = (
        *step,
        status,
        _text(data.get("reason")),
        _text(data.get("message")) or "",
        *_place(data),
        _int(data.get("attempts")) or 0,
        _int(data.get("exit_code")),
        _int(data.get("started_at_us")),
        event.at_us,
        _int(data.get("duration_us")),
        r.event_no,
        r.size,
    )
    into.add("steps", step, 4, sql.STEP_FINISHED, row)
    if "cache" in data:
        _result_kept(into, r)
    if event.item_index is None:
        into.count(r.run_id, done=1, failed=1 if status == _FAILED else 0)


def _result_kept(into: Statements, r: Recorded) -> None:
    """A result that was looked for and not found may be used by others from now on; one that was found is kept already."""
    cache = _object(r.data["cache"])
    if cache.get("kept") is not True or r.data.get("status") != _SUCCEEDED:
        return
    step = (r.run_id, r.event.pass_index, r.event.step_id, _item(r.event))
    row = (*step, _text(cache.get("key")) or "", _text(cache.get("plan_id")) or "", r.event.at_us, r.event_no)
    into.add("result_cache", step, 0, sql.RESULT_KEPT, row)


def _replan_requested(into: Statements, r: Recorded) -> None:
    event, data = r.event, r.data
    event_id = _text(data.get("event_id")) or str(r.seq)
    row = (
        r.run_id,
        event_id,
        event.pass_index,
        _text(data.get("trigger")) or "unknown",
        event.stage.value if event.stage else None,
        event.step_id,
        _text(data.get("severity")),
        event.at_us,
        r.event_no,
    )
    into.add("replan_events", (r.run_id, event_id), 0, sql.REPLAN_REQUESTED, row)
    into.run(r.run_id, sql.RUN_REPLANS, (r.run_id,))


def _replan_decided(into: Statements, r: Recorded) -> None:
    event_id = _text(r.data.get("event_id")) or ""
    row = (_text(r.data.get("decision")), r.event.at_us, r.event_no, r.run_id, event_id)
    into.add("replan_events", (r.run_id, event_id), 1, sql.REPLAN_DECIDED, row)


def _asset_resolved(into: Statements, r: Recorded) -> None:
    data = r.data
    alias = _text(data.get("alias")) or ""
    key = (r.run_id, r.event.pass_index, alias)
    ref, digest, source = (_text(data.get(name)) or "" for name in ("ref", "sha256", "source"))
    into.add("applied_assets", key, 0, sql.ASSET_RESOLVED, (*key, ref, digest, source, r.event_no))


def _changes_nothing(into: Statements, r: Recorded) -> None:
    """The event is its own record."""


_Change: TypeAlias = "Callable[[Statements, Recorded], None]"

_CHANGES: Final[dict[EventKind, _Change]] = {
    EventKind.RUN_CREATED: _run_created,
    EventKind.RUN_STARTED: _run_started,
    EventKind.RUN_PAUSED: _run_paused,
    EventKind.RUN_RESUMED: _run_resumed,
    EventKind.RUN_SUCCEEDED: _run_finished,
    EventKind.RUN_FAILED: _run_finished,
    EventKind.RUN_CANCELED: _run_finished,
    EventKind.RUN_QUARANTINED: _run_quarantined,
    EventKind.RUN_TAKEN_OVER: _run_taken_over,
    EventKind.STAGE_STARTED: _stage_started,
    EventKind.STAGE_FINISHED: _stage_finished,
    EventKind.ATTEMPT_STARTING: _attempt_starting,
    EventKind.ATTEMPT_STARTED: _attempt_started,
    EventKind.ATTEMPT_FINISHED: _attempt_finished,
    EventKind.STEP_WAITING: _step_waiting,
    EventKind.STEP_FINISHED: _step_finished,
    EventKind.REPLAN_REQUESTED: _replan_requested,
    EventKind.REPLAN_DECIDED: _replan_decided,
    EventKind.ASSET_RESOLVED: _asset_resolved,
    EventKind.LOCK_ACQUIRED: _changes_nothing,
    EventKind.LOCK_RELEASED: _changes_nothing,
    EventKind.CONTROL_RECEIVED: _changes_nothing,
    EventKind.ORCHESTRATION_DEPENDENCIES_EXTRACTED: _changes_nothing,
    EventKind.ORCHESTRATION_STRATEGY_DETERMINED: _changes_nothing,
    EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT: _chain_built,
    EventKind.ORCHESTRATION_EXECUTION_COMPLETED: _changes_nothing,
    EventKind.ORCHESTRATION_EXECUTION_FAILED: _changes_nothing,
}


def project(into: Statements, recorded: Recorded) -> None:
    """Add what the event changes to `into`, and that the run's chain stands at it now."""
    change(into, recorded)
    into.head(recorded.run_id, recorded.seq, recorded.hash)


def change(into: Statements, recorded: Recorded) -> None:
    """The same without the chain's end, for who adds many events of a run and says that once."""
    _CHANGES[recorded.event.kind](into, recorded)
    if PLACES in recorded.data:
        for digest, size in uses(recorded.data).items():
            use = (recorded.run_id, recorded.event_no, digest)
            into.add("blob_uses", use, 0, sql.BLOB_USED, (*use, size))

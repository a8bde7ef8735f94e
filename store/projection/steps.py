"""What the attempts and ends of steps change, with the breakers and kept results that come of them. Planned steps are in chain.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.breaker import BreakerPhase
from engine.model.states import Reason, StepStatus
from store.projection import sql
from store.projection.recorded import members, number, text

if TYPE_CHECKING:
    from engine.model.event import Event
    from engine.model.json import JsonObject
    from store.projection.recorded import Recorded
    from store.statements import Statements

_RUNNING: Final = StepStatus.RUNNING.value
_FAILED: Final = StepStatus.FAILED.value
_SUCCEEDED: Final = StepStatus.SUCCEEDED.value
_WAITS: Final[dict[str | None, tuple[StepStatus, Reason | None]]] = {
    "breaker_open": (StepStatus.WAITING, Reason.BREAKER_OPEN),
    "fallback": (StepStatus.WAITING, Reason.FALLBACK),
    "quarantined": (StepStatus.QUARANTINED, Reason.BREAKER_OPEN),
}
"""What a step waits for, where that is more than the next try."""


def _item(event: Event) -> int:
    return -1 if event.item_index is None else event.item_index


def _place(data: JsonObject) -> tuple[str, int, int]:
    """Type, group and order of a step, from the orchestration that its events carry."""
    where = data.get("orchestration")
    if not isinstance(where, dict):
        return (text(data.get("tool_type")) or "", 0, 0)
    return (
        text(where.get("tool_type")) or "",
        number(where.get("group_index")) or 0,
        number(where.get("execution_order")) or 0,
    )


def attempt_starting(into: Statements, r: Recorded) -> None:
    """An attempt has its row before its process has a number; its step, or the item of it, runs."""
    event = r.event
    step = (r.run_id, event.pass_index, event.step_id, _item(event))
    attempt = (*step, event.attempt)
    into.add("step_attempts", attempt, 0, sql.ATTEMPT_STARTING, (*attempt, _RUNNING, event.at_us, r.event_no))
    into.add("steps", step, 1, sql.STEP_RUNNING, (*step, _RUNNING, *_place(r.data), event.attempt, event.at_us))
    if r.data.get("opens_step") is True:
        whole = (r.run_id, event.pass_index, event.step_id, -1)
        into.add("steps", whole, 2, sql.STEP_OPENED, (event.at_us, *whole[:3]))
    breaker_moved(into, r)


def attempt_started(into: Statements, r: Recorded) -> None:
    """The process is there, or the query may begin."""
    event = r.event
    attempt = (r.run_id, event.pass_index, event.step_id, _item(event), event.attempt)
    into.add("step_attempts", attempt, 1, sql.ATTEMPT_STARTED, (r.event_no, *attempt))


def attempt_finished(into: Statements, r: Recorded) -> None:
    """The attempt has its outcome. What becomes of the step is another event."""
    event, data = r.event, r.data
    attempt = (r.run_id, event.pass_index, event.step_id, _item(event), event.attempt)
    duration_us = number(data.get("duration_us"))
    row = (
        *attempt,
        text(data.get("status")),
        text(data.get("reason")),
        number(data.get("exit_code")),
        event.at_us - (duration_us or 0),
        event.at_us,
        duration_us,
        r.event_no,
        r.event_no,
    )
    into.add("step_attempts", attempt, 2, sql.ATTEMPT_FINISHED, row)
    breaker_moved(into, r)


def breaker_moved(into: Statements, r: Recorded) -> None:
    """The breaker of a tool moves with the attempt that moved it, or by an operator's word."""
    if "breaker" not in r.data:
        return
    moved = members(r.data["breaker"])
    tool = text(moved.get("tool")) or ""
    phase = text(moved.get("phase")) or BreakerPhase.CLOSED.value
    numbers = (number(moved.get("failures")) or 0, number(moved.get("opened_at_us")) or 0)
    into.add(
        "breakers", (r.run_id, tool), 0, sql.BREAKER_MOVED, (r.run_id, tool, phase, *numbers, r.event.at_us, r.event_no)
    )


def waiting(into: Statements, r: Recorded) -> None:
    """The step waits for another try, or for what keeps it from one."""
    step = (r.run_id, r.event.pass_index, r.event.step_id, _item(r.event))
    status, reason = _WAITS.get(text(r.data.get("reason")), (StepStatus.WAITING, None))
    into.add("steps", step, 3, sql.STEP_WAITING, (status.value, None if reason is None else reason.value, *step))


def finished(into: Statements, r: Recorded) -> None:
    """The step, or an item of it, has its outcome and its result. Only whole steps are counted."""
    event, data = r.event, r.data
    step = (r.run_id, event.pass_index, event.step_id, _item(event))
    status = text(data.get("status")) or ""
    row = (
        *step,
        status,
        text(data.get("reason")),
        text(data.get("message")) or "",
        *_place(data),
        number(data.get("attempts")) or 0,
        number(data.get("exit_code")),
        number(data.get("started_at_us")),
        event.at_us,
        number(data.get("duration_us")),
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
    cache = members(r.data["cache"])
    if cache.get("kept") is not True or r.data.get("status") != _SUCCEEDED:
        return
    step = (r.run_id, r.event.pass_index, r.event.step_id, _item(r.event))
    row = (*step, text(cache.get("key")) or "", text(cache.get("plan_id")) or "", r.event.at_us, r.event_no)
    into.add("result_cache", step, 0, sql.RESULT_KEPT, row)

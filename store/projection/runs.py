"""What the events of a run itself change: its row, and the steps it leaves in doubt. Its stages and steps have files of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import RunStatus, StepStatus
from store.projection import sql
from store.projection.recorded import members, number, text

if TYPE_CHECKING:
    from store.projection.recorded import Recorded
    from store.statements import Statements


def created(into: Statements, r: Recorded) -> None:
    """The run has its row."""
    data = r.data
    environment = members(data.get("environment"))
    into.run(
        r.run_id,
        sql.RUN_CREATED,
        (
            r.run_id,
            text(data.get("plan_id")) or "",
            text(data.get("plan_version")) or "",
            text(data.get("plan_hash")) or "",
            text(data.get("mode")) or "normal",
            r.event.pass_index,
            r.event.at_us,
            text(data.get("workdir")) or "",
            text(environment.get("hash")) or "",
            text(data.get("parent_run_id")),
            text(data.get("parent_step_id")),
            r.event_no,
            text(data.get("engine_id")) or "",
            r.seq,
            r.hash,
        ),
    )


def started(into: Statements, r: Recorded) -> None:
    """It runs. When it first did stays as it is if it is said again."""
    into.run(r.run_id, sql.RUN_STARTED, (r.event.at_us, r.run_id))


def resumed(into: Statements, r: Recorded) -> None:
    """It runs again."""
    into.run(r.run_id, sql.RUN_STATUS, (RunStatus.RUNNING.value, None, r.run_id))


def paused(into: Statements, r: Recorded) -> None:
    """It waits for an operator or for the file; what its engine left behind waits with it."""
    into.run(r.run_id, sql.RUN_STATUS, (RunStatus.PAUSED.value, text(r.data.get("reason")), r.run_id))
    _uncertain(into, r, StepStatus.WAITING)


def quarantined(into: Statements, r: Recorded) -> None:
    """It is set aside, with the steps whose outcome nobody knows."""
    into.run(r.run_id, sql.RUN_STATUS, (RunStatus.QUARANTINED.value, None, r.run_id))
    _uncertain(into, r, StepStatus.QUARANTINED)


def _uncertain(into: Statements, r: Recorded, status: StepStatus) -> None:
    """The steps that were under way when the engine died are not running any more."""
    named, items = r.data.get("uncertain"), members(r.data.get("uncertain_items"))
    for step_id in named if isinstance(named, list) else ():
        if not isinstance(step_id, str):
            continue
        indices = items.get(step_id)
        for item in (-1, *(indices if isinstance(indices, list) else ())):
            step = (r.run_id, r.event.pass_index, step_id, item)
            into.add("steps", step, 5, sql.STEP_UNCERTAIN, (status.value, *step))


def taken_over(into: Statements, r: Recorded) -> None:
    """Another engine has it."""
    into.run(r.run_id, sql.RUN_TAKEN, (text(r.data.get("to_engine")) or "", number(r.data.get("epoch")) or 0, r.run_id))


def finished(into: Statements, r: Recorded) -> None:
    """It has its outcome, and its last pass an end."""
    status = r.event.kind.value.removeprefix("run.")
    duration, warnings = number(r.data.get("duration_us")), number(r.data.get("warnings")) or 0
    into.run(r.run_id, sql.RUN_FINISHED, (status, r.event.at_us, duration, warnings, r.event_no, r.run_id))
    into.add(
        "passes", (r.run_id, r.event.pass_index), 2, sql.PASSES_FINISHED, (r.event.at_us, r.run_id, r.event.pass_index)
    )

"""What the beginnings and ends of stages change, in their own rows, their pass and their run. Steps are not here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import Stage, StageStatus
from store.projection import sql
from store.projection.recorded import members, number, text

if TYPE_CHECKING:
    from engine.model.event import Event
    from store.projection.recorded import Recorded
    from store.statements import Statements


def started(into: Statements, r: Recorded) -> None:
    """The stage runs, and the run stands in it. The first of a pass begins the pass."""
    event = r.event
    stage = _stage(event)
    into.run(r.run_id, sql.RUN_STAGE, (stage, event.pass_index, r.run_id))
    into.add("passes", (r.run_id, event.pass_index), 0, sql.PASSES_STARTED, (r.run_id, event.pass_index, event.at_us))
    key = (r.run_id, event.pass_index, stage)
    into.add("stages", key, 0, sql.STAGE_STARTED, (*key, event.at_us, r.event_no))


def finished(into: Statements, r: Recorded) -> None:
    """The stage has its outcome. Planning the route also says which one the run takes."""
    event = r.event
    stage = _stage(event)
    output = members(r.data.get("output"))
    diagnostics = text(members(output.get("diagnostics")).get("status"))
    key = (r.run_id, event.pass_index, stage)
    status = text(r.data.get("status")) or StageStatus.SUCCEEDED.value
    row = (*key, status, diagnostics, event.at_us, number(r.data.get("duration_us")), r.event_no)
    into.add("stages", key, 1, sql.STAGE_FINISHED, row)
    if event.stage is Stage.ROUTE_PLAN:
        route = text(members(output.get("result")).get("kind"))
        if route is not None:
            into.run(r.run_id, sql.RUN_ROUTE, (route, r.run_id))


def _stage(event: Event) -> str:
    return event.stage.value if event.stage is not None else Stage.EXECUTE.value

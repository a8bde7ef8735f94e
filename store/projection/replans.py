"""What is asked of and decided about other plans for a run, as rows. What follows for its stages comes as events of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from store.projection import sql
from store.projection.recorded import text

if TYPE_CHECKING:
    from store.projection.recorded import Recorded
    from store.statements import Statements


def requested(into: Statements, r: Recorded) -> None:
    """Another plan is asked for. The same request again has one row, and is counted again."""
    event, data = r.event, r.data
    event_id = text(data.get("event_id")) or str(r.seq)
    row = (
        r.run_id,
        event_id,
        event.pass_index,
        text(data.get("trigger")) or "unknown",
        event.stage.value if event.stage else None,
        event.step_id,
        text(data.get("severity")),
        event.at_us,
        r.event_no,
    )
    into.add("replan_events", (r.run_id, event_id), 0, sql.REPLAN_REQUESTED, row)
    into.run(r.run_id, sql.RUN_REPLANS, (r.run_id,))


def decided(into: Statements, r: Recorded) -> None:
    """What was made of a request."""
    event_id = text(r.data.get("event_id")) or ""
    row = (text(r.data.get("decision")), r.event.at_us, r.event_no, r.run_id, event_id)
    into.add("replan_events", (r.run_id, event_id), 1, sql.REPLAN_DECIDED, row)

"""What a built tool chain changes: the pending steps of a pass, in their groups. What becomes of them is in steps.py."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.model.states import StepStatus
from store.projection import sql
from store.projection.recorded import members, number, text

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from store.projection.recorded import Recorded
    from store.statements import Statements


def built(into: Statements, r: Recorded) -> None:
    """Every step of the plan has its row, pending, and the run knows how many there are."""
    event = r.event
    trace = members(r.data.get("trace"))
    order = r.data.get("order")
    places = {step_id: place for place, step_id in enumerate(order)} if isinstance(order, list) else {}
    tools = list(_tools(trace))
    # A trace that could not be made has no groups, and the order still names every step.
    into.run(r.run_id, sql.RUN_CHAIN, (max(len(tools), len(places)), r.run_id))
    key = (r.run_id, event.pass_index)
    into.add("passes", key, 0, sql.PASSES_STARTED, (*key, event.at_us))
    into.add("passes", key, 1, sql.PASSES_CHAIN, (r.event_no, text(trace.get("strategy")), *key))
    for found, (group_index, tool) in enumerate(tools):
        step_id = text(tool.get("tool_id")) or ""
        row = (
            r.run_id,
            event.pass_index,
            step_id,
            StepStatus.PENDING.value,
            text(tool.get("tool_type")) or "",
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
            index = number(group.get("group_index")) or 0
            found.extend((index, tool) for tool in (tools if isinstance(tools, list) else []) if isinstance(tool, dict))
    return found

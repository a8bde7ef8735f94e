"""The replans of a run as lines: what asked for each, what was decided, and the plan before and after. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.replan import ReplanDecision
from engine.regression.json_diff import diff, summary_lines
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import Json

_MOST_LINES: Final = 5
_ROLES: Final = {
    ReplanDecision.DENIED.value: Role.FAILED,
    ReplanDecision.PENDING.value: Role.WARNING,
}


def replan_lines(events: Sequence[Json]) -> list[Line]:
    """Each replan with what it changes in the plan, step by step."""
    lines: list[Line] = []
    for event in events:
        if not isinstance(event, dict):
            continue
        decision = str(event.get("decision") or ReplanDecision.PENDING.value)
        reason = str(event.get("decision_reason") or event.get("reason") or "")
        step = f" at {event['step_id']}" if event.get("step_id") else ""
        lines.append(
            (
                Span(f"  {event.get('event_id', '')}  ", Role.DIM),
                Span(f"{event.get('trigger', '')}{step}  "),
                Span(decision, _ROLES.get(decision, Role.SUCCEEDED)),
                Span(f"  {reason}" if reason else "", Role.DIM),
            )
        )
        before, after = event.get("before"), event.get("after")
        if isinstance(before, dict) and isinstance(after, dict):
            lines += [(Span(f"      {said}", Role.DIM),) for said in summary_lines(diff(before, after), _MOST_LINES)]
    return lines

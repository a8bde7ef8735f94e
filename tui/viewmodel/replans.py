"""The replans of a run as lines: what asked for each, what was decided, and the plan before and after. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.replan import ReplanDecision
from engine.regression.json_diff import diff, summary_lines
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import Json, JsonObject

_MOST_LINES: Final = 5
_ROLES: Final = {
    ReplanDecision.DENIED.value: Role.FAILED,
    ReplanDecision.PENDING.value: Role.WARNING,
}


def replan_lines(events: Sequence[Json]) -> list[Line]:
    """Each replan with who decided and what it changes in the plan, step by step."""
    lines: list[Line] = []
    for event in events:
        if not isinstance(event, dict):
            continue
        decision = str(event.get("decision") or ReplanDecision.PENDING.value)
        reason = str(event.get("decision_reason") or event.get("reason") or "")
        step = f" at {event['step_id']}" if event.get("step_id") else ""
        by = f" by {event['decided_by']}" if event.get("decided_by") else ""
        lines.append(
            (
                Span(f"  {event.get('event_id', '')}  ", Role.DIM),
                Span(f"{event.get('trigger', '')}{step}  "),
                Span(decision, _ROLES.get(decision, Role.SUCCEEDED)),
                Span(f"{by}{f'  {reason}' if reason else ''}", Role.DIM),
            )
        )
        lines += [(Span(f"      {said}", Role.DIM),) for said in change_lines(event, _MOST_LINES)]
    return lines


def change_lines(event: JsonObject, limit: int) -> list[str]:
    """What a replan changes in the plan, `find.timeout_sec: 5 → 9`; nothing where it made no plan."""
    patch = event.get("patch")
    sides = patch if isinstance(patch, dict) else {}
    before, after = _steps(sides.get("before")), _steps(sides.get("after"))
    return summary_lines(diff(before, after), limit) if before or after else []


def _steps(side: Json) -> JsonObject:
    """The steps that are there on this side, with the fields of their definition beside the others, as plans are written."""
    found: JsonObject = {}
    for step_id, step in side.items() if isinstance(side, dict) else ():
        if not isinstance(step, dict):
            continue
        definition = step.get("step_def")
        rest: JsonObject = {name: value for name, value in step.items() if name != "step_def"}
        found[step_id] = {**rest, **definition} if isinstance(definition, dict) else step
    return found

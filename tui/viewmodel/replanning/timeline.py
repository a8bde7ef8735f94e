"""Replans on a line in time: a place each, joined, with the passes that they led to. What is said of one is in detail.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tui.viewmodel.palette import Role
from tui.viewmodel.replanning.replan import decision_mark, severity_role, trigger_mark
from tui.viewmodel.text import Line, Span, fit, span, width
from tui.viewmodel.words import time_of_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.viewmodel.replanning.replan import Replan
    from tui.viewmodel.runs import Moment

_LEAST_SLOT: Final = 20
"""Cells: the longest trigger and a gap."""
_MOST_SLOT: Final = 34
_EDGE: Final = 2
LINES: Final = 6


@dataclass(frozen=True, slots=True)
class ReplanPlace:
    """Where a replan stands: the cells from `start` to `stop`."""

    index: int
    start: int
    stop: int


def timeline(
    replans: Sequence[Replan], chosen: int, cells: int, moment: Moment, last_pass: int
) -> tuple[list[Line], list[ReplanPlace]]:
    """Six lines: time and severity, the line itself, trigger, subject, decision, and a rule that is heavy under the chosen one.

    As many as fit stand there, the chosen one among them; a sign at an end says that there are more beyond it.
    """
    room = max(_LEAST_SLOT, cells - 2 * _EDGE)
    slot = max(_LEAST_SLOT, min(_MOST_SLOT, room // max(1, len(replans))))
    shown = min(len(replans), room // slot)
    start = max(0, min(chosen - shown // 2, len(replans) - shown))
    rows: list[list[Span]] = [[Span(" " * _EDGE)] for _ in range(LINES)]
    rows[1] = [Span("‹ " if start else " " * _EDGE, Role.TEXT)]
    rows[5] = [Span("─" * (_EDGE - 1), Role.BORDER)]
    places: list[ReplanPlace] = []
    for index in range(start, start + shown):
        after = replans[index + 1] if index + 1 < len(replans) else None
        for row, line in zip(rows, _slot(replans[index], after, slot, moment, last_pass, index == chosen), strict=True):
            row.extend(line)
        at = _EDGE + slot * len(places)
        places.append(ReplanPlace(index, at, at + slot))
    if start + shown < len(replans):
        rows[1].append(Span("›", Role.TEXT))
    rows[5].append(Span("─" * max(0, cells - width(tuple(rows[5]))), Role.BORDER))
    return [tuple(row) for row in rows], places


def _slot(
    replan: Replan, after: Replan | None, cells: int, moment: Moment, last_pass: int, is_chosen: bool
) -> tuple[Line, ...]:
    trigger, decision = trigger_mark(replan.trigger), decision_mark(replan.decision)
    text = cells - 2
    severity = replan.severity.value.upper()
    first = f"{time_of_day(replan.at_us, zone=moment.zone)} "
    return (
        (Span(first, Role.DIM), Span(fit(severity, cells - len(first)), severity_role(replan.severity))),
        (Span(trigger.glyph, trigger.role, bold=True), *_joint(replan, after, cells - 1, last_pass)),
        (Span(fit(trigger.word, text), trigger.role, bold=is_chosen), Span("  ")),
        (Span(fit(replan.subject, text), Role.STRONG if is_chosen else Role.TEXT, bold=is_chosen), Span("  ")),
        (
            Span(fit(str(decision), text), decision.role, bold=is_chosen or replan.is_pending),
            Span("  "),
        ),
        (Span("━" * cells, Role.STRONG) if is_chosen else Span("─" * cells, Role.BORDER),),
    )


def _joint(replan: Replan, after: Replan | None, cells: int, last_pass: int) -> Line:
    """What lies between a replan and the next: the pass that it led to, or nothing but time."""
    next_pass = after.pass_index if after is not None else last_pass
    if replan.is_pending and after is None:
        return (Span(fit(" " + "╌" * 4, cells), Role.WARNING),)
    if next_pass > replan.pass_index:
        label = f" pass {next_pass} "
        left = max(1, (cells - 2 - len(label)) // 2) if after is not None else 3
        right = cells - 2 - left - len(label) if after is not None else 0
        return (
            Span(" " + "─" * left, Role.DIM),
            span(label, Role.TEXT, bold=True),
            Span(fit("─" * max(0, right), cells - 1 - left - len(label)), Role.DIM),
        )
    return (Span(fit(" " + "─" * (cells - 2 if after is not None else 4), cells), Role.DIM),)

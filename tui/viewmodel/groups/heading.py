"""The line above the graph or the Gantt: strategy, pass, what it all took, what is left out. No widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span, spread, width
from tui.viewmodel.words import count, duration, plural

if TYPE_CHECKING:
    from tui.viewmodel.groups.critical_path import Figures
    from tui.viewmodel.groups.picture import GroupsPicture
    from tui.viewmodel.text import Line

_BETWEEN = 2


def heading(picture: GroupsPicture, found: Figures, cells: int, *, view: str, notes: tuple[str, ...] = ()) -> Line:
    """`DAG  total 12.1s  2.6 at once  critical path 11.9s  slowest ping 10.0s …`, as much as fits, and which view it is."""
    right: Line = (Span(view, Role.DIM), Span(" "))
    pieces: list[Line] = [(span(picture.strategy.upper(), Role.EXECUTE, bold=True),)] if picture.strategy else []
    pieces += [(span(note, Role.RUNNING),) for note in notes]
    if picture.last_pass:
        pieces.append((Span(f"pass {picture.run.pass_index}"), Span(f" of 0 to {picture.last_pass}", Role.DIM)))
    groups = len({step.group_index for step in picture.steps})
    shape = f"{plural(len(picture.steps), 'step')} in {plural(groups, 'group')}"
    if found.slowest is not None:
        pieces.append(_figure("total", duration(found.total_us)))
        # Each step begins a moment before what it waited for is booked as over, which adds up along the path.
        pieces.append(_figure("critical path", duration(min(found.path_us, found.total_us))))
        pieces.append((Span(f"{found.parallelism:.1f}"), Span(" at once", Role.DIM)))
        slowest = picture.steps[found.slowest]
        pieces.append(
            (Span("slowest ", Role.DIM), span(slowest.step_id), Span(f" {duration(found.slowest_us)}", Role.DIM))
        )
        pieces.append(_figure("busy", duration(found.busy_us)))
    pieces.append((Span(shape, Role.DIM),))
    if picture.total > len(picture.steps):
        pieces.insert(
            0, (Span(f"the first {count(len(picture.steps))} of {plural(picture.total, 'step')}", Role.WARNING),)
        )
    line: list[Span] = [Span(" ")]
    for piece in pieces:
        gap = (Span(" " * _BETWEEN),) if len(line) > 1 else ()
        if width((*line, *gap, *piece)) + width(right) + _BETWEEN > cells:
            continue
        line += [*gap, *piece]
    return spread(tuple(line), right, cells)


def _figure(name: str, value: str) -> Line:
    return (Span(f"{name} ", Role.DIM), Span(value))

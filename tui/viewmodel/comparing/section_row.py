"""The row of sections under the head of a comparison. What is in one is up to its own view model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.viewmodel.comparing.rows import View
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span, spread, width
from tui.viewmodel.words import plural, short_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.regression.verdict import Analysis
    from tui.viewmodel.comparing.data import Pair


@dataclass(frozen=True, slots=True)
class SectionPlace:
    """Where a section stands in the row: the cells from `start` to `stop`."""

    view: View
    start: int
    stop: int


def section_row(chosen: View, numbers: Mapping[View, int], said: Line, cells: int) -> tuple[Line, list[SectionPlace]]:
    """`[1 Verdict]  2 Evidence 3`, what the chosen one says of itself at the right, and where each stands."""
    row, places = _row(chosen, numbers, cells, with_numbers=True)
    if width(tuple(row)) + width(said) + 2 > cells:
        row, places = _row(chosen, numbers, cells, with_numbers=False)
    return spread(tuple(row), (*said, Span(" ")) if said else (), cells), places


def _row(
    chosen: View, numbers: Mapping[View, int], cells: int, *, with_numbers: bool
) -> tuple[list[Span], list[SectionPlace]]:
    row: list[Span] = [Span(" ")] if cells >= 100 else []
    places: list[SectionPlace] = []
    for view in View:
        here = view is chosen
        start = width(tuple(row))
        row += [
            Span("[" if here else " ", Role.TEXT, bold=here),
            Span(f"{view.key}", Role.DIM),
            Span(f" {view.title}", Role.STRONG if here else Role.TEXT, bold=here),
        ]
        if numbers.get(view) and with_numbers:
            row.append(Span(f" {numbers[view]}", Role.DIM))
        row.append(Span("]" if here else " ", Role.TEXT, bold=here))
        places.append(SectionPlace(view, start, width(tuple(row))))
        if cells >= 100:
            row.append(Span(" "))
    return row, places


def numbers_of(analysis: Analysis) -> dict[View, int]:
    """How much there is in a section, where that says something."""
    return {
        View.EVIDENCE: sum(row.counts for row in analysis.times),
        View.DIFFERENCES: len(analysis.differences) + len(analysis.one_sided),
        View.RUNS: len(analysis.baseline) + len(analysis.candidates),
    }


def said_of(view: View, analysis: Analysis, pair: Pair) -> Line:
    """What a section says of itself."""
    match view:
        case View.DATA if pair.is_whole:
            return (Span(f"{short_id(pair.after)} against {short_id(pair.before)}", Role.DIM),)
        case View.EVIDENCE:
            of = f" of {analysis.stage} alone" if analysis.stage else ""
            return (span(f"{plural(len(analysis.times), 'part')}{of}", Role.DIM),)
        case _:
            return ()

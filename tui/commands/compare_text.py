"""An analysis on a terminal or a pipe: what the view model says, as lines and a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tui.commands.tables import Column, print_table
from tui.viewmodel.comparison import TITLES, evidence_rows, head_lines, sections, verdict_line
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span
from tui.viewmodel.words import plural

if TYPE_CHECKING:
    from engine.regression.verdict import Analysis
    from tui.commands.output import Output

_RANKS: Final = {"METHOD": 4, "n v m": 3, "BASELINE": 2, "CANDIDATES": 1}
_RIGHT: Final = frozenset(["BASELINE", "CANDIDATES", "Δ", "q"])


def print_analysis(out: Output, analysis: Analysis, plan_id: str, analysis_id: str) -> None:
    """Verdict and score first, then the evidence, then what follows from it."""
    out.line(*verdict_line(analysis), span(f"  {plan_id}", Role.DIM))
    for line in head_lines(analysis):
        out.line(*line)
    rows, more = evidence_rows(analysis)
    out.line()
    if rows:
        columns = [
            Column(title, right=title in _RIGHT, rank=_RANKS.get(title, 0), flexible=title == "PART")
            for title in TITLES
        ]
        print_table(out, columns, rows, indent=2)
    if more:
        said = f"and {plural(more, 'more part')}" if rows else plural(more, "part")
        out.line(Span(f"  {said} without a change that counts", Role.DIM))
    for title, lines in sections(analysis):
        out.line()
        out.line(Span(title, Role.TEXT, bold=True))
        for line in lines:
            out.line(*line)
    if analysis_id:
        out.line()
        for way in _ways_to_put_back(analysis, analysis_id[:6]):
            out.line(Span(way, Role.DIM))
        out.line(Span(f"kept as {analysis_id}: opscope compare --show {analysis_id[:6]}", Role.DIM))


def _ways_to_put_back(analysis: Analysis, short: str) -> list[str]:
    from engine.regression.narrowing import suspects_in

    names = [one.name for one in suspects_in(analysis)]
    if not names:
        return []
    command = f"opscope compare --put-back {short}"
    if len(names) == 1:
        return [f"with {names[0]} as it was: {command} 1"]
    numbered = ", ".join(f"{number} for {name}" for number, name in enumerate(names, start=1))
    return [f"with one of them as it was: {command} N", f"  N is {numbered}"]

"""A kept analysis in a list. Text only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.regression.score import Severity
from tui.viewmodel.comparing.headline import VERDICTS
from tui.viewmodel.comparing.plots import bar
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, fit, span
from tui.viewmodel.words import NOTHING, clock, short_id

if TYPE_CHECKING:
    from store.analyses import AnalysisHead
    from tui.viewmodel.runs import Moment

_WIDE: Final = 100
_WORD, _SEVERITY, _PLAN, _BAR = 15, 8, 14, 12


def kept_header(cells: int) -> Line:
    """Titles of the columns."""
    score = f"{'SCORE':<{_BAR + 4}}  " if cells >= _WIDE else "SCORE  "
    return (
        Span(
            f"   {'VERDICT':<{_WORD}}  {score}{'SEVERITY':<{_SEVERITY}}  {'ANALYSIS':<8}  "
            f"{'PLAN':<{_plan(cells)}}  {'n v m':>7}  MADE" + ("          CANDIDATES" if cells >= _WIDE else ""),
            Role.DIM,
        ),
    )


def kept_line(head: AnalysisHead, moment: Moment, cells: int) -> Line:
    """`✗ REGRESSED  24 ███─  MAJOR  1f2e3d4c  ci-lookup  30 v 3  10:42:10`."""
    glyph, word, role = VERDICTS[head.verdict]
    score = NOTHING if head.score is None else str(head.score)
    pieces: list[Span] = [Span(f" {glyph} {word:<{_WORD}}  ", role)]
    if cells >= _WIDE:
        pieces.append(Span(f"{score:>3} ", Role.STRONG))
        pieces += bar(head.score / 100, _BAR, role) if head.score is not None else (Span(" " * _BAR),)
    else:
        pieces.append(Span(f"{score:>5}", Role.STRONG))
    severity = "" if head.severity is Severity.NONE else head.severity.value.upper()
    when = clock(head.created_at_us, now_us=moment.now_us, zone=moment.zone)
    pieces += [
        Span(f"  {severity:<{_SEVERITY}}", role),
        Span(f"  {head.analysis_id[:8]}"),
        span(f"  {fit(head.plan_id, _plan(cells))}"),
        Span(f"  {f'{head.baseline_n} v {len(head.candidates)}':>7}", Role.DIM),
        Span(f"  {when:<12}", Role.DIM),
    ]
    if cells >= _WIDE:
        more = ", …" if len(head.candidates) > 4 else ""
        pieces.append(Span(f"  {', '.join(short_id(one) for one in head.candidates[:4])}{more}", Role.DIM))
    return tuple(pieces)


def _plan(cells: int) -> int:
    return max(6, min(24, cells - 70)) if cells < _WIDE else 24

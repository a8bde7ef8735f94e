"""How long parts of a plan took over its runs, as lines: a curve a part with its changes of level. Pure text, no layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tui.viewmodel.comparison import seconds, signed_seconds
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.regression.series import Change, Series
    from tui.viewmodel.text import Line

_HEIGHTS: Final = "▁▂▃▄▅▆▇█"
MARK: Final = "┊"
"""Stands before the first run of another level."""


def curve(series: Series, width: int) -> Line:
    """The newest values that fit, each a column as high as it is long, and a mark where another level begins."""
    marks = {change.at for change in series.changes}
    start = len(series.seconds)
    room = width
    while start > 0 and room >= (2 if start - 1 in marks else 1):
        start -= 1
        room -= 2 if start in marks else 1
    low, high = min(series.seconds, default=0.0), max(series.seconds, default=0.0)
    pieces: list[Span] = []
    for place, value in enumerate(series.seconds[start:], start=start):
        if place in marks:
            pieces.append(Span(MARK, Role.WARNING))
        pieces.append(Span(_height(value, low, high), Role.TEXT))
    return tuple(_joined(pieces))


def _height(value: float, low: float, high: float) -> str:
    # What hardly varies is drawn flat: a curve that fills the height whatever it holds would make a change of any noise.
    span_sec = max(high - low, 0.2 * high, 1e-9)
    return _HEIGHTS[min(len(_HEIGHTS) - 1, int((value - low) / span_sec * len(_HEIGHTS)))]


def _joined(pieces: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for piece in pieces:
        if joined and joined[-1].role is piece.role:
            joined[-1] = Span(joined[-1].text + piece.text, piece.role)
        else:
            joined.append(piece)
    return joined


def change_text(change: Change) -> str:
    """`from 7f3a02 on +3.1s (0.2s → 3.3s): lookup query/ci@2 → query/ci@3`."""
    moved = signed_seconds(change.after_sec - change.before_sec)
    also = f": {'; '.join(change.also)}" if change.also else ""
    return (
        f"from {short_id(change.run_id)} on {moved} ({seconds(change.before_sec)} → {seconds(change.after_sec)}){also}"
    )


def part_lines(series: Series, width: int) -> list[Line]:
    """The curve of one part, and under it each change of level, the newest first."""
    return [
        curve(series, width),
        *((Span(f"{MARK} ", Role.WARNING), span(change_text(change))) for change in reversed(series.changes)),
    ]

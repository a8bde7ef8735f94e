"""Small pictures in a line: the bar of a score, an interval on an axis, a share of the longest. Cells in, spans out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.regression.verdict import TimeRow

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_LEAST_SPAN: Final = math.log(1.1)
_MOST: Final = math.log(1000)


def bar(share: float, cells: int, role: Role) -> Line:
    """A bar that is full at 1, on a rule that shows how long it could be."""
    share = min(1.0, max(0.0, share))
    whole, rest = divmod(round(share * cells * 8), 8)
    filled = "█" * whole + (_EIGHTHS[rest] if rest else "")
    return (Span(filled, role), Span("─" * (cells - len(filled)), Role.BORDER))


def strip(share: float, cells: int, role: Role) -> Line:
    """A calm line as long as the share, never nothing, padded with blanks."""
    length = max(1, round(min(1.0, max(0.0, share)) * cells))
    return (Span("━" * length, role), Span(" " * (cells - length)))


@dataclass(frozen=True, slots=True)
class Axis:
    """Relative changes on a logarithmic axis, so that half and double are equally far from the middle."""

    low: float
    high: float

    @classmethod
    def over(cls, rows: Iterable[TimeRow]) -> Axis:
        """An axis that has room for these intervals and for no change at all."""
        low = high = 0.0
        for row in rows:
            low, high = min(low, _log(row.low), _log(row.effect)), max(high, _log(row.high), _log(row.effect))
        room = max(_LEAST_SPAN, 0.08 * (high - low))
        return cls(low - room, high + room)

    def plot(self, row: TimeRow, cells: int, role: Role) -> Line:
        """`   ┊  ━━●━━`: no change, the interval, the shift in it."""
        zero, left, right, point = (self._at(value, cells) for value in (0.0, row.low, row.high, row.effect))
        signs = [" "] * cells
        for place in range(left, right + 1):
            signs[place] = "━"
        signs[zero] = "┃" if left <= zero <= right else "┊"
        signs[point] = "●"
        return tuple(
            Span(sign, Role.BORDER if sign == "┊" else Role.TEXT if sign == "┃" else role, bold=sign == "●")
            for sign in signs
        )

    def _at(self, change: float, cells: int) -> int:
        share = (_log(change) - self.low) / (self.high - self.low)
        return max(0, min(cells - 1, round(share * (cells - 1))))


def _log(change: float) -> float:
    return max(-_MOST, min(_MOST, math.log(max(1e-9, 1 + change))))

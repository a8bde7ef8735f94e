"""From moments to columns: a scale that leaves out long stretches in which nothing runs, and round ticks for it. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log
from typing import TYPE_CHECKING, Final

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tui.viewmodel.text import Line

BREAK: Final = "┊"
_BREAK_CELLS: Final = 3
_IDLE_PART: Final = 0.12
"""What part of the busy time nothing must run for, that the stretch is left out."""
_IDLE_LEAST_US: Final = 100_000
"""And how long: what is shorter is no rest, but the start of the next step on its way into the file."""
_TICK_CELLS: Final = 9
_ROOM: Final = 1.25
_MS, _SECOND, _MINUTE, _HOUR, _DAY = 1000, 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
_TICKS: Final = (
    *(_MS * n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(_SECOND * n for n in (1, 2, 5, 10, 15, 30)),
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 7, 14, 28, 91, 182, 364)),
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the time that is shown: from and to, and the columns that it takes. Between two there is a break."""

    start_us: int
    stop_us: int
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Scale:
    """Columns for moments, which are microseconds since the beginning of the run's steps."""

    stretches: Sequence[Stretch]
    cells: int

    def column(self, at_us: int) -> float:
        """Where a moment stands; what is left out stands at the break."""
        number = bisect_right([stretch.start_us for stretch in self.stretches], at_us) - 1
        if number < 0:
            return self.stretches[0].left
        stretch = self.stretches[number]
        length = stretch.stop_us - stretch.start_us
        part = min(1.0, (at_us - stretch.start_us) / length) if length else 0.0
        return stretch.left + part * (stretch.right - stretch.left)

    @property
    def breaks(self) -> list[tuple[int, int]]:
        """The column of every break, and how long it stands for."""
        return [
            (int(before.right) + _BREAK_CELLS // 2, after.start_us - before.stop_us)
            for before, after in pairwise(self.stretches)
        ]


def scale(busy: Iterable[tuple[int, int]], cells: int) -> Scale:
    """A scale for the times in which something runs. Long stretches between them are left out, as far as there is room."""
    merged = _merged(busy) or [(0, 1)]
    worked = sum(stop - start for start, stop in merged) or 1
    most = max(0, (cells // 3) // _BREAK_CELLS)
    gaps = sorted((after[0] - before[1] for before, after in pairwise(merged)), reverse=True)
    long = [gap for gap in gaps[:most] if gap > max(worked * _IDLE_PART, _IDLE_LEAST_US)]
    least = long[-1] if long else None
    parts = [list(merged[0])]
    for start, stop in merged[1:]:
        if least is not None and start - parts[-1][1] >= least and len(parts) <= len(long):
            parts.append([start, stop])
        else:
            parts[-1][1] = stop
    total = sum(stop - start for start, stop in parts) or 1
    room = max(1.0, cells - _BREAK_CELLS * (len(parts) - 1))
    # Every part is to be seen, however short.
    least_cells = min(3.0, room / len(parts))
    free = room - least_cells * len(parts)
    stretches: list[Stretch] = []
    left = 0.0
    for start, stop in parts:
        right = left + least_cells + free * (stop - start) / total
        stretches.append(Stretch(start, stop, left, right))
        left = float(int(right) + _BREAK_CELLS)
    return Scale(stretches, cells)


def with_room(length_us: int) -> int:
    """A length that stays the same for a while as this one grows: what is live grows into room that is there for it."""
    return round(_ROOM ** ceil(log(max(length_us, 1), _ROOM)))


def _merged(busy: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(busy):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return merged


def ruler(found: Scale) -> Line:
    """Round times above their columns, and how long every break stands for: `0s      5s      10s  ┊2h 05m  2h 06m`."""
    places: list[tuple[int, str, Role]] = []
    taken: list[tuple[int, int]] = []
    for at, gap in found.breaks:
        text = f"{BREAK}{duration(gap)}"
        if at + len(text) <= found.cells and all(at > stop for _, stop in taken):
            places.append((at, text, Role.WARNING))
            taken.append((at - 1, at + len(text)))
        else:
            places.append((at, BREAK, Role.WARNING))
            taken.append((at - 1, at + 1))
    for stretch in found.stretches:
        for at_us in _ticks(stretch):
            column = int(found.column(at_us))
            text = tick_text(at_us)
            if column + len(text) > found.cells:
                continue
            if all(column + len(text) < start or column > stop for start, stop in taken):
                places.append((column, text, Role.DIM))
                taken.append((column - 1, column + len(text)))
    out: list[Span] = []
    at = 0
    for column, text, role in sorted(places):
        if column >= at:
            out += [Span(" " * (column - at)), Span(text, role)]
            at = column + len(text)
    return tuple(out)


def ticks(found: Scale) -> set[int]:
    """The columns of the round times, for the thin lines behind the bars."""
    return {int(found.column(at_us)) for stretch in found.stretches for at_us in _ticks(stretch)}


def _ticks(stretch: Stretch) -> Iterable[int]:
    cells = stretch.right - stretch.left
    length = stretch.stop_us - stretch.start_us
    wanted = length / max(1.0, cells / _TICK_CELLS)
    step = next((tick for tick in _TICKS if tick >= wanted), _TICKS[-1])
    first = -(-stretch.start_us // step) * step
    return range(first, stretch.stop_us + 1, step)


def tick_text(at_us: int) -> str:
    """A round time without what is zero: `0`, `250ms`, `1.5s`, `10s`, `5m`, `1h 30m`."""
    if at_us == 0:
        return "0"
    if at_us < _SECOND:
        return f"{at_us // _MS}ms"
    if at_us < _MINUTE:
        seconds, rest = divmod(at_us, _SECOND)
        return f"{seconds}.{rest // _MS:03d}".rstrip("0") + "s" if rest else f"{seconds}s"
    units = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m"), (_SECOND, "s"))
    parts: list[str] = []
    for unit, name in units:
        number, at_us = divmod(at_us, unit)
        if number:
            parts.append(f"{number}{name}")
    return " ".join(parts[:2]) or "0"

"""Rows as aligned columns, for a terminal of a width and for a pipe. Layout only: the cells come ready."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.commands.output import Output, Piece

_GAP = 2
_NARROWEST = 8


@dataclass(frozen=True, slots=True)
class Column:
    """A column. Where the terminal is narrow the highest `rank` goes first, 0 never; `flexible` ones are cut shorter."""

    title: str
    right: bool = False
    rank: int = 0
    flexible: bool = False


def print_table(out: Output, columns: Sequence[Column], rows: Sequence[Sequence[Piece]], *, indent: int = 0) -> None:
    """Write a head line and the rows. On a terminal no line is wider than it, elsewhere nothing is cut off."""
    texts = [[out.clean(_text(cell)) for cell in row] for row in rows]
    titles = [out.clean(column.title) for column in columns]
    widths = [max(cell_len(text) for text in column) for column in zip(titles, *texts, strict=True)]
    shown = list(range(len(columns)))
    if out.width is not None:
        shown, widths = _fit(columns, widths, out.width - indent)
    _print_row(out, columns, shown, widths, [Span(title, Role.DIM) for title in titles], titles, indent)
    for row, cleaned in zip(rows, texts, strict=True):
        _print_row(out, columns, shown, widths, row, cleaned, indent)


def _text(piece: Piece) -> str:
    return piece if isinstance(piece, str) else piece.text


def _fit(columns: Sequence[Column], widths: list[int], room: int) -> tuple[list[int], list[int]]:
    """Which columns stay and how wide they are: columns go by rank first, then the flexible ones give way."""
    widths = list(widths)
    shown = list(range(len(columns)))

    def least() -> int:
        minimum = (min(widths[i], _NARROWEST) if columns[i].flexible else widths[i] for i in shown)
        return sum(minimum) + _GAP * (len(shown) - 1)

    while least() > room and any(columns[i].rank for i in shown):
        shown.remove(max(shown, key=lambda i: columns[i].rank))
    excess = sum(widths[i] for i in shown) + _GAP * (len(shown) - 1) - room
    while excess > 0:
        flexible = [i for i in shown if columns[i].flexible and widths[i] > _NARROWEST]
        if not flexible:
            break
        widest = max(flexible, key=lambda i: widths[i])
        others = [widths[i] for i in flexible if i != widest]
        cut = min(excess, max(1, widths[widest] - max(max(others, default=0), _NARROWEST)))
        widths[widest] -= cut
        excess -= cut
    return shown, widths


def _print_row(
    out: Output,
    columns: Sequence[Column],
    shown: Sequence[int],
    widths: Sequence[int],
    cells: Sequence[Piece],
    cleaned: Sequence[str],
    indent: int,
) -> None:
    pieces: list[Piece] = [" " * indent]
    room = None if out.width is None else out.width - indent
    for position, index in enumerate(shown):
        width = widths[index]
        if position:
            pieces.append(" " * _GAP)
            room = None if room is None else room - _GAP
        if room is not None:
            width = max(0, min(width, room))
            room -= width
        filled = fit(cleaned[index], width, right=columns[index].right)
        cell = cells[index]
        pieces.append(cell._replace(text=filled) if isinstance(cell, Span) else filled)
    out.line(*pieces)

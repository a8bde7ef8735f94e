"""A line of several spans broken at blanks into lines of a width. What the line says is whoever made it's to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size

from tui.viewmodel.text import Span, plain, width

if TYPE_CHECKING:
    from tui.viewmodel.text import Line

_LEAST: Final = 20
"""Cells of text beside the indent: with fewer nothing is broken."""


def folded_line(line: Line, cells: int, indent: int) -> list[Line]:
    """The line as it is where it fits, else its parts, all but the first behind `indent` blanks."""
    if width(line) <= cells or cells - indent < _LEAST:
        return [line]
    found: list[Line] = []
    begin = indent  # never broken in the blanks and signs that it begins with
    while True:
        rest = plain(line)
        if cell_len(rest) <= cells:
            return [*found, line]
        fits = len(set_cell_size(rest, cells).rstrip())
        at = rest.rfind(" ", begin + 1, fits + 1)
        at = at if at > begin else max(fits, begin + 1)
        found.append(_cut(line, 0, at))
        after = len(rest) - len(rest[at:].lstrip(" "))
        line = (Span(" " * indent), *_cut(line, after, len(rest)))


def _cut(line: Line, start: int, stop: int) -> Line:
    """What stands from one character to another."""
    found: list[Span] = []
    at = 0
    for piece in line:
        text = piece.text[max(0, start - at) : max(0, stop - at)]
        if text:
            found.append(piece._replace(text=text))
        at += len(piece.text)
    return tuple(found)

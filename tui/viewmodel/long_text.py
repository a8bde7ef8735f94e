"""Texts that do not fit on one row: which those are, and how they are broken into lines. Where the lines stand is up to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from tui.terminal import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT_TEXT = 48
"""Cells of a string that are shown on its own row; a longer one can be unfolded."""


def is_long(text: str) -> bool:
    """True for a string that does not fit on its row: several lines, or more than `SHORT_TEXT` cells."""
    return len(text) > SHORT_TEXT or "\n" in text or (not text.isascii() and cell_len(visible(text)) > SHORT_TEXT)


def broken(text: str, cells: int) -> Iterator[str]:
    """A text as lines of at most `cells` cells, control characters visible, tabs as blanks."""
    cells = max(8, cells)
    for line in text.removesuffix("\n").split("\n"):
        shown = visible(line.expandtabs(8).removesuffix("\r"))
        if len(shown) <= cells and (shown.isascii() or cell_len(shown) <= cells):
            yield shown
        elif shown.isascii():
            yield from _break_plain(shown, cells)
        else:
            yield from _break_wide(shown, cells)


def _break_plain(line: str, cells: int) -> Iterator[str]:
    """Behind a blank where there is one in the second half of a row; nothing is left out."""
    at = 0
    while len(line) - at > cells:
        blank = line.rfind(" ", at + cells // 2, at + cells)
        end = blank + 1 if blank >= 0 else at + cells
        yield line[at:end]
        at = end
    yield line[at:]


def _break_wide(line: str, cells: int) -> Iterator[str]:
    start, taken = 0, 0
    for index, character in enumerate(line):
        wide = cell_len(character)
        if taken + wide > cells:
            yield line[start:index]
            start, taken = index, 0
        taken += wide
    yield line[start:]

"""Lines broken at blanks where they are too long, what follows set in. Typed text stays typed. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tui.viewmodel.text import plain, width

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tui.viewmodel.text import Line, Span

_WORDS: Final = re.compile(r"\s*\S+|\s+$")
_SET_IN: Final = 2
_MOST_SET_IN: Final = 12


def folded(lines: Iterable[Line], cells: int) -> list[Line]:
    """The lines, each on as many as it takes for `cells` cells. A word that is longer than a line is left for the screen to cut."""
    return [part for line in lines for part in _fold(line, cells)]


def _fold(line: Line, cells: int) -> list[Line]:
    if width(line) <= cells:
        return [line]
    text = plain(line)
    set_in = " " * min(_MOST_SET_IN, len(text) - len(text.lstrip()) + _SET_IN)
    found: list[list[Span]] = [[]]
    for piece in line:
        for word in _WORDS.findall(piece.text):
            part = piece._replace(text=word)
            if found[-1] and width((*found[-1], part)) > cells and word.strip():
                found.append([piece._replace(text=set_in + word.lstrip())])
            else:
                found[-1].append(part)
    return [tuple(part) for part in found]

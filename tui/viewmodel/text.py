"""Typed text: spans with a role, measured in cells and always safe to show. What is said is decided elsewhere; no styling here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from rich.cells import cell_len, chop_cells, set_cell_size

from tui.terminal import visible
from tui.viewmodel.palette import Role

if TYPE_CHECKING:
    from collections.abc import Iterable

ELLIPSIS = "…"


class Span(NamedTuple):
    """A piece of text with one meaning. Make it with `span`, which keeps control characters out."""

    text: str
    role: Role = Role.TEXT
    bold: bool = False
    underline: bool = False


Line: TypeAlias = "tuple[Span, ...]"


def span(text: str, role: Role = Role.TEXT, *, bold: bool = False) -> Span:
    """`text` as a span, with everything that a terminal could take as a command made visible."""
    return Span(visible(text), role, bold)


def plain(line: Line) -> str:
    """The text of a line without its roles."""
    return "".join(piece.text for piece in line)


def width(line: Line) -> int:
    """Cells a line takes: wide characters count two."""
    return sum(cell_len(piece.text) for piece in line)


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """`text` in exactly `cells` cells: cut with an ellipsis or padded, on the left if `right`."""
    text = visible(text)
    taken = cell_len(text)
    if taken > cells:
        return set_cell_size(text, cells - 1) + ELLIPSIS if cells > 0 else ""
    padding = " " * (cells - taken)
    return padding + text if right else text + padding


def crop(line: Line, cells: int) -> Line:
    """The line in at most `cells` cells, with an ellipsis where something was cut."""
    if width(line) <= cells:
        return line
    kept: list[Span] = []
    left = cells
    for piece in line:
        taken = cell_len(piece.text)
        if taken < left:
            kept.append(piece)
            left -= taken
            continue
        kept.append(piece._replace(text=fit(piece.text + " ", left) if taken == left else fit(piece.text, left)))
        break
    return tuple(kept)


def spread(left: Line, right: Line, cells: int) -> Line:
    """`left` and `right` at the two ends of `cells` cells. `right` is whole as long as it fits, `left` gives way."""
    if not right:
        return crop(left, cells)
    right = crop(right, cells)
    room = cells - width(right)
    left = crop(left, max(0, room - 1))
    return (*left, Span(" " * (room - width(left))), *right)


def joined(lines: Iterable[Line], between: str = "  ") -> Line:
    """Several pieces one after the other, empty ones left out."""
    out: list[Span] = []
    for line in lines:
        if line:
            if out:
                out.append(Span(between, Role.DIM))
            out.extend(line)
    return tuple(out)


def flowed(pieces: Iterable[Line], cells: int) -> list[Line]:
    """Pieces one after the other, on as many lines of at most `cells` cells as it takes; a piece is never broken."""
    lines: list[Line] = []
    for piece in pieces:
        longer = joined((lines[-1], piece)) if lines else piece
        if lines and width(longer) > cells:
            lines.append(piece)
        elif piece:
            lines[-1:] = [longer]
    return lines


def wrapped(text: str, cells: int) -> list[str]:
    """`text` broken at blanks into lines of at most `cells` cells; a longer word is broken where it must be."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in visible(paragraph).split(" "):
            candidate = f"{line} {word}" if line else word
            if cell_len(candidate) <= cells:
                line = candidate
                continue
            if line:
                lines.append(line)
            *full, line = chop_cells(word, cells) or [""]
            lines += full
        lines.append(line)
    return lines


def marked(line: Line, needle: str) -> Line:
    """The line with every place that holds `needle`, any case, in the role of a match."""
    wanted = needle.casefold()
    out: list[Span] = []
    for piece in line:
        folded = piece.text.casefold()
        # A few letters grow when their case is folded; the places would be off, so such a piece is left as it is.
        if wanted not in folded or len(folded) != len(piece.text):
            out.append(piece)
            continue
        at = 0
        while (found := folded.find(wanted, at)) >= 0:
            out.append(piece._replace(text=piece.text[at:found]))
            stop = found + len(wanted)
            out.append(Span(piece.text[found:stop], Role.MATCH, bold=True, underline=True))
            at = stop
        out.append(piece._replace(text=piece.text[at:]))
    return tuple(piece for piece in out if piece.text)

"""A line of a program's output as it can be shown: colours left out, what a terminal could take as a command made visible. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.cells import cell_len, set_cell_size

from tui.terminal import is_clean, visible
from tui.viewmodel.text import ELLIPSIS

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOWN_BYTES: Final = 16_384
"""Bytes of a line that a list shows, wrapped or not; the rest is there when the line is opened."""
_TAB: Final = 8
_COLOUR: Final = re.compile(r"\x1b\[[0-9;:]*m")


class Shown(NamedTuple):
    """A line as a list shows it. `cut_before`: a terminal would have overwritten what stood before it."""

    text: str
    cut_before: bool
    cut_after: bool


def shown(line: bytes | bytearray) -> Shown:
    """A line as its terminal would show it in the end, without colours, its other control characters visible.

    Of what a progress bar wrote over and over only the last is kept.
    """
    raw = bytes(line).rstrip(b"\r")
    before, _, last = raw.rpartition(b"\r") if b"\r" in raw else (b"", b"", raw)
    cut = len(last) > SHOWN_BYTES
    text = _COLOUR.sub("", decoded(last[:SHOWN_BYTES]))
    return Shown(_clean(text), bool(before.strip()), cut)


def shown_cells(line: bytes | bytearray) -> int:
    """How many cells `shown` takes."""
    if line.isascii():
        text = line.decode("ascii")
        if text.isprintable() and len(text) <= SHOWN_BYTES:
            return len(text)
    text, cut_before, cut_after = shown(line)
    return cell_len(text) + cut_before + cut_after


def decoded(line: bytes) -> str:
    """Bytes as text; what is no UTF-8 stands there as an escape."""
    return line.decode("utf-8", "backslashreplace")


def copied(line: bytes) -> str:
    """A line for the clipboard: as it is shown, with its tabs, so that pasting it cannot run anything."""
    text = _COLOUR.sub("", decoded(line.rstrip(b"\r")))
    return "\t".join(map(visible, text.split("\t")))


def pieces(text: str, cells: int) -> Iterator[str]:
    """`text` in pieces of at most `cells` cells."""
    if text.isascii():
        yield from (text[at : at + cells] for at in range(0, len(text), cells))
        return
    while text:
        piece = set_cell_size(text, cells) if cell_len(text) > cells else text
        # A wide character that does not fit at the end is replaced by a blank: it begins the next piece.
        while piece and not text.startswith(piece):
            piece = piece[:-1]
        piece = piece or text[0]
        yield piece
        text = text[len(piece) :]


def row_of(text: str, row: int, cells: int, rows: int) -> str:
    """One of the `rows` rows into which a text is broken; the last says when something is left."""
    taken = 0
    for number, piece in enumerate(pieces(text, cells)):
        taken += len(piece)
        if number == row:
            left = row == rows - 1 and taken < len(text)
            return set_cell_size(piece, cells - 1) + ELLIPSIS if left else piece
    return ""


def _clean(text: str) -> str:
    if is_clean(text):
        return text
    return visible(text.expandtabs(_TAB)) if "\t" in text else visible(text)

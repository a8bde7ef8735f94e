"""What a terminal makes of the bytes a program writes: the screen as a person sees it. No process, no time."""

from __future__ import annotations

import re

import pyte

_OTHER_SCREEN = re.compile(rb"\x1b\[\?1049[hl]")
# pyte does not know these and would show them as text.
_PRIVATE = re.compile(rb"\x1b\[[<>=?][0-9;]*\$?[a-zA-Z]|\x1b\[[0-9 ;]*[u]")

ASKS_FOR_SYNCHRONISED = b"\x1b[?2026$p"
SYNCHRONISED = b"\x1b[?2026;2$y"
"""The answer of a terminal that can show a whole frame at once."""


class Emulator:
    """A screen of a size."""

    def __init__(self, columns: int, rows: int) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    def feed(self, data: bytes) -> None:
        """The program has written this."""
        for number, part in enumerate(_OTHER_SCREEN.split(data)):
            if number:
                self._screen.reset()
            self._stream.feed(_PRIVATE.sub(b"", part))

    def resize(self, columns: int, rows: int) -> None:
        """The window has another size."""
        self._screen.resize(rows, columns)

    def overwrite(self, row: int, text: str) -> None:
        """Something else writes into a row, counted from 1."""
        self._screen.cursor_position(row, 1)
        self._screen.draw(text)

    @property
    def text(self) -> str:
        """The screen, line by line."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def background(self, row: int, column: int) -> str:
        """The colour behind a cell, both counted from 0: six hexadecimal digits or a name."""
        return str(self._screen.buffer[row][column].bg)

"""Lines on stderr that say how far long work has come: only where a person looks, and not more often than they can read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span

if TYPE_CHECKING:
    from tui.commands.output import Output

_EVERY_SEC: Final = 2.0


class Ticker:
    """Call it with what is being done; it writes the line if the last one was written long enough ago."""

    def __init__(self, err: Output) -> None:
        self._err = err
        self._last = time.monotonic()

    def __call__(self, doing: str) -> None:
        """Say what is being done now."""
        if self._err.is_terminal and time.monotonic() - self._last >= _EVERY_SEC:
            self._last = time.monotonic()
            self._err.line(Span(f"{doing} …", Role.DIM))
            self._err.flush()

    def waiting(self, sentence: str) -> None:
        """Say at once that something is in the way."""
        self._err.line(Span(f"! {sentence}", Role.WARNING))
        self._err.flush()

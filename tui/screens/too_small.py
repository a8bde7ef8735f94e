"""What a terminal that is too small for anything shows, until it is larger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import ModalScreen

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from textual.app import ComposeResult

LEAST_COLUMNS, LEAST_ROWS = 40, 10


class TooSmallScreen(ModalScreen[None]):
    """Says how large it has to be and how large it is. The screen under it keeps its place."""

    DEFAULT_CSS = """
    TooSmallScreen { background: $background; }
    """

    def compose(self) -> ComposeResult:
        """Three short lines."""
        yield Lines()

    def on_mount(self) -> None:
        """Say it."""
        self.say()

    def on_resize(self) -> None:
        """Say the new size."""
        self.say()

    @property
    def _quits(self) -> str:
        from tui.app import Inspector

        assert isinstance(self.app, Inspector)
        return self.app.keymap.shown("quit")

    def say(self) -> None:
        """What is, what is needed, how to leave."""
        size = self.app.size
        self.query_one(Lines).show(
            [
                (Span(" Too small", Role.WARNING, bold=True),),
                (Span(f" {size.width}x{size.height}, needs {LEAST_COLUMNS}x{LEAST_ROWS}"),),
                (span(f" {self._quits} quits", Role.DIM),),
            ]
        )

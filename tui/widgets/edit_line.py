"""One line that is edited in a block above the keys, checked while it is typed. What it is for is up to the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import on
from textual.message import Message
from textual.widgets import Input

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span
from tui.widgets.typed_block import TypedBlock

if TYPE_CHECKING:
    from tui.viewmodel.text import Line

_MOST_SIGN_CELLS = 30


class EditLine(TypedBlock):
    """Name and value. Enter takes what is typed unless something is wrong with it, escape leaves everything as it is."""

    @dataclass
    class Typed(Message):
        """What stands there now."""

        about: str
        text: str

    @dataclass
    class Taken(Message):
        """Enter. What was typed last may not have been looked at yet, so whoever takes it looks once more, and closes this."""

        about: str
        text: str

    def __init__(self) -> None:
        super().__init__()
        self._fault = ""
        self._wanted = ""

    def open(self, about: str, name: str, text: str, wanted: str) -> None:
        """Edit `text`. `wanted` says what may be typed; `about` comes back with what was."""
        self._wanted, self._fault = wanted, ""
        sign = (Span(" ? ", Role.WARNING, bold=True), span(f"{name} ", bold=True))
        self.begin(about, (), sign, min(_MOST_SIGN_CELLS, cell_len(name) + 5), text)
        self._tell()

    def fault(self, sentence: str) -> None:
        """Say what is wrong with what stands there; nothing is, if it is empty."""
        self._fault = sentence
        self._tell()

    def _tell(self) -> None:
        if self._fault:
            said: Line = (Span(" ✗ ", Role.FAILED, bold=True), span(self._fault, Role.FAILED))
        else:
            said = (Span("   "), span(self._wanted, Role.DIM))
        keys: Line = (
            Span("   "), Span("enter", bold=not self._fault), Span(" take it", Role.DIM),
            Span("   "), Span("esc", bold=True), Span(" leave it as it was", Role.DIM),
        )  # fmt: skip
        self.say([said, keys])

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.is_open:
            self.post_message(self.Typed(self._about, event.value))

    def taken(self) -> None:
        """Whether it can be taken, the screen knows."""
        self.post_message(self.Taken(self._about, self.text))

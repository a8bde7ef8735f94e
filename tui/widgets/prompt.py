"""The line in which a filter or a search is typed. What is done with it is up to the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span, spread
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

DEBOUNCE_SECONDS = 0.15
"""How long typing must rest before it has an effect."""


class Prompt(Horizontal):
    """`/` and what was typed. Enter keeps it, escape clears it."""

    DEFAULT_CSS = """
    Prompt { height: 1; display: none; }
    Prompt.-open { display: block; }
    Prompt > #prompt-sign { width: 8; }
    Prompt > #prompt-note { width: 34; }
    Prompt > Input, Prompt > Input:focus {
        height: 1;
        border: none;
        padding: 0;
        background: $background;
        background-tint: transparent;
        width: 1fr;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "clear", "Clear", show=False)]

    @dataclass
    class Changed(Message):
        """Typing rests: this is what it says."""

        text: str

    @dataclass
    class Kept(Message):
        """Enter: what was typed stays."""

        text: str

    @dataclass
    class Cleared(Message):
        """Escape: what was typed is gone."""

    def __init__(self, sign: str, placeholder: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._sign = sign
        self._placeholder = placeholder
        self._said = ""

    def compose(self) -> ComposeResult:
        """Sign, input, note."""
        yield Lines(id="prompt-sign")
        typed = Input(placeholder=self._placeholder, compact=True, select_on_focus=False)
        typed.cursor_blink = False
        yield typed
        yield Lines(id="prompt-note")

    def on_mount(self) -> None:
        """Say what is typed here."""
        self.query_one("#prompt-sign", Lines).show([(Span(f" {self._sign} ", Role.DIM),)])

    @property
    def typed(self) -> Input:
        """Where it is typed."""
        return self.query_one(Input)

    @property
    def text(self) -> str:
        """What is typed."""
        return self.typed.value

    def open(self) -> None:
        """Show the line and type into it."""
        self.add_class("-open")
        self.typed.focus()

    def close(self) -> None:
        """Empty the line and hide it."""
        self.typed.value = ""
        self._said = ""
        self.remove_class("-open")

    def note(self, text: str, role: Role = Role.DIM) -> None:
        """Say something at the right of it."""
        lines = self.query_one("#prompt-note", Lines)
        lines.show([spread((), (span(text, role), Span(" ")), lines.size.width or 34)])

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        event.stop()
        self.set_timer(DEBOUNCE_SECONDS, lambda value=event.value: self._rested(value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._say(event.value)
        self.post_message(self.Kept(event.value))

    def action_clear(self) -> None:
        """Escape while typing."""
        self.close()
        self.post_message(self.Cleared())

    def _rested(self, value: str) -> None:
        if self.is_attached and self.text == value and self.has_class("-open"):
            self._say(value)

    def _say(self, value: str) -> None:
        if value != self._said:
            self._said = value
            self.post_message(self.Changed(value))

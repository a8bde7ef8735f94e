"""One line that is edited in a block above the keys, checked while it is typed. What it is for is up to the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span
from tui.widgets.lines import Lines
from tui.widgets.typed_line import TypedLine

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

_MOST = 1000
"""Characters of a line."""


class EditLine(Vertical):
    """Name and value. Enter takes what is typed unless something is wrong with it, escape leaves everything as it is."""

    DEFAULT_CSS = """
    EditLine { dock: bottom; height: auto; margin-bottom: 1; display: none; }
    EditLine > Horizontal { height: 1; }
    EditLine #edit-sign { width: 12; }
    EditLine Input, EditLine Input:focus {
        height: 1; border: none; padding: 0; background: $background; background-tint: transparent; width: 1fr;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take", show=False, priority=True),
        Binding("escape", "leave", "Leave", show=False, priority=True),
    ]

    @dataclass
    class Typed(Message):
        """What stands there now."""

        about: str
        text: str

    @dataclass
    class Taken(Message):
        """Enter."""

        about: str
        text: str

    def __init__(self) -> None:
        super().__init__()
        self._about = ""
        self._fault = ""
        self._wanted = ""
        self._return_to: Widget | None = None

    def compose(self) -> ComposeResult:
        """A rule, what is edited, what may be typed or what is wrong, the two keys."""
        yield Lines(id="edit-rule")
        with Horizontal():
            yield Lines(id="edit-sign")
            typed = TypedLine(compact=True, max_length=_MOST, select_on_focus=False)
            typed.cursor_blink = False
            yield typed
        yield Lines(id="edit-note")

    @property
    def is_open(self) -> bool:
        """True while something is edited."""
        return bool(self.display)

    @property
    def text(self) -> str:
        """What stands there."""
        return self.query_one(Input).value

    def open(self, about: str, name: str, text: str, wanted: str) -> None:
        """Edit `text`. `wanted` says what may be typed; `about` comes back with what was."""
        self._about, self._wanted, self._fault = about, wanted, ""
        if not self.is_open:
            self._return_to = self.screen.focused
        sign = self.query_one("#edit-sign", Lines)
        sign.styles.width = min(30, cell_len(name) + 5)
        sign.show([(Span(" ? ", Role.WARNING, bold=True), span(f"{name} ", bold=True))])
        typed = self.query_one(Input)
        typed.value = text
        typed.cursor_position = len(text)
        self.display = True
        self._draw()
        self.screen.set_focus(typed)

    def fault(self, sentence: str) -> None:
        """Say what is wrong with what stands there; nothing is, if it is empty."""
        self._fault = sentence
        self._draw()

    def _draw(self) -> None:
        self.query_one("#edit-rule", Lines).show([(Span("─" * self.screen.size.width, Role.BORDER),)])
        if self._fault:
            said: Line = (Span(" ✗ ", Role.FAILED, bold=True), span(self._fault, Role.FAILED))
        else:
            said = (Span("   "), span(self._wanted, Role.DIM))
        keys: Line = (
            Span("   "), Span("enter", bold=not self._fault), Span(" take it", Role.DIM),
            Span("   "), Span("esc", bold=True), Span(" leave it as it was", Role.DIM),
        )  # fmt: skip
        self.query_one("#edit-note", Lines).show([said, keys])

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.is_open:
            self.post_message(self.Typed(self._about, event.value))

    def action_take(self) -> None:
        """Enter. What was typed before it is still on its way to the input, which says when it has it."""
        self.query_one(Input).call_later(self._take)

    def action_leave(self) -> None:
        """Escape."""
        self._close()

    def _take(self) -> None:
        # What was typed last may not have been looked at yet, so whoever takes it looks once more.
        if self.is_open:
            self.post_message(self.Taken(self._about, self.text))

    def close(self) -> None:
        """It has been taken."""
        self._close()

    def _close(self) -> None:
        self.display = False
        if self._return_to is not None and self._return_to.is_attached:
            self.screen.set_focus(self._return_to)

"""A question that takes a sentence with it: what is decided, and why, in a block above the keys. What becomes of it is up to others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span, wrapped
from tui.widgets.lines import Lines
from tui.widgets.typed_line import TypedLine

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

_MOST: int = 1000
"""Characters of a reason."""


class ReasonQuestion(Vertical):
    """Asks for a reason, which may be empty. Enter decides, escape leaves everything as it is."""

    DEFAULT_CSS = """
    ReasonQuestion { dock: bottom; height: auto; margin-bottom: 1; display: none; }
    ReasonQuestion > Horizontal { height: 1; }
    ReasonQuestion #reason-sign { width: 13; }
    ReasonQuestion Input, ReasonQuestion Input:focus {
        height: 1; border: none; padding: 0; background: $background; background-tint: transparent; width: 1fr;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "decide", "Decide", show=False, priority=True),
        Binding("escape", "leave", "Leave", show=False, priority=True),
    ]

    @dataclass
    class Given(Message):
        """It is decided. `about` is what came with the question."""

        about: str
        reason: str

    def __init__(self) -> None:
        super().__init__()
        self._about = ""
        self._return_to: Widget | None = None

    def compose(self) -> ComposeResult:
        """The question, where the reason is typed, the two keys."""
        yield Lines(id="reason-question")
        with Horizontal():
            yield Lines(id="reason-sign")
            typed = TypedLine(placeholder="why, for the record; may be empty", compact=True, max_length=_MOST)
            typed.cursor_blink = False
            yield typed
        yield Lines(id="reason-keys")

    @property
    def is_open(self) -> bool:
        """True while it waits."""
        return bool(self.display)

    def ask(self, about: str, question: str, yes: str) -> None:
        """Ask. `yes` says what enter does; `about` comes back with the reason."""
        self._about = about
        if not self.is_open:
            self._return_to = self.screen.focused
        cells = self.screen.size.width
        lines: list[Line] = [(Span("─" * cells, Role.BORDER),)]
        lines += [
            (Span(" ? " if number == 0 else "   ", Role.WARNING, bold=True), Span(part, bold=True))
            for number, part in enumerate(wrapped(question, max(20, cells - 4)))
        ]
        self.query_one("#reason-question", Lines).show(lines)
        self.query_one("#reason-sign", Lines).show([(Span("   reason    ", Role.DIM),)])
        keys: Line = (
            Span("   "), Span("enter", bold=True), span(f" {yes}", Role.DIM),
            Span("   "), Span("esc", bold=True), Span(" leave it", Role.DIM),
        )  # fmt: skip
        self.query_one("#reason-keys", Lines).show([keys])
        typed = self.query_one(Input)
        typed.value = ""
        self.display = True
        self.screen.set_focus(typed)

    def action_decide(self) -> None:
        """Enter. What was typed before it is still on its way to the input, which says when it has it."""
        self.query_one(Input).call_later(self._decide)

    def action_leave(self) -> None:
        """Escape."""
        self._close()

    def _decide(self) -> None:
        if self.is_open:
            reason = self.query_one(Input).value.strip()
            self._close()
            self.post_message(self.Given(self._about, reason))

    def _close(self) -> None:
        self.display = False
        if self._return_to is not None and self._return_to.is_attached:
            self.screen.set_focus(self._return_to)

"""A question that is answered in place, and a sentence that says what came of something: both one block above the keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span, wrapped
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from textual import events
    from textual.timer import Timer
    from textual.widget import Widget

_INDENT = "   "


class Question(Lines, can_focus=True):
    """Asks for yes or no and lets no other key through until it is answered."""

    DEFAULT_CSS = """
    Question { dock: bottom; height: auto; margin-bottom: 1; display: none; }
    """

    @dataclass
    class Answered(Message):
        """What was answered to what."""

        about: str
        yes: bool

    def __init__(self) -> None:
        super().__init__()
        self._about = ""
        self._return_to: Widget | None = None
        self._yes_at: range = range(0)

    @property
    def is_open(self) -> bool:
        """True while it waits for an answer."""
        return bool(self.display)

    def ask(self, about: str, question: str, yes: str, no: str) -> None:
        """Ask. `yes` and `no` say what either answer does; `about` comes back with the answer."""
        self._about = about
        keys: Line = (
            Span(_INDENT),
            Span("y", bold=True),
            span(f" {yes}", Role.DIM),
            Span("   "),
            Span("esc", bold=True),
            span(f" {no}", Role.DIM),
        )
        self._yes_at = range(len(_INDENT), len(_INDENT) + 2 + len(yes))
        self.show([*self.heading(question), keys])
        self.take_keys()

    def heading(self, question: str) -> list[Line]:
        """A rule, and the question on as many lines as it takes."""
        parts = wrapped(question, max(20, self.screen.size.width - 4))
        return [
            (Span("─" * self.screen.size.width, Role.BORDER),),
            *(
                (Span(" ? " if number == 0 else _INDENT, Role.WARNING, bold=True), Span(part, bold=True))
                for number, part in enumerate(parts)
            ),
        ]

    def take_keys(self) -> None:
        """Show it; all keys are for it until it is closed."""
        if not self.is_open:
            self._return_to = self.screen.focused
        self.display = True
        self.screen.set_focus(self)

    def close(self) -> None:
        """Take the question back."""
        self.display = False
        if self._return_to is not None and self._return_to.is_attached:
            self.screen.set_focus(self._return_to)

    def on_key(self, event: events.Key) -> None:
        """Yes, no, or nothing at all."""
        if event.key in ("ctrl+c", "ctrl+z"):
            return
        event.stop()
        event.prevent_default()
        if event.key in ("y", "Y"):
            self._answer(True)
        elif event.key in ("n", "N", "escape"):
            self._answer(False)

    def on_click(self, event: events.Click) -> None:
        """A click on one of the answers gives it."""
        event.stop()
        event.prevent_default()
        if event.y == self.size.height - 1:
            self._answer(event.x in self._yes_at)

    def _answer(self, yes: bool) -> None:
        self.close()
        self.post_message(self.Answered(self._about, yes))


class Reply(Lines):
    """What came of it, until escape or the next thing that is said."""

    DEFAULT_CSS = """
    Reply { dock: bottom; height: auto; margin-bottom: 1; display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._until: Timer | None = None

    @property
    def is_open(self) -> bool:
        """True while it says something."""
        return bool(self.display)

    def say(
        self, sentence: str, hint: str = "", *, glyph: str = "", role: Role = Role.TEXT, seconds: float | None = None
    ) -> None:
        """Say it, on as many lines as it takes, for good or for some seconds."""
        if self._until is not None:
            self._until.stop()
        self._until = self.set_timer(seconds, self.close) if seconds is not None else None
        cells = max(20, self.screen.size.width - 4)
        lines: list[Line] = [(Span("─" * self.screen.size.width, Role.BORDER),)]
        for number, part in enumerate(wrapped(sentence, cells)):
            lines.append((Span(f" {glyph} " if number == 0 and glyph else _INDENT, role, bold=True), Span(part)))
        lines.extend((Span(_INDENT), Span(part, Role.DIM)) for part in (wrapped(hint, cells) if hint else ()))
        self.show(lines)
        self.display = True

    def close(self) -> None:
        """Make room."""
        self.display = False

    def on_click(self, event: events.Click) -> None:
        """A click sends it away."""
        event.stop()
        event.prevent_default()
        self.close()

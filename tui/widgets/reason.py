"""A question that takes a sentence with it: what is decided, and why, in a block above the keys. What becomes of it is up to others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span, wrapped
from tui.widgets.typed_block import TypedBlock

if TYPE_CHECKING:
    from tui.viewmodel.text import Line

_SIGN = "   reason    "


class ReasonQuestion(TypedBlock):
    """Asks for a reason, which may be empty. Enter decides, escape leaves everything as it is."""

    PLACEHOLDER = "why, for the record; may be empty"

    @dataclass
    class Given(Message):
        """It is decided. `about` is what came with the question."""

        about: str
        reason: str

    def ask(self, about: str, question: str, yes: str) -> None:
        """Ask. `yes` says what enter does; `about` comes back with the reason."""
        asked = [
            (Span(" ? " if number == 0 else "   ", Role.WARNING, bold=True), Span(part, bold=True))
            for number, part in enumerate(wrapped(question, max(20, self.screen.size.width - 4)))
        ]
        self.begin(about, asked, (Span(_SIGN, Role.DIM),), len(_SIGN))
        keys: Line = (
            Span("   "), Span("enter", bold=True), span(f" {yes}", Role.DIM),
            Span("   "), Span("esc", bold=True), Span(" leave it", Role.DIM),
        )  # fmt: skip
        self.say([keys])

    def taken(self) -> None:
        """It is decided."""
        reason = self.text.strip()
        self.close()
        self.post_message(self.Given(self._about, reason))

"""The filter line of the runs: says at every key what is being typed, and takes a completion with tab. What completes is the screen's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.message import Message
from textual.widgets import Input

from tui.actions import Action, Scope
from tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from textual.binding import BindingType


class FilterPrompt(Prompt):
    """A prompt whose words can be completed."""

    NOTE_CELLS = 26

    KEYS: ClassVar[tuple[Action, ...]] = (
        Prompt.KEYS[0],
        Action("complete", Scope.EVERYWHERE, ("tab",), "tab", "complete", "Complete the word"),
        *Prompt.KEYS[1:],
    )

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "complete", "Complete", show=False, priority=True)]

    @dataclass
    class Typing(Message):
        """A key was typed, or the line was opened; it has had no effect yet."""

        text: str
        cursor: int

    @dataclass
    class CompletionWanted(Message):
        """Tab: the word at the cursor is to be completed."""

        text: str
        cursor: int

    @property
    def cursor(self) -> int:
        """Where the next letter comes."""
        return self.typed.cursor_position

    def open(self) -> None:
        """Show what can be typed at once."""
        super().open()
        self.post_message(self.Typing(self.text, self.cursor))

    def put(self, text: str, cursor: int) -> None:
        """Let this stand there."""
        self.typed.value = text
        self.typed.cursor_position = cursor

    @on(Input.Changed)
    def _each_key(self) -> None:
        self.post_message(self.Typing(self.text, self.cursor))

    def do(self, action_id: str) -> None:
        """The word can be completed, too."""
        if action_id == "complete":
            self.action_complete()
        else:
            super().do(action_id)

    def action_complete(self) -> None:
        """Tab while typing."""
        # Keys that were typed before it may still be on their way to the input.
        self.typed.call_later(lambda: self.post_message(self.CompletionWanted(self.text, self.cursor)))

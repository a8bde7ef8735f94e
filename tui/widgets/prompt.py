"""The line in which a filter or a search is typed. What is done with it is up to the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from tui.actions import Action, Scope
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, span, spread, width
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.widget import Widget

DEBOUNCE_SECONDS = 0.15
"""How long typing must rest before it has an effect."""


class Prompt(Horizontal):
    """`/` and what was typed. Enter keeps it, escape clears it."""

    DEFAULT_CSS = """
    Prompt { height: 1; display: none; }
    Prompt > #prompt-sign { width: 8; }
    Prompt > Input, Prompt > Input:focus {
        height: 1;
        border: none;
        padding: 0;
        background: $background;
        background-tint: transparent;
        width: 1fr;
    }
    """

    NOTE_CELLS: ClassVar[int] = 34
    """The room that is kept at the right of it, so that nothing moves while numbers change."""

    KEYS: ClassVar[tuple[Action, ...]] = (
        Action("keep", Scope.EVERYWHERE, ("enter",), "enter", "keep", "Keep what was typed"),
        Action("clear", Scope.EVERYWHERE, ("escape",), "esc", "clear", "Clear what was typed"),
    )
    """What the last line of the screen names while one types. They are the line's own and cannot be given other keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Before the next key is looked at: what is typed fast behind them belongs to the screen again.
        Binding("enter", "keep", "Keep", show=False, priority=True),
        Binding("escape", "clear", "Clear", show=False, priority=True),
    ]

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
        self._typed: Input | None = None
        self._note = Lines(id="prompt-note")
        self._note.styles.width = self.NOTE_CELLS
        self._return_to: Widget | None = None

    @property
    def typed(self) -> Input:
        """Where it is typed. Not there before it is used: a screen has many a line that nobody types into."""
        if self._typed is None:
            from tui.widgets.typed_line import TypedLine

            self._typed = TypedLine(placeholder=self._placeholder, compact=True, select_on_focus=False)
            self._typed.cursor_blink = False
            sign = Lines(id="prompt-sign")
            self.mount(sign, self._typed, self._note)
            sign.show([(Span(f" {self._sign} ", Role.DIM),)])
        return self._typed

    @property
    def text(self) -> str:
        """What is typed."""
        return self._typed.value if self._typed is not None else ""

    @property
    def is_open(self) -> bool:
        """True while the line is shown."""
        return bool(self.display)

    def open(self) -> None:
        """Show the line and type into it, from the very next key on."""
        self.display = True
        self._return_to = self.screen.focused or self._return_to
        self.screen.set_focus(self.typed)

    def close(self) -> None:
        """Empty the line and hide it."""
        if self._typed is not None:
            self._typed.value = ""
        self._said = ""
        self.display = False

    def note(self, text: str, role: Role = Role.DIM) -> None:
        """Say something at the right of it."""
        line = (span(text, role), Span(" "))
        cells = max(self.NOTE_CELLS, width(line))
        self._note.styles.width = cells
        self._note.show([spread((), line, cells)])

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        event.stop()
        self.set_timer(DEBOUNCE_SECONDS, lambda value=event.value: self._rested(value))

    def do(self, action_id: str) -> None:
        """One of `KEYS`, pressed with the mouse."""
        match action_id:
            case "keep":
                self.action_keep()
            case "clear":
                self.action_clear()
            case _:
                raise KeyError(action_id)

    def action_keep(self) -> None:
        """Enter while typing."""
        self._give_back()
        # Keys that were typed before are still on their way to the input; it says when it has them.
        self.typed.call_later(self._keep)

    def action_clear(self) -> None:
        """Escape while typing."""
        self._give_back()
        self.typed.call_later(self._clear)

    def _keep(self) -> None:
        self._say(self.text)
        self.post_message(self.Kept(self.text))

    def _clear(self) -> None:
        self.close()
        self.post_message(self.Cleared())

    def _give_back(self) -> None:
        if self._return_to is not None and self._return_to.is_attached:
            self.screen.set_focus(self._return_to)

    def _rested(self, value: str) -> None:
        if self.is_attached and self.text == value and self.is_open:
            self._say(value)

    def _say(self, value: str) -> None:
        if value != self._said:
            self._said = value
            self.post_message(self.Changed(value))

"""A block above the keys in which one line is typed: what is asked over it, what may be done under it. What for is a subclass's."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Horizontal, Vertical

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import BindingType
    from textual.widget import Widget
    from textual.widgets import Input

_MOST = 1000
"""Characters of a line."""


class TypedBlock(Vertical):
    """Enter takes what is typed, escape leaves everything as it is; then the keys are back where they were before."""

    DEFAULT_CSS = """
    TypedBlock { dock: bottom; height: auto; margin-bottom: 1; display: none; }
    TypedBlock > Horizontal { height: 1; }
    TypedBlock Input, TypedBlock Input:focus {
        height: 1; border: none; padding: 0; background: $background; background-tint: transparent; width: 1fr;
    }
    """

    PLACEHOLDER: ClassVar[str] = ""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take", show=False, priority=True),
        Binding("escape", "leave", "Leave", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._about = ""
        self._asked, self._sign, self._said = Lines(), Lines(), Lines()
        self._typed: Input | None = None
        self._return_to: Widget | None = None

    @property
    def is_open(self) -> bool:
        """True while something can be typed."""
        return bool(self.display)

    @property
    def text(self) -> str:
        """What stands there."""
        return self._typed.value if self._typed is not None else ""

    def begin(self, about: str, asked: Sequence[Line], sign: Line, cells: int, text: str = "") -> None:
        """Show the lines `asked` under a rule, then the sign of so many cells and the text after it, which has the keys now."""
        self._about = about
        if not self.is_open:
            self._return_to = self.screen.focused
        typed = self._furnished()
        self._asked.show([(Span("─" * self.screen.size.width, Role.BORDER),), *asked])
        self._sign.styles.width = cells
        self._sign.show([sign])
        typed.value = text
        typed.cursor_position = len(text)
        self.display = True
        self.screen.set_focus(typed)

    def say(self, lines: Sequence[Line]) -> None:
        """What stands under the line."""
        self._said.show(lines)

    def close(self) -> None:
        """Hide it; whoever had the keys has them again."""
        self.display = False
        if self._return_to is not None and self._return_to.is_attached:
            self.screen.set_focus(self._return_to)

    def taken(self) -> None:
        """Enter was pressed, and all that was typed before it is there."""
        raise NotImplementedError

    def _furnished(self) -> Input:
        """Where it is typed. Its parts are not there before they are used: most screens never ask."""
        if self._typed is None:
            from tui.widgets.typed_line import TypedLine

            self._typed = TypedLine(placeholder=self.PLACEHOLDER, compact=True, max_length=_MOST, select_on_focus=False)
            self._typed.cursor_blink = False
            line = Horizontal()
            self.mount(self._asked, line, self._said)
            # At once, not when the line is composed: what is typed fast behind the key that asks is meant for it.
            line.mount(self._sign, self._typed)
        return self._typed

    def action_take(self) -> None:
        """Enter. What was typed before it is still on its way to the input, which says when it has it."""
        if self._typed is not None:
            self._typed.call_later(self._take)

    def action_leave(self) -> None:
        """Escape."""
        self.close()

    def _take(self) -> None:
        if self.is_open:
            self.taken()

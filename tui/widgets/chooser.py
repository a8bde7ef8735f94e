"""A short list out of which one thing is chosen, above the panel that asked. What the things are is up to who asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, spread, width
from tui.widgets.line_list import LineList
from tui.widgets.lines import Lines
from tui.widgets.text_list import TextList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.binding import BindingType
    from textual.widget import Widget

_FRAME = 4
_MOST_ROWS = 16


class Chooser(Vertical):
    """Says the place of what was chosen, and goes away; escape chooses nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,l,right,space", "choose", "Choose", show=False),
        Binding("escape,h,left,s", "close", "Close", show=False),
    ]

    DEFAULT_CSS = """
    Chooser { layer: above; dock: right; display: none; height: auto; width: auto; }
    Chooser { border: round $border; background: $background; padding: 0 1; }
    """

    @dataclass
    class Chosen(Message):
        """This one."""

        index: int

    def __init__(self, left: str, right: str) -> None:
        super().__init__()
        self._title = (left, right)
        self._heading, self._choices, self._keys = Lines(), TextList(id="choices"), Lines()
        self._return_to: Widget | None = None

    @property
    def is_open(self) -> bool:
        """True while something can be chosen."""
        return bool(self.display)

    def open(self, choices: Sequence[tuple[Line, Line]], chosen: int, *, title: tuple[str, str] | None = None) -> None:
        """Offer these, each with what stands at its left and at its right; the cursor is on what is chosen now.

        `title` is another one for this time and from then on.
        """
        self._title = title or self._title
        keys: Line = (
            Span("enter", bold=True), Span(" choose  ", Role.DIM), Span("esc", bold=True), Span(" leave it", Role.DIM),
        )  # fmt: skip
        cells = max(width(keys), *(width(left) + width(right) + 2 for left, right in choices)) + 1
        self.styles.width = min(cells + _FRAME, self.app.size.width)
        left, right = self._title
        heading = spread((Span(left, Role.TEXT, bold=True),), (Span(right, Role.DIM),), cells - 1)
        rows = self._choices
        if not rows.is_attached:  # not before it is used: hardly anybody opens it
            self.mount(self._heading, rows, self._keys)
        self._heading.show([heading])
        self._keys.show([(), keys])
        rows.styles.height = min(len(choices), _MOST_ROWS, max(3, self.app.size.height - 14))
        rows.show([spread(left, right, cells - 1) for left, right in choices])
        rows.cursor = chosen
        self._return_to = self.screen.focused
        self.display = True
        self.screen.set_focus(rows)
        rows.show_cursor()

    def action_choose(self) -> None:
        """This one."""
        self.action_close()
        self.post_message(self.Chosen(self._choices.cursor))

    def action_close(self) -> None:
        """None of them."""
        self.display = False
        if self._return_to is not None and self._return_to.is_attached:
            self.screen.set_focus(self._return_to)

    @on(LineList.Opened)
    def _clicked(self, event: LineList.Opened) -> None:
        event.stop()
        self.action_choose()

"""What the changes come to, under a heading that says how much of it is below the edge. What it says is up to the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.message import Message

from tui.viewmodel.override.expected import more_below
from tui.widgets.text_list import Reading
from tui.widgets.text_panel import TextPanel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tui.viewmodel.text import Line


class _Text(Reading):
    """Says when another part of it is seen."""

    class Moved(Message):
        """It was scrolled, or has another height."""

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolled."""
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Moved())

    def on_resize(self) -> None:
        """It has room for more, or for less."""
        self.post_message(self.Moved())


class ExpectedPanel(TextPanel):
    """The text, and in the heading what else there is."""

    def __init__(self) -> None:
        super().__init__("WHAT HAPPENS", id="expected")
        self._said: Line = ()
        self._ways = ("", "")

    def made(self) -> Reading:
        """The text, new."""
        return _Text()

    def tell(self, facts: Line, text: Callable[[int], Sequence[Line]], *, there: str, down: str) -> None:
        """Show a text. `there` is the key that goes into it, `down` the one that scrolls it then."""
        self._said, self._ways = facts, (there, down)
        self.show((), facts, text, fresh=False)
        self._say_more()

    @on(_Text.Moved)
    def _seen(self, event: _Text.Moved) -> None:
        event.stop()
        self._say_more()

    def on_descendant_focus(self) -> None:
        """The way down is another one."""
        self._say_more()

    def on_descendant_blur(self) -> None:
        """The way down is another one."""
        self._say_more()

    def _say_more(self) -> None:
        reading = self.reading
        seen = round(reading.scroll_y) + reading.scrollable_content_region.height
        there, down = self._ways
        keys = (down,) if reading.has_focus else (there, down)
        self.head((), self._said or more_below(reading.line_count - seen, keys))

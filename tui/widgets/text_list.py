"""Lines of typed text that scroll and can have the focus. Which lines is up to the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.widgets.line_list import LineList
from tui.widgets.painter import painter_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.strip import Strip

    from tui.viewmodel.text import Line


class TextList(LineList):
    """As many lines as there are; its height is up to the styles."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._texts: list[Line] = []

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines."""
        self._texts = list(lines)
        self.lines_changed()

    @property
    def line_count(self) -> int:
        """The lines there are."""
        return len(self._texts)

    def line_at(self, index: int, cells: int) -> Line:  # noqa: ARG002
        """A line."""
        return self._texts[index]


class Reading(TextList):
    """Text to be read: keys move the text itself, and no line of it is chosen."""

    def watch_cursor(self, before: int, now: int) -> None:
        """There is no cursor to be seen."""

    def render_line(self, y: int) -> Strip:
        """A visible line."""
        line = self._drawn[y] = self._line_for(y + round(self.scroll_y))
        return painter_of(self).strip(line, self.scrollable_content_region.width)

    def keep_in_view(self) -> None:
        """The text stays where it is."""

    def on_click(self, event: events.Click) -> None:
        """Nothing can be chosen."""
        event.stop()

    def action_do(self, action_id: str) -> None:
        """Move the text."""
        half = max(1, self.scrollable_content_region.height // 2)
        ways = {
            "cursor_down": self.scroll_y + 1,
            "cursor_up": self.scroll_y - 1,
            "first": 0,
            "last": self.line_count,
            "half_down": self.scroll_y + half,
            "half_up": self.scroll_y - half,
        }
        self.scroll_to(y=ways[action_id], animate=False)

"""A list of lines with a cursor, drawn line by line: only what is visible is ever built. What the lines say is up to subclasses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView

from tui.actions import Scope
from tui.viewmodel.text import Line, crop
from tui.widgets.bindings import bindings_of
from tui.widgets.painter import painter_of

if TYPE_CHECKING:
    from textual import events
    from textual.binding import BindingType
    from textual.strip import Strip


class LineList(ScrollView, can_focus=True, inherit_bindings=False):
    """Subclasses give `line_count` and `line_at`; moving the cursor repaints two lines."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of(Scope.LIST)

    DEFAULT_CSS = """
    LineList {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size: 0 1;
        height: 1fr;
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False)

    @dataclass
    class Moved(Message):
        """The cursor is on another line."""

        line_list: LineList
        index: int

    @dataclass
    class Opened(Message):
        """The line under the cursor was clicked while the cursor was on it."""

        line_list: LineList
        index: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        # What was painted last at each visible line, so that an update paints what changed and nothing else.
        self._drawn: dict[int, Line] = {}
        self._has_opened = False

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        return 0

    def line_at(self, index: int, cells: int) -> Line:
        """The text of a line for a width."""
        raise NotImplementedError

    def behind_blurred(self) -> str | None:
        """The colour behind the chosen line while keys go elsewhere; None for none."""
        return None

    def empty_line(self, cells: int) -> Line:  # noqa: ARG002
        """What stands on the first line while there are none."""
        return ()

    def lines_changed(self) -> None:
        """Call when the lines are others, or say something else: sets the size, repaints the visible lines that differ."""
        size = Size(self.scrollable_content_region.width, self.line_count)
        if size != self.virtual_size:
            self.virtual_size = size
        self.cursor = self.validate_cursor(self.cursor)
        if not self._drawn:
            self.refresh()
            return
        top = round(self.scroll_y)
        for y in range(self.size.height):
            if y not in self._drawn or self._line_for(top + y) != self._drawn[y]:
                self.refresh_line(top + y)

    def _line_for(self, index: int) -> Line:
        cells = self.scrollable_content_region.width
        if index < self.line_count:
            return crop(self.line_at(index, cells), cells)
        return crop(self.empty_line(cells), cells) if not self.line_count and index == 0 else ()

    def on_resize(self) -> None:
        """The width follows the terminal; the cursor stays in view."""
        self.virtual_size = Size(self.scrollable_content_region.width, self.line_count)
        self.keep_in_view()

    def watch_show_vertical_scrollbar(self, shows: bool) -> None:
        """A bar that appears after the list was scrolled has to be told where the list stands."""
        if shows:
            self.vertical_scrollbar.position = self.scroll_y

    def validate_cursor(self, cursor: int) -> int:
        """Never outside of the lines."""
        return max(0, min(cursor, self.line_count - 1))

    def watch_cursor(self, before: int, now: int) -> None:
        """Repaint the two lines and follow."""
        for index in (before, now):
            self.refresh_line(index)
        self.keep_in_view()
        self.post_message(self.Moved(self, now))

    def keep_in_view(self) -> None:
        """Scroll as little as needed so that the cursor is visible."""
        height = self.scrollable_content_region.height
        if height <= 0:
            return
        top = round(self.scroll_y)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, force=True)

    def show_cursor(self) -> None:
        """The same once the lines have their places: a list cannot be scrolled to lines it has only just got."""
        self.keep_in_view()
        self.call_after_refresh(self.keep_in_view)

    def render_line(self, y: int) -> Strip:
        """A visible line, with the cursor's background where it stands."""
        index = y + round(self.scroll_y)
        cells = self.scrollable_content_region.width
        painter = painter_of(self)
        line = self._drawn[y] = self._line_for(index)
        if index != self.cursor or index >= self.line_count:
            return painter.strip(line, cells)
        return painter.strip(line, cells, behind=painter.palette.cursor if self.has_focus else self.behind_blurred())

    def on_focus(self) -> None:
        """The cursor's line shows that keys come here."""
        self.refresh_line(self.cursor)

    def on_blur(self) -> None:
        """And that they do not."""
        self.refresh_line(self.cursor)

    def on_click(self, event: events.Click) -> None:
        """A click chooses a line; on the chosen line, and on a double click, it opens it: once, however often is clicked."""
        event.stop()
        index = event.y + round(self.scroll_y)
        if index >= self.line_count:
            return
        if event.chain == 1:
            self._has_opened = False
        if index == self.cursor:
            if not self._has_opened:
                self._has_opened = True
                self.post_message(self.Opened(self, index))
        else:
            self.cursor = index

    def action_do(self, action_id: str) -> None:
        """Move the cursor."""
        half = max(1, self.scrollable_content_region.height // 2)
        match action_id:
            case "cursor_down":
                self.cursor += 1
            case "cursor_up":
                self.cursor -= 1
            case "first":
                self.cursor = 0
            case "last":
                self.cursor = self.line_count - 1
            case "half_down":
                self.cursor += half
            case "half_up":
                self.cursor -= half
            case _:
                raise KeyError(action_id)

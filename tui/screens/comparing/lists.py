"""The list of a section's rows. What they say, and what is behind one, is the view model's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span
from tui.widgets.line_list import LineList
from tui.widgets.painter import painter_of

if TYPE_CHECKING:
    from tui.viewmodel.comparing.rows import Rows


class RowsList(LineList):
    """The rows of whichever section is shown."""

    class Resized(Message):
        """There is more room, or less; or the first."""

    def __init__(self) -> None:
        super().__init__(id="compared-rows")
        self._given: Rows | None = None
        self._rows: Rows | None = None

    @property
    def rows(self) -> Rows | None:
        """What is shown."""
        return self._rows

    def show(self, rows: Rows | None, cursor: int = 0) -> None:
        """Show these, with the cursor there."""
        self._given = rows
        self._fold(rows.key(cursor) if rows is not None and len(rows) else "")
        self.show_cursor()

    def _fold(self, key: str) -> None:
        """Rows that are too wide are broken where there is room for that; the cursor stays on its row."""
        room = self.scrollable_content_region
        given = self._given
        self._rows = given.folded(room.width, room.height) if given is not None and room.width else given
        self.lines_changed()
        self.cursor = self._rows.place_of(key) if self._rows is not None else 0

    def validate_cursor(self, cursor: int) -> int:
        """Never on a title: the way it came from goes on."""
        cursor = super().validate_cursor(cursor)
        rows = self._rows
        if rows is None or not len(rows):
            return cursor
        step = 1 if cursor >= self.cursor else -1
        for way in (step, -step):
            at = cursor
            while 0 <= at < len(rows) and rows.is_title(at):
                at += way
            if 0 <= at < len(rows):
                return at
        return cursor

    def keep_in_view(self) -> None:
        """With the title that stands over it."""
        super().keep_in_view()
        rows, top = self._rows, round(self.scroll_y)
        if rows is not None and 0 < self.cursor == top and rows.is_title(self.cursor - 1):
            above = self.cursor - 1
            while above > 0 and rows.is_title(above - 1):
                above -= 1
            self.scroll_to(y=above, animate=False, force=True)

    def on_resize(self) -> None:
        """What stands over the list follows its width; the list itself follows as every `LineList` does."""
        rows = self._rows
        self._fold(rows.key(self.cursor) if rows is not None and self.cursor < len(rows) else "")
        self.post_message(self.Resized())

    @property
    def chosen(self) -> int | None:
        """The row under the cursor."""
        rows = self._rows
        return self.cursor if rows is not None and self.cursor < len(rows) and not rows.is_title(self.cursor) else None

    @property
    def line_count(self) -> int:
        """All of them."""
        return 0 if self._rows is None else len(self._rows)

    def line_at(self, index: int, cells: int) -> Line:
        """One row, made when it is seen."""
        assert self._rows is not None
        return self._rows.line(index, cells)

    def empty_line(self, cells: int) -> Line:  # noqa: ARG002
        """Why there are none."""
        return (Span(f" {self._rows.empty if self._rows is not None else 'reading…'}", Role.DIM),)

    def behind_blurred(self) -> str:
        """The chosen row stays visible while what is behind it has the keys."""
        return painter_of(self).palette.cursor_blurred

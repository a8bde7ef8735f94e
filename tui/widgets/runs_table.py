"""The table of runs: draws the rows it is given and asks for more as the cursor comes near the end. No SQL and no wording here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from store.queries import NEWEST
from tui.early import WINDOW
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import Moment
from tui.viewmodel.runs_columns import Layout, Lengths, header, layout
from tui.viewmodel.runs_line import run_line
from tui.viewmodel.text import Line, Span, crop
from tui.widgets.line_list import LineList
from tui.widgets.painter import painter_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from textual.strip import Strip

    from store.rows import RunRow
    from tui.viewmodel.runs_columns import Column


class RunsTable(LineList):
    """Runs, in the order in which they are given. The cursor belongs to a run, not to a line: it goes along when runs are added above.

    Only a window of the list is ever loaded; the scrollbar stands for all of it.
    """

    @dataclass
    class WindowWanted(Message):
        """The cursor comes near the edge of what is loaded: rows from place `start` on are wanted."""

        start: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows: Sequence[RunRow] = ()
        self.start = 0
        self.total = 0
        self.lost: frozenset[str] = frozenset()
        self.moment = Moment(0)
        self.order = NEWEST
        self.marks: Collection[str] = ()
        self.columns: tuple[Column, ...] = ()
        self._lengths = Lengths()
        self._chosen_id: str | None = None

    @property
    def layout_now(self) -> Layout:
        """The columns at this width."""
        cells = self.scrollable_content_region.width
        return layout(cells, lengths=self._lengths, order=self.order, chosen=self.columns)

    @property
    def chosen(self) -> RunRow | None:
        """The run under the cursor, None while it is not loaded."""
        return self._row(self.cursor)

    def show(self, rows: Sequence[RunRow], start: int, total: int, moment: Moment, *, lost: frozenset[str]) -> None:
        """Show this part of the list. `lost` are the ids of live runs whose engine is dead."""
        grown = total - self.total
        self.rows, self.start, self.total, self.lost, self.moment = rows, start, total, lost, moment
        self._lengths = self._lengths.grown(rows)
        self._follow_chosen(grown)
        self.lines_changed()
        self._chosen_id = self.chosen.run_id if self.chosen else None
        self.post_message(self.Moved(self, self.cursor))
        # Only when it has been scrolled to its place is it known what is in sight.
        self.call_after_refresh(self.call_after_refresh, self._ask_for_window)

    def mark(self, marks: Collection[str]) -> None:
        """Show these runs as marked."""
        self.marks = marks
        self.lines_changed()

    def tick(self, moment: Moment) -> None:
        """Time goes on: repaint the visible rows that say something else now."""
        self.moment = moment
        self.lines_changed()

    @property
    def line_count(self) -> int:
        """All runs that pass the filter, loaded or not."""
        return self.total

    def line_at(self, index: int, cells: int) -> Line:  # noqa: ARG002
        """A run as a line."""
        row = self._row(index)
        if row is None:
            return (Span(" …", Role.DIM),)
        is_marked, is_lost = row.run_id in self.marks, row.run_id in self.lost
        return run_line(row, self.layout_now, self.moment, engine_lost=is_lost, is_marked=is_marked)

    def behind_blurred(self) -> str:
        """The chosen run stays visible while a filter is typed."""
        return painter_of(self).palette.cursor_blurred

    def watch_cursor(self, before: int, now: int) -> None:
        """Remember the run, and ask for more in time."""
        super().watch_cursor(before, now)
        if self.chosen is not None:
            self._chosen_id = self.chosen.run_id
        self._ask_for_window()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The wheel and the scrollbar may leave what is loaded too."""
        super().watch_scroll_y(old_value, new_value)
        self._ask_for_window()

    def forget_choice(self) -> None:
        """The next list is another one: start at its top."""
        self._chosen_id = None
        self.cursor = 0
        self.scroll_to(y=0, animate=False)

    def _row(self, index: int) -> RunRow | None:
        place = index - self.start
        return self.rows[place] if 0 <= place < len(self.rows) else None

    def _follow_chosen(self, grown: int) -> None:
        if self._chosen_id is None:
            return
        place = next((i for i, row in enumerate(self.rows) if row.run_id == self._chosen_id), None)
        moved = (self.start + place - self.cursor) if place is not None else max(0, grown)
        if moved:
            top = round(self.scroll_y)
            self.set_reactive(LineList.cursor, max(0, self.cursor + moved))
            # At the top the new runs come into view; further down the view stays on what is looked at.
            if top:
                self.virtual_size = Size(self.virtual_size.width, self.total)
                self.scroll_to(y=top + moved, animate=False)
            self.call_after_refresh(self.keep_in_view)

    def _ask_for_window(self) -> None:
        height = max(1, self.size.height)
        stop = self.start + len(self.rows)
        for index in (round(self.scroll_y), min(self.total - 1, round(self.scroll_y) + height), self.cursor):
            near_top = self.start > 0 and index < self.start + height
            near_end = stop < self.total and index >= stop - height
            if near_top or near_end:
                self.post_message(self.WindowWanted(max(0, index - WINDOW // 2)))
                return


class RunsHeader(Widget):
    """The titles of the columns, always above them."""

    DEFAULT_CSS = """
    RunsHeader { height: 1; width: 1fr; }
    """

    def __init__(self, table: RunsTable) -> None:
        super().__init__()
        self.table = table
        self._drawn: Line | None = None

    def follow(self) -> None:
        """Stay above the columns, wherever the rows have moved them, and show by which they are sorted."""
        if self._drawn != self._titles():
            self.refresh()

    def _titles(self) -> Line:
        return crop(header(self.table.layout_now, self.table.order), self.size.width)

    def render_line(self, y: int) -> Strip:  # noqa: ARG002
        """The titles at the table's width."""
        self._drawn = self._titles()
        return painter_of(self).strip(self._drawn, self.size.width)

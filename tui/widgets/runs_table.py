"""The table of runs: draws the rows it is given and asks for more as the cursor comes near the end. No SQL and no wording here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message
from textual.widget import Widget

from tui.viewmodel.runs import Layout, Moment, header, layout, run_line
from tui.viewmodel.text import Line, crop
from tui.viewmodel.words import unique_length
from tui.widgets.line_list import LineList
from tui.widgets.painter import painter_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.strip import Strip

    from store.rows import RunRow

_AHEAD = 50


class RunsTable(LineList):
    """Runs, the newest first. The cursor belongs to a run, not to a line: it goes along when runs are added above."""

    @dataclass
    class MoreWanted(Message):
        """The cursor is near the end of what is loaded."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows: list[RunRow] = []
        self.lost: frozenset[str] = frozenset()
        self.moment = Moment(0)
        self.complete = True
        self._id_length = 6

    @property
    def layout_now(self) -> Layout:
        """The columns at this width."""
        return layout(self.scrollable_content_region.width, id_length=self._id_length)

    @property
    def chosen(self) -> RunRow | None:
        """The run under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def show(self, rows: Sequence[RunRow], moment: Moment, *, lost: frozenset[str], complete: bool) -> None:
        """Show these runs. `lost` are the ids of live ones whose engine is dead; `complete`: there are no more."""
        chosen, first = self.chosen, self._first_in_view()
        before = self.rows
        self.rows, self.lost, self.moment, self.complete = list(rows), lost, moment, complete
        self._id_length = max(self._id_length, min(12, unique_length(row.run_id for row in self.rows)))
        if [row.run_id for row in before] != [row.run_id for row in self.rows]:
            self._keep_places(chosen, first)
        self.lines_changed()
        self.post_message(self.Moved(self, self.cursor))

    def tick(self, moment: Moment) -> None:
        """Time goes on: repaint the visible rows that say something else now."""
        self.moment = moment
        self.lines_changed()

    @property
    def line_count(self) -> int:
        """The runs that are loaded."""
        return len(self.rows)

    def line_at(self, index: int, cells: int) -> Line:  # noqa: ARG002
        """A run as a line."""
        row = self.rows[index]
        return run_line(row, self.layout_now, self.moment, engine_lost=row.run_id in self.lost)

    def watch_cursor(self, before: int, now: int) -> None:
        """Ask for more in time."""
        super().watch_cursor(before, now)
        if not self.complete and now >= len(self.rows) - _AHEAD:
            self.post_message(self.MoreWanted())

    def _first_in_view(self) -> str | None:
        top = round(self.scroll_y)
        return self.rows[top].run_id if top and top < len(self.rows) else None

    def _keep_places(self, chosen: RunRow | None, first: str | None) -> None:
        places = {row.run_id: index for index, row in enumerate(self.rows)}
        if chosen is not None and chosen.run_id in places:
            self.cursor = places[chosen.run_id]
        if first is not None and first in places:
            self.scroll_to(y=places[first], animate=False)


class RunsHeader(Widget):
    """The titles of the columns, always above them."""

    DEFAULT_CSS = """
    RunsHeader { height: 1; width: 1fr; }
    """

    def __init__(self, table: RunsTable) -> None:
        super().__init__()
        self.table = table

    def render_line(self, y: int) -> Strip:  # noqa: ARG002
        """The titles at the table's width."""
        return painter_of(self).strip(crop(header(self.table.layout_now), self.size.width), self.size.width)

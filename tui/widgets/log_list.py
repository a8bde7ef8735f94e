"""The lines of a run's output, drawn a screenful at a time from pages that come and go. No SQL; how a line reads is in the view model."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from tui.viewmodel.log_index import LogIndex, LogView, Wrapping
from tui.viewmodel.logs import MOST_ROWS, Choice, Columns, columns, log_line
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import Moment
from tui.viewmodel.text import Line, Span
from tui.widgets.follow_list import FollowList
from tui.widgets.painter import painter_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from store.rows import LogRow

KEPT_BYTES: Final = 24 * 1024 * 1024
"""Output that is held at once; what has not been looked at for longest is let go and read again when it is wanted."""


class LogList(FollowList):
    """Lines that pass a choice. The cursor belongs to a line: it stays on it whatever is chosen, added or broken.

    `wanted` is called with the number of a page that is in sight and not held, once; the answer is `deliver`.
    """

    def __init__(self, wanted: Callable[[int], None], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._wanted = wanted
        self.index = LogIndex()
        self.choice = Choice()
        self.view = LogView(self.index)
        self.wraps = False
        self.needle = ""
        self.empty_text = ""
        self.moment = Moment(0)
        self.names: Collection[str] = ()
        self._wrapping: Wrapping | None = None
        self._pages: OrderedDict[int, list[bytes]] = OrderedDict()
        self._held_bytes = 0
        self._asked: set[int] = set()

    # What is shown

    def feed(self, rows: Sequence[LogRow]) -> None:
        """More output has come."""
        before = self.view.line_count
        at_chunk = self.index.chunk_count
        line = self.line_chosen
        self.index.feed(rows)
        for number, row in enumerate(rows, at_chunk):
            self._add(number, row.content)
        self.view.extend()
        self._rearrange(None if self.following else line)
        self.grown(self.view.line_count - before)

    def choose(self, choice: Choice) -> None:
        """Show other lines; the cursor stays on its line, or goes to the closest before it."""
        line = self.line_chosen
        self.choice = choice
        self.view = LogView(self.index, None if choice.is_everything else choice.passes)
        self.added = 0
        self._rearrange(line)
        self.lines_changed()
        self.show_cursor()

    def wrap(self, wraps: bool) -> None:
        """Break long lines, or cut them."""
        line = self.line_chosen
        self.wraps = wraps
        self._rearrange(line)
        self.lines_changed()
        self.show_cursor()

    def deliver(self, page: int, contents: Sequence[bytes]) -> None:
        """A page that was wanted has been read."""
        self._asked.discard(page)
        self.keep(page, contents)
        self.lines_changed()

    def keep(self, page: int, contents: Sequence[bytes]) -> None:
        """Hold a page that has been read."""
        self._held_bytes -= sum(map(len, self._pages.get(page, ())))
        self._pages[page] = list(contents)
        self._held(page, sum(map(len, contents)))

    def show_names(self, names: Collection[str]) -> None:
        """Reserve the room for the names of the steps."""
        if list(names) != list(self.names):
            line = self.line_chosen
            self.names = names
            self._rearrange(line)
            self.lines_changed()

    # Lines and rows

    @property
    def columns_now(self) -> Columns:
        """The columns at this width."""
        return columns(self.scrollable_content_region.width, [*self.names, *self._retried()], self.choice)

    @property
    def line_count(self) -> int:
        """The rows there are: one a line, or as many as it is broken into."""
        return self._wrapping.row_count if self._wrapping else self.view.line_count

    @property
    def line_chosen(self) -> int | None:
        """The line of the index under the cursor."""
        return self.line_of(self.cursor) if self.line_count else None

    def line_of(self, row: int) -> int:
        """The line of the index that a row belongs to."""
        return self.view.line(self._wrapping.line(row)[0] if self._wrapping else row)

    def go_to(self, line: int) -> None:
        """Put the cursor on a line of the index."""
        self.cursor = self._row(line)
        self.show_cursor()

    def held(self, line: int) -> bytes | None:
        """The bytes of a line, None while they are not held; then their page is asked for."""
        found = self.index.line_bytes(line, self.content)
        if isinstance(found, bytes):
            return found
        page = self.index.page_of(found)
        if page not in self._asked:
            self._asked.add(page)
            self._wanted(page)
        return None

    def content(self, chunk: int) -> bytes | None:
        """A piece of output, None while it is not held."""
        page = self.index.page_of(chunk)
        contents = self._pages.get(page)
        at = chunk - self.index.page_range(page)[0]
        if contents is None or at >= len(contents):
            return None
        self._pages.move_to_end(page)
        return contents[at]

    def line_at(self, index: int, cells: int) -> Line:  # noqa: ARG002
        """A line of output, or a row of one."""
        number, row = self._wrapping.line(index) if self._wrapping else (index, None)
        line = self.view.line(number)
        return log_line(self.index, line, self.held(line), self.columns_now, self.moment, row=row, needle=self.needle)

    def empty_line(self, cells: int) -> Line:  # noqa: ARG002
        """What stands there while there is nothing."""
        return (Span(f" {self.empty_text}", Role.DIM),)

    def behind_blurred(self) -> str:
        """The line that is looked at closely stays visible."""
        return painter_of(self).palette.cursor_blurred

    def on_resize(self) -> None:
        """Rows are broken to the new width; the cursor stays on its line."""
        line = self.line_chosen
        self._rearrange(line)
        super().on_resize()

    def _retried(self) -> list[str]:
        return [source.name for source in self.index.sources if source.attempt > 1 or source.item_index is not None]

    def _rearrange(self, line: int | None) -> None:
        self._wrapping = Wrapping(self.view, self.columns_now.text, MOST_ROWS) if self.wraps else None
        if line is not None:
            self.set_reactive(FollowList.cursor, max(0, min(self._row(line), self.line_count - 1)))

    def _row(self, line: int) -> int:
        number = self.view.nearest(line)
        return self._wrapping.row(number) if self._wrapping else number

    def _add(self, chunk: int, content: bytes) -> None:
        """Hold a piece that has just come, unless the page it belongs to has been let go already."""
        page = self.index.page_of(chunk)
        at = chunk - self.index.page_range(page)[0]
        held = self._pages.setdefault(page, []) if at == 0 else self._pages.get(page, [])
        if len(held) == at:
            held.append(content)
            self._held(page, len(content))

    def _held(self, page: int, size: int) -> None:
        self._held_bytes += size
        self._pages.move_to_end(page)
        while self._held_bytes > KEPT_BYTES and len(self._pages) > 1:
            _, dropped = self._pages.popitem(last=False)
            self._held_bytes -= sum(map(len, dropped))

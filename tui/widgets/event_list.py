"""The events of a run, a page at a time. No SQL; how an event reads is in the view model."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from textual.widget import Widget

from tui.viewmodel.events import Columns, columns, event_header, event_line
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import Moment
from tui.viewmodel.text import Line, Span, crop
from tui.widgets.follow_list import FollowList
from tui.widgets.painter import painter_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.strip import Strip

    from store.queries import EventHead

PAGE: Final = 200
_PAGES: Final = 20
"""Pages that are held at once."""


class EventList(FollowList):
    """Events in their order, all of them or those that pass a filter. The cursor stays on its event.

    `wanted` is called with the number of a page that is in sight and not held, once; the answer is `deliver`.
    """

    def __init__(self, wanted: Callable[[int], None], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._wanted = wanted
        self.last_seq = 0
        self.passed: Sequence[int] | None = None
        self.moment = Moment(0)
        self.empty_text = ""
        self._pages: OrderedDict[int, dict[int, EventHead]] = OrderedDict()
        self._asked: set[int] = set()

    def show(self, last_seq: int, passed: Sequence[int] | None, *, anew: bool) -> None:
        """The run has come to `last_seq`; `passed` are the numbers that pass the filter, None for all. `anew`: another filter."""
        seq = self.seq_chosen
        before = self.line_count
        self.last_seq, self.passed = last_seq, passed
        if anew:
            self.added = 0
            if seq is not None:
                self.set_reactive(FollowList.cursor, self._nearest(seq))
            self.lines_changed()
            self.show_cursor()
        else:
            self.grown(self.line_count - before)

    def deliver(self, page: int, heads: Sequence[EventHead]) -> None:
        """A page that was wanted has been read."""
        self._asked.discard(page)
        self.keep(heads)
        self.lines_changed()

    def keep(self, heads: Sequence[EventHead]) -> None:
        """Remember events."""
        for head in heads:
            page = head.seq // PAGE
            self._pages.setdefault(page, {})[head.seq] = head
            self._pages.move_to_end(page)
        while len(self._pages) > _PAGES:
            self._pages.popitem(last=False)

    @property
    def columns_now(self) -> Columns:
        """The columns at this width."""
        return columns(self.scrollable_content_region.width, self.last_seq)

    @property
    def line_count(self) -> int:
        """The events that are shown."""
        return self.last_seq if self.passed is None else len(self.passed)

    @property
    def seq_chosen(self) -> int | None:
        """The number of the event under the cursor."""
        return self.seq_at(self.cursor) if self.line_count else None

    def seq_at(self, index: int) -> int:
        """The number of the event at a line."""
        return index + 1 if self.passed is None else self.passed[index]

    def line_at(self, index: int, cells: int) -> Line:
        """An event as a line, with a blank before the scrollbar."""
        seq = self.seq_at(index)
        head = self._head(seq)
        if head is None:
            return (Span(f" {seq:>{self.columns_now.seq}}  …", Role.DIM),)
        return crop(event_line(head, self.columns_now, self.moment), cells - 1)

    def empty_line(self, cells: int) -> Line:  # noqa: ARG002
        """What stands there while there is nothing."""
        return (Span(f" {self.empty_text}", Role.DIM),)

    def behind_blurred(self) -> str:
        """The event that is looked at closely stays visible."""
        return painter_of(self).palette.cursor_blurred

    def _head(self, seq: int) -> EventHead | None:
        page = seq // PAGE
        held = self._pages.get(page)
        if held is not None and seq in held:
            self._pages.move_to_end(page)
            return held[seq]
        if page not in self._asked:
            self._asked.add(page)
            self._wanted(page)
        return None

    def _nearest(self, seq: int) -> int:
        if self.passed is None:
            return max(0, min(seq, self.last_seq) - 1)
        return max(0, bisect_right(self.passed, seq) - 1)


class EventHeader(Widget):
    """The titles of the columns, always above them."""

    DEFAULT_CSS = """
    EventHeader { height: 1; width: 1fr; }
    """

    def __init__(self, events: EventList) -> None:
        super().__init__()
        self.events = events
        self._drawn: Columns | None = None

    def follow(self) -> None:
        """Stay above the columns, however long the numbers get."""
        if self._drawn != self.events.columns_now:
            self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002
        """The titles at the list's width."""
        self._drawn = self.events.columns_now
        return painter_of(self).strip(crop(event_header(self.events.columns_now), self.size.width), self.size.width)

"""Where each line of a run's output begins: numbers only, so that output of any length can be shown a page at a time. No text kept."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from tui.viewmodel.log_text import shown_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from engine.model.states import Stream
    from store.rows import LogRow

PAGE_CHUNKS: Final = 512
PAGE_BYTES: Final = 512 * 1024
LONGEST_LINE: Final = 1 << 20
"""Bytes of a line that are looked at; whoever writes a longer one without an end gets another line."""


class Source(NamedTuple):
    """Where output comes from."""

    pass_index: int
    step_id: str
    item_index: int | None
    attempt: int
    stream: Stream

    @property
    def name(self) -> str:
        """The step as the screen names it: `copy`, `copy#2` for its second attempt, `copy[3]` for an item of it."""
        item = "" if self.item_index is None else f"[{self.item_index}]"
        return f"{self.step_id}{item}" if self.attempt == 1 else f"{self.step_id}{item}#{self.attempt}"


@dataclass(frozen=True, slots=True)
class Place:
    """A line: the piece of output it begins in, and which part of that piece, split at its newlines."""

    chunk: int
    part: int


@dataclass(slots=True)
class _Open:
    """A line whose end has not been written yet."""

    line: int
    content: bytearray


class LogIndex:
    """All lines in the order in which they begin. A line may go on in a later piece of the same source.

    Pieces ("chunks") are numbered from 0 as they come; neighbouring pieces make up a page, which is what is read at once.
    """

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.log_ids = array("q")
        self.times = array("q")
        self.source_of = array("i")
        self.pages = array("q")
        self.bytes = 0
        self._first_line = array("q", [0])
        self._goes_on = array("b")
        self._next = array("q")
        self._cells = array("I")
        self._numbers: dict[Source, int] = {}
        self._latest: dict[int, int] = {}
        self._open: dict[int, _Open] = {}
        self._page_bytes = 0

    @property
    def line_count(self) -> int:
        """The lines there are."""
        return self._first_line[-1]

    @property
    def chunk_count(self) -> int:
        """The pieces there are."""
        return len(self.log_ids)

    @property
    def last_log_id(self) -> int:
        """After which piece to read on."""
        return self.log_ids[-1] if self.log_ids else 0

    def feed(self, rows: Iterable[LogRow]) -> None:
        """Take in the next pieces, in their order."""
        for row in rows:
            self._feed(row)

    def _feed(self, row: LogRow) -> None:
        source = self._source(row)
        chunk = self.chunk_count
        self._into_page(chunk, len(row.content))
        self.log_ids.append(row.log_id)
        self.times.append(row.at_us)
        self.source_of.append(source)
        self._next.append(-1)
        if source in self._latest:
            self._next[self._latest[source]] = chunk
        self._latest[source] = chunk
        self.bytes += len(row.content)
        self._into_lines(source, row.content)

    def _into_lines(self, source: int, content: bytes) -> None:
        parts = content.split(b"\n")
        unfinished = parts.pop()
        opened = self._open.pop(source, None)
        self._goes_on.append(opened is not None)
        if opened is not None:
            head = parts.pop(0) if parts else unfinished
            opened.content += head[: LONGEST_LINE - len(opened.content)]
            self._cells[opened.line] = shown_cells(opened.content)
            if b"\n" not in content:
                self._open[source] = opened
                self._first_line.append(self.line_count)
                return
        number = self.line_count + len(parts)
        self._cells.extend(map(shown_cells, parts))
        if unfinished:
            self._cells.append(shown_cells(unfinished))
            self._open[source] = _Open(number, bytearray(unfinished[:LONGEST_LINE]))
            number += 1
        self._first_line.append(number)

    def _into_page(self, chunk: int, size: int) -> None:
        full = self._page_bytes + size > PAGE_BYTES or (self.pages and chunk - self.pages[-1] >= PAGE_CHUNKS)
        if not self.pages or full:
            self.pages.append(chunk)
            self._page_bytes = 0
        self._page_bytes += size

    def _source(self, row: LogRow) -> int:
        source = Source(row.pass_index, row.step_id, row.item_index, row.attempt, row.stream)
        number = self._numbers.get(source)
        if number is None:
            number = self._numbers[source] = len(self.sources)
            self.sources.append(source)
        return number

    def page_of(self, chunk: int) -> int:
        """The page a piece belongs to."""
        return bisect_right(self.pages, chunk) - 1

    def page_range(self, page: int) -> tuple[int, int]:
        """The pieces of a page, the last exclusive."""
        stop = self.pages[page + 1] if page + 1 < len(self.pages) else self.chunk_count
        return self.pages[page], stop

    def place(self, line: int) -> Place:
        """Where a line begins."""
        chunk = bisect_right(self._first_line, line) - 1
        return Place(chunk, line - self._first_line[chunk] + self._goes_on[chunk])

    def lines_of(self, chunk: int) -> tuple[int, int]:
        """The lines that begin in a piece, the last exclusive."""
        return self._first_line[chunk], self._first_line[chunk + 1]

    def next_of_source(self, chunk: int) -> int | None:
        """The next piece of the same source."""
        following = self._next[chunk]
        return following if following >= 0 else None

    def cells(self, first: int, stop: int) -> array[int]:
        """How wide these lines are, in cells."""
        return self._cells[first:stop]

    def line_bytes(self, line: int, content: Callable[[int], bytes | None]) -> bytes | int:
        """The bytes of a line without its end, up to the longest; or the number of the piece that `content` has not."""
        place = self.place(line)
        held = content(place.chunk)
        if held is None:
            return place.chunk
        parts = held.split(b"\n", place.part + 1)
        if len(parts) > place.part + 1:
            return parts[place.part]
        text = bytearray(parts[place.part])
        chunk = self.next_of_source(place.chunk)
        while chunk is not None and len(text) < LONGEST_LINE:
            held = content(chunk)
            if held is None:
                return chunk
            head, newline, _ = held.partition(b"\n")
            text += head
            if newline:
                break
            chunk = self.next_of_source(chunk)
        return bytes(text)


class LogView:
    """The lines of an index that pass a choice of sources, numbered from 0 again."""

    def __init__(self, index: LogIndex, passes: Callable[[Source], bool] | None = None) -> None:
        self.index = index
        self._passes = passes
        self._chunks = array("q")
        self._first = array("q", [0])
        self._taken = 0
        self.extend()

    @property
    def line_count(self) -> int:
        """The lines that pass."""
        return self.index.line_count if self._passes is None else self._first[-1]

    def extend(self) -> None:
        """Take in what has come into the index."""
        if self._passes is None:
            return
        allowed = [self._passes(source) for source in self.index.sources]
        for chunk in range(self._taken, self.index.chunk_count):
            if allowed[self.index.source_of[chunk]]:
                first, stop = self.index.lines_of(chunk)
                if stop > first:
                    self._chunks.append(chunk)
                    self._first.append(self._first[-1] + stop - first)
        self._taken = self.index.chunk_count

    def line(self, number: int) -> int:
        """The line of the index behind a line of this view."""
        if self._passes is None:
            return number
        at = bisect_right(self._first, number) - 1
        return self.index.lines_of(self._chunks[at])[0] + number - self._first[at]

    def nearest(self, line: int) -> int:
        """The line of this view that is a line of the index, or the closest before it, or the first."""
        if self._passes is None:
            return max(0, min(line, self.line_count - 1))
        chunk = self.index.place(line).chunk if line < self.index.line_count else self.index.chunk_count
        at = bisect_right(self._chunks, chunk) - 1
        if at < 0:
            return 0
        first, stop = self.index.lines_of(self._chunks[at])
        return self._first[at] + min(line, stop - 1) - first

    def ranges(self) -> Iterable[tuple[int, int]]:
        """The lines of the index that pass, as ranges."""
        if self._passes is None:
            return [(0, self.index.line_count)]
        return [self.index.lines_of(chunk) for chunk in self._chunks]


class Wrapping:
    """How many rows each line of a view takes when long lines are broken at `cells` cells, and so where each begins."""

    def __init__(self, view: LogView, cells: int, most_rows: int) -> None:
        self.cells = max(1, cells)
        rows = (
            min(most_rows, -(-width // self.cells)) or 1
            for first, stop in view.ranges()
            for width in view.index.cells(first, stop)
        )
        self._before = array("q", accumulate(rows, initial=0))

    @property
    def row_count(self) -> int:
        """All rows."""
        return self._before[-1]

    def line(self, row: int) -> tuple[int, int]:
        """The line that a row belongs to, and which of its rows it is."""
        line = bisect_right(self._before, row) - 1
        return line, row - self._before[line]

    def row(self, line: int) -> int:
        """The first row of a line."""
        return self._before[min(line, len(self._before) - 1)]

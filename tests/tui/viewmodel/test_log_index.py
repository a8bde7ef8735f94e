"""Where the lines of output begin, whatever pieces they come in: checked against putting the whole output together."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from engine.model.states import Stream
from store.rows import LogRow
from tui.viewmodel.log_index import LogIndex, LogView, Source, Wrapping
from tui.viewmodel.log_text import pieces, row_of, shown, shown_cells

if TYPE_CHECKING:
    from collections.abc import Callable


def piece(log_id: int, content: bytes, step: str = "one", stream: Stream = Stream.STDOUT, attempt: int = 1) -> LogRow:
    """A piece of output."""
    return LogRow(log_id, "r", 0, step, None, attempt, stream, 1000 + log_id, 0, content)


def indexed(*rows: LogRow) -> tuple[LogIndex, Callable[[int], bytes]]:
    """An index of these pieces, and what they hold."""
    index = LogIndex()
    index.feed(rows)
    return index, lambda chunk: rows[chunk].content


def lines_of(index: LogIndex, content: Callable[[int], bytes | None]) -> list[tuple[str, bytes]]:
    """Every line with its step."""
    found: list[tuple[str, bytes]] = []
    for line in range(index.line_count):
        held = index.line_bytes(line, content)
        assert isinstance(held, bytes)
        found.append((index.sources[index.source_of[index.place(line).chunk]].step_id, held))
    return found


def test_a_line_stands_where_it_begins_and_goes_on_in_later_pieces() -> None:
    """Another step may write in between; the end may never come."""
    index, content = indexed(
        piece(1, b"first\nsec"),
        piece(2, b"other\n", "two"),
        piece(3, b""),
        piece(4, b"ond\n\nlast "),
        piece(5, b"words"),
    )
    assert lines_of(index, content) == [
        ("one", b"first"), ("one", b"second"), ("two", b"other"), ("one", b""), ("one", b"last words"),
    ]  # fmt: skip
    assert list(index.cells(0, 5)) == [5, 6, 5, 0, 10]
    assert index.last_log_id == 5


@pytest.mark.parametrize("seed", range(6))
def test_any_cutting_into_pieces_gives_the_same_lines(seed: int) -> None:
    """Three sources write random lines that are cut anywhere: each source has its own lines, whole and in order."""
    chance = random.Random(seed)
    texts = {
        step: "".join(chance.choice(("a", "bb", "\n", "\n", "é", "長い", " ")) for _ in range(300)).encode()
        for step in ("one", "two", "three")
    }
    left = dict(texts)
    rows: list[LogRow] = []
    while any(left.values()):
        step = chance.choice([name for name, rest in left.items() if rest])
        cut = chance.randint(1, 12)
        rows.append(piece(len(rows) + 1, left[step][:cut], step))
        left[step] = left[step][cut:]
    index = LogIndex()
    for at in range(0, len(rows), 7):
        index.feed(rows[at : at + 7])
    found = lines_of(index, lambda chunk: rows[chunk].content)
    for step, text in texts.items():
        whole = text.split(b"\n")
        assert [line for name, line in found if name == step] == (whole if whole[-1] else whole[:-1])
        view = LogView(index, lambda source, step=step: source.step_id == step)  # type: ignore[misc]
        assert [found[view.line(number)] for number in range(view.line_count)] == [
            (name, line) for name, line in found if name == step
        ]
    assert list(index.cells(0, index.line_count)) == [shown_cells(line) for _, line in found]


def test_a_piece_that_is_not_held_is_named() -> None:
    """Whoever shows the line has to read that one first."""
    index, _ = indexed(piece(1, b"begin"), piece(2, b" and end\n"))
    assert index.line_bytes(0, lambda chunk: None) == 0
    assert index.line_bytes(0, lambda chunk: b"begin" if chunk == 0 else None) == 1


def test_pages_hold_neighbouring_pieces_and_stay_small() -> None:
    """Large pieces make a page of their own; a page never grows beyond its number of pieces."""
    index, _ = indexed(*(piece(n + 1, b"x\n" * (200_000 if n % 50 == 0 else 1)) for n in range(2000)))
    ranges = [index.page_range(page) for page in range(len(index.pages))]
    assert ranges[0][0] == 0
    assert ranges[-1][1] == 2000
    assert all(stop - start <= 512 for start, stop in ranges)
    assert all(index.page_of(chunk) == page for page, (start, stop) in enumerate(ranges) for chunk in (start, stop - 1))


def test_a_view_takes_in_what_comes_later_and_finds_the_nearest_line() -> None:
    """The closest line before one that does not pass, or the first."""
    index, _ = indexed(piece(1, b"a\nb\n"), piece(2, b"c\n", "two"), piece(3, b"d\n"))
    view = LogView(index, lambda source: source.step_id == "two")
    assert (view.line_count, view.line(0), view.nearest(3), view.nearest(0)) == (1, 2, 0, 0)
    index.feed([piece(4, b"e\nf\n", "two")])
    view.extend()
    assert [view.line(number) for number in range(view.line_count)] == [2, 4, 5]
    assert view.nearest(5) == 2


def test_broken_lines_take_as_many_rows_as_they_need() -> None:
    """Up to the most; every row knows its line."""
    index, _ = indexed(piece(1, b"short\n" + b"x" * 25 + b"\n\n" + b"y" * 1000 + b"\n"))
    wrapping = Wrapping(LogView(index), 10, 5)
    assert wrapping.row_count == 1 + 3 + 1 + 5
    assert [wrapping.line(row) for row in range(5)] == [(0, 0), (1, 0), (1, 1), (1, 2), (2, 0)]
    assert [wrapping.row(line) for line in range(4)] == [0, 1, 4, 5]
    assert row_of("x" * 25, 2, 10, 5) == "xxxxx"
    assert row_of("y" * 1000, 4, 10, 5) == "yyyyyyyyy…"
    assert list(pieces("長い文字", 3)) == ["長", "い", "文", "字"]


def test_what_a_terminal_would_take_as_a_command_is_shown() -> None:
    """Colours go, tabs become blanks, of a progress bar the last stays, everything else is an escape; bytes too."""
    assert shown(b"\x1b[1;32mok\x1b[0m") == ("ok", False, False)
    assert shown(b"a\tb") == ("a       b", False, False)
    assert shown(b" 10%\r 99%\r100%\r") == ("100%", True, False)
    assert shown(b"\x1b]0;title\x07\x9b") == ("\\x1b]0;title\\x07\\x9b", False, False)
    assert shown("\u202eevil".encode())[0] == "\\u202eevil"
    assert shown(b"x" * 20_000).cut_after
    assert Source(0, "copy", 3, 2, Stream.STDOUT).name == "copy[3]#2"

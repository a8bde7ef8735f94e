"""What is written to the terminal makes it show the frame, whatever it showed before, and is little where little changed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pyte
import pytest
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style

from tui.frames import Frames, Placed

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMNS, ROWS = 40, 12
STYLES = [
    Style(color="#D7DEE6", bgcolor="#11161C"),
    Style(color="#8A97A5", bgcolor="#11161C", bold=True),
    Style(color="#4CC38A", bgcolor="#1E2730", underline=True),
    Style(color="#FF7A5C", bgcolor="#11161C", bold=True, dim=True, italic=True, reverse=True),
    Style(color="#FF7A5C", bgcolor="#1E2730", strike=True, bold=True),
    Style(),
    None,
]
WORDS = ["run", "✓ SUCCEEDED", "─────", "   ", "0", "ci-lookup", "●", "äöü", "a much longer word than the others"]
WIDE = ["漢字", "e\u0301", "🙂", "👩‍👩‍👧"]


class Seen:
    """A terminal that is only written to."""

    def __init__(self, columns: int = COLUMNS, rows: int = ROWS) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.screen.reset_mode(7, private=True)
        self._stream = pyte.Stream(self.screen)

    def write(self, text: str) -> None:
        """As the driver writes."""
        self._stream.feed(text)

    def cells(self) -> list[list[object]]:
        """Every cell as it looks; colour and weight of a blank's letters cannot be seen."""
        return [
            [
                cell._replace(fg="", bold=False, italics=False)
                if cell.data == " " and not (cell.underscore or cell.reverse or cell.strikethrough)
                else cell
                for cell in (self.screen.buffer[y][x] for x in range(self.screen.columns))
            ]
            for y in range(self.screen.lines)
        ]


Line = list[Segment]


def a_line(chance: random.Random, words: list[str], cells: int = COLUMNS) -> Line:
    """A line of random words, exactly as long as it has to be."""
    line: Line = []
    while Segment.get_line_length(line) < cells:
        line.append(Segment(chance.choice(words), chance.choice(STYLES)))
    return Segment.adjust_line_length(line, cells, style=STYLES[0])


def text(word: str, style: int = 0, cells: int = COLUMNS) -> Line:
    """One word and blanks."""
    return [Segment(word.ljust(cells), STYLES[style])]


def shown_whole(lines: list[Line]) -> list[list[object]]:
    """How a new terminal shows these lines."""
    seen = Seen()
    seen.write(Frames(ColorSystem.TRUECOLOR).whole(lines, COLUMNS))
    return seen.cells()


def test_a_whole_frame_shows_what_textual_itself_would_write() -> None:
    """The same cells as with one complete sequence a segment."""
    chance = random.Random(1)
    for _ in range(20):
        lines = [a_line(chance, WORDS) for _ in range(ROWS)]
        plain = Seen()
        for y, line in enumerate(lines):
            plain.write(f"\x1b[{y + 1};1H")
            for segment in line:
                plain.write(segment.style.render(segment.text) if segment.style else segment.text)
        assert shown_whole(lines) == plain.cells()


@pytest.mark.parametrize("seed", range(10))
def test_whatever_changes_the_terminal_shows_it(seed: int, scaled: Callable[[int], int]) -> None:
    """Random parts of lines, whole lines, and blocks that move up and down."""
    chance = random.Random(seed)
    frames, seen = Frames(ColorSystem.TRUECOLOR), Seen()
    lines = [a_line(chance, WORDS) for _ in range(ROWS)]
    seen.write(frames.whole(lines, COLUMNS))
    for _ in range(scaled(200)):
        match chance.randrange(4):
            case 0:
                y, x = chance.randrange(ROWS), chance.randrange(COLUMNS - 1)
                part = a_line(chance, WORDS, chance.randrange(1, COLUMNS - x + 1))
                left, middle = Segment.divide(lines[y], [x, x + Segment.get_line_length(part)])
                rest = list(Segment.divide(lines[y], [x + Segment.get_line_length(part), COLUMNS]))[1]
                assert Segment.get_line_length(middle) == Segment.get_line_length(part)
                lines[y] = [*left, *part, *rest]
                places = [Placed(y, x, part)]
            case 1:
                y = chance.randrange(ROWS)
                lines[y] = a_line(chance, WORDS)
                places = [Placed(y, 0, lines[y])]
            case _:
                top, bottom = sorted(chance.sample(range(ROWS + 1), 2))
                shift = chance.choice([-3, -1, 1, 2])
                old = lines[top:bottom]
                lines[top:bottom] = [
                    old[index + shift] if 0 <= index + shift < len(old) else a_line(chance, WORDS)
                    for index in range(len(old))
                ]
                if chance.random() < 0.5:
                    lines[chance.randrange(ROWS)] = a_line(chance, WORDS)
                places = [Placed(y, 0, line) for y, line in enumerate(lines)]
        seen.write(frames.changed(places))
        assert seen.cells() == shown_whole(lines)


@pytest.mark.parametrize("seed", range(3))
def test_wide_and_combining_characters_do_no_harm_to_what_stands_around_them(seed: int) -> None:
    """Terminals do not agree on their width: what follows them has its own place in each line."""
    chance = random.Random(seed)
    frames, seen = Frames(ColorSystem.TRUECOLOR), Seen()
    seen.write(frames.whole([text("x") for _ in range(ROWS)], COLUMNS))
    for number in range(40):
        y = chance.randrange(ROWS)
        word = chance.choice(WIDE)
        tail = [Segment(f"end {number:02}".ljust(COLUMNS - 20), STYLES[1])]
        head = Segment.adjust_line_length([Segment(word, STYLES[0]), Segment(" more", STYLES[2])], 20)
        seen.write(frames.changed([Placed(y, 0, [*head, *tail])]))
        assert "".join(seen.screen.buffer[y][x].data for x in range(20, 26)) == f"end {number:02}"


def test_nothing_is_written_where_nothing_changed() -> None:
    """And after it is forgotten, everything is unknown."""
    frames = Frames(ColorSystem.TRUECOLOR)
    lines = [text(f"line {y}") for y in range(ROWS)]
    frames.whole(lines, COLUMNS)
    assert frames.changed([Placed(y, 0, line) for y, line in enumerate(lines)]) == ""
    frames.forget()
    assert not frames.is_known


def test_blanks_between_words_of_one_look_need_no_look_of_their_own() -> None:
    """Columns of a table: what stands between them is only a background."""
    frames = Frames(ColorSystem.TRUECOLOR)
    row = [
        Segment("one", STYLES[0]),
        Segment(" " * 5, STYLES[1]),
        Segment("two", STYLES[0]),
        Segment(" " * 29, STYLES[1]),
    ]
    out = frames.whole([row], COLUMNS)
    assert out.count("m") == 2, "one look for all of it, and back to none"
    dimmed = [
        Segment("one", STYLES[0]),
        Segment(" " * 5, STYLES[0]),
        Segment("two", STYLES[0]),
        Segment(" " * 29, None),
    ]
    assert "two" not in frames.changed([Placed(0, 0, dimmed)])


def test_another_screen_costs_what_is_different_on_it() -> None:
    """Until it is forgotten what is shown, or the size is another one."""
    frames, seen = Frames(ColorSystem.TRUECOLOR), Seen()
    lines = [text(f"line {y}") for y in range(ROWS)]
    seen.write(frames.whole(lines, COLUMNS))
    lines[3] = text("another")
    out = frames.whole(lines, COLUMNS)
    assert len(out) < 60
    seen.write(out)
    assert seen.cells() == shown_whole(lines)
    frames.forget()
    assert len(frames.whole(lines, COLUMNS)) > COLUMNS * ROWS
    assert len(frames.whole(lines[1:], COLUMNS)) > COLUMNS * (ROWS - 1)


def test_a_list_that_scrolls_costs_one_line() -> None:
    """The terminal moves the rest itself."""
    frames, seen = Frames(ColorSystem.TRUECOLOR), Seen()
    entries = [text(f"entry {number}", number % 2) for number in range(ROWS + 20)]
    seen.write(frames.whole(entries[:ROWS], COLUMNS))
    for top in (1, 2, 1, 0, 6, 12, 5):
        shown = entries[top : top + ROWS]
        out = frames.changed([Placed(y, 0, line) for y, line in enumerate(shown) if y > 1])
        lines = [*entries[:2], *shown[2:]]
        seen.write(out)
        assert seen.cells() == shown_whole(lines)
    small = frames.changed([Placed(y, 0, line) for y, line in enumerate(entries[6 : 6 + ROWS]) if y > 1])
    assert len(small) < 200
    assert "\x1b[3;12r" in small


@pytest.mark.parametrize("system", [ColorSystem.STANDARD, ColorSystem.EIGHT_BIT])
def test_terminals_with_fewer_colours_get_their_own(system: ColorSystem) -> None:
    """No sequence for true colours reaches them."""
    out = Frames(system).whole([text("x", style) for style in range(4)], COLUMNS)
    assert "38;2" not in out
    assert "48;2" not in out

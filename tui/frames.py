"""What the terminal shows, cell by cell, and the least that has to be written so that it shows something else. No terminal, no widgets."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.color import ColorSystem
    from rich.segment import Segment
    from rich.style import Style

_ATTRIBUTES: Final = (
    (1, "bold", 22), (2, "dim", 22), (3, "italic", 23), (4, "underline", 24),
    (5, "blink", 25), (7, "reverse", 27), (9, "strike", 29),
)  # fmt: skip
_ENDS: Final = {code: end for code, _, end in _ATTRIBUTES}
_SEEN_ON_BLANKS: Final = frozenset((4, 7, 9))
"""Attributes that show where nothing stands."""
_ANY: Final = ""
"""The foreground of a cell in which nothing is drawn with it."""
_SHORT_GAP: Final = 4
"""Cells between two changes that cost less to write again than to pass over."""
_FEWEST_TO_SCROLL: Final = 4
"""Changed lines from which it is looked whether the rest has only moved."""


class Look(NamedTuple):
    """Colours and attributes of a cell, as the numbers that a terminal takes."""

    foreground: str = "39"
    background: str = "49"
    attributes: frozenset[int] = frozenset()


PLAIN: Final = Look()


class Cell(NamedTuple):
    """What stands in a cell. A text whose width terminals do not agree on is one piece: whole in its first cell, "" in the others."""

    text: str
    look: Look


Row: TypeAlias = "list[Cell | None]"
"""The cells of a line, None where nobody knows what the terminal shows."""


class Placed(NamedTuple):
    """Text for the cells from `x` on of line `y`."""

    y: int
    x: int
    segments: Iterable[Segment]


class Frames:
    """Follows what was written to a terminal of one size."""

    def __init__(self, system: ColorSystem) -> None:
        self._system = system
        self._rows: list[Row] = []
        self._columns = 0
        self._looks: dict[tuple[object, ...], Look] = {}
        self._letters: dict[Look, _Letters] = {}

    def forget(self) -> None:
        """The terminal may show anything now: whatever comes next is written whole."""
        self._rows = []

    @property
    def is_known(self) -> bool:
        """True while what the terminal shows is known."""
        return bool(self._rows)

    def whole(self, lines: Sequence[Iterable[Segment]], columns: int) -> str:
        """The sequences for a whole screen. What the terminal is known to show already is not written again."""
        if (len(self._rows), self._columns) != (len(lines), columns):
            self._columns = columns
            self._rows = [[None] * columns for _ in lines]
        return self.changed([Placed(y, 0, line) for y, line in enumerate(lines)])

    def changed(self, places: Iterable[Placed]) -> str:
        """The sequences for what is new. Before the first whole screen nothing is known, so nothing can be told from it."""
        before: dict[int, Row] = {}
        spans: dict[int, tuple[int, int]] = {}
        for y, x, segments in places:
            if not 0 <= y < len(self._rows):
                continue
            before.setdefault(y, list(self._rows[y]))
            stop = self._put(self._rows[y], x, segments)
            first, last = spans.get(y, (x, stop))
            spans[y] = (min(first, x), max(last, stop))
        differing = {y: row for y, row in before.items() if row != self._rows[y]}
        pen = _Pen()
        if len(differing) >= _FEWEST_TO_SCROLL:
            self._scroll(pen, differing, spans)
        for y in sorted(differing):
            _write_line(pen, y, differing[y], self._rows[y])
        return pen.finished()

    def _put(self, row: Row, x: int, segments: Iterable[Segment]) -> int:
        start = x
        cells: list[Cell | None] = []
        for text, style, control in segments:
            if not text or control:
                continue
            look = self._look(style)
            if is_certain(text):
                letters = self._letters.get(look)
                if letters is None:
                    letters = self._letters[look] = _Letters(look)
                cells.extend([letters[character] for character in text])
            else:
                cells.append(Cell(text, look))
                cells.extend([Cell("", look)] * (_cells_of(text) - 1))
        cells = cells[: max(0, len(row) - start)]
        stop = start + len(cells)
        _break_pieces(row, start, stop)
        row[start:stop] = cells
        return stop

    def _look(self, style: Style | None) -> Look:
        if style is None:
            return PLAIN
        key = (style.color, style.bgcolor, style._attributes, style._set_attributes)  # noqa: SLF001  (what it looks like, without its meta data)
        look = self._looks.get(key)
        if look is None:
            colours = [
                ";".join(colour.downgrade(self._system).get_ansi_codes(foreground=is_front)) if colour else default
                for colour, is_front, default in ((style.color, True, "39"), (style.bgcolor, False, "49"))
            ]
            attributes = frozenset(code for code, name, _ in _ATTRIBUTES if getattr(style, name))
            look = self._looks[key] = Look(colours[0], colours[1], attributes)
        return look

    # Scrolling

    def _scroll(self, pen: _Pen, differing: dict[int, Row], spans: dict[int, tuple[int, int]]) -> None:
        """Where most of a block of lines has only moved up or down, let the terminal move it; `differing` is then what it shows."""
        top, bottom = _longest_block(sorted(differing))
        block = range(top, bottom + 1)
        shift = self._shift(block, differing, spans)
        if not shift or any(None in self._rows[y] or None in differing[y] for y in block):
            return
        pen.move(top, bottom, shift)
        shown = [differing[y] for y in block]
        blank: Row = [None] * self._columns
        for index, y in enumerate(block):
            from_index = index + shift
            differing[y] = shown[from_index] if 0 <= from_index < len(shown) else list(blank)

    def _shift(self, block: range, differing: dict[int, Row], spans: dict[int, tuple[int, int]]) -> int:
        if len(block) < _FEWEST_TO_SCROLL:
            return 0
        # The last column is the scrollbar's.
        start = min(spans[y][0] for y in block)
        stop = max(spans[y][1] for y in block) - 1
        places: dict[str, list[int]] = {}
        for y in block:
            places.setdefault(_text(differing[y], start, stop), []).append(y)
        votes: Counter[int] = Counter()
        telling = 0
        for y in block:
            text = _text(self._rows[y], start, stop)
            if text.isspace():
                continue
            telling += 1
            votes.update(place - y for place in places.get(text, ()))
        if not votes:
            return 0
        shift, agreed = votes.most_common(1)[0]
        return shift if agreed * 2 >= telling and agreed >= _FEWEST_TO_SCROLL - 1 else 0


class _Letters(dict[str, Cell]):
    """The cells of one look by what stands in them: a screen has thousands, and most of them are alike."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look

    def __missing__(self, character: str) -> Cell:
        look = self._look
        if character == " " and not look.attributes & _SEEN_ON_BLANKS:
            look = Look(_ANY, look.background)
        cell = self[character] = Cell(character, look)
        return cell


class _Pen:
    """Collects sequences, remembering where the cursor is and what it writes with."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._look = PLAIN
        self._at: tuple[int, int] | None = None

    def go(self, y: int, x: int) -> None:
        """To a cell, counted from 0."""
        if self._at == (y, x):
            return
        self._out.append(f"\x1b[{y + 1};{x + 1}H")
        self._at = (y, x)

    def write(self, cell: Cell) -> None:
        """Write one cell, or a piece that takes several."""
        look = cell.look
        if look.foreground == _ANY:
            # What cannot be seen on a blank stays as it is: the next letter often looks like the last one.
            look = Look(self._look.foreground, look.background, self._look.attributes - _SEEN_ON_BLANKS)
        if look != self._look:
            self._out.append(f"\x1b[{';'.join(_change(self._look, look))}m")
            self._look = look
        self._out.append(cell.text)
        if self._at is not None:
            # Where a piece ends is for the terminal to say, so what follows it is gone to.
            self._at = (self._at[0], self._at[1] + 1) if is_certain(cell.text) else None

    def move(self, top: int, bottom: int, shift: int) -> None:
        """Move the lines from `top` to `bottom` by `shift`, up if it is positive. What comes in is left to be written."""
        # Deleting and inserting lines within margins is what every terminal since the VT102 can.
        self._out.append(
            f"\x1b[{top + 1};{bottom + 1}r\x1b[{top + 1}H\x1b[{abs(shift)}{'M' if shift > 0 else 'L'}\x1b[r"
        )
        self._at = None

    def finished(self) -> str:
        """Everything, with the look that others count on at the end."""
        if self._look != PLAIN:
            self._out.append("\x1b[m")
        return "".join(self._out)


def _write_line(pen: _Pen, y: int, before: Row, now: Row) -> None:
    changed = [x for x, (old, new) in enumerate(zip(before, now, strict=True)) if new is not None and old != new]
    x = 0
    for place in changed:
        if place < x:
            continue
        if x == 0 or place - x > _SHORT_GAP or None in now[x:place]:
            x = _head(now, place)
        while x <= place:
            cell = now[x]
            assert cell is not None
            pen.go(y, x)
            pen.write(cell)
            x += 1
            while x < len(now) and (rest := now[x]) is not None and not rest.text:
                x += 1


def _head(row: Row, x: int) -> int:
    """The first cell of the piece that stands at `x`."""
    while x > 0 and (cell := row[x]) is not None and not cell.text:
        x -= 1
    return x


def _break_pieces(row: Row, start: int, stop: int) -> None:
    """What is left of pieces that are written over in part: nobody knows what the terminal makes of it."""
    if start < stop <= len(row):
        if start and (cell := row[start]) is not None and not cell.text:
            head = _head(row, start)
            row[head:start] = [None] * (start - head)
        while stop < len(row) and (cell := row[stop]) is not None and not cell.text:
            row[stop] = None
            stop += 1


def _longest_block(lines: Sequence[int]) -> tuple[int, int]:
    best = (lines[0], lines[0])
    first = lines[0]
    for index, y in enumerate(lines):
        if index and y != lines[index - 1] + 1:
            first = y
        if y - first > best[1] - best[0]:
            best = (first, y)
    return best


def _text(row: Row, start: int, stop: int) -> str:
    return "".join([cell.text if cell else "\0" for cell in row[start:stop]])


def _change(before: Look, after: Look) -> list[str]:
    """The numbers that turn one look into another, or into it from none, whichever is shorter."""
    gone = before.attributes - after.attributes
    new = after.attributes - before.attributes
    ends = {_ENDS[code] for code in gone}
    # Bold and dim end together.
    again = {code for code in after.attributes & before.attributes if _ENDS[code] in ends}
    codes = [str(end) for end in sorted(ends)] + [str(code) for code in sorted(new | again)]
    if before.foreground != after.foreground:
        codes.append(after.foreground)
    if before.background != after.background:
        codes.append(after.background)
    return codes


def _cells_of(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


@lru_cache(4096)
def is_certain(text: str) -> bool:
    """True when every terminal draws each character of `text` in one cell."""
    return text.isascii() or all(
        character.isascii()
        or (
            unicodedata.east_asian_width(character) not in "WF"
            and unicodedata.category(character) not in ("Mn", "Me", "Mc", "Cf")
            and ord(character) < 0x1F000
        )
        for character in text
    )

"""The layered graph as lines of text: one row or more a group, lanes between them, one step chosen. Pure; rows are built when asked for."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tui.viewmodel.groups.lanes import Channel, drawn
from tui.viewmodel.groups.marks import Height, fold_lines, mark_lines
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span, fit, width
from tui.viewmodel.words import duration, plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from tui.viewmodel.groups.folding import Fold
    from tui.viewmodel.groups.picture import GroupsPicture
    from tui.viewmodel.groups.placing import Key, Placing, Slot
    from tui.viewmodel.text import Line

_NUMBER, _TIME = 3, 7
GUTTER: Final = _NUMBER + 1 + _TIME + 1
_GAP: Final = 3
_LANES_ROOM: Final = 4
_AT_THE_END: Final = "at the end, whatever happened"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of marks: its group, whether it begins it, and whether its steps run at the end whatever happened."""

    group: int
    keys: tuple[Key, ...]
    is_first: bool
    is_last_thing: bool


@dataclass(frozen=True, slots=True)
class Spot:
    """A mark under the mouse or the cursor: the row of marks, its place in it, its lines from `top` to `bottom`."""

    key: Key
    row: int
    place: int
    top: int
    bottom: int
    left: int
    right: int


class Graph:
    """A layout that holds as long as the plan and the room do. What a step has come to is asked for line by line."""

    def __init__(
        self,
        rows: Sequence[Row],
        placing: Placing,
        channels: Sequence[Channel],
        folds: Mapping[str, Fold],
        height: Height,
        members: Mapping[int, Sequence[int]],
    ) -> None:
        self.rows = rows
        self.placing = placing
        self.folds = folds
        self.height = height
        self._channels = channels
        self._members = members
        self._tops: list[int] = []
        top = 0
        for number, row in enumerate(rows):
            top += 1 if self._has_heading(number) else 0
            self._tops.append(top)
            top += height.rows + (channels[number].height if number < len(channels) else 0)
            # Groups without a line between them still have to be told apart.
            if number + 1 < len(rows) and not channels[number].height and rows[number + 1].group != row.group:
                top += 1
        self.line_count = top
        self.cells = GUTTER + placing.cells
        self._spots = {
            slot.key: (number, at)
            for number, slots in enumerate(placing.rows)
            for at, slot in enumerate(slots)
            if slot.key is not None
        }
        self._order = list(self._spots)
        self._rank = {key: rank for rank, key in enumerate(self._order)}
        self._above: list[dict[int, list[int]]] = []
        for slots in placing.rows[:-1]:
            above: dict[int, list[int]] = {}
            for at, slot in enumerate(slots):
                for below in slot.below:
                    above.setdefault(below, []).append(at)
            self._above.append(above)

    def _has_heading(self, number: int) -> bool:
        return self.rows[number].is_last_thing and self.rows[number].is_first

    # Where something is

    def spot(self, key: Key) -> Spot | None:
        """Where a mark stands."""
        found = self._spots.get(key)
        if found is None:
            return None
        row, at = found
        slot, top = self.placing.rows[row][at], self._tops[row]
        return Spot(key, row, at, top, top + self.height.rows, GUTTER + slot.x, GUTTER + slot.x + slot.cells)

    def key_of(self, step: int) -> Key | None:
        """The mark that stands for a step: its own, or the fold that it is in."""
        if step in self._spots:
            return step
        return next((name for name, found in self.folds.items() if step in found.members), None)

    def key_at(self, x: int, line: int) -> Key | None:
        """The mark at a cell."""
        row = bisect_right(self._tops, line) - 1
        if row < 0 or line >= self._tops[row] + self.height.rows:
            return None
        return next((slot.key for slot in self.placing.rows[row] if slot.x <= x - GUTTER < slot.x + slot.cells), None)

    def first(self) -> Key | None:
        """The first mark."""
        return self._order[0] if self._order else None

    def last(self) -> Key | None:
        """The last mark."""
        return self._order[-1] if self._order else None

    def beside(self, key: Key, step: int) -> Key:
        """The next mark in reading order, or the one before."""
        return self._order[max(0, min(len(self._order) - 1, self._rank[key] + step))]

    def move(self, key: Key, action: str) -> Key:
        """Where a move leads from a mark: down and up along the lines if there are any, else to what is nearest."""
        spot = self.spot(key)
        if spot is None:
            return self.first() or key
        match action:
            case "down" | "up":
                return (
                    self._along(spot, down=action == "down")
                    or self._nearest(spot, 1 if action == "down" else -1)
                    or key
                )
            case "right":
                return self.beside(key, 1)
            case "left":
                return self.beside(key, -1)
            case _:
                raise KeyError(action)

    def _along(self, spot: Spot, *, down: bool) -> Key | None:
        port = self.placing.rows[spot.row][spot.place].port
        row, places = spot.row, [spot.place]
        while places:
            if down:
                places = sorted({below for at in places for below in self.placing.rows[row][at].below})
                row += 1
            else:
                row -= 1
                places = sorted({top for at in places for top in self._above[row].get(at, ())}) if row >= 0 else []
            slots = self.placing.rows[row] if 0 <= row < len(self.rows) else ()
            marks = [slots[at] for at in places if slots[at].key is not None]
            if marks:
                return min(marks, key=lambda slot: abs(slot.port - port)).key
        return None

    def _nearest(self, spot: Spot, step: int) -> Key | None:
        port = self.placing.rows[spot.row][spot.place].port
        row = spot.row + step
        while 0 <= row < len(self.rows):
            marks = [slot for slot in self.placing.rows[row] if slot.key is not None]
            if marks:
                return min(marks, key=lambda slot: abs(slot.port - port)).key
            row += step
        return None

    def lit(self, key: Key | None) -> Mapping[int, frozenset[tuple[int, int]]]:
        """The lines from and to a mark, by the row that they begin in, as far as the marks at their other ends."""
        found: dict[int, set[tuple[int, int]]] = {}
        spot = None if key is None else self.spot(key)
        if spot is None:
            return {}
        row, places = spot.row, {spot.place}
        while places and row < len(self.rows) - 1:
            pairs = {(at, below) for at in places for below in self.placing.rows[row][at].below}
            found.setdefault(row, set()).update(pairs)
            row += 1
            places = {below for _, below in pairs if self.placing.rows[row][below].key is None}
        row, places = spot.row, {spot.place}
        while places and row > 0:
            pairs = {(top, at) for at in places for top in self._above[row - 1].get(at, ())}
            found.setdefault(row - 1, set()).update(pairs)
            row -= 1
            places = {top for top, _ in pairs if self.placing.rows[row][top].key is None}
        return {row: frozenset(pairs) for row, pairs in found.items()}

    # How it is drawn

    def line(
        self,
        number: int,
        picture: GroupsPicture,
        now_us: int,
        *,
        chosen: Key | None = None,
        lit: Mapping[int, frozenset[tuple[int, int]]] | None = None,
        matches: Collection[int] = (),
    ) -> Line:
        """One line of the graph."""
        row = bisect_right(self._tops, number) - 1
        if row + 1 < len(self.rows) and number == self._tops[row + 1] - 1 and self._has_heading(row + 1):
            return self._heading()
        if row < 0 or row >= len(self.rows):
            return ()
        inner = number - self._tops[row]
        bright = (lit or {}).get(row, frozenset())
        if inner >= self.height.rows:
            if row >= len(self._channels) or inner - self.height.rows >= self._channels[row].height:
                return ()
            rows = self.placing.rows
            cells = drawn(self._channels[row], inner - self.height.rows, rows[row], rows[row + 1], bright)
            return _laid(
                (GUTTER + x, (Span(piece.char, Role.TEXT if piece.is_lit else Role.DIM),))
                for x, piece in sorted(cells.items())
            )
        pieces: list[tuple[int, Line]] = []
        if self.rows[row].is_first:
            pieces.append((0, self._gutter(row, inner, picture, now_us)))
        for at, slot in enumerate(self.placing.rows[row]):
            if slot.key is None:
                is_lit = any(top == at for top, _ in bright)
                dashed = bool(slot.dashed) and len(slot.dashed) == len(set(slot.below))
                pieces.append((GUTTER + slot.x, (Span("╎" if dashed else "│", Role.TEXT if is_lit else Role.DIM),)))
                continue
            pieces.append((GUTTER + slot.x, self._mark(row, at, slot, inner, picture, now_us, chosen, matches)))
        return _laid(pieces)

    def _mark(
        self,
        row: int,
        at: int,
        slot: Slot,
        inner: int,
        picture: GroupsPicture,
        now_us: int,
        chosen: Key | None,
        matches: Collection[int],
    ) -> Line:
        is_chosen = slot.key == chosen
        if isinstance(slot.key, str):
            lines = fold_lines(picture, self.folds[slot.key], self.height, cells=slot.cells, is_chosen=is_chosen)
        else:
            assert slot.key is not None
            lines = mark_lines(
                picture,
                slot.key,
                self.height,
                now_us,
                cells=slot.cells,
                is_chosen=is_chosen,
                match=slot.key in matches,
            )
        line = lines[inner]
        if self.height.rows > 1 and inner in (0, self.height.rows - 1):
            leads = bool(slot.below) if inner else row > 0 and at in self._above[row - 1]
            if leads:
                ((text, role, bold, underline),) = line
                port = slot.port - slot.x
                joint = ("┯" if inner else "┷") if is_chosen else ("┬" if inner else "┴")
                line = (Span(text[:port] + joint + text[port + 1 :], role, bold, underline),)
        return line

    def _gutter(self, row: int, inner: int, picture: GroupsPicture, now_us: int) -> Line:
        group = self.rows[row].group
        if self.height.rows == 1:
            name = "end" if self.rows[row].is_last_thing else str(group)
            taken = duration(self._group_us(row, picture, now_us)) if inner == 0 else ""
            return (
                Span(fit(name, _NUMBER, right=True), Role.TEXT),
                Span(" "),
                Span(fit(taken, _TIME, right=True), Role.DIM),
            )
        match inner - (1 if self.height.rows == 3 else 0):
            case 0:
                name = "the end" if self.rows[row].is_last_thing else f"group {group}"
                return (Span(fit(" " + name, GUTTER), Role.TEXT),)
            case 1:
                return (Span(fit(" " + duration(self._group_us(row, picture, now_us)), GUTTER), Role.DIM),)
            case 2 if self.height is Height.TALL:
                return (Span(fit(" " + plural(len(self._members[group]), "step"), GUTTER), Role.DIM),)
            case _:
                return ()

    def _group_us(self, row: int, picture: GroupsPicture, now_us: int) -> int | None:
        return group_us(picture, self._members[self.rows[row].group], now_us)

    def _heading(self) -> Line:
        text = f" {_AT_THE_END} "
        return (Span(f" ╌╌{text}" + "╌" * max(2, self.cells - len(text) - 4), Role.DIM),)


def group_us(picture: GroupsPicture, places: Iterable[int], now_us: int) -> int | None:
    """From the first start to the last end of some steps."""
    steps = picture.steps
    begun = [step for at in places if (step := steps[at]).started_at_us is not None]
    if not begun:
        return None
    # Of thousands most have ended, which is quickly said.
    ends = (step.finished_at_us or picture.ended_us(step, now_us) or 0 for step in begun)
    return max(ends) - min(step.started_at_us or 0 for step in begun)


def _laid(pieces: Iterable[tuple[int, Line]]) -> Line:
    """Pieces at their columns, blanks between them."""
    out: list[Span] = []
    at = 0
    for x, piece in pieces:
        if x > at:
            out.append(Span(" " * (x - at)))
            at = x
        out.extend(piece)
        at += width(piece)
    return tuple(out)

"""Where everything of the layered graph stands: rows of marks and lanes, few crossings, each near what it hangs on. Pure; no drawing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Key: TypeAlias = "int | str"
"""What a mark stands for: the place of a step, or the name of a fold."""

Sized: TypeAlias = "tuple[Key, int, int]"
"""A mark, how wide it is, and in which of its cells lines come and go."""

MOST_LANES: Final = 12
"""Lines that pass a row at most; what would need more is not drawn and counted."""
_SWEEPS: Final = 4
_SWEPT_MOST: Final = 3000
_NODE_GAP, _LANE_GAP = 3, 2


@dataclass(slots=True)
class Slot:
    """Something in a row: the mark of a step or of a fold, or a lane that passes (`key` is None). `x` is its left cell,
    and `hook` how far from there lines come and go.

    `below` are the places in the next row that it leads to, `dashed` those of them that are reached only by a fallback.
    """

    key: Key | None
    cells: int
    hook: int = 0
    x: int = 0
    below: list[int] = field(default_factory=list)
    dashed: set[int] = field(default_factory=set)

    @property
    def port(self) -> int:
        """The column in which lines come and go."""
        return self.x + self.hook


@dataclass(frozen=True, slots=True)
class Placing:
    """The rows from top to bottom, how wide they are together, and how many edges found no lane."""

    rows: Sequence[Sequence[Slot]]
    cells: int
    not_drawn: int


_Targets: TypeAlias = "tuple[tuple[int, frozenset[tuple[Key, bool]]], ...]"
"""What a line still leads to: by row, the keys there, and whether by a fallback. Rows in their order."""


def place(rows: Sequence[Sequence[Sized]], edges: Mapping[Key, Iterable[tuple[Key, bool]]], cells: int) -> Placing:
    """Place rows of marks that `edges` connect downwards; `cells` is the room there is, which may not suffice.

    Lines that lead to the same marks share a lane. An edge to a mark that is not below is left out.
    """
    slots, not_drawn = _with_lanes(rows, edges)
    _order(slots)
    _spread(slots, cells)
    return Placing(slots, max((slot.x + slot.cells for row in slots for slot in row), default=0), not_drawn)


def _with_lanes(
    rows: Sequence[Sequence[Sized]], edges: Mapping[Key, Iterable[tuple[Key, bool]]]
) -> tuple[list[list[Slot]], int]:
    """The rows with the lanes that pass them, each slot knowing what it leads to in the next row."""
    row_of = {key: number for number, row in enumerate(rows) for key, *_ in row}
    slots = [[Slot(key, width, hook) for key, width, hook in row] for row in rows]
    at = {slot.key: place for row in slots for place, slot in enumerate(row)}
    not_drawn = 0
    lanes: dict[_Targets, Slot] = {}
    for number, row in enumerate(slots):
        following: dict[_Targets, int] = {}
        leading = {id(slot): targets for targets, slot in lanes.items()}
        lanes = {}
        for slot in row:
            targets = leading.get(id(slot))
            if targets is None:
                targets = _targets(slot.key, number, edges, row_of)
            while targets:
                next_row, keys = targets[0]
                if next_row == number + 1:
                    for key, is_dashed in keys:
                        slot.below.append(at[key])
                        if is_dashed:
                            slot.dashed.add(at[key])
                    targets = targets[1:]
                    continue
                if targets not in following:
                    if len(following) >= MOST_LANES:
                        not_drawn += sum(len(names) for _, names in targets)
                        break
                    following[targets] = len(slots[number + 1])
                    lanes[targets] = Slot(None, 1)
                    slots[number + 1].append(lanes[targets])
                slot.below.append(following[targets])
                if all(is_dashed for _, names in targets for _, is_dashed in names):
                    slot.dashed.add(following[targets])
                break
    return slots, not_drawn


def _targets(
    key: Key | None, number: int, edges: Mapping[Key, Iterable[tuple[Key, bool]]], row_of: Mapping[Key, int]
) -> _Targets:
    if key is None:
        return ()
    found: dict[int, set[tuple[Key, bool]]] = {}
    for other, is_dashed in edges.get(key, ()):
        row = row_of.get(other, -1)
        if row > number:
            found.setdefault(row, set()).add((other, is_dashed))
    return tuple((row, frozenset(names)) for row, names in sorted(found.items()))


# Few crossings: each stands in its row near the middle of what it hangs on


def _order(rows: list[list[Slot]]) -> None:
    """A few sweeps by the barycentre. Many rows of few marks have little to cross, and are left as the plan has them."""
    if sum(map(len, rows)) > _SWEPT_MOST:
        return
    best, fewest = _orders(rows), _crossings(rows)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        if sweep % 2:
            for row in rows[-2::-1]:
                _sort(rows, row, [_middle(slot.below) for slot in row])
        else:
            for number, row in enumerate(rows[1:]):
                above: list[list[int]] = [[] for _ in row]
                for place, slot in enumerate(rows[number]):
                    for below in slot.below:
                        above[below].append(place)
                _sort(rows, row, [_middle(places) for places in above])
        crossings = _crossings(rows)
        if crossings < fewest:
            best, fewest = _orders(rows), crossings
    for row, order in zip(rows, best, strict=True):
        places = {id(slot): place for place, slot in enumerate(order)}
        _arrange(rows, row, sorted(range(len(row)), key=lambda place: places[id(row[place])]))


def _middle(places: Sequence[int]) -> float:
    return sum(places) / len(places) if places else -1.0


def _sort(rows: list[list[Slot]], row: list[Slot], wanted: Sequence[float]) -> None:
    """Those that hang on something by where that is, the others keep their place; a fold stands behind the steps."""
    movable = [place for place in range(len(row)) if wanted[place] >= 0]
    order = list(range(len(row)))
    by_want = sorted(movable, key=lambda place: (isinstance(row[place].key, str), wanted[place]))
    for place, taken in zip(movable, by_want, strict=True):
        order[place] = taken
    _arrange(rows, row, order)


def _arrange(rows: list[list[Slot]], row: list[Slot], order: Sequence[int]) -> None:
    """Put a row in another order, and tell the row above."""
    if list(order) == list(range(len(row))):
        return
    number = next(number for number, other in enumerate(rows) if other is row)
    moved = {before: now for now, before in enumerate(order)}
    row[:] = [row[before] for before in order]
    if number:
        for slot in rows[number - 1]:
            slot.below = [moved[place] for place in slot.below]
            slot.dashed = {moved[place] for place in slot.dashed}


def _orders(rows: list[list[Slot]]) -> list[list[Slot]]:
    return [list(row) for row in rows]


def _crossings(rows: Sequence[Sequence[Slot]]) -> int:
    """How often lines cross, counted by pairs of them between two rows."""
    total = 0
    for row in rows:
        ends = [(place, below) for place, slot in enumerate(row) for below in slot.below]
        ends.sort()
        for at, (place, below) in enumerate(ends):
            total += sum(1 for other, under in ends[at + 1 :] if other > place and under < below)
    return total


# Columns


def _spread(rows: Sequence[Sequence[Slot]], cells: int) -> None:
    """Give every slot its column: first side by side, then towards the middle of what it hangs on, down, up and down."""
    for row in rows:
        _settle(row, [0.0] * len(row), cells)
    for number in range(1, len(rows)):
        _towards_above(rows, number, cells)
    for number in range(len(rows) - 2, -1, -1):
        under = rows[number + 1]
        wanted = [
            sum(under[below].port for below in slot.below) / len(slot.below) if slot.below else float(slot.port)
            for slot in rows[number]
        ]
        _settle(rows[number], wanted, cells)
    for number in range(1, len(rows)):
        _towards_above(rows, number, cells)
    left = min((slot.x for row in rows for slot in row), default=0)
    right = max((slot.x + slot.cells for row in rows for slot in row), default=0)
    shift = max(0, cells - (right - left)) // 2 - left
    for row in rows:
        for slot in row:
            slot.x += shift


def _towards_above(rows: Sequence[Sequence[Slot]], number: int, cells: int) -> None:
    above: list[list[int]] = [[] for _ in rows[number]]
    for slot in rows[number - 1]:
        for below in slot.below:
            above[below].append(slot.port)
    wanted = [
        sum(ports) / len(ports) if ports else float(slot.port) for ports, slot in zip(above, rows[number], strict=True)
    ]
    _settle(rows[number], wanted, cells)


def _settle(row: Sequence[Slot], wanted: Sequence[float], cells: int) -> None:
    """Put each slot's port as near to its wanted column as order and gaps allow, in least squares: neighbours that press
    against each other are moved as one, and nothing leaves the room there is as long as all of it fits."""
    offsets: list[int] = []
    offset = 0
    for place, slot in enumerate(row):
        if place:
            gap = _NODE_GAP if slot.key is not None and row[place - 1].key is not None else _LANE_GAP
            offset += row[place - 1].cells + gap
        offsets.append(offset)
    blocks: list[tuple[float, int]] = []  # mean left edge less the offset, and how many slots it is of
    for place, slot in enumerate(row):
        mean, size = wanted[place] - slot.hook - offsets[place], 1
        while blocks and blocks[-1][0] >= mean:
            before, many = blocks.pop()
            mean = (before * many + mean * size) / (many + size)
            size += many
        blocks.append((mean, size))
    most = max(0, cells - offsets[-1] - row[-1].cells) if row else 0
    place = 0
    for mean, size in blocks:
        left = max(0, min(most, round(mean)))
        for _ in range(size):
            row[place].x = left + offsets[place]
            place += 1

"""Which steps and folds stand in which row of the layered graph, and at which height they are drawn. Places are in placing.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tui.viewmodel.groups.folding import MOST_UNFOLDED, Fold, fold
from tui.viewmodel.groups.graph import GUTTER, Graph, Row
from tui.viewmodel.groups.lanes import channel
from tui.viewmodel.groups.marks import INFO, Height, fold_cells, mark_cells
from tui.viewmodel.groups.picture import by_group
from tui.viewmodel.groups.placing import place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.viewmodel.groups.picture import GroupsPicture
    from tui.viewmodel.groups.placing import Key, Sized
    from tui.viewmodel.groups.relations import Relations

_GAP: Final = 3
_LANES_ROOM: Final = 4


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be seen: the room there is, steps that are never folded away, unfolded groups, and the only steps, if not all."""

    cells: int
    lines: int
    pinned: frozenset[int] = frozenset()
    unfolded: frozenset[int] = frozenset()
    only: frozenset[int] | None = None


def layered(picture: GroupsPicture, relations: Relations, wish: Wish) -> Graph:
    """The graph at the greatest height at which nothing is folded and all is in sight; else as low as it takes."""
    if len(picture.steps) <= _TRIED_MOST:
        for height in Height:
            graph = _layout(picture, relations, wish, height)
            has_room = not graph.folds and graph.cells <= wish.cells
            if has_room and (graph.line_count <= wish.lines or (height is Height.LINE and wish.lines < _TALL_SCREEN)):
                return graph
    return _layout(picture, relations, wish, Height.BARE)


_TRIED_MOST: Final = 300
_TALL_SCREEN: Final = 30
_WRAPPED_MOST: Final = 3
_WRAPPED_STEPS: Final = 120
"""With more steps than this a group has one row: the lanes past further rows would take more room than what is in them."""


_MEASURED, _MEASURED_OF_MANY = 40, 6
"""Steps of a group that are measured to know how many fit into a row."""
_FOLD_ROOM: Final = 16


def _layout(picture: GroupsPicture, relations: Relations, wish: Wish, height: Height) -> Graph:
    rows: list[Row] = []
    folds: dict[str, Fold] = {}
    room = max(20, wish.cells - GUTTER - _LANES_ROOM)
    groups = by_group(picture.steps)
    for group, members in groups.items():
        kept = [at for at in members if wish.only is None or at in wish.only]
        ends = [at for at in kept if picture.steps[at].step_id in picture.shape.at_the_end]
        others = [at for at in kept if picture.steps[at].step_id not in picture.shape.at_the_end]
        for places, is_end in ((others, False), (ends, True)):
            rows += _wrapped(group, places, room, picture, wish, height, folds, is_end=is_end)
    key_of: dict[int, Key] = {at: name for name, found in folds.items() for at in found.members}
    edges: dict[Key, dict[Key, bool]] = {}
    for row in rows:
        for key in row.keys:
            members_of = folds[key].members if isinstance(key, str) else (key,)
            for at in members_of:
                for below in relations.drawn[at]:
                    dashed = (at, below) in relations.fallbacks
                    into = edges.setdefault(key, {})
                    target = key_of.get(below, below)
                    into[target] = dashed and into.get(target, True)
    sized = [
        [
            _sized(
                key,
                fold_cells(folds[key], height) if isinstance(key, str) else mark_cells(picture, key, height),
                height,
            )
            for key in row.keys
        ]
        for row in rows
    ]
    placing = place(sized, {key: list(found.items()) for key, found in edges.items()}, wish.cells - GUTTER)
    channels = [channel(above, below) for above, below in zip(placing.rows[:-1], placing.rows[1:], strict=True)]
    return Graph(rows, placing, channels, folds, height, groups)


def _sized(key: Key, cells: int, height: Height) -> Sized:
    """Lines come and go in the middle, of the name where more is said behind it."""
    return key, cells, (cells - 1 - (INFO if height is Height.LINE and isinstance(key, int) else 0)) // 2


def _wrapped(
    group: int,
    members: Sequence[int],
    room: int,
    picture: GroupsPicture,
    wish: Wish,
    height: Height,
    folds: dict[str, Fold],
    *,
    is_end: bool,
) -> list[Row]:
    """The rows of a group: as many as it takes up to a few, the rest folded; many when it is unfolded."""
    if not members:
        return []
    measured = _MEASURED if len(picture.steps) <= _TRIED_MOST else _MEASURED_OF_MANY
    widest = _GAP + max(mark_cells(picture, at, height) for at in members[:measured])
    a_row = max(1, (room + _GAP) // widest)
    if len(members) > a_row:
        a_row = max(1, (room - _FOLD_ROOM) // widest) + 1
    rows_most = _WRAPPED_MOST if len(picture.steps) <= _WRAPPED_STEPS else 1
    limit = MOST_UNFOLDED if group in wish.unfolded or wish.only is not None else a_row * rows_most
    shown, folded = fold(group, members, limit, picture.steps, wish.pinned)
    keys: list[Key] = list(shown)
    cells = {at: mark_cells(picture, at, height) + _GAP for at in shown}
    if folded is not None:
        name = f"+{group}{'!' if is_end else ''}"
        folds[name] = folded
        keys.append(name)
    rows: list[Row] = []
    line: list[Key] = []
    taken = 0
    for key in keys:
        needed = cells[key] if isinstance(key, int) else fold_cells(folds[key], height) + _GAP
        if line and taken + needed > room + _GAP:
            rows.append(Row(group, tuple(line), not rows, is_end))
            line, taken = [], 0
        line.append(key)
        taken += needed
    rows.append(Row(group, tuple(line), not rows, is_end))
    return rows

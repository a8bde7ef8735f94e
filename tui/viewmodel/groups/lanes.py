"""The lines between two rows of the layered graph: which run where, and the characters they are drawn with. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tui.viewmodel.groups.placing import Slot

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
_SOLID: Final = {
    UP: "│", DOWN: "│", UP | DOWN: "│", LEFT: "─", RIGHT: "─", LEFT | RIGHT: "─",
    UP | LEFT: "╯", UP | RIGHT: "╰", DOWN | LEFT: "╮", DOWN | RIGHT: "╭",
    UP | DOWN | LEFT: "┤", UP | DOWN | RIGHT: "├", UP | LEFT | RIGHT: "┴", DOWN | LEFT | RIGHT: "┬",
    UP | DOWN | LEFT | RIGHT: "┼",
}  # fmt: skip
_DASHED: Final = {**_SOLID, UP: "╎", DOWN: "╎", UP | DOWN: "╎", LEFT: "╌", RIGHT: "╌", LEFT | RIGHT: "╌"}

Lit: TypeAlias = "frozenset[tuple[int, int]]"
"""Edges between two rows that are to be seen above others: place above, place below."""


@dataclass(frozen=True, slots=True)
class Net:
    """Lines that lead from the same places above to the same places below. `track` is the row of the channel they bend in."""

    above: tuple[int, ...]
    below: tuple[int, ...]
    is_dashed: bool
    track: int = 0


TRACKS_MOST: Final = 3
"""Rows that lines between two rows may take. More of them cannot be told apart anyway: they share one, and those of the chosen
step are drawn over it."""


@dataclass(frozen=True, slots=True)
class Channel:
    """The lines between two rows, and how many rows they need; none where nothing leads down."""

    nets: Sequence[Net]
    height: int
    is_dense: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """One cell of a line."""

    char: str
    is_lit: bool
    is_dashed: bool


def channel(above: Sequence[Slot], below: Sequence[Slot]) -> Channel:
    """Nets with tracks, such that no two overlap and few cross."""
    grouped: dict[tuple[tuple[int, ...], bool], list[int]] = {}
    for place, slot in enumerate(above):
        for is_dashed in (False, True):
            ends = tuple(sorted(set(slot.below) - slot.dashed if not is_dashed else slot.dashed))
            if ends:
                grouped.setdefault((ends, is_dashed), []).append(place)
    nets = [Net(tuple(tops), ends, is_dashed) for (ends, is_dashed), tops in grouped.items()]
    if not nets:
        return Channel((), 0)
    return _tracked(nets, above, below)


def _tracked(nets: Sequence[Net], above: Sequence[Slot], below: Sequence[Slot]) -> Channel:
    """Who comes down in a column in which another leads further down has to bend above it; else the shortest goes first."""
    tops = [{above[place].port for place in net.above} for net in nets]
    ends = [{below[place].port for place in net.below} for net in nets]
    spans = [(min(top | end), max(top | end)) for top, end in zip(tops, ends, strict=True)]
    first: list[set[int]] = [
        {
            other
            for other in range(len(nets))
            if other != at and tops[other] & ends[at] and not _is_straight(nets[other], tops[other], ends[other])
        }
        for at in range(len(nets))
    ]
    tracks: dict[int, int] = {}
    waiting = sorted(range(len(nets)), key=lambda at: (spans[at][1] - spans[at][0], at))
    height = 1
    while waiting:
        at = next((net for net in waiting if first[net] <= tracks.keys()), waiting[0])
        waiting.remove(at)
        if spans[at][0] == spans[at][1]:
            tracks[at] = 0
            continue
        track = 1 + max((tracks[other] for other in first[at] if other in tracks), default=-1)
        while any(
            tracks[other] == track and spans[other][0] <= spans[at][1] + 1 and spans[at][0] <= spans[other][1] + 1
            for other in tracks
            if spans[other][0] != spans[other][1]
        ):
            track += 1
        tracks[at] = track
        height = max(height, track + 1)
    if height > TRACKS_MOST:
        return Channel(nets, 1, is_dense=True)
    return Channel([Net(net.above, net.below, net.is_dashed, tracks[at]) for at, net in enumerate(nets)], height)


def _is_straight(net: Net, top: set[int], end: set[int]) -> bool:
    return len(net.above) == len(net.below) == 1 and top == end


def drawn(found: Channel, row: int, above: Sequence[Slot], below: Sequence[Slot], lit: Lit) -> Mapping[int, Piece]:
    """One row of a channel: the cells that are not blank, by column. Where lines only cross, the one that goes down is whole."""
    calm: dict[int, list[tuple[int, bool]]] = {}
    bright: dict[int, list[tuple[int, bool]]] = {}
    for net in found.nets:
        for x, mask in _cells(net, row, above, below).items():
            calm.setdefault(x, []).append((mask, net.is_dashed))
        seen = [(top, end) for top in net.above for end in net.below if (top, end) in lit]
        if seen:
            own = Net(*_ends(seen), net.is_dashed, net.track)
            for x, mask in _cells(own, row, above, below).items():
                bright.setdefault(x, []).append((mask, net.is_dashed))
    if found.is_dense:
        return {x: _joined(bright.get(x, parts), bright.get(x, ())) for x, parts in calm.items()}
    return {x: _joined(parts, bright.get(x, ())) for x, parts in calm.items()}


def _ends(pairs: Sequence[tuple[int, int]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple({top for top, _ in pairs}), tuple({end for _, end in pairs})


def _cells(net: Net, row: int, above: Sequence[Slot], below: Sequence[Slot]) -> dict[int, int]:
    tops = {above[place].port for place in net.above}
    ends = {below[place].port for place in net.below}
    if row < net.track:
        return dict.fromkeys(tops, UP | DOWN)
    if row > net.track:
        return dict.fromkeys(ends, UP | DOWN)
    left, right = min(tops | ends), max(tops | ends)
    cells = {x: (LEFT if x > left else 0) | (RIGHT if x < right else 0) for x in range(left, right + 1)}
    for x in tops:
        cells[x] |= UP
    for x in ends:
        cells[x] |= DOWN
    return cells


def _joined(parts: Sequence[tuple[int, bool]], bright: Sequence[tuple[int, bool]]) -> Piece:
    masks = {mask for mask, _ in parts}
    lit = {mask for mask, _ in bright}
    if masks == {UP | DOWN, LEFT | RIGHT}:
        # They cross and do not meet.
        mask = LEFT | RIGHT if lit == {LEFT | RIGHT} else UP | DOWN
    else:
        mask = 0
        for part in masks:
            mask |= part
    is_dashed = all(dashed for _, dashed in parts)
    return Piece((_DASHED if is_dashed else _SOLID)[mask], bool(lit), is_dashed)

"""Which element has replaced which: pairs of unequal elements between matched ones, by likeness where that is affordable."""

from __future__ import annotations

from collections import defaultdict
from operator import eq
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from engine.model.json import Json
    from engine.regression.json_diff.sameness import Mark, Sameness
    from engine.regression.json_diff.sequences import Budget

_Element: TypeAlias = "tuple[Json, tuple[Mark, ...] | None]"
"""A value and its parts, see `Sameness.parts`."""

LARGEST: Final = 2_500
"""Comparisons of likeness in one gap; beyond that elements are paired by position."""

ALIKE: Final = 0.5
"""Likeness from which on first with first needs no further search."""

_COST: Final = 20
"""Of one comparison of likeness, in steps of the budget."""


class Elements(NamedTuple):
    """The elements of an array and their marks."""

    values: list[Json]
    marks: list[Mark]

    def of(self, places: list[int], known: Sameness) -> list[_Element]:
        """The elements at some places."""
        return [(self.values[place], known.parts(self.marks[place])) for place in places]


def pair_gaps(
    gone: dict[int, int], come: dict[int, int], before: Elements, after: Elements, known: Sameness, budget: Budget
) -> list[tuple[int, int]]:
    """Pairs of places out of `gone` and `come`, each with the number of its gap, in order: no pair crosses another."""
    gaps, there = _by_gap(gone), _by_gap(come)
    pairs: list[tuple[int, int]] = []
    for gap, mine in gaps.items():
        theirs = there.get(gap)
        if theirs is None:
            continue
        if len(mine) == len(theirs) == 1:
            pairs.append((mine[0], theirs[0]))
            continue
        alike: list[tuple[int, int]] = []
        cost = _COST * len(mine) * len(theirs)
        if len(mine) * len(theirs) <= LARGEST and cost <= budget.left:
            budget.left -= cost
            ours, others = before.of(mine, known), after.of(theirs, known)
            if not _alike_in_place(ours, others, known):
                alike = _most_alike(ours, others, known)
        pairs += _by_position(mine, theirs, alike) if alike else zip(mine, theirs, strict=False)
    return pairs


def _by_gap(places: dict[int, int]) -> dict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for place, gap in places.items():
        found[gap].append(place)
    return found


def _by_position(mine: list[int], theirs: list[int], alike: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs that are alike, and between them first with first."""
    pairs: list[tuple[int, int]] = []
    at_mine = at_theirs = 0
    for one, other in [*alike, (len(mine), len(theirs))]:
        pairs += zip(mine[at_mine:one], theirs[at_theirs:other], strict=False)
        if one < len(mine):
            pairs.append((mine[one], theirs[other]))
        at_mine, at_theirs = one + 1, other + 1
    return pairs


def _alike_in_place(before: list[_Element], after: list[_Element], known: Sameness) -> bool:
    if len(before) != len(after):
        return False
    return all(_likeness(one, other, known) >= ALIKE for one, other in zip(before, after, strict=True))


def _most_alike(before: list[_Element], after: list[_Element], known: Sameness) -> list[tuple[int, int]]:
    """The pairs, in order on both sides, with the greatest sum of likeness (Needleman and Wunsch 1970, without a gap's cost)."""
    rows, columns = len(before), len(after)
    likeness = [[_likeness(one, other, known) for other in after] for one in before]
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for row in range(rows - 1, -1, -1):
        here, below, like = best[row], best[row + 1], likeness[row]
        for column in range(columns - 1, -1, -1):
            here[column] = max(below[column], here[column + 1], below[column + 1] + like[column])
    pairs: list[tuple[int, int]] = []
    row = column = 0
    while row < rows and column < columns:
        here = best[row]
        if likeness[row][column] > 0 and here[column] == best[row + 1][column + 1] + likeness[row][column]:
            pairs.append((row, column))
            row, column = row + 1, column + 1
        elif here[column] == best[row + 1][column]:
            row += 1
        else:
            column += 1
    return pairs


def _likeness(one: _Element, other: _Element, known: Sameness) -> float:
    """0 for nothing in common, towards 1 for almost equal; a look at the first level only."""
    (mine, parts), (theirs, others) = one, other
    if type(mine) is dict and type(theirs) is dict:
        equal: int
        if parts is not None and others is not None and parts[0] is others[0]:
            shared, equal = len(mine), sum(map(eq, parts, others)) - 1  # the first is that of the keys
        else:
            keys = mine.keys() & theirs.keys()
            shared = len(keys)
            marks = known.plain_marks([mine[key] for key in keys])
            equal = sum(map(eq, marks, known.plain_marks([theirs[key] for key in keys])))
        return (1 + shared + 3 * equal) / (1 + 4 * max(len(mine), len(theirs)))
    if type(mine) is list and type(theirs) is list:
        return (1 + min(len(mine), len(theirs))) / (2 + 2 * max(len(mine), len(theirs)))
    return 0.0

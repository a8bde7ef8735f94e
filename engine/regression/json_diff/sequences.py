"""Which elements of two sequences correspond: a common subsequence in bounded work. Marks only; no JSON here.

Common ends first, then elements that occur once on both sides as anchors (patience diff, Bram Cohen), then Myers' greedy
algorithm ("An O(ND) difference algorithm and its variations", 1986) between them. Where that would cost too much, n-th
occurrences are paired and the longest increasing run of them is kept (Schensted 1961), which is never quadratic: what was
found is then a common subsequence still, but perhaps not the longest.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import islice
from operator import eq, lt
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.regression.json_diff.sameness import Mark

SMALL: Final = 4_096
"""Cells between the common ends for which the exact algorithm is taken at once: anchors are a guess."""

WORK: Final = 100_000
"""Steps of Myers' algorithm in one diff: some 20 ms."""


@dataclass(slots=True)
class Budget:
    """What may still be spent, in steps of an inner loop; shared by all sequences of one diff.

    It is overdrawn by one run of equal elements at most.
    """

    left: int = WORK


def match_sequences(before: Sequence[Mark], after: Sequence[Mark], budget: Budget) -> list[tuple[int, int]]:
    """Pairs of places with equal marks, increasing on both sides."""
    if len(before) == len(after):
        agree = list(map(eq, before, after))
        # Most are where they were: what differs has been replaced in its place, and need not be looked for.
        if 3 * sum(agree) >= 2 * len(agree):
            return [(place, place) for place, agrees in enumerate(agree) if agrees]
    start, end = _common_ends(before, after, 0, len(before), 0, len(after))
    low, high_before, high_after = start, len(before) - end, len(after) - end
    pairs = [(place, place) for place in range(start)]
    at_before, at_after = low, low
    for anchor in [*_anchors(before, after, low, high_before, high_after), (high_before, high_after)]:
        if at_before < anchor[0] and at_after < anchor[1]:
            pairs += _between(before, after, (at_before, anchor[0]), (at_after, anchor[1]), budget)
        if anchor[0] < high_before:
            pairs.append(anchor)
        at_before, at_after = anchor[0] + 1, anchor[1] + 1
    pairs += [(high_before + place, high_after + place) for place in range(end)]
    return pairs


def longest_increasing(values: Sequence[int]) -> list[int]:
    """The places of a longest strictly increasing subsequence, in order. O(n log n)."""
    if all(map(lt, values, islice(values, 1, None))):  # mostly nothing has moved
        return list(range(len(values)))
    tails: list[int] = []
    tail_places: list[int] = []
    previous: list[int] = []
    for place, value in enumerate(values):
        rank = bisect_left(tails, value)
        previous.append(tail_places[rank - 1] if rank else -1)
        if rank == len(tails):
            tails.append(value)
            tail_places.append(place)
        else:
            tails[rank] = value
            tail_places[rank] = place
    found: list[int] = []
    place = tail_places[-1] if tail_places else -1
    while place >= 0:
        found.append(place)
        place = previous[place]
    found.reverse()
    return found


def _common_ends(
    before: Sequence[Mark], after: Sequence[Mark], low_b: int, high_b: int, low_a: int, high_a: int
) -> tuple[int, int]:
    shorter = min(high_b - low_b, high_a - low_a)
    start = 0
    while start < shorter and before[low_b + start] == after[low_a + start]:
        start += 1
    end = 0
    while end < shorter - start and before[high_b - 1 - end] == after[high_a - 1 - end]:
        end += 1
    return start, end


def _anchors(
    before: Sequence[Mark], after: Sequence[Mark], low: int, high_before: int, high_after: int
) -> list[tuple[int, int]]:
    """What occurs once on both sides of the middle, as far as its order is the same."""
    mine, theirs = before[low:high_before], after[low:high_after]
    if len(mine) * len(theirs) <= SMALL or set(mine).isdisjoint(theirs):
        return []
    places, others = _once(mine, low), _once(theirs, low)
    pairs = [(place, others[mark]) for mark, place in places.items() if place >= 0 and others.get(mark, -1) >= 0]
    return [pairs[kept] for kept in longest_increasing([other for _, other in pairs])]


def _once(marks: Sequence[Mark], low: int) -> dict[Mark, int]:
    """Where each mark is, counted from `low`; -1 if it is there more than once."""
    places: dict[Mark, int] = {}
    for place, mark in enumerate(marks, low):
        places[mark] = -1 if mark in places else place
    return places


def _between(
    before: Sequence[Mark], after: Sequence[Mark], span: tuple[int, int], other: tuple[int, int], budget: Budget
) -> list[tuple[int, int]]:
    """Matches between two anchors, where nothing is unique any more."""
    if set(before[slice(*span)]).isdisjoint(after[slice(*other)]):
        return []
    start, end = _common_ends(before, after, *span, *other)
    pairs = [(span[0] + place, other[0] + place) for place in range(start)]
    common = set(before[span[0] + start : span[1] - end]).intersection(after[other[0] + start : other[1] - end])
    if common:
        # What has no equal on the other side cannot match, and would only lengthen the way.
        here = [place for place in range(span[0] + start, span[1] - end) if before[place] in common]
        there = [place for place in range(other[0] + start, other[1] - end) if after[place] in common]
        marks, others = [before[place] for place in here], [after[place] for place in there]
        found = _myers(marks, others, budget)
        if found is None:
            found = _by_occurrence(marks, others)
        pairs += [(here[one], there[two]) for one, two in found]
    pairs += [(span[1] - end + place, other[1] - end + place) for place in range(end)]
    return pairs


def _myers(before: Sequence[Mark], after: Sequence[Mark], budget: Budget) -> list[tuple[int, int]] | None:
    """A longest common subsequence, None if it would cost more than the budget has."""
    rows, columns = len(before), len(after)
    furthest = {1: 0}
    story: list[dict[int, int]] = []
    for edits in range(rows + columns + 1):
        if budget.left < 2 * edits:
            return None
        story.append(furthest.copy())
        budget.left -= 2 * edits + 1  # the diagonals, and the copy of them
        for diagonal in range(-edits, edits + 1, 2):
            down = diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1])
            row = furthest[diagonal + 1] if down else furthest[diagonal - 1] + 1
            column = row - diagonal
            began = row
            while row < rows and column < columns and before[row] == after[column]:
                row += 1
                column += 1
            budget.left -= row - began
            if budget.left < 0:
                return None
            furthest[diagonal] = row
            if row >= rows and column >= columns:
                return _way_back(story, rows, columns)
    return None


def _way_back(story: list[dict[int, int]], row: int, column: int) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for edits in range(len(story) - 1, -1, -1):
        furthest = story[edits]
        diagonal = row - column
        down = diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1])
        came_from = diagonal + 1 if down else diagonal - 1
        from_row = furthest[came_from]
        from_column = from_row - came_from
        while row > max(from_row, 0) and column > max(from_column, 0):
            row, column = row - 1, column - 1
            pairs.append((row, column))
        row, column = from_row, from_column
    pairs.reverse()
    return pairs


def _by_occurrence(before: Sequence[Mark], after: Sequence[Mark]) -> list[tuple[int, int]]:
    places: defaultdict[Mark, list[int]] = defaultdict(list)
    for place, mark in enumerate(after):
        places[mark].append(place)
    met: Counter[Mark] = Counter()
    pairs: list[tuple[int, int]] = []
    for place, mark in enumerate(before):
        if met[mark] < len(places[mark]):
            pairs.append((place, places[mark][met[mark]]))
            met[mark] += 1
    return [pairs[kept] for kept in longest_increasing([other for _, other in pairs])]

"""Where the level of a series changed: two methods that do not share their assumptions, and the points on which they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SHORTEST: Final = 5
"""Values on either side of a change."""

_SHUFFLES: Final = 199
_LEVEL: Final = 0.05


def change_points(values: Sequence[float], *, tolerance: int = 3) -> list[int]:
    """Indices from which on a new level holds, found by both methods at most `tolerance` apart, in order."""
    series = np.asarray(values, dtype=np.float64)
    if len(series) < 2 * _SHORTEST:
        return []
    by_energy, by_cost = by_divergence(series), by_segments(series)
    return [point for point in by_cost if any(abs(point - other) <= tolerance for other in by_energy)]


def by_segments(series: NDArray[np.float64]) -> list[int]:
    """The segmentation into levels with the least absolute deviation and a price for each change (a Potts functional).

    The price is 3 times the noise times the logarithm of the length, so that it grows with both, as in Yao's criterion
    (1988). The noise is the median absolute difference of neighbours, which a change of level touches once. Dynamic
    programme over all segmentations.
    """
    n = len(series)
    noise = float(np.median(np.abs(np.diff(series)))) * 1.4826 / np.sqrt(2)
    if noise == 0.0:
        noise = float(np.abs(np.diff(series)).mean()) or 1.0
    price = 3.0 * noise * np.log(n)
    costs = _absolute_costs(series)
    best = np.full(n + 1, np.inf)
    best[0] = -price
    came_from = np.zeros(n + 1, dtype=np.int64)
    for end in range(_SHORTEST, n + 1):
        starts = np.arange(0, end - _SHORTEST + 1)
        totals = best[starts] + costs[starts, end - 1] + price
        came_from[end] = starts[int(np.argmin(totals))]
        best[end] = totals.min()
    points: list[int] = []
    at = n
    while came_from[at] > 0:
        at = int(came_from[at])
        points.append(at)
    return points[::-1]


def _absolute_costs(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of absolute deviations from the median of every stretch, by its first and last index."""
    n = len(series)
    costs = np.full((n, n), np.inf)
    for start in range(n):
        stretch: list[float] = []
        for end in range(start, n):
            value = float(series[end])
            place = int(np.searchsorted(stretch, value))
            stretch.insert(place, value)
            half = len(stretch) // 2
            upper, lower = sum(stretch[len(stretch) - half :]), sum(stretch[:half])
            costs[start, end] = upper - lower
    return costs


def by_divergence(series: NDArray[np.float64]) -> list[int]:
    """Matteson and James' E-divisive (2014): split where the energy distance is largest, as long as shuffling rarely does as well.

    The shuffles come from a generator with a fixed seed, so the same series always has the same answer.
    """
    random = np.random.default_rng(20140101)
    points: list[int] = []
    stretches = [(0, len(series))]
    while stretches:
        start, end = stretches.pop()
        if end - start < 2 * _SHORTEST:
            continue
        distances = np.abs(np.subtract.outer(series[start:end], series[start:end]))
        at, score = _best_split(distances)
        beaten = 1
        for shuffle in range(_SHUFFLES):
            order = random.permutation(end - start)
            beaten += _best_split(distances[np.ix_(order, order)])[1] >= score
            if beaten > _LEVEL * (_SHUFFLES + 1) and shuffle >= 20:  # it cannot become rare any more
                break
        if beaten / (_SHUFFLES + 1) <= _LEVEL:
            points.append(start + at)
            stretches += [(start, start + at), (start + at, end)]
    return sorted(points)


def _best_split(distances: NDArray[np.float64]) -> tuple[int, float]:
    """The split with the largest scaled energy distance between its sides."""
    n = len(distances)
    within = np.zeros((n + 1, n + 1))
    within[1:, 1:] = distances.cumsum(axis=0).cumsum(axis=1)
    splits = np.arange(_SHORTEST, n - _SHORTEST + 1)
    left = within[splits, splits]
    between = within[splits, n] - left
    right = within[n, n] - left - 2 * between
    sizes, others = splits.astype(np.float64), (n - splits).astype(np.float64)
    energy = 2 * between / (sizes * others) - left / (sizes * (sizes - 1)) - right / (others * (others - 1))
    scores = energy * sizes * others / n
    best = int(np.argmax(scores))
    return int(splits[best]), float(scores[best])

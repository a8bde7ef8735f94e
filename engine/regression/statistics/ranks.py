"""Two samples by their ranks: the exact test with ties, and the shift between them with its interval. Knows no runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

EXACT_CELLS: Final = 40_000_000
"""Up to how much work, in cells of the table, the distribution is counted out; beyond it the normal approximation is used."""

_FEW: Final = 200
"""Up to how many differences plain lists are quicker than arrays."""

Side = Literal["both", "greater", "less"]


@dataclass(frozen=True, slots=True)
class RankTest:
    """The outcome of a rank test. `u` counts pairs in which the second sample is larger, ties half; `method` says how p was found."""

    u: float
    p: float
    method: str


def midranks(values: Sequence[float]) -> NDArray[np.int64]:
    """Twice the rank of every value, ties sharing the middle: whole numbers, so that sums of them are exact."""
    array = np.asarray(values, dtype=np.float64)
    order = np.argsort(array, kind="stable")
    ranked = array[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    ends = np.r_[starts[1:], len(ranked)]
    doubled = np.empty(len(array), dtype=np.int64)
    doubled[order] = np.repeat(starts + ends + 1, ends - starts)
    return doubled


def rank_test(first: Sequence[float], second: Sequence[float], *, side: Side = "both") -> RankTest:
    """Wilcoxon, Mann and Whitney's test of whether the values of `second` tend to be other (greater, less) than those of `first`.

    The distribution of the rank sum is counted out over all ways to split the pooled mid-ranks, so ties are exact:
    Streitberg and Roehmel's shift algorithm (1986). Two-sided p is the probability of a sum at least as far from its mean.
    Raises ValueError for an empty sample.
    """
    n, m = len(first), len(second)
    if not n or not m:
        raise ValueError("both samples need a value")
    doubled = midranks([*first, *second])
    observed = int(doubled[n:].sum())
    u = observed / 2 - m * (m + 1) / 2
    if n * m == 0 or (doubled[0] * (n + m) == doubled.sum() and len(set(doubled.tolist())) == 1):
        return RankTest(u, 1.0, "all values are equal")
    # Choosing the smaller sample gives the same distribution, mirrored, for less work.
    chosen, mirrored = (m, False) if m <= n else (n, True)
    statistic = int(doubled.sum()) - observed if mirrored else observed
    total = int(np.sort(doubled)[-chosen:].sum())
    if (n + m) * chosen * total <= EXACT_CELLS:
        counts = _sums(tuple(sorted(doubled.tolist())), chosen)
        p = _tail(counts, statistic, chosen * doubled.sum() / (n + m), _turned(side) if mirrored else side)
        return RankTest(u, p, "exact rank test")
    return RankTest(u, _normal(doubled, n, m, u, side), "rank test, normal approximation")


def _turned(side: Side) -> Side:
    return "less" if side == "greater" else "greater" if side == "less" else "both"


@lru_cache(maxsize=64)
def _sums(doubled: tuple[int, ...], chosen: int) -> NDArray[np.float64]:
    """How probable each sum of `chosen` of the doubled ranks is, all choices being equally likely."""
    top = sum(doubled[-chosen:])
    table = np.zeros((chosen + 1, top + 1), dtype=np.float64)
    table[0, 0] = 1.0
    for place, rank in enumerate(doubled):
        most = min(chosen, place + 1)
        for count in range(most, 0, -1):
            table[count, rank:] += table[count - 1, : top + 1 - rank]
    counts: NDArray[np.float64] = table[chosen] / table[chosen].sum()
    return counts


def _tail(probabilities: NDArray[np.float64], statistic: int, mean: float, side: Side) -> float:
    sums = np.arange(len(probabilities))
    match side:
        case "greater":
            chosen = sums >= statistic
        case "less":
            chosen = sums <= statistic
        case "both":
            chosen = np.abs(sums - mean) >= abs(statistic - mean) - 1e-9
    return float(min(1.0, probabilities[chosen].sum()))


def _normal(doubled: NDArray[np.int64], n: int, m: int, u: float, side: Side) -> float:
    """With the correction for ties and for continuity."""
    total = n + m
    _, ties = np.unique(doubled, return_counts=True)
    spread = math.sqrt(n * m / 12 * (total + 1 - float((ties**3 - ties).sum()) / (total * (total - 1))))
    distance = u - n * m / 2
    match side:
        case "greater":
            return _upper((distance - 0.5) / spread)
        case "less":
            return _upper((-distance - 0.5) / spread)
        case "both":
            return min(1.0, 2 * _upper((abs(distance) - 0.5) / spread))


def _upper(z: float) -> float:
    return 0.5 * math.erfc(z / math.sqrt(2))


@dataclass(frozen=True, slots=True)
class Shift:
    """By how much the second sample is larger: the middle of all differences, and the interval that holds it."""

    estimate: float
    low: float
    high: float
    level: float


def shift(first: Sequence[float], second: Sequence[float], *, level: float = 0.95) -> Shift:
    """Hodges and Lehmann's estimate (1963) with the interval of Moses that belongs to the rank test.

    Where the samples are too small for the level, the interval is all differences, and its true level is given.
    Raises ValueError for an empty sample.
    """
    n, m = len(first), len(second)
    if not n or not m:
        raise ValueError("both samples need a value")
    differences: Sequence[float] | NDArray[np.float64]
    if n * m <= _FEW:
        differences = sorted([later - earlier for later in second for earlier in first])
    else:
        differences = np.sort(np.subtract.outer(np.asarray(second, float), np.asarray(first, float)), axis=None)
    cut, reached = _interval_cut(n, m, level)
    half = n * m // 2
    middle = differences[half] if n * m % 2 else (differences[half - 1] + differences[half]) / 2
    return Shift(float(middle), float(differences[cut]), float(differences[-1 - cut]), reached)


@lru_cache(maxsize=256)
def _interval_cut(n: int, m: int, level: float) -> tuple[int, float]:
    """How many differences are left out at either end, by the distribution of U without ties, and the level that this reaches."""
    few, total = min(n, m), n + m
    if total * few * total * few <= EXACT_CELLS:
        probabilities = _sums(tuple(range(2, 2 * total + 1, 2)), few)
        least = few * (few + 1)
        by_u = np.cumsum(probabilities[least::2])
        # The interval from the k-th difference to the k-th from the end misses the shift where U is below k, at either end.
        cut = max(0, int(np.searchsorted(by_u, (1 - level) / 2, side="right")) - 1)
        return cut, 1 - 2 * float(by_u[cut])
    spread = math.sqrt(n * m * (total + 1) / 12)
    z = _quantile(1 - (1 - level) / 2)
    return max(0, math.floor(n * m / 2 - z * spread - 0.5)), level


def _quantile(probability: float) -> float:
    """Of the standard normal distribution."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(probability)


def rank_within(baseline: Sequence[float], value: float) -> float:
    """Which share of the baseline is below a single value, ties half: 1 is above all of it. Raises ValueError without one."""
    if not len(baseline):
        raise ValueError("the baseline is empty")
    array = np.asarray(baseline, dtype=np.float64)
    return float(((array < value).sum() + (array == value).sum() / 2) / len(array))

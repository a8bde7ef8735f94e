"""Rates of success: how sure one is of one, and whether two differ. Counts in, probabilities out."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Literal

_SAME = 1 + 1e-9  # two probabilities worked out in different orders are the same within this


def fisher_exact(
    good_first: int,
    bad_first: int,
    good_second: int,
    bad_second: int,
    *,
    side: Literal["both", "worse", "better"] = "both",
) -> float:
    """Fisher's exact test of whether the second rate of success is another (worse, better) than the first.

    Two-sided p is the sum over all tables with these margins that are at most as probable (Fisher 1935, Irwin).
    Raises ValueError for a negative count.
    """
    if min(good_first, bad_first, good_second, bad_second) < 0:
        raise ValueError("a count cannot be negative")
    first, second = good_first + bad_first, good_second + bad_second
    good = good_first + good_second
    if not first or not second or good in (0, first + second):
        return 1.0
    table = {
        k: math.exp(_choose(second, k) + _choose(first, good - k) - _choose(first + second, good))
        for k in range(max(0, good - first), min(second, good) + 1)
    }
    match side:
        case "worse":
            return min(1.0, sum(p for k, p in table.items() if k <= good_second))
        case "better":
            return min(1.0, sum(p for k, p in table.items() if k >= good_second))
        case "both":
            return min(1.0, sum(p for p in table.values() if p <= table[good_second] * _SAME))


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact test for the same cases tried twice: those that succeeded only the first and only the second time.

    Two-sided, by the binomial distribution. Raises ValueError for a negative count.
    """
    if min(only_first, only_second) < 0:
        raise ValueError("a count cannot be negative")
    total = only_first + only_second
    if not total:
        return 1.0
    few = min(only_first, only_second)
    tail = sum(math.exp(_choose(total, k) - total * math.log(2)) for k in range(few + 1))
    return min(1.0, 2 * tail)


def wilson_interval(good: int, total: int, *, level: float = 0.95) -> tuple[float, float]:
    """Where the true rate of success may be (Wilson 1927). Without a case it may be anywhere."""
    if not total:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(1 - (1 - level) / 2)
    rate = good / total
    middle = (rate + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(rate * (1 - rate) / total + z * z / (4 * total * total))
    return max(0.0, middle - half), min(1.0, middle + half)


def drop_interval(
    good_first: int, total_first: int, good_second: int, total_second: int, *, level: float = 0.95
) -> tuple[float, float]:
    """By how much the rate has fallen, lower and upper end; below 0 it has risen.

    Newcombe's interval for a difference (1998, method 10), made of the two Wilson intervals.
    """
    if not total_first or not total_second:
        return -1.0, 1.0
    first, second = good_first / total_first, good_second / total_second
    low_1, high_1 = wilson_interval(good_first, total_first, level=level)
    low_2, high_2 = wilson_interval(good_second, total_second, level=level)
    drop = first - second
    return (
        drop - math.sqrt((first - low_1) ** 2 + (high_2 - second) ** 2),
        drop + math.sqrt((high_1 - first) ** 2 + (second - low_2) ** 2),
    )


def _choose(n: int, k: int) -> float:
    """The logarithm of the binomial coefficient."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

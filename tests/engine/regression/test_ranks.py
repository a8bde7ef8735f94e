"""The rank test and the shift: held against counting by hand, against scipy, and against what has to be true of any of them."""

from __future__ import annotations

from itertools import combinations
from math import isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from engine.regression.statistics.ranks import Side, midranks, rank_test, rank_within, shift

TIED = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=7)
PLAIN = st.lists(st.floats(-100, 100), min_size=2, max_size=20, unique=True)


def _by_hand(first: list[float], second: list[float], side: Side) -> float:
    """Every way to choose the ranks of the second sample, counted."""
    ranks = stats.rankdata([*first, *second])
    mean = len(second) * ranks.sum() / len(ranks)
    observed = ranks[len(first) :].sum()
    sums = [sum(chosen) for chosen in combinations(ranks, len(second))]
    if side == "both":
        extreme = [one for one in sums if abs(one - mean) >= abs(observed - mean) - 1e-9]
    elif side == "greater":
        extreme = [one for one in sums if one >= observed - 1e-9]
    else:
        extreme = [one for one in sums if one <= observed + 1e-9]
    return len(extreme) / len(sums)


@given(TIED, TIED, st.sampled_from(["both", "greater", "less"]))
def test_with_ties_it_is_what_counting_every_split_gives(first: list[float], second: list[float], side: Side) -> None:
    assert isclose(rank_test(first, second, side=side).p, _by_hand(first, second, side), abs_tol=1e-9)


@given(PLAIN, PLAIN)
def test_without_ties_it_is_scipys_exact_test(first: list[float], second: list[float]) -> None:
    if len({*first, *second}) < len(first) + len(second):
        return
    ours, theirs = rank_test(first, second), stats.mannwhitneyu(second, first, method="exact")
    assert isclose(ours.p, theirs.pvalue, abs_tol=1e-9)
    assert ours.u == theirs.statistic
    assert ours.method == "exact rank test"


@given(st.lists(st.floats(0, 100), min_size=1, max_size=40))
def test_midranks_are_scipys(values: list[float]) -> None:
    assert midranks(values).tolist() == (2 * stats.rankdata(values)).tolist()


@given(TIED, TIED)
def test_swapping_the_sides_changes_the_direction_and_not_the_probability(
    first: list[float], second: list[float]
) -> None:
    assert isclose(rank_test(first, second).p, rank_test(second, first).p, abs_tol=1e-9)
    assert isclose(rank_test(first, second, side="greater").p, rank_test(second, first, side="less").p, abs_tol=1e-9)


@given(TIED, TIED, st.randoms(use_true_random=False))
def test_the_order_of_the_values_does_not_matter(first: list[float], second: list[float], random: object) -> None:
    shuffled = [*first]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rank_test(first, second) == rank_test(shuffled, second)


def test_thirty_against_three_can_carry_a_hundred_and_thirty_six_tests() -> None:
    """The least p of 30 against 3 is 2 of 5,456; for 5 against 5 it is 2 of 252, which no correction for 20 tests survives."""
    assert isclose(rank_test(range(30), [100, 101, 102]).p, 2 / 5456)
    assert isclose(rank_test(range(5), range(100, 105)).p, 2 / 252)


def test_rounded_seconds_keep_the_power_that_an_approximation_loses() -> None:
    """A stage of whole seconds that doubles: the exact test sees it, and scipy's choice for ties does not at this level."""
    baseline, doubled = [float(value) for value in [4, 5, 5, 5, 6] * 6], [10.0, 10.0, 12.0]
    assert rank_test(baseline, doubled).p == pytest.approx(1 / 5456)  # ties leave no other sum as far from the middle
    assert stats.mannwhitneyu(baseline, doubled, method="auto").pvalue > 5 * rank_test(baseline, doubled).p


def test_large_samples_are_approximated_and_say_so() -> None:
    random = np.random.default_rng(7)
    first, second = random.normal(0, 1, 3000).round(1), random.normal(0.1, 1, 2000).round(1)
    ours = rank_test(first.tolist(), second.tolist())
    theirs = stats.mannwhitneyu(second, first, method="asymptotic")
    assert ours.method == "rank test, normal approximation"
    assert isclose(ours.p, theirs.pvalue, rel_tol=1e-6)


def test_equal_values_say_nothing() -> None:
    assert rank_test([3.0] * 30, [3.0] * 3).p == 1


@pytest.mark.parametrize(("first", "second"), [([], [1.0]), ([1.0], [])])
def test_a_sample_without_values_is_an_error(first: list[float], second: list[float]) -> None:
    with pytest.raises(ValueError, match="need a value"):
        rank_test(first, second)
    with pytest.raises(ValueError, match="need a value"):
        shift(first, second)


def test_the_interval_of_the_shift_is_the_textbooks() -> None:
    """Hollander and Wolfe's construction for 8 against 3: the third difference from either end, at 95.15%."""
    found = shift([1, 2, 3, 4, 5, 6, 7, 8], [11, 12, 13])
    differences = sorted(b - a for a in range(1, 9) for b in (11, 12, 13))
    assert (found.estimate, found.low, found.high) == (7.5, differences[2], differences[-3])
    assert found.level == pytest.approx(1 - 2 * 4 / 165)


@given(PLAIN, PLAIN, st.floats(-50, 50))
def test_moving_a_sample_moves_the_shift_as_far(first: list[float], second: list[float], by: float) -> None:
    before, after = shift(first, second), shift(first, [value + by for value in second])
    for one, other in ((before.estimate, after.estimate), (before.low, after.low), (before.high, after.high)):
        assert isclose(one + by, other, abs_tol=1e-6)
    assert before.low <= before.estimate <= before.high


def test_the_interval_holds_the_truth_about_as_often_as_it_says(scaled: object) -> None:
    """Thirty against three, drawn a thousand times with a shift of 2 (a seeded tenth of that in the short lane)."""
    trials = scaled(1000)  # type: ignore[operator]
    random = np.random.default_rng(42)
    held = 0
    for _ in range(trials):
        found = shift(random.exponential(1, 30).tolist(), (random.exponential(1, 3) + 2).tolist())
        held += found.low <= 2 <= found.high
    assert 0.90 <= held / trials <= 1.0


def test_a_rank_within_a_baseline() -> None:
    assert rank_within([1, 2, 3, 4], 9) == 1
    assert rank_within([1, 2, 3, 4], 0) == 0
    assert rank_within([1, 2, 2, 4], 2) == 0.5
    with pytest.raises(ValueError, match="empty"):
        rank_within([], 1)

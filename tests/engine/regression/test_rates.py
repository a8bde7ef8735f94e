"""Rates of success: the exact tests and the intervals, held against scipy and against each other."""

from __future__ import annotations

from math import isclose

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from engine.regression.statistics.corrections import benjamini_hochberg, holm
from engine.regression.statistics.rates import drop_interval, fisher_exact, mcnemar, wilson_interval

COUNT = st.integers(0, 40)
PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=60)


@given(COUNT, COUNT, COUNT, COUNT)
def test_fishers_test_is_scipys(a: int, b: int, c: int, d: int) -> None:
    assume(a + b and c + d)
    table = [[a, b], [c, d]]
    assert isclose(fisher_exact(a, b, c, d), stats.fisher_exact(table).pvalue, rel_tol=1e-6)
    worse = stats.fisher_exact(table, alternative="greater").pvalue
    assert isclose(fisher_exact(a, b, c, d, side="worse"), worse, rel_tol=1e-6)
    assert isclose(fisher_exact(c, d, a, b, side="better"), worse, rel_tol=1e-6)


@given(COUNT, COUNT)
def test_mcnemars_test_is_the_binomial_one(only_first: int, only_second: int) -> None:
    assume(only_first + only_second)
    theirs = stats.binomtest(only_first, only_first + only_second).pvalue
    assert isclose(mcnemar(only_first, only_second), theirs, rel_tol=1e-6)


@given(st.integers(1, 200), st.data())
def test_the_interval_of_a_rate_is_wilsons(total: int, data: st.DataObject) -> None:
    good = data.draw(st.integers(0, total))
    theirs = stats.binomtest(good, total).proportion_ci(method="wilson")
    low, high = wilson_interval(good, total)
    assert isclose(low, theirs.low, abs_tol=1e-9)
    assert isclose(high, theirs.high, abs_tol=1e-9)


def test_without_cases_nothing_is_known() -> None:
    assert wilson_interval(0, 0) == (0, 1)
    assert drop_interval(0, 0, 3, 3) == (-1, 1)
    assert fisher_exact(0, 0, 3, 0) == 1
    assert mcnemar(0, 0) == 1


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_a_drop_lies_in_its_interval_and_turns_with_the_sides(first: int, second: int, data: st.DataObject) -> None:
    a, b = data.draw(st.integers(0, first)), data.draw(st.integers(0, second))
    low, high = drop_interval(a, first, b, second)
    assert low - 1e-9 <= a / first - b / second <= high + 1e-9
    turned = drop_interval(b, second, a, first)
    assert isclose(low, -turned[1], abs_tol=1e-9)
    assert isclose(high, -turned[0], abs_tol=1e-9)


@pytest.mark.parametrize("counts", [(-1, 2, 3, 4), (1, 2, 3, -4)])
def test_a_negative_count_is_an_error(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="negative"):
        fisher_exact(*counts)
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 2)


@given(PROBABILITIES)
def test_the_false_discovery_rate_is_scipys(probabilities: list[float]) -> None:
    ours = benjamini_hochberg(probabilities)
    assert all(
        isclose(a, b, abs_tol=1e-12) for a, b in zip(ours, stats.false_discovery_control(probabilities), strict=True)
    )


@given(PROBABILITIES)
def test_holms_correction_is_between_none_and_bonferronis(probabilities: list[float]) -> None:
    for p, corrected in zip(probabilities, holm(probabilities), strict=True):
        assert p <= corrected + 1e-12
        assert corrected <= min(1.0, p * len(probabilities)) + 1e-12


def test_holms_correction_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert benjamini_hochberg([]) == []
    assert holm([]) == []

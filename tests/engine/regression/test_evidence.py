"""Evidence of durations: what counts, what is drift, what is only suspect; swapping the sides turns slower into faster."""

from __future__ import annotations

from math import isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.regression.evidence import Bar, Evidence, Finding, compare_durations

DURATIONS = st.lists(st.floats(0.001, 500), min_size=1, max_size=12)


def _around(middle: float, number: int, *, seed: int = 1, spread: float = 0.05) -> list[float]:
    return [float(middle * value) for value in np.exp(np.random.default_rng(seed).normal(0, spread, number))]


def _one(first: list[float], second: list[float], bar: Bar | None = None) -> Evidence[str]:
    [evidence] = compare_durations({"stage": first}, {"stage": second}, bar or Bar())
    return evidence


def test_a_stage_that_doubled_is_slower_and_every_figure_is_there() -> None:
    evidence = _one(_around(10, 30), _around(20, 3, seed=2))
    assert evidence.finding is Finding.SLOWER
    assert evidence.q is not None
    assert evidence.q < 0.001
    assert 0.8 < evidence.low <= evidence.effect <= evidence.high < 1.3
    assert 8 < evidence.delta_low_sec <= evidence.delta_sec < 12
    assert (evidence.baseline_n, evidence.candidate_n, evidence.method) == (30, 3, "exact rank test")


def test_a_stage_that_halved_is_faster() -> None:
    evidence = _one(_around(20, 30), _around(10, 3, seed=2))
    assert evidence.finding is Finding.FASTER
    assert evidence.delta_low_sec < 0


def test_the_same_runs_on_both_sides_say_nothing() -> None:
    runs = _around(10, 30)
    assert _one(runs, runs).finding is Finding.NOTHING


def test_a_small_steady_shift_is_drift() -> None:
    """Four hundredths slower in each of thirty runs: hardly chance, and nobody's business at night."""
    assert _one(_around(100, 30, spread=0.005), _around(104, 30, seed=2, spread=0.005)).finding is Finding.DRIFT


def test_less_than_the_floor_is_drift_for_a_stage_of_seconds() -> None:
    assert _one([1.0] * 15 + [1.1] * 15, [1.5] * 5).finding is Finding.DRIFT
    assert _one([1.0] * 15 + [1.1] * 15, [1.5] * 5, Bar(floor_sec=0.2)).finding is Finding.SLOWER


def test_milliseconds_have_a_floor_of_their_own_length() -> None:
    assert _one(_around(0.02, 30), _around(0.05, 3, seed=2)).finding is Finding.SLOWER


def test_one_run_is_suspect_at_most() -> None:
    evidence = _one(_around(10, 30), [1000.0])
    assert evidence.finding is Finding.SUSPECT
    assert evidence.q is None
    assert evidence.method == "rank in the baseline; 2 more runs for a verdict"


def test_one_run_in_the_midst_of_the_baseline_is_nothing() -> None:
    assert _one(_around(10, 30), [10.0]).finding is Finding.NOTHING


def test_without_a_baseline_it_says_how_many_runs_are_missing() -> None:
    evidence = _one([1.0, 2.0], [9.0])
    assert evidence.finding is Finding.TOO_FEW
    assert evidence.method == "3 more baseline runs are needed"


def test_a_noisy_stage_has_to_change_by_more_than_its_noise() -> None:
    quiet, noisy = _around(10, 60, spread=0.1), _around(10, 60, spread=1.5)
    slower = [value * 1.8 for value in noisy]
    assert _one(quiet, [value * 1.8 for value in quiet]).finding is Finding.SLOWER
    evidence = _one(noisy, slower * 3)
    assert evidence.noise > 1.0
    assert evidence.finding is Finding.DRIFT


def test_what_only_one_side_has_is_left_out() -> None:
    assert compare_durations({"old": [1.0] * 5}, {"new": [1.0] * 5}) == []


@given(DURATIONS, DURATIONS)
def test_swapping_the_sides_turns_the_effect_round(first: list[float], second: list[float]) -> None:
    one, other = _one(first, second), _one(second, first)
    assert isclose((1 + one.effect) * (1 + other.effect), 1, rel_tol=1e-6)
    if one.p is not None and other.p is not None:
        assert isclose(one.p, other.p, abs_tol=1e-9)


@given(
    st.lists(DURATIONS, min_size=1, max_size=5),
    st.lists(DURATIONS, min_size=5, max_size=5),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_stages_does_not_matter(
    firsts: list[list[float]], seconds: list[list[float]], random: object
) -> None:
    names = [str(number) for number in range(len(firsts))]
    baseline, candidates = dict(zip(names, firsts, strict=True)), dict(zip(names, seconds, strict=False))
    before = {one.key: one for one in compare_durations(baseline, candidates)}
    random.shuffle(names)  # type: ignore[attr-defined]
    after = {one.key: one for one in compare_durations({name: baseline[name] for name in names}, candidates)}
    assert before == after


def test_few_runs_and_many_stages_leave_no_change_to_be_found_and_that_is_a_suspicion() -> None:
    """7 against 3 over 11 stages: the least q there can be is .18, however clear the change is."""
    baseline = {f"stage-{number}": _around(1.0 + number, 7, seed=number) for number in range(11)}
    candidates = {name: _around(1.0 + number, 3, seed=50 + number) for number, name in enumerate(baseline)}
    candidates["stage-4"] = [value * 8 for value in candidates["stage-4"]]
    found = {one.key: one for one in compare_durations(baseline, candidates)}
    assert found["stage-4"].finding is Finding.SUSPECT
    assert {one.finding for one in found.values() if one.key != "stage-4"} == {Finding.NOTHING}


@pytest.mark.parametrize(
    ("baseline_n", "tests", "needed"), [(30, 1, 3), (30, 136, 3), (30, 137, 4), (5, 20, 8), (7, 11, 5), (30, 0, 0)]
)
def test_how_many_candidates_it_takes_to_find_anything(baseline_n: int, tests: int, needed: int) -> None:
    """30 against 3 carry 136 stages; 5 against 5 are of no use for 20."""
    assert Bar().candidates_needed(baseline_n, tests) == needed

"""The laws of the score: nothing changed is 100, worse never scores better, the order does not matter, every point is explained."""

from __future__ import annotations

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.regression.score import CRITICAL_LOSS, Drop, Severity, Slowdown, score

SECONDS = st.floats(0, 1000)
SLOWDOWNS = st.lists(st.builds(Slowdown, name=st.text(max_size=5), low_sec=SECONDS, drag_sec=SECONDS), max_size=6)
DROPS = st.lists(st.builds(Drop, name=st.text(max_size=5), low=st.floats(-1, 1), weight=st.floats(0, 1)), max_size=6)
CRITICAL = st.lists(st.text(max_size=5), max_size=2)
BASELINE = st.floats(0.001, 10_000)


def test_nothing_changed_is_a_hundred() -> None:
    found = score([], [], [], baseline_sec=12)
    assert (found.value, found.severity, found.losses) == (100, Severity.NONE, ())


@given(SLOWDOWNS, DROPS, CRITICAL, BASELINE)
def test_it_stays_between_nothing_and_a_hundred(
    slower: list[Slowdown], drops: list[Drop], critical: list[str], baseline: float
) -> None:
    found = score(slower, drops, critical, baseline_sec=baseline)
    assert 0 <= found.value <= 100
    assert 0 <= found.lost <= 100
    assert len(found.losses) == len(slower) + len(drops) + len(critical)
    assert all(loss.why for loss in found.losses if not loss.name.startswith("critical"))


@given(SLOWDOWNS, DROPS, BASELINE, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(slower: list[Slowdown], drops: list[Drop], baseline: float, random: object) -> None:
    before = score(slower, drops, [], baseline_sec=baseline)
    random.shuffle(slower)  # type: ignore[attr-defined]
    random.shuffle(drops)  # type: ignore[attr-defined]
    assert isclose(score(slower, drops, [], baseline_sec=baseline).lost, before.lost, abs_tol=1e-6)


@given(SLOWDOWNS, DROPS, CRITICAL, BASELINE, SECONDS, SECONDS)
def test_one_more_slowdown_never_scores_better(
    slower: list[Slowdown], drops: list[Drop], critical: list[str], baseline: float, low: float, drag: float
) -> None:
    before = score(slower, drops, critical, baseline_sec=baseline)
    after = score([*slower, Slowdown("more", low, drag)], drops, critical, baseline_sec=baseline)
    assert after.lost >= before.lost - 1e-9


@given(SLOWDOWNS, BASELINE, st.floats(1, 5))
def test_slower_still_never_scores_better(slower: list[Slowdown], baseline: float, times: float) -> None:
    worse = [Slowdown(one.name, one.low_sec * times, one.drag_sec * times) for one in slower]
    before = score(slower, [], [], baseline_sec=baseline)
    assert score(worse, [], [], baseline_sec=baseline).lost >= before.lost - 1e-9


@given(SECONDS, BASELINE)
def test_slower_off_the_critical_path_costs_nothing_and_is_listed(low: float, baseline: float) -> None:
    found = score([Slowdown("aside", low, 0.0)], [], [], baseline_sec=baseline)
    assert found.value == 100
    [loss] = found.losses
    assert (loss.name, loss.points) == ("aside", 0)


def test_half_as_long_again_costs_everything() -> None:
    assert score([Slowdown("all", 5.0, 10.0)], [], [], baseline_sec=10).value == 0


@given(SLOWDOWNS, DROPS, BASELINE)
def test_a_critical_issue_costs_three_quarters_at_least(
    slower: list[Slowdown], drops: list[Drop], baseline: float
) -> None:
    found = score(slower, drops, ["present newly fails"], baseline_sec=baseline)
    assert found.lost >= CRITICAL_LOSS
    assert found.severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("lost", "severity"),
    [
        (0, Severity.NONE),
        (9.9, Severity.NONE),
        (10, Severity.MINOR),
        (29.9, Severity.MINOR),
        (30, Severity.MAJOR),
        (60, Severity.CRITICAL),
    ],
)
def test_severity_goes_by_the_points(lost: float, severity: Severity) -> None:
    assert Severity.of(lost) is severity


@pytest.mark.parametrize(
    ("slowdown", "said"),
    [
        (Slowdown("ci", 0.218, 0.3), "at least 218ms slower on the way to the end; 15ms slower would cost all points"),
        (
            Slowdown("aside", 63.0, 0.01),
            "at least 63s slower, but the end waits only 10ms longer for it, as others take longer anyway; "
            "15ms slower would cost all points",
        ),
        (
            Slowdown("aside", 250.0, 0.0),
            "at least 250s slower, but the end does not wait for it, as others take longer anyway",
        ),
    ],
)
def test_a_loss_says_of_what_in_lengths_that_one_reads(slowdown: Slowdown, said: str) -> None:
    [loss] = score([slowdown], [], [], baseline_sec=0.03).losses
    assert loss.why == said

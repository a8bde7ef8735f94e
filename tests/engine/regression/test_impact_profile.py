"""How good versions are, axis by axis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.states import RunStatus
from engine.regression.impact import Use, by_version
from engine.regression.impact_profile import Axis, Rating, confidence_of, formula, profile_of
from engine.regression.verdict import Confidence
from tests.engine.regression.test_impact import USES, tallied

SECOND = 1_000_000


def use(number: int, version: int, seconds: float = 1.0, **said: object) -> Use:
    given_: dict[str, object] = {"plan_id": "p", "status": RunStatus.SUCCEEDED, **said}
    return Use(
        version=version,
        run_id=f"{version}-{number}",
        created_at_us=number,
        duration_us=round(seconds * SECOND),
        **given_,  # type: ignore[arg-type]
    )


def profile(uses: list[Use], version: int) -> dict[Axis, Rating]:
    one = next(found for found in by_version(tallied(uses), uses) if found.version == version)
    return {rating.axis: rating for rating in profile_of(one, uses)}


def test_twice_as_slow_as_the_fastest_is_fifty() -> None:
    """Plan by plan: a version that is used by a long plan is not slow for that."""
    uses = [use(n, 1) for n in range(6)] + [use(n, 2, 2.0) for n in range(6)]
    uses += [use(10 + n, 2, 600.0, plan_id="long") for n in range(40)]
    assert profile(uses, 1)[Axis.SPEED].value == pytest.approx(100)
    slow = profile(uses, 2)[Axis.SPEED]
    assert slow.value == pytest.approx(50)
    assert slow.n == 6


def test_a_lone_quick_run_sets_no_measure() -> None:
    uses = [use(n, 1) for n in range(6)] + [use(n, 2, 2.0) for n in range(6)] + [use(0, 3, 0.001)]
    assert profile(uses, 1)[Axis.SPEED].value == pytest.approx(100)
    assert profile(uses, 3)[Axis.SPEED] == Rating(Axis.SPEED, None, 1)


def test_shares_with_their_intervals() -> None:
    uses = [
        *(use(n, 1, is_empty=n < 2) for n in range(8)),
        use(8, 1, status=RunStatus.FAILED, replans=1),
        use(9, 1, status=RunStatus.FAILED, retries=2),
        use(10, 1, status=RunStatus.CANCELED),
    ]
    found = profile(uses, 1)
    success = found[Axis.SUCCESS]
    assert (success.value, success.n) == (80, 10)
    assert success.low is not None
    assert success.high is not None
    assert success.low < 80 < success.high
    assert found[Axis.COMPLETENESS].value == 75
    assert found[Axis.SMOOTHNESS].value == 80


def test_equal_runs_are_as_steady_as_can_be() -> None:
    assert profile([use(n, 1) for n in range(5)], 1)[Axis.STEADINESS].value == 100
    assert profile([use(n, 1, 2.0**n) for n in range(5)], 1)[Axis.STEADINESS].value < 60  # type: ignore[operator]
    assert profile([use(n, 1) for n in range(4)], 1)[Axis.STEADINESS] == Rating(Axis.STEADINESS, None, 4)


def test_two_runs_rate_nothing() -> None:
    for rating in profile([use(n, 1) for n in range(2)], 1).values():
        assert rating.value is None
        assert rating.confidence is Confidence.NONE


def test_each_axis_says_its_formula() -> None:
    assert len({formula(axis) for axis in Axis}) == len(Axis)


@given(USES, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_values_are_in_range(uses: list[Use], chance: object) -> None:
    mixed = uses.copy()
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    for one in by_version(tallied(uses), uses):
        first, second = profile_of(one, uses), profile_of(one, mixed)
        for rating, other in zip(first, second, strict=True):
            assert (rating.axis, rating.n) == (other.axis, other.n)
            assert rating.value == (None if other.value is None else pytest.approx(other.value))
            assert rating.value is None or 0 <= rating.value <= 100 + 1e-9


@given(st.integers(0, 200), st.integers(0, 200))
def test_more_evidence_never_lowers_confidence(n: int, more: int) -> None:
    order = [Confidence.NONE, Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH]
    assert order.index(confidence_of(n)) <= order.index(confidence_of(n + more))

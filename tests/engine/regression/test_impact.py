"""Versions of an asset by what the runs did that used them, and which runs are compared."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.states import RunStatus
from engine.regression.impact import MOST_COMPARED, Share, Tally, Use, by_version, sides_of

if TYPE_CHECKING:
    from collections.abc import Iterable


def use(
    number: int, version: int, *, plan: str = "p", status: RunStatus = RunStatus.SUCCEEDED, us: int | None = None
) -> Use:
    lasts = None if status is RunStatus.RUNNING else us or 1000 * version
    return Use(version, f"r{number:03}", plan, status, number, lasts)


def tallied(uses: Iterable[Use]) -> list[Tally]:
    """The uses counted as a file would count them."""
    groups: dict[tuple[int, str], list[Use]] = defaultdict(list)
    for one in uses:
        groups[one.version, one.plan_id].append(one)
    return [
        Tally(
            version,
            plan,
            len(of),
            sum(one.status is RunStatus.SUCCEEDED for one in of),
            sum(one.status is RunStatus.FAILED for one in of),
            sum(one.replans > 0 for one in of),
            0,
            len(of),
            min(one.created_at_us for one in of),
            max(one.created_at_us for one in of),
        )
        for (version, plan), of in groups.items()
    ]


def test_each_version_the_newest_first() -> None:
    uses = [
        use(1, 1),
        use(2, 1, status=RunStatus.FAILED),
        use(3, 2, plan="q"),
        use(4, 2),
        use(5, 2, status=RunStatus.RUNNING),
    ]
    third, second, first = by_version(tallied(uses), uses, known=[3, 1])
    assert (first.version, first.runs, first.success, first.success.rate) == (1, 2, Share(1, 2), 0.5)
    assert first.success.interval[0] < 0.5 < first.success.interval[1]
    assert (second.version, second.success.rate, second.plans) == (2, 1.0, ("p", "q"))
    assert (second.durations.n, second.durations.typical_us) == (2, 2000)
    assert (second.first_us, second.last_us) == (3, 5)
    assert (third.version, third.runs, third.success.rate, third.first_us) == (3, 0, None, None)


def test_of_one_plan_alone() -> None:
    uses = [use(1, 1), use(2, 1, plan="q", status=RunStatus.FAILED), use(3, 2, plan="q")]
    (of_p,) = by_version(tallied(uses), uses, plan_id="p")
    assert (of_p.runs, of_p.success.rate, of_p.plans) == (1, 1.0, ("p",))


def test_the_slowest_tenth_is_told_from_ten_runs_on_and_before_that_the_longest() -> None:
    few = [use(n, 1, us=n * 1000) for n in range(1, 10)]
    one, *_ = by_version(tallied(few), few)
    assert (one.durations.slow_us, one.durations.is_p90) == (9000, False)
    many = [use(n, 1, us=n * 1000) for n in range(1, 21)]
    one, *_ = by_version(tallied(many), many)
    assert (one.durations.typical_us, one.durations.slow_us, one.durations.is_p90) == (10_500, 18_000, True)


def test_the_plan_that_ran_most_with_both_is_compared() -> None:
    uses = [
        use(1, 1),
        use(2, 2),
        *(use(10 + number, 1 + number % 2, plan="q") for number in range(6)),
        use(30, 1, plan="r"),
    ]
    sides = sides_of(uses, 1, 2)
    assert sides is not None
    assert (sides.plan_id, sides.before, sides.after) == ("q", ("r010", "r012", "r014"), ("r011", "r013", "r015"))


def test_the_newest_of_many_and_only_those_that_ended() -> None:
    uses = [*(use(number, 1) for number in range(50)), use(60, 2), use(61, 2, status=RunStatus.RUNNING)]
    sides = sides_of(uses, 1, 2)
    assert sides is not None
    assert (len(sides.before), sides.before[-1], sides.after) == (MOST_COMPARED, "r049", ("r060",))


def test_a_run_that_used_both_is_on_neither_side() -> None:
    """A replan may go from one version to the other within a run."""
    sides = sides_of([use(1, 1), use(2, 1), use(2, 2), use(3, 2)], 1, 2)
    assert sides is not None
    assert (sides.before, sides.after) == (("r001",), ("r003",))


@pytest.mark.parametrize("uses", [[], [use(1, 1)], [use(1, 1), use(2, 2, plan="q")]])
def test_no_plan_ran_with_both(uses: list[Use]) -> None:
    assert sides_of(uses, 1, 2) is None


USES = st.lists(
    st.builds(
        Use,
        st.integers(1, 3),
        st.integers(0, 99).map(lambda n: f"r{n:03}"),
        st.sampled_from(["p", "q"]),
        st.sampled_from(RunStatus),
        st.integers(0, 50),
        st.integers(1, 10**9) | st.none(),
        st.integers(0, 2),
        st.integers(0, 2),
        st.sampled_from([True, False, None]),
    ),
    max_size=40,
    unique_by=lambda one: one.run_id,
)


@given(USES, st.randoms(use_true_random=False))
def test_the_order_of_runs_does_not_matter(uses: list[Use], chance: object) -> None:
    mixed = uses.copy()
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert by_version(tallied(uses), uses) == by_version(tallied(mixed), mixed)
    assert sides_of(uses, 1, 2) == sides_of(mixed, 1, 2)


@given(USES)
def test_the_other_way_round_the_same_runs_are_compared(uses: list[Use]) -> None:
    one, other = sides_of(uses, 1, 2), sides_of(uses, 2, 1)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert (one.plan_id, one.before, one.after) == (other.plan_id, other.after, other.before)

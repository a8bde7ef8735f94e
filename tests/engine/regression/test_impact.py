"""Versions of an asset by what the runs did that used them, and which runs are compared."""

from __future__ import annotations

import pytest

from engine.model.states import RunStatus
from engine.regression.impact import MOST_COMPARED, Use, by_version, sides_of


def use(number: int, version: int, *, plan: str = "p", status: RunStatus = RunStatus.SUCCEEDED) -> Use:
    lasts = None if status is RunStatus.RUNNING else 1000 * version
    return Use(version, f"r{number:03}", plan, status, number, lasts)


def test_each_version_the_newest_first() -> None:
    uses = [
        use(1, 1),
        use(2, 1, status=RunStatus.FAILED),
        use(3, 2, plan="q"),
        use(4, 2),
        use(5, 2, status=RunStatus.RUNNING),
    ]
    second, first = by_version(uses)
    assert (first.version, first.runs, first.succeeded, first.failed, first.rate) == (1, 2, 1, 1, 0.5)
    assert first.rate_low < 0.5 < first.rate_high
    assert (second.version, second.rate, second.typical_us, second.plans) == (2, 1.0, 2000, ("p", "q"))
    assert (second.first_us, second.last_us) == (3, 5)
    assert by_version([use(1, 1, status=RunStatus.RUNNING)])[0].rate is None


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


@pytest.mark.parametrize("uses", [[], [use(1, 1)], [use(1, 1), use(2, 2, plan="q")]])
def test_no_plan_ran_with_both(uses: list[Use]) -> None:
    assert sides_of(uses, 1, 2) is None

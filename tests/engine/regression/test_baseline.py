"""The rule for a baseline: each condition by itself, the one under test, and the cut where durations changed."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from engine.model.states import RunMode, RunStatus
from engine.regression.baseline import Baseline, RunHead, choose_baseline
from tests.engine.regression.building import around


def head(number: int, **given: Any) -> RunHead:
    usual = RunHead(
        run_id=f"r{number:03}",
        plan_hash="h",
        environment="e",
        assets={"lookup": "query/ci@2", "gates": "policy/gates@1"},
        status=RunStatus.SUCCEEDED,
        mode=RunMode.NORMAL,
        created_at_us=number,
        duration_us=10_000_000,
    )
    return replace(usual, **given)


CANDIDATE = head(500)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"plan_hash": "other"}, "has another plan"),
        ({"environment": "other"}, "ran in another environment"),
        ({"status": RunStatus.FAILED}, "failed"),
        ({"status": RunStatus.CANCELED}, "did not come to its end"),
        ({"reuses": True}, "took results over from another run"),
        ({"was_taken_over": True}, "stood still until another engine took it over"),
        ({"mode": RunMode.TEST}, "is a test run"),
        ({"assets": {"lookup": "query/ci@1", "gates": "policy/gates@9"}}, "has other asset versions"),
        ({"created_at_us": 501}, "is later than a candidate"),
    ],
)
def test_what_is_no_baseline_and_why(given: dict[str, Any], reason: str) -> None:
    found = choose_baseline([CANDIDATE], [head(1, **given), head(2), head(3)])
    assert found == Baseline(("r002", "r003"), left_out=((reason, 1),))


def test_the_last_thirty_the_oldest_first_whatever_the_order() -> None:
    history = [head(number) for number in range(40)]
    Random(1).shuffle(history)
    found = choose_baseline([CANDIDATE], history)
    assert found.runs == tuple(f"r{number:03}" for number in range(10, 40))
    assert found.left_out == (("is older", 10),)
    assert choose_baseline([CANDIDATE], history, last=7).runs == tuple(f"r{number:03}" for number in range(33, 40))


def test_the_asset_under_test_may_be_of_another_version() -> None:
    tested = head(500, assets={"lookup": "query/ci@3", "gates": "policy/gates@1"})
    found = choose_baseline([tested], [head(number) for number in range(30)])
    assert (len(found.runs), found.under_test) == (30, ("lookup",))


def test_versions_are_not_mixed_and_too_few_of_the_newest_are_no_baseline() -> None:
    newer = {"lookup": "query/ci@3", "gates": "policy/gates@1"}
    history = [*(head(number) for number in range(20)), *(head(number, assets=newer) for number in range(20, 23))]
    found = choose_baseline([head(500, assets=newer)], history)
    assert (len(found.runs), found.under_test) == (20, ("lookup",))
    more = [*history, head(23, assets=newer), head(24, assets=newer)]
    assert choose_baseline([head(500, assets=newer)], more).runs == tuple(f"r{number:03}" for number in range(20, 25))


def test_candidates_are_never_their_own_baseline() -> None:
    assert choose_baseline([CANDIDATE], [CANDIDATE]).runs == ()


def test_levels_that_are_close_are_those_of_a_busy_host() -> None:
    """12 ms and then 19 ms: the cut would leave a short baseline, for a change that nobody would be told of."""
    history = [head(number, duration_us=(12_000 if number < 10 else 19_000) + number % 3) for number in range(20)]
    assert len(choose_baseline([CANDIDATE], history).runs) == 20


def test_it_is_cut_at_the_last_change_of_level() -> None:
    lasted = [*around(10, 15), *around(20, 15, seed=2)]
    history = [head(number, duration_us=round(seconds * 1_000_000)) for number, seconds in enumerate(lasted)]
    found = choose_baseline([CANDIDATE], history)
    assert found.cut_at == "r015"
    assert found.runs[0] == "r015"
    assert len(found.runs) == 15


def test_without_a_candidate_there_is_none() -> None:
    with pytest.raises(ValueError, match="candidate"):
        choose_baseline([], [])


def test_runs_that_failed_in_the_same_stretch_stand_beside_it() -> None:
    old, inside, other = (head(number, status=RunStatus.FAILED) for number in (1, 20, 25))
    other = replace(other, assets={"lookup": "query/ci@1", "gates": "policy/gates@1"})
    found = choose_baseline(
        [CANDIDATE], [old, inside, other, *(head(number) for number in range(10, 30) if number not in (20, 25))]
    )
    assert len(found.runs) == 18
    assert found.failed == ("r020",)
    assert found.left_out == (("failed", 2),)


def test_where_there_is_no_baseline_the_run_that_shares_most_is_named() -> None:
    two = {"lookup": "query/ci@1", "gates": "policy/gates@9"}
    history = [
        head(1, assets=two),
        head(2, assets=two),
        head(3, assets=two, plan_hash="other"),
        head(4, assets=two, status=RunStatus.FAILED),
        head(5, assets=two, reuses=True),
        head(501, plan_hash="other"),
    ]
    found = choose_baseline([CANDIDATE], history)
    assert found.runs == ()
    assert (found.nearest, found.nearest_has) == ("r002", ("another gates", "another lookup"))
    assert choose_baseline([CANDIDATE], history[3:]).nearest == ""

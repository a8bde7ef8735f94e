"""Critical issues and rates: counted on both sides, certain only where chance is ruled out over all that could be one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from engine.model.states import Stage
from engine.regression.analysis import analyse
from engine.regression.facts import ReplanKey
from engine.regression.quality import pairs_by_params
from engine.regression.verdict import IssueKind, RateFinding, Verdict
from tests.engine.regression.building import run_facts, runs_of

if TYPE_CHECKING:
    from engine.regression.verdict import Analysis

STEPS = {"fetch": 4.0, "send": 6.0}
DENIED = ReplanKey(0, "step_failed", "execute", "send")


def kinds(found: Analysis) -> list[tuple[IssueKind, bool]]:
    return [(issue.kind, issue.is_certain) for issue in found.issues]


def test_an_output_whose_shape_broke() -> None:
    baseline = runs_of(STEPS, 30, results={"fetch": {"rows": [1], "total": 1}})
    found = analyse(baseline, runs_of(STEPS, 3, seed=2, results={"fetch": {"rows": [1]}}))
    assert kinds(found) == [(IssueKind.SHAPE_BROKE, True)]
    assert found.issues[0].text == "execute/fetch: total is gone in 3 of 3 results, before in 0 of 30"
    assert (found.verdict, found.score) == (Verdict.REGRESSED, 25)


def test_lost_references_but_not_another_version_of_an_asset() -> None:
    baseline = runs_of(STEPS, 30, references=[("program", "curl", ""), ("asset", "query/ci@2", "")])
    kept = runs_of(STEPS, 3, seed=2, references=[("program", "curl", ""), ("asset", "query/ci@3", "")])
    assert kinds(analyse(baseline, kept)) == []
    lost = analyse(baseline, runs_of(STEPS, 3, seed=2, references=[("asset", "query/ci@2", "")]))
    assert kinds(lost) == [(IssueKind.REFERENCES_LOST, True)]
    assert "program curl" in lost.issues[0].text


def test_a_replan_that_is_newly_denied() -> None:
    approved: Any = {"decision": "approved"}
    denied: Any = {"decision": "denied"}
    baseline = runs_of(STEPS, 30, replans={DENIED: approved})
    found = analyse(baseline, runs_of(STEPS, 3, seed=2, replans={DENIED: denied}))
    assert kinds(found) == [(IssueKind.REPLAN_DENIED, True)]
    assert kinds(analyse(baseline, runs_of(STEPS, 3, seed=2, replans={DENIED: approved}))) == []


def test_one_of_five_that_fails_is_no_certain_issue() -> None:
    candidates = [*runs_of(STEPS, 4, seed=2), *runs_of(STEPS, 1, seed=3, failed=("send",))]
    found = analyse(runs_of(STEPS, 30), candidates)
    assert (kinds(found), found.verdict, found.score) == ([], Verdict.UNCHANGED, 100)
    assert [rate.finding for rate in found.rates] == [RateFinding.NOTHING] * 3


def test_a_rate_that_drops_costs_points_by_the_sure_part_of_it() -> None:
    """Of half and more failing, where some always failed, the rate speaks and nothing is newly critical."""
    baseline = [*runs_of(STEPS, 25), *runs_of(STEPS, 5, seed=3, failed=("send",))]
    candidates = [*runs_of(STEPS, 2, seed=4), *runs_of(STEPS, 10, seed=5, failed=("send",))]
    found = analyse(baseline, candidates)
    assert kinds(found) == []
    assert {rate.name: rate.finding for rate in found.rates}["run"] is RateFinding.DROPPED
    assert found.verdict is Verdict.REGRESSED
    assert {loss.name for loss in found.losses} >= {"run", "execute/send"}
    back = analyse(candidates, baseline)
    assert (back.verdict, back.score) == (Verdict.IMPROVED, 100)


def test_the_same_cases_tried_twice_are_paired() -> None:
    def side(seed: int, failing: range) -> list[Any]:
        return [
            run_facts(f"{seed}{case:03}", STEPS, params={"case": case}, failed=("send",) if case in failing else ())
            for case in range(20)
        ]

    baseline, candidates = side(1, range(2)), side(2, range(9))
    assert len(pairs_by_params(baseline, candidates)) == 20
    found = analyse(baseline, candidates)
    assert {rate.method for rate in found.rates} == {"McNemar's exact test, 20 pairs"}
    [run] = [rate for rate in found.rates if rate.part is None]
    assert run.p == pytest.approx(2 * 0.5**7)


def test_runs_that_were_all_asked_the_same_are_not_paired() -> None:
    assert pairs_by_params(runs_of(STEPS, 8), runs_of(STEPS, 8, seed=2)) == ()


def test_the_stage_that_fails_with_its_step_has_no_cause_of_its_own() -> None:
    found = analyse(runs_of(STEPS, 30), runs_of(STEPS, 3, seed=2, failed=("send",)))
    assert {str(issue.part) for issue in found.issues} == {"execute", "execute/send"}
    assert [cause.parts[0].step_id for cause in found.causes] == ["send"]
    assert found.issues[0].part is not None
    assert found.issues[0].part.stage is Stage.EXECUTE

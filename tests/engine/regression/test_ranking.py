"""Ranking one run in its baseline: a suspicion at most, a score that says how far it stands out, nothing from too few runs."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.regression.analysis import analyse
from engine.regression.ranking import rank
from engine.regression.score import Severity
from engine.regression.standing import Standing
from engine.regression.verdict import Verdict
from tests.engine.regression.building import run_facts, runs_of

STEPS = {"fetch": 4.0, "sort": 2.0, "send": 6.0}
LAWS = settings(max_examples=25, deadline=None)
SLOWER = st.floats(0, 60)


def scored(extra_sec: float, *, failed: tuple[str, ...] = ()) -> int:
    found = rank(analyse(runs_of(STEPS, 30), [run_facts("one", {**STEPS, "sort": 2.0 + extra_sec}, failed=failed)]))
    assert found is not None
    return found.score


@LAWS
@given(SLOWER, SLOWER)
def test_the_longer_it_takes_the_lower_it_scores(one: float, other: float) -> None:
    assert (scored(one) >= scored(other)) or one > other
    assert 0 <= scored(one) <= 100


def test_what_stands_out_is_named_with_its_rank_and_costs_points() -> None:
    analysis = analyse(runs_of(STEPS, 30), [run_facts("one", {**STEPS, "sort": 5.0})])
    found = rank(analysis)
    assert found is not None
    [suspect] = found.suspects
    assert (suspect.part, suspect.rank, suspect.of) == ("execute/sort", 31, 31)
    assert 2.5 < suspect.delta_sec < 3.5
    assert [loss.name for loss in found.losses] == ["execute/sort"]
    assert 100 - found.score == round(found.losses[0].points)
    assert (analysis.verdict, analysis.score, analysis.severity) == (Verdict.SUSPECT, None, Severity.NONE)
    assert Standing.from_json(suspect.to_json()) == replace(suspect, delta_sec=round(suspect.delta_sec, 6))


def test_one_that_is_as_the_others_is_a_hundred() -> None:
    found = rank(analyse(runs_of(STEPS, 30), [run_facts("one", STEPS)]))
    assert found is not None
    assert (found.score, found.suspects, found.losses, found.issues) == (100, (), (), ())


def test_a_run_that_failed_keeps_no_points_however_short_its_baseline_and_however_common_that_is() -> None:
    assert scored(0, failed=("send",)) == 0
    short = rank(analyse(runs_of(STEPS, 5), [run_facts("one", STEPS, failed=("send",))]))
    assert short is not None
    assert (short.score, [loss.name for loss in short.losses][:2]) == (0, ["run", "critical issue 1"])
    flaky = runs_of(STEPS, 12, failed=("send",))
    found = rank(analyse(runs_of(STEPS, 30), [run_facts("one", STEPS, failed=("send",))], failed=flaky))
    assert found is not None
    assert (found.score, found.issues) == (0, ())
    assert [(loss.name, loss.why) for loss in found.losses] == [("run", "it failed, as 12 of 42 did before")]


def test_a_run_that_succeeded_with_a_step_that_newly_fails_loses_what_a_critical_issue_costs() -> None:
    good = replace(run_facts("one", STEPS, failed=("send",)), outcome={"status": "succeeded", "mode": "normal"})
    found = rank(analyse(runs_of(STEPS, 5), [good]))
    assert found is not None
    assert found.issues
    assert found.score == 25


def test_too_few_runs_and_several_in_question_are_not_ranked() -> None:
    one = run_facts("one", STEPS)
    assert rank(analyse(runs_of(STEPS, 4), [one])) is None
    assert rank(analyse(runs_of(STEPS, 30), [one, run_facts("two", STEPS)])) is None


def test_a_few_milliseconds_are_not_worth_a_word() -> None:
    quick = {"fetch": 0.001, "send": 6.0}
    analysis = analyse(runs_of(quick, 30), [run_facts("one", {**quick, "fetch": 0.03})])
    assert analysis.verdict is Verdict.SUSPECT
    found = rank(analysis)
    assert found is not None
    assert (found.score, found.suspects) == (100, ())

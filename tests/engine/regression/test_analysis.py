"""The laws of an analysis, and what it says of the regressions that an operator meets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.model.states import Stage
from engine.regression.analysis import analyse, confirm
from engine.regression.evidence import Bar, Finding
from engine.regression.facts import StageKey
from engine.regression.parts import PartKey
from engine.regression.score import Severity
from engine.regression.verdict import Confidence, RateFinding, Side, Verdict
from tests.engine.regression.building import run_facts, runs_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from engine.regression.facts import RunFacts
    from engine.regression.verdict import Analysis, TimeRow

STEPS = {"fetch": 4.0, "sort": 2.0, "send": 6.0}
LAWS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SIZES = st.integers(5, 12)
SEEDS = st.integers(1, 10_000)


def row(found: Analysis, step: str) -> TimeRow:
    [one] = [one for one in found.times if one.part.step_id == step]
    return one


@LAWS
@given(SEEDS, SIZES)
def test_identical_runs_score_a_hundred(seed: int, number: int) -> None:
    runs = runs_of(STEPS, number, seed=seed)
    found = analyse(runs, runs)
    assert (found.verdict, found.score, found.severity, found.losses) == (Verdict.UNCHANGED, 100, Severity.NONE, ())


@LAWS
@given(SEEDS, SIZES, st.randoms(use_true_random=False))
def test_the_order_of_runs_changes_nothing(seed: int, number: int, random: Random) -> None:
    baseline = runs_of(STEPS, number, seed=seed)
    candidates = runs_of({**STEPS, "sort": 5.0}, number, seed=seed + 1, failed=("send",))
    before = analyse(baseline, candidates)
    random.shuffle(baseline)
    random.shuffle(candidates)
    after = analyse(baseline, candidates)
    assert replace(after, baseline=before.baseline, candidates=before.candidates) == before


@LAWS
@given(SEEDS, SIZES, st.permutations(sorted(STEPS)))
def test_the_order_of_steps_changes_nothing(seed: int, number: int, names: list[str]) -> None:
    baseline, candidates = runs_of(STEPS, number, seed=seed), runs_of({**STEPS, "send": 13.0}, number, seed=seed + 1)
    before = analyse(baseline, candidates)
    turned = [
        replace(run, steps={key: run.steps[key] for key in sorted(run.steps, key=lambda key: names.index(key.step_id))})
        for run in candidates
    ]
    assert analyse(baseline, turned) == before


@LAWS
@given(SEEDS, SIZES, st.floats(1.0, 4.0), st.floats(1.0, 3.0), st.sampled_from(sorted(STEPS)))
def test_slower_still_never_scores_better(seed: int, number: int, times: float, more: float, step: str) -> None:
    baseline = runs_of(STEPS, number, seed=seed)
    scores = []
    for factor in (times, times * more):
        slowed = runs_of({**STEPS, step: STEPS[step] * factor}, number, seed=seed + 1)
        found = analyse(baseline, slowed)
        assert found.score is not None
        scores.append(found.score)
    assert scores[1] <= scores[0]


@LAWS
@given(SEEDS, SIZES, SIZES, st.floats(2.0, 5.0), st.sampled_from(sorted(STEPS)))
def test_swapping_the_sides_turns_a_regression_into_an_improvement(
    seed: int, number: int, others: int, times: float, step: str
) -> None:
    baseline = runs_of(STEPS, number, seed=seed)
    candidates = runs_of({**STEPS, step: STEPS[step] * times}, others, seed=seed + 1)
    there, back = analyse(baseline, candidates), analyse(candidates, baseline)
    assert (there.verdict, row(there, step).finding) == (Verdict.REGRESSED, Finding.SLOWER)
    assert (back.verdict, back.score, back.losses) == (Verdict.IMPROVED, 100, ())
    assert row(back, step).finding is Finding.FASTER
    # What is just beyond the floor or the noise of one side may be just below that of the other, and never turns round.
    slower = {one.part for one in there.times if one.finding is Finding.SLOWER}
    assert {one.finding for one in back.times if one.part in slower} <= {Finding.FASTER, Finding.DRIFT}


def test_a_slower_step_on_the_critical_path_costs_its_seconds_once() -> None:
    found = analyse(runs_of(STEPS, 30), runs_of({**STEPS, "sort": 8.0}, 5, seed=2))
    assert (found.verdict, found.confidence) == (Verdict.REGRESSED, Confidence.HIGH)
    assert row(found, "sort").finding is Finding.SLOWER
    assert {loss.name for loss in found.losses} >= {"execute/sort"}
    # Both the step and its stage are slower, but the run lost the seconds once: 5.5 or so of the 6 that cost all points.
    assert sum(loss.points for loss in found.losses) < 105
    assert [cause.text for cause in found.causes] == ["sort is slower"]


def test_slower_off_the_critical_path_costs_nothing_and_is_listed() -> None:
    apart = {"long": 60.0, "short": 4.0}
    given_: dict[str, Any] = {"depends_on": {"long": (), "short": ()}}
    found = analyse(runs_of(apart, 30, **given_), runs_of({**apart, "short": 12.0}, 5, seed=2, **given_))
    assert row(found, "short").finding is Finding.SLOWER
    assert row(found, "short").drag_sec == 0
    assert found.score == 100
    assert [(loss.name, loss.points) for loss in found.losses] == [("execute/short", 0.0)]


def test_one_candidate_is_suspect_at_most_and_says_what_is_missing() -> None:
    found = analyse(runs_of(STEPS, 30), runs_of({**STEPS, "sort": 60.0}, 1, seed=2))
    assert (found.verdict, found.score, found.severity) == (Verdict.SUSPECT, None, Severity.NONE)
    assert found.runs_needed == (0, 2)
    assert row(found, "sort").finding is Finding.SUSPECT
    assert found.causes[0].text == "sort is slower"


def test_one_failing_candidate_is_a_suspicion() -> None:
    found = analyse(runs_of(STEPS, 30), runs_of(STEPS, 1, seed=2, failed=("send",)))
    assert found.verdict is Verdict.SUSPECT
    assert not any(issue.is_certain for issue in found.issues)
    assert {str(issue.part) for issue in found.issues} == {"execute", "execute/send"}


def test_too_few_runs_say_how_many_are_missing() -> None:
    found = analyse(runs_of(STEPS, 1), runs_of(STEPS, 1, seed=2))
    assert (found.verdict, found.score, found.runs_needed) == (Verdict.TOO_FEW, None, (4, 4))
    assert {one.finding for one in found.times} == {Finding.TOO_FEW}
    assert analyse([], []).runs_needed == (5, 3)


def test_a_step_that_newly_fails_is_critical() -> None:
    found = analyse(runs_of(STEPS, 30), runs_of(STEPS, 3, seed=2, failed=("send",)))
    assert (found.verdict, found.severity, found.score) == (Verdict.REGRESSED, Severity.CRITICAL, 0)
    assert next(rate.name for rate in found.rates if rate.finding is RateFinding.DROPPED) == "run"
    assert found.issues[0].is_certain
    assert "send fails in 3 of 3 runs" in " ".join(issue.text for issue in found.issues)


def test_what_failed_as_often_before_is_nothing_new() -> None:
    baseline = [*runs_of(STEPS, 15), *runs_of(STEPS, 15, seed=3, failed=("send",))]
    candidates = [*runs_of(STEPS, 3, seed=4), *runs_of(STEPS, 3, seed=5, failed=("send",))]
    found = analyse(baseline, candidates)
    assert (found.verdict, found.issues) == (Verdict.UNCHANGED, ())


def test_the_suspected_cause_is_what_differs_and_reaches_the_step() -> None:
    definitions = {
        "fetch": {"query": "{assets.lookup}"},
        "sort": {"args": ["{fetch.data}"]},
        "send": {"args": ["{params.to}", "{assets.mail}"]},
    }
    usual: dict[str, Any] = {"definitions": definitions, "params": {"to": "a"}}
    baseline = runs_of(STEPS, 30, assets={"lookup": "query/ci@2", "mail": "template/mail@1"}, **usual)
    slow = {**STEPS, "fetch": 12.0}
    alone = analyse(
        baseline, runs_of(slow, 3, seed=2, assets={"lookup": "query/ci@3", "mail": "template/mail@2"}, **usual)
    )
    [cause] = alone.causes
    assert [suspect.name for suspect in cause.suspects] == ["lookup"]
    assert cause.suspects[0].rerun == "--override query/ci@2"
    assert cause.advice == "rerun with only this one as it was: lookup query/ci@2"
    elsewhere: dict[str, Any] = {"environment": {"host": "ops-2", "hash": "e2"}}
    both = analyse(baseline, runs_of(slow, 3, seed=2, assets={"lookup": "query/ci@3"}, **usual, **elsewhere))
    assert both.causes[0].suspects[0].name == "lookup"
    assert both.causes[0].advice.startswith("confounded: ")


def test_everything_slower_at_once_is_one_line() -> None:
    found = analyse(runs_of(STEPS, 30), runs_of({name: 2.5 * lasts for name, lasts in STEPS.items()}, 3, seed=2))
    assert len(found.causes) == 1
    assert "environment" in found.causes[0].text


def test_parts_of_one_side_are_listed() -> None:
    found = analyse(runs_of(STEPS, 5), runs_of({**STEPS, "extra": 1.0}, 3, seed=2))
    assert [(str(one.part), one.side, one.runs) for one in found.one_sided] == [
        ("execute/extra", Side.CANDIDATES_ONLY, 3)
    ]


def test_more_tries_are_told() -> None:
    found = analyse(runs_of(STEPS, 30), runs_of(STEPS, 5, seed=2, tries={"send": 3}))
    assert [(str(one.part), one.baseline_mean, one.candidate_mean) for one in found.attempts] == [
        ("execute/send", 1, 3)
    ]


def test_one_stage_alone_and_one_part_alone() -> None:
    baseline, candidates = runs_of(STEPS, 30), runs_of({**STEPS, "sort": 9.0}, 3, seed=2)
    assert analyse(baseline, candidates, stage=Stage.COMPOSE).times == ()
    suspect = PartKey(Stage.EXECUTE, "sort")
    confirmed = analyse(baseline, candidates, bar=Bar(q=0.01), only=[suspect])
    assert [one.part for one in confirmed.times] == [suspect]
    assert confirmed.times[0].finding is Finding.SLOWER
    assert confirmed.times[0].p == confirmed.times[0].q


def test_a_suspicion_is_confirmed_on_fresh_runs_alone() -> None:
    baseline, slow = runs_of(STEPS, 30), {**STEPS, "sort": 9.0}
    [first, *fresh] = runs_of(slow, 4, seed=2)
    suspicion = analyse(baseline, [first])
    found = confirm(suspicion, baseline, fresh)
    assert found.verdict is Verdict.REGRESSED
    assert {str(one.part) for one in found.times} == {"execute", "execute/sort"}
    assert all(one.q is not None and one.q <= 0.01 for one in found.times)
    assert confirm(suspicion, baseline, runs_of(STEPS, 3, seed=3)).verdict is Verdict.UNCHANGED
    with pytest.raises(ValueError, match="cannot confirm"):
        confirm(suspicion, baseline, [first, *fresh])


def test_with_nothing_changed_claims_are_rare(scaled: Callable[[int], int]) -> None:
    """Forty steps of a noisy host, compared with itself: a claim in one of twenty comparisons at most."""
    steps = {f"s{number}": 2.0 + number for number in range(40)}
    tries = scaled(100)
    claims = 0
    for seed in range(1, tries + 1):
        found = analyse(runs_of(steps, 30, seed=2 * seed), runs_of(steps, 3, seed=2 * seed + 1))
        claims += found.verdict is not Verdict.UNCHANGED
    assert claims <= max(1, tries // 20)


@pytest.mark.parametrize("number", [1, 3])
def test_runs_without_anything_in_them(number: int) -> None:
    empty = [run_facts(f"{place}", {}) for place in range(number)]
    found: list[RunFacts] = empty
    assert analyse(found, found).verdict is Verdict.TOO_FEW


def test_what_a_stage_counts_otherwise_is_listed_and_no_verdict() -> None:
    def counting(runs: list[RunFacts], rows: int) -> list[RunFacts]:
        key = StageKey(0, Stage.EXECUTE)
        return [
            replace(run, stages={key: replace(run.stages[key], counts=(("rows", rows + place % 2),))})
            for place, run in enumerate(runs)
        ]

    found = analyse(counting(runs_of(STEPS, 20), 12), counting(runs_of(STEPS, 6, seed=2), 4))
    [row] = found.counts
    assert (str(row.part), row.name) == ("execute", "rows")
    assert (row.baseline_mean, row.candidate_mean) == (12.5, 4.5)
    assert row.q <= 0.05
    assert found.verdict is Verdict.UNCHANGED
    assert analyse(counting(runs_of(STEPS, 20), 12), counting(runs_of(STEPS, 6, seed=2), 12)).counts == ()
    assert analyse(counting(runs_of(STEPS, 20), 12), counting(runs_of(STEPS, 1, seed=2), 4)).counts == ()


def test_a_stage_that_took_results_over_says_nothing_of_its_length() -> None:
    baseline = runs_of(STEPS, 12)
    short = [
        replace(run, steps={key: replace(step, reused=key.step_id != "sort") for key, step in run.steps.items()})
        for run in runs_of(STEPS, 5, seed=3)
    ]
    assert {row.part.step_id for row in analyse(baseline, short).times} == {"sort"}


def test_where_nothing_could_have_been_found_nothing_is_said_to_be_unchanged() -> None:
    """Seven runs against three of a plan with twelve steps: it says how many more it takes."""
    steps = {f"step_{number}": 1.0 + number for number in range(12)}
    found = analyse(runs_of(steps, 7), runs_of(steps, 3, seed=9))
    assert (found.verdict, found.score, found.severity) == (Verdict.TOO_FEW, None, Severity.NONE)
    assert found.runs_needed[0] == 0
    more = found.runs_needed[1]
    assert more >= 1
    # So many it said from the first run on, and it does not grow while they are made.
    for there in (1, 2):
        assert analyse(runs_of(steps, 7), runs_of(steps, there, seed=9)).runs_needed == (0, 3 + more - there)
    five = analyse(runs_of(steps, 5), runs_of(steps, 3, seed=9)).runs_needed[1]
    assert analyse(runs_of(steps, 2), runs_of(steps, 1, seed=9)).runs_needed == (3, 2 + five)
    enough = analyse(runs_of(steps, 7), runs_of(steps, 3 + more, seed=9))
    assert (enough.verdict, enough.runs_needed) == (Verdict.UNCHANGED, (0, 0))

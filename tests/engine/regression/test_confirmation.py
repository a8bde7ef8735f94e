"""How many fresh runs confirm a suspicion, held against confirmations that really are made of so many."""

from __future__ import annotations

import pytest

from engine.regression.analysis import analyse, confirm
from engine.regression.confirmation import CONFIRM_RUNS, fresh_runs_needed, suspected_parts
from engine.regression.verdict import Verdict
from tests.engine.regression.building import runs_of

STEPS = {"fetch": 4.0, "sort": 2.0, "send": 6.0}
SLOW = {**STEPS, "sort": 20.0}


@pytest.mark.parametrize("baseline", [5, 6, 8, 12, 30])
def test_so_many_fresh_runs_confirm_what_is_slower(baseline: int) -> None:
    before = runs_of(STEPS, baseline)
    suspicion = analyse(before, runs_of(SLOW, 3, seed=2))
    needed = fresh_runs_needed(suspicion)
    assert needed >= CONFIRM_RUNS
    found = confirm(suspicion, before, runs_of(SLOW, needed, seed=3))
    assert found.verdict is Verdict.REGRESSED
    assert {row.part for row in found.times if row.counts} == {*suspected_parts(suspicion)}
    assert not any("cannot confirm" in note for note in found.notes)


def test_too_few_fresh_runs_say_how_many_more_it_takes_for_all_suspects() -> None:
    before = runs_of(STEPS, 5)
    suspicion = analyse(before, runs_of(SLOW, 3, seed=2))
    needed = fresh_runs_needed(suspicion)
    assert needed > CONFIRM_RUNS
    found = confirm(suspicion, before, runs_of(SLOW, 3, seed=3))
    assert found.notes[-1] == f"5 v 3 runs cannot confirm anything at that level; {needed - 3} more fresh ones can"


def test_no_number_of_fresh_runs_makes_up_for_a_baseline_that_is_too_small() -> None:
    before = runs_of(STEPS, 30)
    suspicion = analyse(before, runs_of(SLOW, 1, seed=2))
    found = confirm(suspicion, before[:2], runs_of(SLOW, 3, seed=3))
    assert found.notes[-1] == "a baseline of 2 cannot confirm anything: it needs 5 runs"
    assert fresh_runs_needed(analyse(before[:2], runs_of(SLOW, 1, seed=2))) == CONFIRM_RUNS

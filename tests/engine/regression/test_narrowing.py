"""Narrowing down suspects: by halves to the one that explains a change alone, or to the word that none does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.regression.analysis import analyse
from engine.regression.narrowing import Bisection, is_still_there
from engine.regression.verdict import DifferenceKind, Suspect
from tests.engine.regression.building import run_facts, runs_of


def suspect(number: int) -> Suspect:
    return Suspect(DifferenceKind.PARAM, f"p{number}", "1", "2", "", 0, "")


@given(st.integers(1, 40), st.data())
def test_the_one_that_alone_undoes_it_is_found_in_few_reruns(number: int, data: st.DataObject) -> None:
    culprit = suspect(data.draw(st.integers(0, number - 1)))
    search = Bisection([suspect(one) for one in range(number)])
    reruns = 0
    while back := search.next_back:
        assert search.at_most >= 1
        left = search.at_most
        search.told(is_gone=culprit in back)
        reruns += 1
        assert search.at_most < left
    assert search.culprit == culprit
    assert reruns <= (number - 1).bit_length() + 1


@given(st.integers(1, 40))
def test_where_none_undoes_it_alone_none_is_named(number: int) -> None:
    search = Bisection([suspect(one) for one in range(number)])
    tried: list[Suspect] = []
    while back := search.next_back:
        tried += back
        search.told(is_gone=False)
    assert search.culprit is None
    assert len(tried) == number  # each was put back once


def test_two_that_are_needed_together_are_not_one_culprit() -> None:
    both = {suspect(0), suspect(3)}
    search = Bisection([suspect(one) for one in range(4)])
    while back := search.next_back:
        search.told(is_gone=both <= set(back))
    assert search.culprit is None


def test_a_run_is_as_slow_as_the_suspect_or_as_quick_as_the_others() -> None:
    baseline = runs_of({"fetch": 1.0, "sort": 2.0}, 12)
    suspicion = analyse(baseline, [run_facts("slow", {"fetch": 9.0, "sort": 2.0})])
    for fetch, is_there in ((9.0, True), (7.0, True), (3.5, True), (2.5, False), (1.0, False)):
        fresh = analyse(baseline, [run_facts("fresh", {"fetch": fetch, "sort": 9.0})])
        assert is_still_there(suspicion, fresh) is is_there


def test_what_failed_then_and_fails_again_is_still_there() -> None:
    steps = {"fetch": 1.0, "sort": 2.0}
    baseline = runs_of(steps, 12)
    suspicion = analyse(baseline, [run_facts("broken", steps, failed=("sort",))])
    assert is_still_there(suspicion, analyse(baseline, [run_facts("fresh", steps, failed=("sort",))]))
    assert not is_still_there(suspicion, analyse(baseline, [run_facts("fresh", steps)]))

"""Words for triggers: every spelling finds its trigger, and nothing whatever makes the parser fail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.replan import Trigger, safe_parse_trigger


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("step_failed", Trigger.STEP_FAILED),
        ("Step Failed", Trigger.STEP_FAILED),
        ("STEP-FAILED", Trigger.STEP_FAILED),
        ("stepFailed", Trigger.STEP_FAILED),
        ("  timeout\n", Trigger.STEP_TIMEOUT),
        ("TimedOut", Trigger.STEP_TIMEOUT),
        ("no.data", Trigger.EMPTY_RESULT),
        ("EmptyResult", Trigger.EMPTY_RESULT),
        ("circuit open", Trigger.BREAKER_OPEN),
        ("manual", Trigger.OPERATOR),
        ("whatever", Trigger.UNKNOWN),
        ("", Trigger.UNKNOWN),
        (None, Trigger.UNKNOWN),
        (7, Trigger.UNKNOWN),
        (["step_failed"], Trigger.UNKNOWN),
        (Trigger.OPERATOR, Trigger.OPERATOR),
    ],
)
def test_a_word_in_any_spelling_is_its_trigger(said: object, meant: Trigger) -> None:
    assert safe_parse_trigger(said) is meant


@given(st.one_of(st.text(), st.integers(), st.none(), st.binary(), st.lists(st.text()), st.floats()))
def test_nothing_makes_it_fail(said: object) -> None:
    assert safe_parse_trigger(said) in Trigger


@given(st.sampled_from(list(Trigger)), st.sampled_from([str.upper, str.title, str.lower]), st.sampled_from("_ -."))
def test_case_and_marks_do_not_matter(trigger: Trigger, case: object, mark: str) -> None:
    assert callable(case)
    assert safe_parse_trigger(case(trigger.value.replace("_", mark))) is trigger

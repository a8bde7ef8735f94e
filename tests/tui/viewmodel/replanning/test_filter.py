"""Which replans pass what a person types."""

from __future__ import annotations

import pytest

from engine.model.replan import ReplanDecision, Trigger
from tests.tui.samples import NOW_US, SECOND
from tests.tui.viewmodel.replanning.replans import NOW, replan
from tui.viewmodel.replanning.filter import parse_replan_filter

ALL = [
    replan(event_id="one", at_us=NOW_US - 600 * SECOND),
    replan(event_id="two", trigger=Trigger.STEP_TIMEOUT, decision=ReplanDecision.DENIED, at_us=NOW_US - 90 * SECOND),
    replan(
        event_id="three",
        trigger=Trigger.STEP_FAILED,
        step_id="Upload",
        decision_reason="Seen",
        at_us=NOW_US - 30 * SECOND,
    ),
]


@pytest.mark.parametrize(
    ("typed", "passing"),
    [
        ("", "one two three"),
        ("trigger:timeout", "two"),
        ("trigger:step", "two three"),
        ("trigger:timed_out trigger:empty", "one two"),
        ("decision:pend", "one three"),
        ("since:2m", "two three"),
        ("from:11:58 to:11:58", "two"),
        ("from:11:59:30", "three"),
        ("to:2026-01-01T11:50:00Z", "one"),
        ("upload seen", "three"),
        ("trigger:failed since:10s", ""),
    ],
)
def test_by_trigger_time_decision_and_words(typed: str, passing: str) -> None:
    """Several of a field are alternatives, fields and words have to hold together."""
    chosen = parse_replan_filter(typed, ALL, NOW)
    assert not chosen.faults
    assert " ".join(one.event_id for one in ALL if chosen.passes(one)) == passing
    assert chosen.is_empty is (not typed)


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("trigger:banana", "no trigger banana; there are step_failed, "),
        ("decision:x", "no decision x; there are auto_approved, "),
        ("from:25:99", "25:99 is no time such as 10:42"),
        ("since:soon", "soon is no span such as 90s"),
        ("colour:red", "no field colour"),
        ("from:", "from: what?"),
        ("since:999999d from:0001-01-01", ""),
    ],
)
def test_what_is_not_understood_is_said(typed: str, fault: str) -> None:
    """And what else was typed still holds."""
    faults = parse_replan_filter(typed, ALL, NOW).faults
    assert faults[0].startswith(fault) if fault else not faults or "no time" in faults[0]

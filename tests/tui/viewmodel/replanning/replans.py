"""Replans for the tests of what is said of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import Any

from engine.model.replan import ReplanDecision, Severity, Trigger
from tests.tui.samples import NOW_US, SECOND
from tui.viewmodel.replanning.replan import Replan
from tui.viewmodel.runs import Moment

NOW = Moment(NOW_US, UTC)
_REPLAN = Replan(
    event_id="r0.1",
    pass_index=0,
    trigger=Trigger.EMPTY_RESULT,
    severity=Severity.WARNING,
    decision=ReplanDecision.PENDING,
    at_us=NOW_US - 60 * SECOND,
    step_id="ci",
    reason="nothing was found",
    before={"ci": {"step_def": {"query": "narrow", "type": "sql"}}},
    after={"ci": {"step_def": {"query": "wide", "type": "sql"}}},
)


def replan(**changes: Any) -> Replan:
    """A replan that waits, asked for a minute ago, or another one."""
    return replace(_REPLAN, **changes)

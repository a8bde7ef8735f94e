"""How long steps are known to take: from how the run ended, and from those before it."""

from __future__ import annotations

import pytest

from engine.model.result import StepResult
from engine.model.states import Reason, StepStatus
from engine.pipeline.past_times import PastTimes, times_of


def times(
    *results: StepResult, earlier: dict[str, int] | None = None, tried: dict[str, int | None] | None = None
) -> PastTimes:
    known = {result.step_id: result for result in results}
    return times_of(known, earlier_us=earlier or {}, tried_us=tried or {})


def ended(step_id: str, status: StepStatus, took_us: int, reason: Reason | None = None) -> StepResult:
    return StepResult(step_id, status, reason=reason, started_at_us=1, duration_us=took_us)


def test_a_good_end_here_says_more_than_those_of_other_runs() -> None:
    assert times(ended("a", StepStatus.SUCCEEDED, 5), earlier={"a": 9, "b": 7}) == ({"a": 5, "b": 7}, {})


def test_a_step_that_failed_takes_as_long_as_it_took_to_succeed_if_it_ever_did() -> None:
    assert times(ended("a", StepStatus.FAILED, 5)) == ({"a": 5}, {})
    assert times(ended("a", StepStatus.FAILED, 5), earlier={"a": 9}) == ({"a": 9}, {})


def test_a_step_that_was_stopped_takes_as_long_as_before_but_no_less_than_it_had_run() -> None:
    stopped = ended("a", StepStatus.CANCELED, 5)
    assert times(stopped) == ({}, {"a": 5})
    assert times(stopped, earlier={"a": 9}) == ({"a": 9}, {})
    assert times(stopped, earlier={"a": 3}) == ({}, {"a": 5})


@pytest.mark.parametrize(
    "result",
    [
        StepResult("a", StepStatus.CANCELED),
        StepResult("a", StepStatus.SKIPPED),
        ended("a", StepStatus.SUCCEEDED, 5, Reason.OPERATOR),
        ended("a", StepStatus.SKIPPED, 5, Reason.OPERATOR),
    ],
)
def test_what_did_not_work_says_nothing(result: StepResult) -> None:
    assert times(result) == ({}, {})


def test_of_a_step_whose_engine_was_lost_only_its_attempts_count() -> None:
    """The time until somebody took it up is in what the step took."""
    assert times(ended("a", StepStatus.SUCCEEDED, 10**10), tried={"a": 5}) == ({"a": 5}, {})
    assert times(ended("a", StepStatus.CANCELED, 10**10), tried={"a": 5}) == ({}, {"a": 5})
    assert times(ended("a", StepStatus.SUCCEEDED, 10**10), tried={"a": None}, earlier={"a": 7}) == ({"a": 7}, {})

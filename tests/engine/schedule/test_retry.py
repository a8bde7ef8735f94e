"""The arithmetic of another attempt: delays, caps, and which reasons deserve one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.plan import Backoff, Globals, Step
from engine.model.states import Reason
from engine.model.step_defs import CommandDef, SqlDef
from engine.schedule.retry import GiveUp, TryAgain, after_failure, attempt_timeout, backoff_delay, can_change
from tests.engine.schedule.builders import failed

COMMAND = Step(id="fetch", step_def=CommandDef(command="true"), retries=2)
QUERY = Step(id="ask", step_def=SqlDef(type="sql", database="x.db", query="select 1"), retries=2)
PLAIN = Backoff(initial_sec=0.5, factor=2, max_sec=3, jitter=False)


@pytest.mark.parametrize(("failures", "delay"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 3.0), (100, 3.0)])
def test_the_delay_grows_by_the_factor_up_to_its_maximum(failures: int, delay: float) -> None:
    assert backoff_delay(PLAIN, failures, lambda: 0.9) == delay


def test_jitter_takes_its_share_off() -> None:
    jittered = PLAIN.model_copy(update={"jitter": True})
    assert backoff_delay(jittered, 2, lambda: 0.25) == 0.75
    assert backoff_delay(jittered, 2, lambda: 0.0) == 1.0


@settings(deadline=None, derandomize=True, database=None)
@given(
    st.floats(0, 86400),
    st.floats(1, 100),
    st.floats(0, 86400),
    st.integers(1, 101),
    st.floats(0, 1, exclude_max=True),
)
def test_a_delay_is_finite_and_within_its_bounds_for_every_backoff_a_plan_may_have(
    initial: float, factor: float, most: float, failures: int, share: float
) -> None:
    delay = backoff_delay(Backoff(initial_sec=initial, factor=factor, max_sec=most), failures, lambda: share)
    assert math.isfinite(delay)
    assert 0 <= delay <= most


@pytest.mark.parametrize(
    ("own", "elapsed", "timeout"),
    [(None, 0, 60), (10.0, 0, 10), (500.0, 0, 100), (10.0, 95, 5), (10.0, 99.9995, None), (10.0, 100, None)],
)
def test_an_attempt_gets_its_own_timeout_or_what_is_left_of_the_cap(
    own: float | None, elapsed: float, timeout: float | None
) -> None:
    limits = Globals(default_timeout_sec=60, max_step_duration_sec=100)
    assert attempt_timeout(COMMAND.model_copy(update={"timeout_sec": own}), limits, elapsed) == timeout


UNCHANGING = {
    Reason.MISSING_REFERENCE,
    Reason.BAD_CONDITION,
    Reason.CONDITION_FALSE,
    Reason.SKIP_IF,
    Reason.DEPENDENCY_FAILED,
    Reason.ABORTED,
    Reason.CANCELED,
    Reason.OPERATOR,
    Reason.ENGINE_LOST,
    Reason.REFUSED,
    Reason.TOOL_MISSING,
    Reason.BAD_ITEMS,
    Reason.ITEMS_FAILED,
    Reason.REPEAT_EXHAUSTED,
    Reason.FALLBACK,
    Reason.NOT_NEEDED,
    Reason.BRANCH_NOT_CHOSEN,
    Reason.CACHE_HIT,
    Reason.REUSED,
    Reason.REPLANNED,
}


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_retried_unless_a_new_attempt_could_not_change_it(reason: Reason) -> None:
    assert can_change(COMMAND, reason) == (reason not in UNCHANGING)


def test_a_failure_without_a_reason_is_retried() -> None:
    assert can_change(COMMAND, None)


def test_a_lost_attempt_is_repeated_only_where_that_is_harmless() -> None:
    assert can_change(QUERY, Reason.ENGINE_LOST)
    assert not can_change(COMMAND, Reason.ENGINE_LOST)


def _after(step: Step, attempts: int, elapsed: float, reason: Reason = Reason.EXIT_CODE) -> TryAgain | GiveUp:
    step = step.model_copy(update={"backoff": Backoff(initial_sec=4, jitter=False)})
    limits = Globals(max_step_duration_sec=10)
    return after_failure(step, limits, outcome=failed(reason), failures=attempts, elapsed=elapsed, jitter=lambda: 0.0)


def test_what_follows_on_a_failure() -> None:
    assert _after(COMMAND, 1, 1) == TryAgain(4)
    assert _after(COMMAND, 2, 1) == TryAgain(8)
    assert _after(COMMAND, 3, 1) == GiveUp("gave up after 3 attempts")
    assert _after(COMMAND.model_copy(update={"retries": 0}), 1, 1) == GiveUp()
    assert _after(COMMAND, 1, 10) == GiveUp("not tried again: max_step_duration_sec (10 s) is used up")
    assert _after(COMMAND, 1, 7) == GiveUp(
        "not tried again: the next attempt would start after max_step_duration_sec (10 s)"
    )
    assert _after(COMMAND, 1, 1, Reason.CANCELED) == GiveUp("not tried again: another attempt would end the same way")

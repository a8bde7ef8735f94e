"""Whether, when and for how long a step is tried again or repeated: pure arithmetic over its limits. Knows of no other step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.states import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model.plan import Backoff, Globals, Repeat, Step
    from engine.model.result import AttemptOutcome

SHORTEST_ATTEMPT_SEC: Final = 0.001  # less than this left of the cap counts as nothing left


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Another attempt, after so many seconds."""

    delay_sec: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No other attempt; `why` goes behind the message of the last one, and is empty where that says it all."""

    why: str = ""


def can_change(step: Step, reason: Reason | None) -> bool:
    """True if a new attempt of the step could end differently.

    Whatever a program, a database, a disk or a network did may go better the next time, and so may a defect of ours.
    What follows from the plan and its inputs alone stays as it is, and what somebody decided stays decided. An attempt
    that was lost with its engine may have done its work, so only an idempotent step repeats it.
    """
    match reason:
        case (
            Reason.MISSING_REFERENCE
            | Reason.BAD_CONDITION
            | Reason.CONDITION_FALSE
            | Reason.SKIP_IF
            | Reason.DEPENDENCY_FAILED
            | Reason.ABORTED
            | Reason.CANCELED
            | Reason.OPERATOR
            | Reason.REFUSED
            | Reason.TOOL_MISSING
            | Reason.BAD_ITEMS
            | Reason.ITEMS_FAILED
            | Reason.REPEAT_EXHAUSTED
            | Reason.FALLBACK
            | Reason.NOT_NEEDED
            | Reason.BRANCH_NOT_CHOSEN
            | Reason.CACHE_HIT
            | Reason.REUSED
            | Reason.REPLANNED
        ):
            return False
        case Reason.ENGINE_LOST:
            return step.is_idempotent
        case (
            None
            | Reason.EXIT_CODE
            | Reason.TIMED_OUT
            | Reason.SPAWN_FAILED
            | Reason.SIGNALED
            | Reason.BAD_OUTPUT
            | Reason.OUTPUT_TOO_LARGE
            | Reason.QUERY_FAILED
            | Reason.EXCEPTION
            | Reason.HTTP_STATUS
            | Reason.REQUEST_FAILED
            | Reason.FILE_FAILED
            | Reason.TOOL_FAILED
            | Reason.SUB_PLAN_FAILED
            | Reason.BREAKER_OPEN
            | Reason.INTERNAL
        ):
            return True


def backoff_delay(backoff: Backoff, failures: int, jitter: Callable[[], float]) -> float:
    """Seconds to wait after the `failures`-th failed attempt; `jitter` gives a share in [0, 1) that is taken off."""
    delay = min(backoff.max_sec, backoff.initial_sec * backoff.factor ** (failures - 1))
    return delay * (1.0 - jitter()) if backoff.jitter else delay


def attempt_timeout(step: Step, limits: Globals, elapsed: float) -> float | None:
    """Seconds the next attempt may take, `elapsed` seconds after the first one started; None if the cap is used up."""
    left = limits.max_step_duration_sec - elapsed
    if left < SHORTEST_ATTEMPT_SEC:
        return None
    own = limits.default_timeout_sec if step.timeout_sec is None else step.timeout_sec
    return min(own, left)


def cap_used_up(limits: Globals) -> str:
    """Why there is no other attempt when the step has had all its time."""
    return f"not tried again: max_step_duration_sec ({limits.max_step_duration_sec:g} s) is used up"


def after_failure(
    step: Step,
    limits: Globals,
    *,
    outcome: AttemptOutcome,
    failures: int,
    elapsed: float,
    jitter: Callable[[], float],
) -> TryAgain | GiveUp:
    """What follows on a failed attempt, the `failures`-th in a row, `elapsed` seconds after the first one started."""
    if outcome.reason is Reason.TIMED_OUT and attempt_timeout(step, limits, elapsed) is None:
        return GiveUp(cap_used_up(limits))  # a limit that the plan does not name would be a riddle
    if failures > step.retries:
        return GiveUp(f"gave up after {failures} attempts" if step.retries else "")
    if not can_change(step, outcome.reason):
        return GiveUp("not tried again: another attempt would end the same way")
    if attempt_timeout(step, limits, elapsed) is None:
        return GiveUp(cap_used_up(limits))
    delay = backoff_delay(step.backoff, failures, jitter)
    return TryAgain(delay) if _is_left(step, limits, elapsed + delay) else GiveUp(too_late(limits))


def after_refusal(
    step: Step,
    limits: Globals,
    *,
    opens_in_sec: float,
    failures: int,
    patient: bool,
    elapsed: float,
    jitter: Callable[[], float],
) -> TryAgain | GiveUp:
    """What follows when a breaker refused a try, the `failures`-th in a row that came to nothing.

    The next one waits until the breaker lets a probe through, and never less than after a failure.
    """
    if failures > step.retries and not patient:
        return GiveUp(f"gave up after {failures} tries" if step.retries else "")
    delay = max(opens_in_sec, backoff_delay(step.backoff, max(1, failures), jitter))
    return TryAgain(delay) if _is_left(step, limits, elapsed + delay) else GiveUp(too_late(limits))


def after_iteration(
    step: Step, repeat: Repeat, limits: Globals, *, iterations: int, elapsed: float
) -> TryAgain | GiveUp:
    """What follows on a successful attempt, the `iterations`-th, after which `until` does not hold."""
    if iterations >= repeat.max:
        times = "once" if iterations == 1 else f"{iterations} times"
        return GiveUp(f"repeated {times} and {not_until(repeat)}")
    if not _is_left(step, limits, elapsed + repeat.delay_sec):
        return GiveUp(f"{not_until(repeat)}; {too_late(limits)}")
    return TryAgain(repeat.delay_sec)


def not_until(repeat: Repeat) -> str:
    """What a repetition did not come to."""
    return f"until did not hold: {repeat.until}"


def too_late(limits: Globals) -> str:
    """Why there is no other attempt when the step would have had all its time by then."""
    return f"not tried again: the next attempt would start after max_step_duration_sec ({limits.max_step_duration_sec:g} s)"


def _is_left(step: Step, limits: Globals, elapsed: float) -> bool:
    return attempt_timeout(step, limits, elapsed) is not None

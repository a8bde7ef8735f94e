"""Whether, when and for how long a step is tried again: pure arithmetic over its limits. Nothing here knows of other steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.states import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model.plan import Backoff, Globals, Step
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
    attempts: int,
    elapsed: float,
    jitter: Callable[[], float],
) -> TryAgain | GiveUp:
    """What follows on a failed attempt, the `attempts`-th, that ended `elapsed` seconds after the first one started."""
    if attempts > step.retries:
        return GiveUp(f"gave up after {attempts} attempts" if step.retries else "")
    if not can_change(step, outcome.reason):
        return GiveUp("not tried again: another attempt would end the same way")
    if attempt_timeout(step, limits, elapsed) is None:
        return GiveUp(cap_used_up(limits))
    delay = backoff_delay(step.backoff, attempts, jitter)
    if attempt_timeout(step, limits, elapsed + delay) is None:
        return GiveUp(
            f"not tried again: the next attempt would start after max_step_duration_sec ({limits.max_step_duration_sec:g} s)"
        )
    return TryAgain(delay)

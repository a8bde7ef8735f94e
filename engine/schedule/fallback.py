"""What becomes of a step that failed when its fallback has ended. Pure; when a fallback is called is core.py's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.model.states import Reason, StepStatus

if TYPE_CHECKING:
    from engine.model.result import StepResult
    from engine.schedule.progress import Progress
    from engine.schedule.signals import Moment

_ENDED = {StepStatus.SKIPPED: "was skipped", StepStatus.CANCELED: "was canceled"}


def stood_in(progress: Progress, failure: StepResult, fallback: StepResult, now: Moment) -> StepResult:
    """The result of a step whose fallback succeeded: what the fallback found, with the step's own times and tries."""
    return replace(
        _at_the_end(progress, failure, now),
        status=StepStatus.SUCCEEDED,
        reason=Reason.FALLBACK,
        message=f"{failure.message}; FALLBACK {fallback.step_id} stood in",
        exit_code=fallback.exit_code,
        data=fallback.data,
        stdout=fallback.stdout,
        stderr=fallback.stderr,
        counts=fallback.counts,
        error=None,
        items=fallback.items,
        is_fallback=True,
        tool="",
    )


def failed_too(progress: Progress, failure: StepResult, fallback: StepResult, now: Moment) -> StepResult:
    """The result of a step whose fallback did not succeed either: its own failure, with what became of the fallback."""
    ended = _ENDED.get(fallback.status, "failed too")
    message = f"{failure.message}; its fallback {fallback.step_id} {ended}: {fallback.message}"
    return replace(_at_the_end(progress, failure, now), status=StepStatus.FAILED, message=message)


def not_waited_for(progress: Progress, failure: StepResult, reason: Reason, because: str, now: Moment) -> StepResult:
    """The result of a step when everything stops before its fallback has ended."""
    message = f"{failure.message}; its fallback did not stand in: {because}"
    return replace(_at_the_end(progress, failure, now), status=StepStatus.CANCELED, reason=reason, message=message)


def _at_the_end(progress: Progress, failure: StepResult, now: Moment) -> StepResult:
    if failure.started_at_us is None:
        return failure
    # The wait for the fallback is the step's: those that depend on it waited, too.
    return replace(failure, finished_at_us=now.at_us, duration_us=max(failure.duration_us, progress.lasted_us(now)))

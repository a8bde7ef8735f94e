"""Where one step of a run stands: the core's own record of it, and its story. Which steps there are, and when they go, is core.py's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.errors import InvalidTransitionError
from engine.model.result import StepResult
from engine.model.states import StepStatus
from engine.schedule.transitions import TRANSITIONS

if TYPE_CHECKING:
    from engine.model.result import AttemptOutcome
    from engine.model.states import Reason
    from engine.plan.compiled import CompiledStep
    from engine.schedule.signals import Moment
    from engine.schedule.transitions import Happening

STORY_LENGTH: Final = 12  # happenings kept a step: the last four attempts, whole


class Chapter(NamedTuple):
    """One happening in a step's story."""

    at_us: int
    happening: Happening
    attempt: int
    status: StepStatus


@dataclass(slots=True, eq=False)
class StepProgress:
    """What the core remembers of a step.

    `unmet` counts dependencies that are not settled. `attempts` counts attempts begun, `lost` those that an engine took
    with it when it died. `delayed_attempt` is the attempt whose delay still runs, 0 if none does. `last_failure` is kept
    while another attempt is to come. `first_monotonic` and `first_at_us` are the two times of the first start.
    """

    compiled: CompiledStep
    order: int
    unmet: int
    status: StepStatus = StepStatus.PENDING
    attempts: int = 0
    lost: int = 0
    delayed_attempt: int = 0
    first_monotonic: float | None = None
    first_at_us: int | None = None
    last_failure: AttemptOutcome | None = None
    story: tuple[Chapter, ...] = field(default=())

    @property
    def step_id(self) -> str:
        """The step's id in the plan."""
        return self.compiled.step.id

    def advance(self, happening: Happening, now: Moment) -> None:
        """Move along the table. Raises InvalidTransitionError, and changes nothing, where it has no such move."""
        status = TRANSITIONS[self.status].get(happening)
        if status is None:
            raise self.impossible(f"'{happening}' cannot happen to a step that is {self.status}")
        self.status = status
        self.story = (*self.story[1 - STORY_LENGTH :], Chapter(now.at_us, happening, self.attempts, status))

    def impossible(self, cause: str) -> InvalidTransitionError:
        """The error for something that cannot be, with what did happen to the step so far."""
        return InvalidTransitionError(cause, step_id=self.step_id, story=self.tell())

    def tell(self) -> tuple[str, ...]:
        """The story, oldest first, one line a happening; times are seconds since the first line."""
        if not self.story:
            return ()
        origin = self.story[0].at_us
        return tuple(
            f"+{(chapter.at_us - origin) / 1e6:.6f} s: {chapter.happening}, attempt {chapter.attempt} → {chapter.status}"
            for chapter in self.story
        )

    def elapsed(self, now: Moment) -> float:
        """Seconds since the first attempt started; 0 before it."""
        return 0.0 if self.first_monotonic is None else now.monotonic - self.first_monotonic

    def result(self, now: Moment, reason: Reason | None, message: str, outcome: AttemptOutcome | None) -> StepResult:
        """The final result of a step in its present state; `outcome` is its last attempt's, if it had one."""
        succeeded = self.status is StepStatus.SUCCEEDED
        started = self.first_at_us is not None
        return StepResult(
            step_id=self.step_id,
            status=self.status,
            reason=reason,
            message=message,
            exit_code=outcome.exit_code if outcome else None,
            data=outcome.data if outcome and succeeded else None,
            stdout=outcome.stdout.text if outcome else "",
            stderr=outcome.stderr.text if outcome else "",
            attempts=self.attempts,
            started_at_us=self.first_at_us,
            finished_at_us=now.at_us if started else None,
            duration_us=round(self.elapsed(now) * 1_000_000),
            counts=outcome.counts if outcome else {},
        )

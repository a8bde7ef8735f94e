"""Where one step of a run stands, or one item of a step: the core's own record of it, and its story. When they go is core.py's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.errors import InvalidTransitionError
from engine.model.result import StepResult
from engine.model.states import Reason, StepStatus
from engine.schedule.transitions import TRANSITIONS

if TYPE_CHECKING:
    from engine.model.bound import BoundStep
    from engine.model.result import AttemptOutcome
    from engine.plan.compiled import CompiledStep
    from engine.plan.scope import Item
    from engine.schedule.breaker import Ticket
    from engine.schedule.items import Items
    from engine.schedule.signals import Moment
    from engine.schedule.taken_up import Left
    from engine.schedule.transitions import Happening

STORY_LENGTH: Final = 12  # happenings kept a step: the last four attempts, whole


class Chapter(NamedTuple):
    """One happening in a step's story."""

    at_us: int
    happening: Happening
    attempt: int
    status: StepStatus


class Ending(NamedTuple):
    """What ends a step or an item, before anybody has looked at what follows from it; `outcome` is its last attempt's."""

    happening: Happening
    reason: Reason | None
    message: str
    outcome: AttemptOutcome | None = None


@dataclass(slots=True, eq=False)
class Progress:
    """What the core remembers of a step, or of one item of it; `item`, with its index, is None for the step as a whole.

    `unmet` counts dependencies that are not settled, and for a fallback also the failure that calls for it. `attempts`
    counts attempts begun. `failures` counts the tries used up since the last attempt that succeeded, `iterations` the
    attempts after which `repeat.until` was looked at. `delayed_attempt` is the attempt whose delay still runs, 0 if none
    does. `last_outcome` is kept while another attempt is to come. `first_at_us` is when the first attempt began, and
    `first_monotonic` when the time began that the step's cap counts: then, or with the first refusal by a breaker.
    `is_taken_up` where it had begun under an engine that is gone.

    `asking` is what the cache was asked for, until it answers. `ticket` is what the breaker gave the running attempt;
    a `patient` one waits for its breaker without using up tries. `awaiting` is the failure for which a fallback may stand
    in. `refused_tool` is the one whose breaker refused the latest try. `items` are those of a step with `for_each`, once it is divided.
    """

    compiled: CompiledStep
    order: int
    unmet: int
    status: StepStatus = StepStatus.PENDING
    attempts: int = 0
    failures: int = 0
    iterations: int = 0
    delayed_attempt: int = 0
    first_monotonic: float | None = None
    first_at_us: int | None = None
    is_taken_up: bool = False
    last_outcome: AttemptOutcome | None = None
    story: tuple[Chapter, ...] = field(default=())
    asking: BoundStep | None = None
    ticket: Ticket | None = None
    patient: bool = False
    refused_tool: str = ""
    awaiting: StepResult | None = None
    item: Item | None = None
    item_index: int | None = None
    items: Items | None = None

    @property
    def step_id(self) -> str:
        """The step's id in the plan."""
        return self.compiled.step.id

    def take_up(self, left: Left) -> None:
        """Go on from where it was left."""
        self.attempts = left.attempts
        self.failures = left.tries
        self.iterations = left.iterations
        self.patient = left.patient
        self.begun_before(left.first_at_us)

    def begun_before(self, at_us: int | None) -> None:
        """It began at that time, under an engine that is gone; None where it had not begun."""
        self.first_at_us = at_us
        self.is_taken_up = at_us is not None

    def launched(self, began: Moment) -> None:
        """The attempt that is over began then. A wait for the file before the very first one is not the step's time."""
        if self.attempts == 1 and not self.failures and not self.is_taken_up:
            self.first_monotonic, self.first_at_us = began.monotonic, began.at_us

    def advance(self, happening: Happening, now: Moment) -> None:
        """Move along the table. Raises InvalidTransitionError, and changes nothing, where it has no such move."""
        status = TRANSITIONS[self.status].get(happening)
        if status is None:
            raise self.impossible(f"'{happening}' cannot happen to a step that is {self.status}")
        self.status = status
        chapter = Chapter(now.at_us, happening, self.attempts, status)
        story = self.story
        self.story = (*story, chapter) if len(story) < STORY_LENGTH else (*story[1:], chapter)

    def impossible(self, cause: str) -> InvalidTransitionError:
        """The error for something that cannot be, with what did happen to the step so far."""
        where = "" if self.item is None else f"item {self.item.index}: "
        return InvalidTransitionError(f"{where}{cause}", step_id=self.step_id, story=self.tell())

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
        """Seconds that count against the cap; 0 before the first attempt."""
        return 0.0 if self.first_monotonic is None else now.monotonic - self.first_monotonic

    def lasted_us(self, now: Moment) -> int:
        """Microseconds since it began; 0 before that. No engine's own clock reaches back to what began under another."""
        begun = None if self.items is None else self.items.first_monotonic
        own_us = round((self.elapsed(now) if begun is None else now.monotonic - begun) * 1_000_000)
        if not self.is_taken_up or self.first_at_us is None:
            return own_us
        return max(own_us, now.at_us - self.first_at_us)

    def result(self, now: Moment, reason: Reason | None, message: str, outcome: AttemptOutcome | None) -> StepResult:
        """The result of a step in its present state; `outcome` is its last attempt's, if it had one."""
        succeeded = self.status is StepStatus.SUCCEEDED
        started = self.first_at_us is not None
        counts = outcome.counts if outcome else {}
        result = StepResult(
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
            duration_us=self.lasted_us(now),
            counts={**counts, "iterations": self.iterations} if self.iterations else counts,
            error=outcome.error if outcome else None,
            tool=self.refused_tool if reason is Reason.BREAKER_OPEN else "",
        )
        return result if self.items is None else self.items.complete(result, now)

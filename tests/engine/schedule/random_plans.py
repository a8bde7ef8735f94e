"""Random plans with a fate for every attempt, and the oracle that says from both, without a scheduler, how each step must end."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from engine.model.states import Reason, StepStatus
from tests.engine.schedule.builders import canceled, failed, plan_of, step, succeeded

if TYPE_CHECKING:
    from engine.model.json import Json
    from engine.model.result import AttemptOutcome
    from engine.plan.compiled import CompiledPlan

RETRIED = (
    Reason.EXIT_CODE,
    Reason.TIMED_OUT,
    Reason.SPAWN_FAILED,
    Reason.SIGNALED,
    Reason.BAD_OUTPUT,
    Reason.OUTPUT_TOO_LARGE,
    Reason.INTERNAL,
)


class StatusIs(NamedTuple):
    """The expression `step_id.status == 'status'`."""

    step_id: str
    status: StepStatus

    def __str__(self) -> str:
        return f"{self.step_id}.status == '{self.status}'"


@dataclass
class Drawn:
    """A step as drawn: what its document says, and all that it depends on, implied or not."""

    step_id: str
    explicit: list[str]
    on_failure: str
    retries: int
    skip_if: list[StatusIs] = field(default_factory=list)
    condition: StatusIs | None = None
    needs_value_of: str | None = None

    @property
    def depends_on(self) -> set[str]:
        """Explicit and implied."""
        tested = [test.step_id for test in [*self.skip_if, self.condition] if test is not None]
        return {*self.explicit, *tested, *([self.needs_value_of] if self.needs_value_of else [])}


@dataclass
class DrawnPlan:
    """A plan as drawn. `fates` makes every attempt's outcome a function of the step and the attempt alone."""

    steps: list[Drawn]
    serial: bool
    max_concurrency: int
    max_step_duration_sec: float
    fates: int

    def compiled(self) -> CompiledPlan:
        """Through the reader, like any plan. Declared in another order than they can run in."""
        documents = []
        for drawn in Random(self.fates).sample(self.steps, len(self.steps)):
            optional: dict[str, Json] = {}
            if drawn.skip_if:
                optional["skip_if"] = [str(test) for test in drawn.skip_if]
            if drawn.condition is not None:
                optional["condition"] = str(drawn.condition)
            if drawn.needs_value_of is not None:
                optional["args"] = [f"{{{drawn.needs_value_of}.data.value}}"]
            backoff: Json = {"initial_sec": 0.5, "factor": 2, "max_sec": 3, "jitter": True}
            documents.append(
                step(
                    drawn.step_id,
                    *drawn.explicit,
                    on_failure=drawn.on_failure,
                    retries=drawn.retries,
                    backoff=backoff,
                    **optional,
                )
            )
        return plan_of(
            documents,
            strategy="serial" if self.serial else "auto",
            max_concurrency=self.max_concurrency,
            max_step_duration_sec=self.max_step_duration_sec,
        )

    def fate(self, step_id: str, attempt: int) -> AttemptOutcome:
        """How this attempt ends if nobody stops it."""
        return outcome(Random(f"{self.fates}/{step_id}/{attempt}"))


def outcome(random: Random) -> AttemptOutcome:
    """Any way in which an attempt can end."""
    luck = random.random()
    if luck < 0.55:
        data: Json = {"value": "v"} if random.random() < 0.6 else None
        return succeeded(data)
    if luck < 0.93:
        reason = random.choice(RETRIED)
        return failed(reason, f"ended with {reason}")
    return canceled()


def draw_plan(random: Random, *, most: int = 12, aborts: bool = True) -> DrawnPlan:
    """A plan of up to `most` steps."""
    modes = ["skip_dependents", "continue", *(["abort"] if aborts else [])]
    steps: list[Drawn] = []
    for number in range(random.randint(1, most)):
        before = [drawn.step_id for drawn in steps]
        drawn = Drawn(
            f"s{number}",
            explicit=random.sample(before, min(len(before), random.choice([0, 0, 1, 1, 2, 3]))),
            on_failure=random.choice(modes),
            retries=random.choice([0, 0, 1, 3]),
        )
        if before and random.random() < 0.25:
            drawn.skip_if = [_draw_test(random, before) for _ in range(random.randint(1, 2))]
        if before and random.random() < 0.25:
            drawn.condition = _draw_test(random, before)
        if before and random.random() < 0.2:
            drawn.needs_value_of = random.choice(before)
        steps.append(drawn)
    return DrawnPlan(
        steps,
        serial=random.random() < 0.25,
        max_concurrency=random.randint(1, 4),
        max_step_duration_sec=3600.0,
        fates=random.randint(0, 2**32),
    )


def _draw_test(random: Random, before: list[str]) -> StatusIs:
    words = [StepStatus.SUCCEEDED, StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.CANCELED]
    return StatusIs(random.choice(before), random.choice(words))


class Ending(NamedTuple):
    """How a step ends."""

    status: StepStatus
    reason: Reason | None
    attempts: int
    has_value: bool = False


def foretell(plan: DrawnPlan) -> dict[str, Ending]:
    """How every step ends if nothing ever stops the run: one pass over the steps as they were drawn, no time, no slots."""
    endings: dict[str, Ending] = {}
    for drawn in plan.steps:
        endings[drawn.step_id] = _foretell_step(plan, drawn, endings)
    return endings


def is_hard_failure(drawn: Drawn, ending: Ending) -> bool:
    """True if the run has failed because of it."""
    return ending.status in (StepStatus.FAILED, StepStatus.CANCELED) and drawn.on_failure != "continue"


def _foretell_step(plan: DrawnPlan, drawn: Drawn, endings: dict[str, Ending]) -> Ending:
    modes = {other.step_id: other for other in plan.steps}
    for needed in drawn.depends_on:
        if is_hard_failure(modes[needed], endings[needed]) or endings[needed].reason is Reason.DEPENDENCY_FAILED:
            return Ending(StepStatus.SKIPPED, Reason.DEPENDENCY_FAILED, 0)
    if any(endings[test.step_id].status is test.status for test in drawn.skip_if):
        return Ending(StepStatus.SKIPPED, Reason.SKIP_IF, 0)
    if drawn.condition is not None and endings[drawn.condition.step_id].status is not drawn.condition.status:
        return Ending(StepStatus.SKIPPED, Reason.CONDITION_FALSE, 0)
    if drawn.needs_value_of is not None and not endings[drawn.needs_value_of].has_value:
        return Ending(StepStatus.FAILED, Reason.MISSING_REFERENCE, 0)
    attempt = 1
    while True:
        fate = plan.fate(drawn.step_id, attempt)
        if fate.status is not StepStatus.FAILED or attempt > drawn.retries:
            has_value = isinstance(fate.data, dict) and "value" in fate.data and fate.status is StepStatus.SUCCEEDED
            return Ending(fate.status, fate.reason, attempt, has_value)
        attempt += 1

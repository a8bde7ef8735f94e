"""Where a run was left, as far as its scheduler needs to know. Reading it from events is the pipeline's work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.schedule.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.model.result import StepResult
    from engine.plan.compiled import CompiledStep


@dataclass(frozen=True, slots=True)
class Left:
    """Where a step, or one item of a step, was left that is not settled.

    `attempts` are those begun; `lost` those among them that an engine took with it, which do not count as tries.
    `failures` are the tries used up since the last attempt that succeeded: failed attempts, and refusals by a breaker;
    None stands for all attempts that were not lost. `iterations` are the successful attempts after which `repeat.until`
    did not hold. A `patient` one was quarantined and is to be tried again: until its next attempt, an open breaker makes
    it wait and uses up no try. `first_at_us` (UTC, microseconds) is when its first attempt began.
    """

    attempts: int = 0
    lost: int = 0
    failures: int | None = None
    iterations: int = 0
    patient: bool = False
    first_at_us: int | None = None

    @property
    def tries(self) -> int:
        """How many tries are used up."""
        return self.attempts - self.lost if self.failures is None else self.failures


@dataclass(frozen=True, slots=True)
class ItemsLeft:
    """Where a step with `for_each` was left that is not settled, by the index of the item."""

    settled: Mapping[int, StepResult] = field(default_factory=dict)
    left: Mapping[int, Left] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TakenUp:
    """What happened so far to steps that are not settled.

    `items` has the steps of whose items at least one has begun. `awaiting` has the steps that have failed for good and
    wait for their fallback, with their failures. `begun_us` says, by pool, when (UTC, microseconds) attempts of its steps
    began lately: a rate goes on counting from there.
    """

    steps: Mapping[str, Left] = field(default_factory=dict)
    items: Mapping[str, ItemsLeft] = field(default_factory=dict)
    awaiting: Mapping[str, StepResult] = field(default_factory=dict)
    begun_us: Mapping[str, Sequence[int]] = field(default_factory=dict)


NOTHING: Final = TakenUp()


def line_up(
    steps: Iterable[CompiledStep],
    *,
    settled: Mapping[str, StepResult],
    attempts: Mapping[str, int],
    lost: Mapping[str, int],
    taken_up: TakenUp,
) -> list[Progress]:
    """The steps as the core keeps them, each where it was left, in execution order."""
    line = [Progress(step, order, len(step.depends_on)) for order, step in enumerate(steps)]
    by_id = {progress.step_id: progress for progress in line}
    for progress in line:
        if progress.compiled.is_fallback_for is not None:
            progress.unmet += 1  # it waits to be called, too
    for step_id, result in settled.items():
        by_id[step_id].status = result.status
        by_id[step_id].attempts = result.attempts
    for step_id, count in attempts.items():
        by_id[step_id].take_up(Left(count, lost.get(step_id, 0)))
    for step_id, left in taken_up.steps.items():
        by_id[step_id].take_up(left)
    return line

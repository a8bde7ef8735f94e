"""What the Groups tab knows of a run's pass at one moment: its steps, their retries and items, and what the plan adds. No drawing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.model.states import Reason, StepStatus
from tui.viewmodel.palette import Role
from tui.viewmodel.words import Mark, step_mark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from store.queries.groups import Shape, Source, Try
    from store.rows import RunRow, StepRow

LOST: Final = Mark("✗", "LOST", Role.FAILED)


@dataclass(frozen=True, slots=True)
class GroupsPicture:
    """The steps of one pass in execution order, as far as they were read and `as_measured`; `total` is how many there are.

    `tries` are the attempts of the steps that needed more than one, `items` how the items of steps stand, `shape` what
    only the plan knows: fallbacks and the steps that run at the end. `since_us` is when the steps could begin, `run` is as
    of the pass that is looked at, and `last_pass` is the newest one. `reused` says where the results come from that were
    not made in this pass.
    """

    run: RunRow
    steps: Sequence[StepRow]
    total: int
    shape: Shape
    tries: Mapping[str, Sequence[Try]] = field(default_factory=dict)
    items: Mapping[str, Mapping[StepStatus, int]] = field(default_factory=dict)
    strategy: str = ""
    engine_lost: bool = False
    since_us: int | None = None
    last_pass: int = 0
    reused: Mapping[str, Source] = field(default_factory=dict)

    @property
    def is_live(self) -> bool:
        """True while bars grow."""
        return self.run.needs_engine and not self.engine_lost and self.run.pass_index >= self.last_pass

    def mark(self, step: StepRow) -> Mark:
        """How a step stands; one that ran when the engine died is lost."""
        return LOST if self.engine_lost and step.status is StepStatus.RUNNING else step_mark(step.status)

    def started_us(self) -> int | None:
        """When the first step began, or could have."""
        starts = [step.started_at_us for step in self.steps if step.started_at_us is not None]
        return min(starts, default=self.since_us)

    def ended_us(self, step: StepRow, now_us: int) -> int | None:
        """Where the bar of a step ends now; None for one that has not begun."""
        if step.started_at_us is None:
            return None
        if step.finished_at_us is not None:
            return step.finished_at_us
        if self.is_live:
            return max(now_us, step.started_at_us)
        return max(step.started_at_us, self.run.finished_at_us or self.run.stood_still_at_us or step.started_at_us)

    def taken_us(self, step: StepRow, now_us: int) -> int | None:
        """How long a step took, all attempts and waits together, or has taken so far."""
        if step.started_at_us is None:
            return None
        if step.duration_us is not None:
            return step.duration_us
        ended = self.ended_us(step, now_us)
        return (
            None if ended is None or (self.engine_lost and step.finished_at_us is None) else ended - step.started_at_us
        )


def as_measured(step: StepRow, tries: Sequence[Try] = ()) -> StepRow:
    """The step with the times that it ran in this pass: none for a result that was made elsewhere, else as long as it took.

    Its end is written down a moment after it was seen, and a wait for its turn can belong to what it took, so that the two
    moments alone say something else than its duration does, which is measured.
    """
    started, ended, took = step.started_at_us, step.finished_at_us, step.duration_us
    if step.reason is Reason.REUSED:
        return step if started is None else step._replace(started_at_us=None, finished_at_us=None, duration_us=None)
    if started is None or ended is None or took is None:
        return step
    if tries and tries[-1].started_at_us > started + took:
        return step  # an engine was lost in between, and what another one measured began with it
    ended = min(ended, started + took)
    is_so = (started, step.finished_at_us) == (ended - took, ended)
    return step if is_so else step._replace(started_at_us=ended - took, finished_at_us=ended)


def by_group(steps: Sequence[StepRow]) -> dict[int, list[int]]:
    """The places of the steps of each group, groups in their order."""
    groups: dict[int, list[int]] = {}
    for at, step in enumerate(steps):
        groups.setdefault(step.group_index, []).append(at)
    return dict(sorted(groups.items()))

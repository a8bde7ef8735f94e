"""Everything of a run that is read at one moment to be shown, and what follows from it for all who show it. No widgets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.model.states import RunStatus, Stage, StageStatus
from tui.viewmodel.words import run_mark, stage_mark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.json import JsonObject
    from engine.model.states import StepStatus
    from store.queries.groups import Source
    from store.queries.why import Happening
    from store.rows import RunRow, StageRow, StepRow
    from tui.viewmodel.explanation import Evidence
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.words import Mark

STAGES = tuple(Stage)


@dataclass(frozen=True, slots=True)
class RunPicture:
    """Everything of a run that its screen shows, read at one moment.

    `input` and `output` belong to `stage`; `steps` are the heads that have been read so far, `steps_total` how many
    there are. A value that is None is not there yet. `waits` is known where it waits for somebody, `cancel` is who asked for its end.
    `items` says how the items of steps stand, `children` which run a sub-plan is, `reused` where results come from.
    """

    run: RunRow
    stages: Mapping[Stage, StageRow] = field(default_factory=dict)
    stage: Stage = Stage.EXECUTE
    input: JsonObject | None = None
    output: JsonObject | None = None
    steps: Sequence[StepRow] = ()
    engine_lost: bool = False
    strategy: str = ""
    waits: Evidence | None = None
    cancel: Happening | None = None
    items: Mapping[str, Mapping[StepStatus, int]] = field(default_factory=dict)
    children: Mapping[str, str] = field(default_factory=dict)
    pass_chosen: int | None = None
    reused: Mapping[str, Source] = field(default_factory=dict)

    @property
    def pass_index(self) -> int:
        """The pass that is looked at: the last one, unless an earlier one was chosen."""
        return self.run.pass_index if self.pass_chosen is None else self.pass_chosen

    @property
    def steps_unread(self) -> int:
        """Steps of the pass whose heads have not been read; 0 where none were asked for."""
        return max(0, self.run.steps_total - len(self.steps)) if self.steps else 0

    @property
    def goes_on(self) -> bool:
        """True while something can still be added to the run without anybody doing anything about it."""
        return self.run.needs_engine and not self.engine_lost

    @property
    def is_running(self) -> bool:
        """True while an engine works on the run, so that times go on."""
        return self.goes_on and self.run.started_at_us is not None


def first_stage_to_show(run: RunRow, stages: Mapping[Stage, StageRow]) -> Stage:
    """Where the eye should go first: what failed, then what runs, then the execute stage."""
    for status in (StageStatus.FAILED, StageStatus.CANCELED, StageStatus.RUNNING):
        for stage in STAGES:
            if stage in stages and stages[stage].status is status:
                return stage
    return Stage.EXECUTE if not stages or run.status.is_final else (run.stage or Stage.EXECUTE)


def mark_of_stage(picture: RunPicture, row: StageRow) -> Mark:
    """The mark of a stage; one that is under way while its run waits for somebody waits too."""
    waits = picture.run.status in (RunStatus.PAUSED, RunStatus.QUARANTINED)
    return run_mark(picture.run.status) if waits and row.status is StageStatus.RUNNING else stage_mark(row.status)


def stage_duration_us(row: StageRow, moment: Moment) -> int | None:
    """How long a stage took, or has taken so far."""
    if row.duration_us is not None:
        return row.duration_us
    if row.started_at_us is None or row.status is not StageStatus.RUNNING:
        return None
    return max(0, moment.now_us - row.started_at_us)

"""A run in the middle of its steps, as the screens read it. For tests of what they show of it."""

from __future__ import annotations

from datetime import UTC

from engine.model.states import Stage, StageStatus, StepStatus
from tests.tui.samples import NOW_US
from tests.tui.viewmodel.rows import run_row, stage_row, step_row
from tui.viewmodel.run_picture import RunPicture
from tui.viewmodel.runs import Moment

NOW = Moment(NOW_US, UTC)
RUNNING = RunPicture(
    run_row(),
    {
        Stage.ROUTE_PLAN: stage_row(Stage.ROUTE_PLAN, StageStatus.SUCCEEDED),
        Stage.VALIDATE: stage_row(Stage.VALIDATE, StageStatus.SUCCEEDED, 2_000),
        Stage.EXECUTE: stage_row(Stage.EXECUTE, StageStatus.RUNNING),
    },
    steps=(
        step_row("primary"),
        step_row("ping", StepStatus.FAILED, message="timed out after 10 s", exit_code=None, attempts=3),
        step_row("wait_for_it", StepStatus.RUNNING, finished_at_us=None),
        step_row("last", StepStatus.PENDING),
    ),
    strategy="dag",
)

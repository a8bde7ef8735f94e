"""What follows from what is read of a run."""

from __future__ import annotations

from dataclasses import replace

from engine.model.states import RunStatus, Stage, StageStatus
from tests.tui.viewmodel.pictures import RUNNING
from tests.tui.viewmodel.rows import run_row, stage_row
from tui.viewmodel.run_picture import first_stage_to_show


def test_the_eye_goes_to_what_failed_then_to_what_runs() -> None:
    """Then to the execute stage."""
    assert first_stage_to_show(run_row(), RUNNING.stages) is Stage.EXECUTE
    failed = {Stage.VALIDATE: stage_row(Stage.VALIDATE, StageStatus.FAILED), **RUNNING.stages}
    failed[Stage.VALIDATE] = stage_row(Stage.VALIDATE, StageStatus.FAILED)
    assert first_stage_to_show(run_row(), failed) is Stage.VALIDATE
    done = {stage: stage_row(stage, StageStatus.SUCCEEDED) for stage in Stage}
    assert first_stage_to_show(run_row(status=RunStatus.SUCCEEDED), done) is Stage.EXECUTE


def test_a_run_without_its_engine_does_not_run() -> None:
    """Whatever its row says."""
    assert RUNNING.is_running
    assert not replace(RUNNING, engine_lost=True).is_running

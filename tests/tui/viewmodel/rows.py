"""Rows as the reader returns them, for view models that are tested without a file."""

from __future__ import annotations

from typing import Any

from engine.model.states import RouteKind, RunMode, RunStatus, Stage, StageStatus, StepStatus, StepType
from store.rows import RunRow, StageRow, StepRow
from tests.tui.samples import NOW_US, SECOND

_RUN = RunRow(
    run_id="7f3a91" + "0" * 26,
    plan_id="ci_lookup",
    plan_version="1.2",
    plan_hash="h",
    status=RunStatus.RUNNING,
    pause_reason=None,
    route=RouteKind.PLAN,
    mode=RunMode.NORMAL,
    stage=Stage.EXECUTE,
    pass_index=0,
    steps_total=7,
    steps_done=3,
    steps_failed=0,
    replans=1,
    warnings=0,
    score=None,
    created_at_us=NOW_US - 13 * SECOND,
    started_at_us=NOW_US - 12_400_000,
    finished_at_us=None,
    duration_us=None,
    workdir="/home/ops",
    params={},
    first_cause=None,
    owner_engine="e",
    owner_epoch=1,
    last_seq=9,
)


def run_row(**changes: Any) -> RunRow:
    """A run that has been running for 12.4 seconds, or another one."""
    return _RUN._replace(**changes)


def stage_row(stage: Stage, status: StageStatus, took_us: int | None = 4_000) -> StageRow:
    """A stage; one that runs began 12.1 seconds ago."""
    started = NOW_US - 12_100_000
    ended = None if status is StageStatus.RUNNING else started + (took_us or 0)
    return StageRow(_RUN.run_id, 0, stage, status, None, started, ended, None if ended is None else took_us)


def step_row(step_id: str, status: StepStatus = StepStatus.SUCCEEDED, **changes: Any) -> StepRow:
    """A step that took 31 ms, or another one."""
    ran = status is not StepStatus.PENDING
    row = StepRow(
        run_id=_RUN.run_id,
        pass_index=0,
        step_id=step_id,
        item_index=None,
        status=status,
        reason=None,
        message="",
        tool_type=StepType.COMMAND,
        group_index=0,
        execution_order=0,
        depends_on=(),
        attempts=1 if ran else 0,
        exit_code=0 if ran else None,
        started_at_us=NOW_US - SECOND if ran else None,
        finished_at_us=NOW_US if ran else None,
        duration_us=31_000 if status.is_final else None,
    )
    return row._replace(**changes)

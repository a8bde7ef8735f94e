"""Takes up a run where a dead engine left it: from what is recorded, by an operator's decisions. Rebuilding that is rebuild.py's."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from engine.model.states import RunMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import JsonObject
    from engine.model.result import StepResult
    from engine.model.stage import StageOutput
    from engine.model.states import PauseReason, RunStatus, Stage


class Decision(StrEnum):
    """What an operator says of a step that may or may not have done its work when its engine died."""

    RETRY = "retry"
    SKIP = "skip"
    SUCCEEDED = "succeeded"


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Everything recorded of a run that going on with it needs. Made by `engine.pipeline.rebuild` from its events alone.

    `settled` holds main and `finally` steps in the order in which they were settled. `attempts` counts the attempts begun
    of steps that are not settled, `lost` those among them that an engine took with it and `first_started_us` says when
    the first one began. `uncertain` are unsettled steps of which an attempt was under way at the end of what is recorded.
    `canceled_by` is who canceled the run, `forced` whether that was asked twice or with force. `begun` are the stages
    that had started. Times that are `so_far` leave out those in which no engine was at work.
    """

    run_id: str
    plan_hash: str
    params: JsonObject
    workdir: Path
    plan_folder: Path
    base_env: Mapping[str, str]
    mode: RunMode = RunMode.NORMAL
    pass_index: int = 0
    stage_outputs: Mapping[Stage, StageOutput] = field(default_factory=dict)
    settled: Mapping[str, StepResult] = field(default_factory=dict)
    attempts: Mapping[str, int] = field(default_factory=dict)
    uncertain: tuple[str, ...] = ()
    canceled_by: str | None = None
    paused: PauseReason | None = None
    duration_us_so_far: int = 0
    environment: JsonObject = field(default_factory=dict)
    ended: RunStatus | None = None
    forced: bool = False
    begun: frozenset[Stage] = frozenset()
    is_planned: bool = False
    stage_us_so_far: int = 0
    first_cause: JsonObject | None = None
    lost: Mapping[str, int] = field(default_factory=dict)
    first_started_us: Mapping[str, int] = field(default_factory=dict)
    locks: tuple[str, ...] = ()

    @property
    def canceled(self) -> bool:
        """True if the run was being canceled."""
        return self.canceled_by is not None

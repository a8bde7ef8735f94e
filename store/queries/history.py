"""Queries for how long parts of a plan took over its runs. Where the level changed is the engine's to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.states import Stage, StageStatus, StepStatus
from engine.regression.parts import PartKey
from store.queries.query import Query, marks, word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.queries.query import Rows

Durations = dict[PartKey, dict[str, float]]


_STAGES: Final = (
    "SELECT run_id, pass_index, stage, '', duration_us FROM stages WHERE status = ? AND duration_us IS NOT NULL"
)
_STEPS: Final = (
    "SELECT run_id, pass_index, 'execute', step_id, duration_us FROM steps WHERE status = ? AND item_index = -1 "
    "AND duration_us IS NOT NULL AND attempts > 0"
)


def stage_durations(run_ids: Sequence[str]) -> Query[Durations]:
    """Seconds of the stages that succeeded in these runs, by stage and run."""
    return Query(f"{_STAGES} AND run_id IN ({marks(run_ids)})", (StageStatus.SUCCEEDED.value, *run_ids), _durations)


def step_durations(run_ids: Sequence[str]) -> Query[Durations]:
    """The same of steps as a whole; results that were taken over or kept took no time and are left out."""
    return Query(f"{_STEPS} AND run_id IN ({marks(run_ids)})", (StepStatus.SUCCEEDED.value, *run_ids), _durations)


def _durations(rows: Rows) -> Durations:
    found: Durations = {}
    for run_id, pass_index, stage, step_id, duration_us in rows:
        part = PartKey(word(Stage, stage), step_id, None, pass_index)
        found.setdefault(part, {})[run_id] = duration_us / 1_000_000
    return found

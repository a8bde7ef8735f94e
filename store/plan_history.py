"""How long the parts of a plan took over its recorded runs, with their changes of level. How these are found is the engine's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import InputError
from store.queries.comparison import succeeded_heads
from store.queries.history import stage_durations, step_durations

if TYPE_CHECKING:
    from engine.regression.baseline import RunHead
    from engine.regression.series import Series
    from store.reader import Reader

RUNS: Final = 60


def plan_history(
    reader: Reader, plan_id: str, step: str | None = None, *, last: int = RUNS
) -> tuple[list[RunHead], list[Series]]:
    """The newest runs of a plan that succeeded with work of their own, the oldest first, and the series of its parts.

    `step` chooses one step or stage. Raises InputError where there is no such run, step or stage; StoreError.
    """
    from engine.regression.series import series_of

    heads = reader.run(succeeded_heads(plan_id, limit=last))
    runs = [run for run in reversed(heads) if not run.reuses]
    if not runs:
        raise InputError(f"no run of {plan_id} has succeeded", hint="opscope runs lists the plans that ran")
    ids = [run.run_id for run in runs]
    durations = reader.run(stage_durations(ids))
    steps = reader.run(step_durations(ids))
    durations |= steps
    if step is not None:
        known = sorted({part.step_id or part.stage.value for part in durations})
        durations = {part: values for part, values in durations.items() if (part.step_id or part.stage.value) == step}
        if not durations:
            raise InputError(f"no run of {plan_id} has a step {step!r}", hint=f"there are {', '.join(known[:20])}")
    return runs, series_of(durations, runs)

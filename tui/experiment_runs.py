"""Running a recorded run again for an experiment and waiting for its end. What is made of the new run is `tui.experiments`' to say.

Every rerun has an engine host of its own, so it outlives this process; whoever gives up in the middle cancels the one that
is under way.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from engine.errors import InfrastructureError, InputError, OpscopeError, WaitingError
from engine.model.states import PauseReason, RunStatus
from engine.pipeline.forking import Change
from engine.ports import ControlVerb
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from engine.regression.facts import RunFacts
    from engine.regression.verdict import Suspect
    from store.rows import RunRow

_LOOK_SEC: Final = 0.1
_LOOKS_TO_LOST: Final = 10


async def run_again(
    database: Path,
    run_id: str,
    back: Sequence[Suspect],
    baseline: Sequence[RunFacts],
    env: Mapping[str, str],
    tell: Callable[[str], None],
    reason: str,
) -> str:
    """The run once more, with these as they were in the baseline, to its end; the id of the new run. `reason` is kept with it:
    if this process ends in the middle, it is all that says what the run was for.

    Raises InputError where it cannot be repeated or was canceled, WaitingError where it waits for an operator,
    InfrastructureError where it lost its engine, and what starting a run raises. Cancelled, it cancels the run under way.
    """
    from tui.reruns import prepare, start

    change = await asyncio.to_thread(_change, database, run_id, back, baseline)
    prepared = await prepare(database, run_id, change, env)
    starting = asyncio.ensure_future(start(prepared, reason=reason))
    try:
        made = await asyncio.shield(starting)
        tell(f"run {short_id(made)} is on its way")
        await _ended(database, made)
    except asyncio.CancelledError:
        # A start cannot be called off: what has begun is cancelled as soon as it has an id.
        await asyncio.shield(_given_up(database, starting))
        raise
    return made


def _change(database: Path, run_id: str, back: Sequence[Suspect], baseline: Sequence[RunFacts]) -> Change:
    if not back:
        return Change(all_again=True)
    from tui.commands.rerunning import read_source
    from tui.putting_back import change_back
    from tui.steering import recorded_run

    source = read_source(database, recorded_run(database, run_id))
    return change_back(back, baseline, source.plan)


async def _given_up(database: Path, starting: asyncio.Future[str]) -> None:
    from tui.steering import steer

    try:
        await steer(database, await starting, ControlVerb.CANCEL)
    except OpscopeError:
        return  # it was never made, or is over by now: there is nothing to cancel, and nobody waits for the answer


async def _ended(database: Path, run_id: str) -> None:
    """Wait for the end of a run. Raises where it will not come by itself."""
    from store.async_reader import AsyncReader
    from store.queries import run_by_id

    async with await AsyncReader.open(database) as reader:
        seen: int | None = None
        looks = 0
        while True:
            version = await reader.data_version()
            looks += 1
            if version != seen or not looks % _LOOKS_TO_LOST:
                seen = version
                run = await reader.run(run_by_id(run_id))
                if run is None:
                    raise InputError(f"run {short_id(run_id)} is gone", place=str(database))
                if run.status.is_final:
                    break
                await _require_going(database, run)
            await asyncio.sleep(_LOOK_SEC)
    if run.status is RunStatus.CANCELED:
        raise InputError(f"run {short_id(run_id)} was canceled, so there is nothing to compare")


async def _require_going(database: Path, run: RunRow) -> None:
    from tui.commands.records import lost_runs

    waits = run.status is RunStatus.PAUSED and run.pause_reason is PauseReason.APPROVAL
    if waits or run.status is RunStatus.QUARANTINED:
        raise WaitingError(
            f"run {short_id(run.run_id)} waits for an operator, so nothing can be compared yet",
            hint=f"opscope show {short_id(run.run_id)}",
        )
    if await asyncio.to_thread(lost_runs, database, [run]):
        raise InfrastructureError(
            f"run {short_id(run.run_id)} has lost its engine", hint=f"opscope resume {short_id(run.run_id)}"
        )

"""The questions the inspector asks the file, on one kept read-only connection. SQL lives in the store, wording in the view models."""

from __future__ import annotations

import asyncio
import gc
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import InputError, StoreError
from engine.model.states import PauseReason, RunStatus, Stage, Strategy
from store import queries
from store.async_reader import AsyncReader
from store.liveness import lost_engines
from tui.viewmodel.stages import RunPicture, first_stage_to_show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from engine.model.json import JsonObject
    from store.queries import RunFilter
    from store.rows import AttemptRow, RunCounts, RunRow, StageRow, StepRow


@dataclass(frozen=True, slots=True)
class RunWindow:
    """A part of the list of runs: `rows` from place `start` on, of `total` that pass the filter."""

    rows: Sequence[RunRow]
    start: int
    total: int


class RunSource:
    """One file of runs. Opens it when it is first asked, so a file that appears later is found."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader: AsyncReader | None = None
        self._opening = asyncio.Lock()
        self._version: int | None = None
        # Key, input, output of the stage that was asked for last, and whether it is over.
        self._kept: tuple[tuple[str, int, Stage], JsonObject | None, JsonObject | None, bool] | None = None

    async def close(self) -> None:
        """Close the connection."""
        async with self._opening:
            reader, self._reader = self._reader, None
            if reader is not None:
                await reader.close()

    async def has_changed(self) -> bool:
        """True once after each time that somebody committed something; costs microseconds.

        True as well when the file has appeared, or can no longer be asked: the reading that follows says more.
        """
        if self._reader is None:
            return self.path.exists()
        try:
            version = await self._reader.data_version()
        except StoreError:
            return True
        changed, self._version = version != self._version, version
        return changed

    async def runs(self, chosen: RunFilter, start: int, length: int) -> RunWindow:
        """The runs at places `start` to `start + length`, the newest first."""
        reader = await self._opened()
        counts = await reader.run(queries.run_counts(chosen))
        start = max(0, min(start, counts.total - length))
        rows = await reader.run(queries.runs_page(chosen, offset=start, limit=length))
        return RunWindow(rows, start, max(counts.total, start + len(rows)))

    async def counts(self) -> RunCounts:
        """How many runs the file holds, by status."""
        return await (await self._opened()).run(queries.run_counts())

    async def lost(self, rows: Iterable[RunRow]) -> frozenset[str]:
        """The ids of those runs that should be worked on but whose engine is dead."""
        owned = [row for row in rows if _needs_engine(row)]
        if not owned:
            return frozenset()
        dead = await asyncio.to_thread(lost_engines, self.path, {row.owner_engine for row in owned})
        return frozenset(row.run_id for row in owned if row.owner_engine in dead)

    async def picture(self, run_id: str, stage: Stage | None, *, steps: int) -> RunPicture:
        """Everything the Stages tab shows of a run: `stage`, or the one worth looking at, and the first `steps` heads."""
        reader = await self._opened()
        run = await reader.run(queries.run_by_id(run_id))
        if run is None:
            raise InputError(f"there is no run {run_id}", place=str(self.path), hint="it may have been pruned")
        stages = {row.stage: row for row in await reader.run(queries.stages_of(run_id, run.pass_index))}
        stage = stage or first_stage_to_show(run, stages)
        given, gave = await self._documents(reader, run, stage, stages.get(stage))
        heads = await self._steps(reader, run, steps) if stage is Stage.EXECUTE else []
        lost = await self.lost([run])
        return RunPicture(
            run, stages, stage, given, gave, heads, bool(lost), await self._strategy(reader, run, stage, gave)
        )

    async def step(
        self, run_id: str, pass_index: int, step_id: str, item_index: int | None
    ) -> tuple[JsonObject | None, list[AttemptRow]]:
        """The whole result of a step, None while it has none, and its attempts."""
        reader = await self._opened()
        with _collector_resting():
            result = await reader.run(queries.step_result(run_id, step_id, pass_index, item_index))
        return result, await reader.run(queries.attempts_of(run_id, step_id, pass_index, item_index))

    async def _documents(
        self, reader: AsyncReader, run: RunRow, stage: Stage, row: StageRow | None
    ) -> tuple[JsonObject | None, JsonObject | None]:
        """Input and output of a stage. They can be large, so those of a stage that is over are read once."""
        if row is None:
            return None, None
        key = (run.run_id, run.pass_index, stage)
        if self._kept is not None and self._kept[0] == key:
            given, gave, final = self._kept[1:]
            if final:
                return given, gave
        else:
            with _collector_resting():
                given = await reader.run(queries.stage_input(run.run_id, stage, run.pass_index))
        with _collector_resting():
            # The results of steps are read one by one when they are unfolded, so only their heads are wanted here.
            gave = await reader.run(queries.stage_output(run.run_id, stage, run.pass_index, inline_bytes=0))
        self._kept = (key, given, gave, row.finished_at_us is not None)
        return given, gave

    async def _steps(self, reader: AsyncReader, run: RunRow, most: int) -> list[StepRow]:
        return await reader.run(queries.steps_page(run.run_id, run.pass_index, limit=most))

    async def _strategy(self, reader: AsyncReader, run: RunRow, stage: Stage, gave: JsonObject | None) -> str:
        trace = gave.get("orchestration_trace") if gave and stage is Stage.EXECUTE else None
        if isinstance(trace, dict):
            return str(trace.get("strategy") or "")
        plan = await reader.run(queries.plan_of(run.run_id))
        said = json.loads(plan.document).get("strategy") if plan else None
        return str(said) if said in set(Strategy) - {Strategy.AUTO} else ""

    async def _opened(self) -> AsyncReader:
        async with self._opening:
            if self._reader is None:
                self._reader = await AsyncReader.open(self.path)
                self._version = await self._reader.data_version()
            return self._reader


@contextmanager
def _collector_resting() -> Iterator[None]:
    """While a large document is decoded: the cycle collector would walk its many new objects again and again (a third of the time)."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _needs_engine(row: RunRow) -> bool:
    if row.imported_at_us is not None:
        return False
    match row.status:
        case RunStatus.PENDING | RunStatus.RUNNING:
            return True
        case RunStatus.PAUSED:
            return row.pause_reason is not PauseReason.ENGINE_LOST
        case _:
            return False

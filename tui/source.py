"""The questions the inspector asks the file, on one kept read-only connection. SQL lives in the store, wording in the view models.

What only the questions about a single run need is imported when the first of them is asked: the list of runs comes first.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from engine.collector import collector_paused
from engine.errors import InputError, StoreError
from engine.model.states import Reason, RunStatus, Stage
from store import queries
from store.async_reader import AsyncReader
from store.liveness import engine_pid, lost_engines
from store.queries.run_filter import ALL_RUNS
from tui.early import WINDOW

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from engine.model.json import Json, JsonObject
    from engine.model.states import StepStatus
    from store.queries import EventFilter, EventHead, RunFilter, RunOrder, Source
    from store.queries.why import Happening
    from store.rows import AttemptRow, EventRow, LogRow, RunCounts, RunRow, StageRow, StepRow
    from tui.early import Early
    from tui.evidence import Standing
    from tui.groups_reading import GroupsReading
    from tui.viewmodel.explanation import Evidence
    from tui.viewmodel.groups.gantt import Ghost
    from tui.viewmodel.groups.picture import GroupsPicture
    from tui.viewmodel.run_picture import RunPicture

T = TypeVar("T")

_ASKED_EARLY = (ALL_RUNS, 0, WINDOW, queries.NEWEST.by, queries.NEWEST.reversed)

READ_ALONG_BYTES = 16_000_000
"""A value of more is not read with what it stands in, but when it is unfolded."""

_STEPS_NAMED = 200
_LAST_PIECES = 20
_MOST_NOTABLE = 100


class _Noted(NamedTuple):
    """What single events say of a run: who asked for its end last, its strategy. `seq` is how far has been looked."""

    cancel: Happening | None = None
    strategy: str = ""
    seq: int = 0


class RunWindow(NamedTuple):
    """A part of the list of runs: `rows` from place `start` on, of `total` that pass the filter; `counts` are of the whole file."""

    rows: Sequence[RunRow]
    start: int
    total: int
    counts: RunCounts


class RunSource:
    """One file of runs. Opens it when it is first asked, so a file that appears later is found.

    `early` is the answer to the first question, which nobody had to put for it to be read.
    """

    def __init__(self, path: Path, early: Early | None = None) -> None:
        self.path = path
        self._early = early
        # True once what was read early has been shown: what was committed since then is not known to be new.
        self._is_behind = False
        self._noted: dict[str, _Noted] = {}
        self._groups: GroupsReading | None = None
        self._reader: AsyncReader | None = None
        self._opening = asyncio.Lock()
        self._version: int | None = None
        self._identity: tuple[int, int] | None = None
        # Key, input, output of the stage that was asked for last, and whether it is over.
        self._kept: tuple[tuple[str, int, Stage], JsonObject | None, JsonObject | None, bool] | None = None
        # Where the results come from that steps of the pass that was asked for last did not make.
        self._sources: tuple[tuple[str, int], Mapping[str, Source]] | None = None

    async def close(self) -> None:
        """Close the connection."""
        async with self._opening:
            reader, self._reader = self._reader, None
            if reader is not None:
                await reader.close()

    async def _forget(self) -> None:
        await self.close()
        self._noted.clear()
        self._groups = self._kept = self._sources = None

    async def open_early(self) -> None:
        """Open the file before anything is asked, if it is there. Why it cannot be opened is told whoever asks."""
        with suppress(StoreError):
            await self._opened()

    async def has_changed(self) -> bool:
        """True once after each time that somebody committed something; costs microseconds.

        True as well when the file has appeared, has gone, is another one now, or can no longer be asked: the reading that
        follows says more.
        """
        if self._is_behind:
            self._is_behind = False
            return True
        if self._reader is None:
            return self.path.exists()
        if _identity(self.path) != self._identity:
            # What is open still is there for this process alone: it would be shown as live for ever.
            await self._forget()
            return True
        try:
            version = await self._reader.data_version()
        except StoreError:
            return True
        changed, self._version = version != self._version, version
        return changed

    async def runs(self, chosen: RunFilter, start: int, length: int, order: RunOrder = queries.NEWEST) -> RunWindow:
        """The runs at places `start` to `start + length` in an order."""
        early, self._early = self._early, None
        if early is not None and (chosen, start, length, order.by, order.reversed) == _ASKED_EARLY:
            with suppress(StoreError):  # asked again, it says why
                counts, newest = await asyncio.wrap_future(early)
                self._is_behind = True
                return RunWindow(newest, 0, max(counts.total, len(newest)), counts)
        reader = await self._opened()
        everything = await reader.run(queries.run_counts())
        total = everything.total if chosen == ALL_RUNS else await reader.run(queries.run_total(chosen))
        start = max(0, min(start, total - length))
        rows = await reader.run(queries.runs_page(chosen, offset=start, limit=length, order=order, total=total))
        return RunWindow(rows, start, max(total, start + len(rows)), everything)

    async def lost(self, rows: Iterable[RunRow]) -> frozenset[str]:
        """The ids of those runs that should be worked on but whose engine is dead."""
        owned = [row for row in rows if row.needs_engine]
        if not owned:
            return frozenset()
        dead = await asyncio.to_thread(lost_engines, self.path, {row.owner_engine for row in owned})
        return frozenset(row.run_id for row in owned if row.owner_engine in dead)

    async def picture(
        self,
        run_id: str,
        stage: Stage | None,
        *,
        steps: int,
        with_documents: bool = True,
        pass_index: int | None = None,
    ) -> RunPicture:
        """How a run stands, and what the Stages tab shows of it: `stage`, or the one worth looking at, with its documents.

        `steps` is how many heads of steps are read at most. Without documents only the run and its stages are.
        `pass_index` is an earlier pass to look at.
        """
        from tui.viewmodel.run_picture import RunPicture, first_stage_to_show

        reader = await self._opened()
        run = await self._run(reader, run_id)
        last, chosen = run, pass_index if pass_index is not None and pass_index < run.pass_index else None
        if chosen is not None:
            run = run._replace(pass_index=chosen)
        stages = {row.stage: row for row in await reader.run(queries.stages_of(run_id, run.pass_index))}
        stage = stage or first_stage_to_show(run, stages)
        given = gave = None
        heads: list[StepRow] = []
        if with_documents:
            given, gave = await self._documents(reader, run, stage, stages.get(stage))
            heads = await self._steps(reader, run, steps) if stage is Stage.EXECUTE else []
        lost = await self.lost([run])
        noted = await self._note(reader, run)
        items, children = await self._parts(reader, run, heads)
        return RunPicture(
            last,
            stages,
            stage,
            given,
            gave,
            heads,
            bool(lost),
            noted.strategy,
            await self._waits(reader, run, engine_lost=bool(lost)),
            None if run.status.is_final else noted.cancel,
            items,
            children,
            pass_chosen=chosen,
            reused=await self._reused(reader, run, heads),
        )

    async def step(
        self, run_id: str, pass_index: int, step_id: str, item_index: int | None
    ) -> tuple[JsonObject | None, list[AttemptRow]]:
        """The whole result of a step, None while it has none, and its attempts."""
        reader = await self._opened()
        with collector_paused():
            query = queries.step_result(run_id, step_id, pass_index, item_index)
            result = await reader.run(query, most_bytes=READ_ALONG_BYTES)
        return result, await reader.run(queries.attempts_of(run_id, step_id, pass_index, item_index))

    async def json_text(self, digest: str) -> bytes:
        """The JSON text of a value that was not read along."""
        return await (await self._opened()).json_text(digest)

    async def items(
        self, run_id: str, pass_index: int, step_id: str, most: int
    ) -> tuple[list[StepRow], dict[int, Json]]:
        """The first items of a step, and what is known of their values."""
        reader = await self._opened()
        rows = await reader.run(queries.items_page(run_id, step_id, pass_index, limit=most))
        return rows, (await reader.run(queries.item_values(run_id, step_id, pass_index))) if rows else {}

    async def groups(self, picture: RunPicture) -> GroupsPicture:
        """The steps of a run's pass with what shows them in groups; what has not changed since the last time is not read."""
        if self._groups is None:
            from tui.groups_reading import GroupsReading

            self._groups = GroupsReading()
        return await self._groups.read(await self._opened(), picture)

    async def good_run_id(self, run: RunRow) -> str | None:
        """The last run of the same plan that succeeded before this one."""
        return await (await self._opened()).run(queries.last_good_run_id(run))

    async def ghost(self, run_id: str) -> Ghost | None:
        """When the steps of another run ran, None where it is gone."""
        from tui.groups_reading import read_ghost

        return await read_ghost(await self._opened(), run_id)

    async def attempts(self, run_id: str, pass_index: int, step_id: str) -> list[AttemptRow]:
        """The attempts of a step, without those of its items."""
        return await (await self._opened()).run(queries.attempts_of(run_id, step_id, pass_index))

    async def last_output(self, run_id: str, step_id: str) -> list[LogRow]:
        """The last pieces of what a step wrote."""
        return await (await self._opened()).run(queries.last_logs(run_id, step_id, limit=_LAST_PIECES))

    async def steps(self, run: RunRow) -> list[StepRow]:
        """The first steps of a run's pass, in execution order."""
        return await self._steps(await self._opened(), run, _STEPS_NAMED)

    async def steps_of_pass(self, run_id: str, pass_index: int) -> list[StepRow]:
        """The first steps of a pass, in execution order."""
        reader = await self._opened()
        return await reader.run(queries.steps_page(run_id, pass_index, with_items=False, limit=_STEPS_NAMED))

    async def ask(self, query: queries.Query[T]) -> T:
        """The answer to one query of the store."""
        return await (await self._opened()).run(query)

    async def logs(self, run_id: str, after_log_id: int, limit: int) -> list[LogRow]:
        """The next pieces of a run's output."""
        return await (await self._opened()).run(queries.logs_page(run_id, after_log_id=after_log_id, limit=limit))

    async def event_heads(self, run_id: str, first_seq: int, last_seq: int) -> list[EventHead]:
        """The events with these numbers, without most of their data."""
        return await (await self._opened()).run(queries.event_heads(run_id, first_seq, last_seq))

    async def event_seqs(self, run_id: str, chosen: EventFilter, after_seq: int, last_seq: int) -> list[int]:
        """The numbers of the events that pass a filter."""
        return await (await self._opened()).run(
            queries.event_seqs(run_id, chosen, after_seq=after_seq, last_seq=last_seq)
        )

    async def event(self, run_id: str, seq: int) -> EventRow | None:
        """One event whole."""
        rows = await (await self._opened()).run(queries.events_page(run_id, after_seq=seq - 1, limit=1))
        return next(iter(rows), None)

    async def evidence(self, run_id: str) -> Evidence:
        """Everything that explains a run as it stands."""
        from tui.evidence import ask_async, gather

        reader = await self._opened()
        run = await self._run(reader, run_id)
        return await ask_async(reader, gather(await self._standing(run)))

    async def _standing(self, run: RunRow) -> Standing:
        from tui.evidence import Standing

        pid = None if run.status.is_final else await asyncio.to_thread(engine_pid, self.path, run.owner_engine)
        return Standing(run, str(self.path), pid)

    async def _run(self, reader: AsyncReader, run_id: str) -> RunRow:
        run = await reader.run(queries.run_by_id(run_id))
        if run is None:
            raise InputError(f"there is no run {run_id}", place=str(self.path), hint="it may have been pruned")
        return run

    async def _waits(self, reader: AsyncReader, run: RunRow, *, engine_lost: bool) -> Evidence | None:
        """What is known of a run that does not go on by itself, None for others."""
        still = run.status in (RunStatus.PAUSED, RunStatus.QUARANTINED)
        if run.imported_at_us is not None or not (still or engine_lost):
            return None
        from tui.evidence import ask_async, gather_waiting

        return await ask_async(reader, gather_waiting(await self._standing(run)))

    async def _note(self, reader: AsyncReader, run: RunRow) -> _Noted:
        """What single events of the run say. What has been looked through is not looked through again."""
        from engine.model.event import EventKind
        from engine.ports import ControlVerb

        notable = (EventKind.CONTROL_RECEIVED, EventKind.ORCHESTRATION_STRATEGY_DETERMINED)
        noted = self._noted.get(run.run_id) or _Noted()
        if run.last_seq > noted.seq:
            found = await reader.run(queries.happenings(run.run_id, notable, after_seq=noted.seq, limit=_MOST_NOTABLE))
            for happening in found:
                if happening.kind is EventKind.ORCHESTRATION_STRATEGY_DETERMINED:
                    noted = noted._replace(strategy=str(happening.data.get("strategy") or ""))
                elif happening.data.get("verb") == ControlVerb.CANCEL:
                    noted = noted._replace(cancel=happening)
            noted = self._noted[run.run_id] = noted._replace(seq=run.last_seq)
        return noted

    async def _documents(
        self, reader: AsyncReader, run: RunRow, stage: Stage, row: StageRow | None
    ) -> tuple[JsonObject | None, JsonObject | None]:
        """Input and output of a stage, without the results of steps. They can be large, so neither is read again in vain."""
        if row is None:
            return None, None
        key = (run.run_id, run.pass_index, stage)
        if self._kept is not None and self._kept[0] == key:
            given, gave, final = self._kept[1:]
            # What steps are run as is all of it until it ends.
            if final or (row.finished_at_us is None and gave is not None and gave.get("orchestration_trace")):
                return given, gave
        else:
            with collector_paused():
                given = await reader.run(
                    queries.stage_input(run.run_id, stage, run.pass_index), most_bytes=READ_ALONG_BYTES
                )
        with collector_paused():
            # The results of steps are read one by one when they are unfolded, and their heads are read by themselves.
            gave = await reader.run(
                queries.stage_output(run.run_id, stage, run.pass_index, with_steps=False), most_bytes=READ_ALONG_BYTES
            )
        self._kept = (key, given, gave, row.finished_at_us is not None)
        return given, gave

    async def _steps(self, reader: AsyncReader, run: RunRow, most: int) -> list[StepRow]:
        return await reader.run(queries.steps_page(run.run_id, run.pass_index, with_items=False, limit=most))

    async def _parts(
        self, reader: AsyncReader, run: RunRow, steps: Sequence[StepRow]
    ) -> tuple[dict[str, dict[StepStatus, int]], dict[str, str]]:
        """The numbers of the items of these steps, and the last runs of those that are sub-plans."""
        if not steps:
            return {}, {}
        items = await reader.run(queries.item_numbers(run.run_id, [step.step_id for step in steps], run.pass_index))
        children = await reader.run(queries.children_of(run.run_id))
        return items, dict(children)

    async def _reused(self, reader: AsyncReader, run: RunRow, steps: Sequence[StepRow]) -> Mapping[str, Source]:
        """Where those of these results come from that were not made in this pass; that does not change any more."""
        key = (run.run_id, run.pass_index)
        sources = self._sources[1] if self._sources is not None and self._sources[0] == key else {}
        if any(step.reason is Reason.REUSED and step.step_id not in sources for step in steps):
            sources = await reader.run(queries.reused_from(*key))
            self._sources = (key, sources)
        return sources

    async def _opened(self) -> AsyncReader:
        async with self._opening:
            if self._reader is None:
                self._reader = await AsyncReader.open(self.path)
                self._identity = _identity(self.path)
                self._version = await self._reader.data_version()
            return self._reader


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file a path leads to: device and number. None where it leads to none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino

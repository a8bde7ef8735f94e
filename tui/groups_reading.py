"""What the Groups tab reads, kept between two readings: of a live pass only the steps that moved are read again. No wording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.collector import collector_paused
from engine.model.states import Reason, Stage, StepStatus
from store import queries
from tui.viewmodel.groups.gantt import Ghost
from tui.viewmodel.groups.picture import GroupsPicture, as_measured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from store.async_reader import AsyncReader
    from store.queries import Shape, Source, Try
    from store.rows import RunRow, StepRow
    from tui.viewmodel.run_picture import RunPicture

STEPS_MOST: Final = 10_000
"""Steps of a pass that are read; the tab says how many there are beyond them."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was read last, and of which event of which pass it knows."""

    run_id: str
    pass_index: int
    seq: int
    steps: Sequence[StepRow]
    shape: Shape
    tries: Mapping[str, Sequence[Try]]
    items: Mapping[str, Mapping[StepStatus, int]]
    reused: Mapping[str, Source]


class GroupsReading:
    """One pass at a time: the one that is looked at."""

    def __init__(self) -> None:
        self._kept: _Kept | None = None

    async def read(self, reader: AsyncReader, picture: RunPicture) -> GroupsPicture:
        """The steps of the run's pass as they stand."""
        run = picture.run
        if picture.pass_index != run.pass_index:
            run = run._replace(pass_index=picture.pass_index)
        kept = self._kept
        if kept is None or (kept.run_id, kept.pass_index) != (run.run_id, run.pass_index):
            kept = await self._whole(reader, run)
        elif kept.seq < run.last_seq:
            kept = await self._since(reader, run, kept)
        self._kept = kept
        execute = picture.stages.get(Stage.EXECUTE)
        return GroupsPicture(
            run,
            kept.steps,
            max(run.steps_total if len(kept.steps) >= STEPS_MOST else 0, len(kept.steps)),
            kept.shape,
            kept.tries,
            kept.items,
            picture.strategy,
            picture.engine_lost,
            execute.started_at_us if execute else None,
            picture.run.pass_index,
            kept.reused,
        )

    async def _whole(self, reader: AsyncReader, run: RunRow) -> _Kept:
        with collector_paused():
            steps = await reader.run(queries.steps_page(run.run_id, run.pass_index, with_items=False, limit=STEPS_MOST))
            shape = await reader.run(queries.plan_shape(run.run_id, run.pass_index))
            return await self._with_parts(reader, run, steps, shape, {})

    async def _since(self, reader: AsyncReader, run: RunRow, kept: _Kept) -> _Kept:
        moved = await reader.run(queries.steps_changed(run.run_id, run.pass_index, kept.seq, run.last_seq))
        places = {step.step_id: at for at, step in enumerate(kept.steps)}
        is_full = len(kept.steps) >= STEPS_MOST
        if not kept.steps or (not is_full and any(step.step_id not in places for step in moved)):
            return await self._whole(reader, run)
        steps = list(kept.steps)
        for step in moved:
            if step.step_id in places:
                steps[places[step.step_id]] = step
        return await self._with_parts(reader, run, steps, kept.shape, kept.reused)

    async def _with_parts(
        self, reader: AsyncReader, run: RunRow, steps: Sequence[StepRow], shape: Shape, reused: Mapping[str, Source]
    ) -> _Kept:
        again = any(step.attempts > 1 for step in steps)
        tries = await reader.run(queries.retried(run.run_id, run.pass_index)) if again else {}
        items = await reader.run(queries.item_counts(run.run_id, run.pass_index))
        if any(step.reason is Reason.REUSED and step.step_id not in reused for step in steps):
            reused = await reader.run(queries.reused_from(run.run_id, run.pass_index))
        steps = [as_measured(step, tries.get(step.step_id, ())) for step in steps]
        return _Kept(run.run_id, run.pass_index, run.last_seq, steps, shape, tries, items, reused)


async def read_ghost(reader: AsyncReader, run_id: str) -> Ghost | None:
    """When the steps of a run ran, from the first of them on; None where the run is gone."""
    run = await reader.run(queries.run_by_id(run_id))
    if run is None:
        return None
    steps = await reader.run(queries.steps_page(run_id, run.pass_index, with_items=False, limit=STEPS_MOST))
    ran = [
        (step.step_id, step.started_at_us, step.finished_at_us)
        for step in map(as_measured, steps)
        if step.started_at_us is not None and step.finished_at_us is not None
    ]
    began = min((started for _, started, _ in ran), default=0)
    return Ghost(run_id, {name: (started - began, ended - began) for name, started, ended in ran})

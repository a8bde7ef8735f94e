"""What the Runs screen reads from the file: a window of the list, the marked runs, the chosen one whole. No widgets, no wording."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from store import queries
from tui.viewmodel.runs_hints import Known

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from store.rows import RunCounts, RunRow
    from tui.source import RunSource, RunWindow
    from tui.viewmodel.runs_filter import TypedFilter
    from tui.viewmodel.runs_preview import Preview

_PIECES = 6


class RunsPicture(NamedTuple):
    """A part of the runs that pass the filter, the counts of all, which live ones have no engine, and the marked ones as they are now."""

    window: RunWindow
    counts: RunCounts
    lost: frozenset[str]
    filter: TypedFilter
    order: queries.RunOrder
    marked: Mapping[str, RunRow | None] = MappingProxyType({})
    """Those that were marked when it was read, as they were then; None for one that is gone."""
    preview: Preview | None = None
    typed: str = ""
    """The filter as it was typed."""

    @property
    def goes_on(self) -> bool:
        """True while an engine works on one of the runs."""
        return any(row.needs_engine and row.run_id not in self.lost for row in self.window.rows)


async def read_known(source: RunSource) -> Known:
    """The plans that have runs, and the assets that they used."""
    plans = await source.ask(queries.plan_ids())
    assets = await source.ask(queries.asset_refs())
    return Known(plans, assets)


async def read_marked(source: RunSource, run_ids: Sequence[str]) -> Sequence[RunRow]:
    """The marked runs as they are now."""
    if not run_ids:
        return ()
    rows = await source.ask(queries.runs_by_ids(run_ids))
    return tuple(rows)


async def read_preview(source: RunSource, row: RunRow) -> Preview:
    """What is shown of a run beside the list: the output is that of the step that failed first, if one did."""
    from tui.viewmodel.runs_preview import Preview  # late, as the list comes first

    stages = await source.ask(queries.stages_of(row.run_id, row.pass_index))
    assets = await source.ask(queries.applied_assets_of(row.run_id, row.pass_index))
    step_id = str(row.first_cause.get("step_id") or "") if row.first_cause else ""
    output = await source.ask(queries.last_logs(row.run_id, step_id, limit=_PIECES)) if step_id else []
    if not output:
        step_id, output = "", await source.ask(queries.last_logs(row.run_id, limit=_PIECES))
    whose = step_id or (output[-1].step_id if output else "")
    kept = [piece for piece in output if piece.step_id == whose]
    return Preview(row.run_id, {stage.stage: stage for stage in stages}, assets, kept, whose or None)


async def read_runs(
    source: RunSource, typed: TypedFilter, order: queries.RunOrder, start: int, length: int
) -> RunsPicture:
    """The part of the list from place `start` on, without what is marked or shown beside it."""
    window = await source.runs(typed.chosen, start, length, order)
    return RunsPicture(window, window.counts, await source.lost(window.rows), typed, order)

"""Finding what a person means in the file of runs: RUN as a prefix, `last` or a permalink; which engines are dead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import InputError
from store.errors import NoDatabaseError
from store.reader import Reader
from tui.commands.arguments import closest
from tui.viewmodel.links import parse_target
from tui.viewmodel.words import plural, short_id, unique_length

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from engine.model.states import Stage
    from store.rows import RunRow, StepRow
    from tui.commands.context import Context
    from tui.places import RunPlace
    from tui.viewmodel.links import Target
    from tui.viewmodel.tabs import Tab


@dataclass(frozen=True, slots=True)
class Found:
    """A run, and the part of it that was asked for."""

    run: RunRow
    stage: Stage | None = None
    step_id: str | None = None
    tab: Tab | None = None
    pass_index: int | None = None

    def place(self) -> RunPlace:
        """Where the inspector shows it."""
        from tui.places import RunPlace
        from tui.viewmodel.tabs import Tab

        return RunPlace(self.run.run_id, self.stage, self.tab or Tab.STAGES, self.step_id, self.pass_index)

    @property
    def run_then(self) -> RunRow:
        """The run with the pass that was asked for in the place of its last one."""
        return self.run if self.pass_index is None else self.run._replace(pass_index=self.pass_index)


def open_reader(context: Context) -> Reader:
    """The file of runs, to read. What has never run has no file: that is bad input here, not a broken database."""
    try:
        return Reader.open(context.database)
    except NoDatabaseError as error:
        raise InputError("nothing has been run yet", place=error.place, hint=error.hint) from error


def find_run(reader: Reader, text: str) -> Found:
    """The run that `text` means; InputError when there is none or when it could be several."""
    from store.queries import last_run, runs_by_prefix

    target = parse_target(text)
    if target.run == "last":
        latest = reader.run(last_run())
        if latest is None:
            raise InputError("nothing has been run yet", hint="run a plan, or try: opscope demo")
        return _found(latest, target)
    rows = reader.run(runs_by_prefix(target.run, limit=5))
    if not rows:
        raise InputError(f"no run begins with {target.run}", hint="opscope runs lists them")
    if len(rows) > 1:
        length = unique_length(row.run_id for row in rows)
        meant = ", ".join(f"{short_id(row.run_id, length)} {row.plan_id}" for row in rows)
        raise InputError(f"{plural(len(rows), 'run')} or more begin with {target.run}", hint=f"among them {meant}")
    return _found(rows[0], target)


def _found(run: RunRow, target: Target) -> Found:
    if target.pass_index is not None and target.pass_index > run.pass_index:
        hint = f"it has the passes 0 to {run.pass_index}" if run.pass_index else "it has pass 0 alone"
        raise InputError(f"the run has no pass {target.pass_index}", hint=hint)
    return Found(run, target.stage, target.step_id, target.tab, target.pass_index)


def require_step(reader: Reader, run: RunRow, step_id: str) -> StepRow:
    """The step of the run's pass that `run` names; InputError with what there is when it has none of that name."""
    from store.queries import step_by_id, steps_page

    row = reader.run(step_by_id(run.run_id, step_id, run.pass_index))
    if row is not None:
        return row
    names = [step.step_id for step in reader.run(steps_page(run.run_id, run.pass_index, with_items=False))]
    meant = closest(step_id, names)
    known = f"its steps: {', '.join(names[:20])}{', …' if len(names) > 20 else ''}" if names else "it has no steps yet"
    raise InputError(f"the run has no step {step_id!r}", hint=f"did you mean {meant}?" if meant else known)


def lost_runs(database: Path, rows: Iterable[RunRow]) -> frozenset[str]:
    """Those of the runs that should be worked on but whose engine is dead, by id."""
    from store.liveness import lost_engines

    live = [row for row in rows if row.needs_engine]
    if not live:
        return frozenset()
    lost = lost_engines(database, {row.owner_engine for row in live})
    return frozenset(row.run_id for row in live if row.owner_engine in lost)


def all_lost_runs(database: Path) -> list[RunRow]:
    """Every run of the file that should be worked on but whose engine is dead, the newest first. Raises StoreError."""
    from store.liveness import lost_engines
    from store.queries import live_engines, live_runs

    try:
        with Reader.open(database) as reader:
            engines = reader.run(live_engines())
            dead = lost_engines(database, engines) if engines else frozenset()
            rows = reader.run(live_runs()) if dead else []
    except NoDatabaseError:
        return []
    return [row for row in rows if row.needs_engine and row.owner_engine in dead]

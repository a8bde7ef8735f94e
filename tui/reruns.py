"""Reruns from the screens: what a change of a recorded run comes to, and carrying it out in an engine of its own. Nothing is shown here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.pipeline.defaults import pass_on
from tui.places import ComparePlace
from tui.steering import recorded_run
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.pipeline.forking import Change, Fork

_PATIENCE_SEC: Final = 30.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A rerun as it would be carried out now; `fork` says what runs again, what is reused, and the forecast."""

    fork: Fork
    change: Change
    database: Path
    env: Mapping[str, str]

    @property
    def run_id(self) -> str:
        """The run that would be repeated."""
        return self.fork.source.run_id


@dataclass(frozen=True, slots=True)
class Followed:
    """What is to come of a run that was made here of another: what it is compared with, and whether that opens by itself."""

    source_run_id: str
    baseline: tuple[str, ...] = ()
    opens: bool = False

    @property
    def words(self) -> str:
        """What it is compared with, as a key's label says it."""
        return short_id(self.baseline[0]) if self.baseline else "the runs before it"

    def place(self, run_id: str) -> ComparePlace:
        """Where the comparison of the run is; without a baseline it is the usual one."""
        return ComparePlace((run_id,), self.baseline)


async def prepare(database: Path, run_id: str, change: Change, env: Mapping[str, str]) -> Prepared:
    """What a change makes of a run that has ended. Raises InputError with all that is wrong, StoreError."""

    def work() -> Prepared:
        from tui.commands.rerunning import make_fork, read_source

        source = read_source(database, recorded_run(database, run_id))
        return Prepared(make_fork(source, change, env, database), change, database, env)

    return await asyncio.to_thread(work)


async def prepare_again(shown: Prepared) -> tuple[Prepared, str]:
    """The same change as it would be carried out by now, and what is not as it was shown, as a sentence; empty if all is.

    Raises what `prepare` raises.
    """
    from engine.pipeline.fork_token import what_changed

    now = await prepare(shown.database, shown.run_id, shown.change, shown.env)
    given = str(shown.fork.token)
    return now, "" if given == str(now.fork.token) else what_changed(given, now.fork.token)


async def start(prepared: Prepared, *, reason: str = "", tell: Callable[[str], None] = pass_on) -> str:
    """Carry it out in a host of its own, which outlives this process; the id of the new run, which is in the file then.

    `reason` is kept with the run. `tell` hears, in another thread, what is waited for. Raises InputError for secrets that
    are not there, HostError, InfrastructureError.
    """

    def work() -> str:
        from tui.commands.launching import launch
        from tui.commands.rerunning import order_of
        from tui.configuration import load_configuration

        load_configuration(prepared.env)  # before anything is written: faults in it would cost the run its hooks
        order = order_of(prepared.fork, prepared.env, reason=reason)
        launch(order, prepared.database, note=tell, patience_sec=_PATIENCE_SEC)
        return order.run_id

    return await asyncio.to_thread(work)

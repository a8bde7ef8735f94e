"""Reruns from the screens: what a change of a recorded run comes to, and carrying it out in an engine of its own. Nothing is shown here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.pipeline.defaults import pass_on
from tui.steering import recorded_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.pipeline.forking import Change, Fork

_PATIENCE_SEC: Final = 30.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A rerun as it would be carried out now; `fork` says what runs again, what is reused, and the forecast."""

    fork: Fork
    database: Path
    env: Mapping[str, str]


async def prepare(database: Path, run_id: str, change: Change, env: Mapping[str, str]) -> Prepared:
    """What a change makes of a run that has ended. Raises InputError with all that is wrong, StoreError."""

    def work() -> Prepared:
        from tui.commands.rerunning import make_fork, read_source

        source = read_source(database, recorded_run(database, run_id))
        return Prepared(make_fork(source, change, env, database), database, env)

    return await asyncio.to_thread(work)


async def start(prepared: Prepared, *, tell: Callable[[str], None] = pass_on) -> str:
    """Carry it out in a host of its own, which outlives this process; the id of the new run, which is in the file then.

    `tell` hears, in another thread, what is waited for. Raises InputError for secrets that are not there, HostError,
    InfrastructureError.
    """

    def work() -> str:
        from tui.commands.launching import launch
        from tui.commands.rerunning import order_of
        from tui.configuration import load_configuration

        load_configuration(prepared.env)  # before anything is written: faults in it would cost the run its hooks
        order = order_of(prepared.fork, prepared.env)
        launch(order, prepared.database, note=tell, patience_sec=_PATIENCE_SEC)
        return order.run_id

    return await asyncio.to_thread(work)

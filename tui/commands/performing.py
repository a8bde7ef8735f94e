"""Carries out a run in this process: checks what was asked, then lets an engine work under the signals. Shows nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ExitCode, InputError, PlanError
from engine.model.states import RunStatus
from engine.pipeline.assets import resolve_assets
from engine.pipeline.host import new_run_id
from engine.plan.params import bind_params
from engine.plan.sub_plans import assets_below
from engine.steps.secrets import SecretBox
from store.assets.resolver import StoreAssets
from store.storage_pause import StorageState
from store.writer import open_writer
from tui.commands.engine_room import EngineRoom
from tui.commands.inbox import Inbox
from tui.commands.interrupts import SIGNALS, Interrupts
from tui.commands.planning import locate
from tui.commands.sub_plans import sub_plan_faults
from tui.commands.tasks import NOBODY, Onlooker, Order, Resumption, actor

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence

    from engine.model.asset import AssetReference, ResolvedAsset
    from engine.pipeline.request import RunOutcome
    from tui.commands.planning import FoundPlan

__all__ = ["Onlooker", "Order", "Performed", "Resumption", "actor", "exit_code_of", "perform", "prepare"]


@dataclass(frozen=True, slots=True)
class Performed:
    """How a run ended; None if a signal came before it began. `signal` is the one that canceled it, if one did."""

    outcome: RunOutcome | None
    signal: signal.Signals | None

    @property
    def exit_code(self) -> int:
        """What the command returns for it."""
        if self.outcome is None or self.outcome.status is RunStatus.CANCELED:
            return 128 + self.signal if self.signal is not None else ExitCode.CANCELED
        return exit_code_of(self.outcome.status)


def exit_code_of(status: RunStatus) -> int:
    """What a command returns that has seen a run to this state."""
    match status:
        case RunStatus.SUCCEEDED:
            return ExitCode.SUCCEEDED
        case RunStatus.FAILED:
            return ExitCode.FAILED
        case RunStatus.CANCELED:
            return ExitCode.CANCELED
        case RunStatus.QUARANTINED | RunStatus.PAUSED | RunStatus.PENDING | RunStatus.RUNNING:
            return ExitCode.WAITING


def prepare(
    plan: FoundPlan,
    given: Mapping[str, str],
    env: Mapping[str, str],
    *,
    database: Path | None = None,
    overrides: Sequence[AssetReference] = (),
) -> Order:
    """Check parameters, secrets, the plans that this one runs and, with a `database`, the assets that it uses.

    Raises InputError with everything that is wrong with them, StoreError for a database that cannot be read.
    """
    if faults := sub_plan_faults(plan.compiled, plan.path, env):
        raise PlanError(str(plan.path), faults)  # before any step has done its work, rather than after half of them
    params = bind_params(plan.compiled.plan, given, from_text=True)
    secrets = SecretBox.load(plan.compiled.plan.secrets, host_env=env, folder=plan.folder)
    try:
        workdir = Path.cwd()
    except OSError as error:
        raise InputError("the current folder is gone", hint="change to a folder that exists") from error
    return Order(
        plan=plan,
        params=params,
        secrets=secrets,
        workdir=workdir,
        env=env,
        run_id=new_run_id(),
        assets={} if database is None else _assets(plan, env, database, overrides),
        overrides=tuple(overrides),
    )


def _assets(
    plan: FoundPlan, env: Mapping[str, str], database: Path, overrides: Sequence[AssetReference]
) -> dict[str, ResolvedAsset]:
    """What the plan's aliases stand for now. An override may be meant for a plan below it."""
    below = assets_below(plan.compiled, plan.path, lambda name: locate(name, env)) if overrides else ()
    return asyncio.run(resolve_assets(plan.compiled, overrides, StoreAssets(database), elsewhere=below))


def perform(
    task: Order | Resumption,
    database: Path,
    onlooker: Onlooker = NOBODY,
    *,
    signals: Sequence[signal.Signals] = SIGNALS,
    alive_to_the_end: bool = False,
) -> Performed:
    """Carry the run to its end; `signals` cancel it. For `alive_to_the_end` see `open_writer`.

    Raises InfrastructureError when the file gives way, and what `resume_plan` raises of a run that cannot be taken up.
    """
    return asyncio.run(_perform(task, database, onlooker, signals, alive_to_the_end))


async def _perform(
    task: Order | Resumption,
    database: Path,
    onlooker: Onlooker,
    signals: Sequence[signal.Signals],
    alive_to_the_end: bool,
) -> Performed:
    inbox = Inbox(canceled_by=task.cancel if isinstance(task, Resumption) else None)
    interrupts = Interrupts(inbox, actor(), signals)
    room: EngineRoom | None = None

    def on_storage(state: StorageState, told: str) -> None:
        (onlooker.alarm or onlooker.note)(told)
        if room is not None:
            room.storage_changed(state)

    try:
        with interrupts.listening():
            async with open_writer(
                database, on_wait=onlooker.note, on_storage=on_storage, alive_to_the_end=alive_to_the_end
            ) as writer:
                room = EngineRoom(task, database, writer, inbox, onlooker)
                async with room.open():
                    interrupts.run_begins(
                        lambda: writer.storage_state is StorageState.PAUSED, onlooker.note, onlooker.leave
                    )
                    outcome = await room.carry_out()
    except asyncio.CancelledError:
        if not interrupts.stopped_early:
            raise
        return Performed(None, interrupts.received)
    return Performed(outcome, interrupts.received)

"""Runs a plan in this process: joins the engine to the store, the local executor and the signals. Shows nothing."""

from __future__ import annotations

import asyncio
import os
import pwd
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import ExitCode, InputError
from engine.model.states import RunStatus
from engine.pipeline.clock import SystemClock
from engine.pipeline.host import describe_host, new_run_id
from engine.pipeline.request import RunRequest, Services
from engine.pipeline.runner import run_plan
from engine.plan.params import bind_params
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from store.writer import open_writer
from tui.commands.interrupts import SignalControl

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping

    from engine.model.json import JsonObject
    from engine.pipeline.request import RunOutcome
    from tui.commands.planning import FoundPlan
    from tui.commands.progress import Progress


@dataclass(frozen=True, slots=True)
class Order:
    """A run that is ready to start: everything given has been checked, nothing has been written."""

    plan: FoundPlan
    params: JsonObject
    secrets: SecretBox
    workdir: Path
    env: Mapping[str, str]
    run_id: str


@dataclass(frozen=True, slots=True)
class Performed:
    """How a run ended; `signal` is the one that canceled it, if one did."""

    outcome: RunOutcome
    signal: signal.Signals | None

    @property
    def exit_code(self) -> int:
        """What the command returns for it."""
        match self.outcome.status:
            case RunStatus.SUCCEEDED:
                return ExitCode.SUCCEEDED
            case RunStatus.CANCELED:
                return 128 + self.signal if self.signal is not None else ExitCode.CANCELED
            case RunStatus.QUARANTINED | RunStatus.PAUSED | RunStatus.PENDING | RunStatus.RUNNING:
                return ExitCode.WAITING
            case RunStatus.FAILED:
                return ExitCode.FAILED


def prepare(plan: FoundPlan, given: Mapping[str, str], env: Mapping[str, str]) -> Order:
    """Check parameters and secrets. Raises InputError with everything that is wrong with them."""
    params = bind_params(plan.compiled.plan, given, from_text=True)
    secrets = SecretBox.load(plan.compiled.plan.secrets, host_env=env, folder=plan.folder)
    try:
        workdir = Path.cwd()
    except OSError as error:
        raise InputError("the current folder is gone", hint="change to a folder that exists") from error
    return Order(plan=plan, params=params, secrets=secrets, workdir=workdir, env=env, run_id=new_run_id())


def perform(order: Order, database: Path, progress: Progress | None = None) -> Performed:
    """Run it to its end; `progress` watches it through the file. Raises InfrastructureError when the file gives way."""
    try:
        return asyncio.run(_perform(order, database, progress))
    finally:
        # Only now: a terminal that stands still must not keep the engine from finishing.
        if progress is not None:
            progress.finish()


async def _perform(order: Order, database: Path, progress: Progress | None) -> Performed:
    clock = SystemClock()
    control = SignalControl(actor())
    if progress is not None:
        progress.start(database, order.run_id)
    async with open_writer(database, on_wait=progress.note if progress is not None else None) as writer:
        request = RunRequest(
            plan=order.plan.compiled,
            params=order.params,
            run_id=order.run_id,
            workdir=order.workdir,
            plan_folder=order.plan.folder,
            host_env=order.env,
            actor=actor(),
            engine_id=writer.engine_id,
            environment=describe_host(),
        )
        services = Services(
            sink=writer,
            secrets=order.secrets,
            executor=LocalExecutor(order.secrets, clock),
            clock=clock,
            jitter=random.SystemRandom().random,
            control=control,
        )
        with control.listening():
            outcome = await run_plan(request, services)
    return Performed(outcome, control.received)


def actor() -> str:
    """Who runs this: `operator:NAME`."""
    try:
        return f"operator:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:  # a container may run as a number without a name
        return f"operator:{os.getuid()}"

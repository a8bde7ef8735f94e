"""An engine inside a program of one's own: plans run on its event loop, with its own tools, recorded in a file of runs.

This joins the engine to the store for programs; the commands have a joining of their own, with sockets and signals.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets as randomness
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import InputError, PlanError
from engine.model.asset import parse_reference
from engine.pipeline.clock import SystemClock
from engine.pipeline.defaults import NoControl, pass_on
from engine.pipeline.host import describe_host, new_run_id
from engine.pipeline.request import RunRequest, Services
from engine.pipeline.runner import run_plan
from engine.plan.load import load_plan_file
from engine.plan.params import bind_params
from engine.plan.sub_plans import sub_plan_faults
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from engine.steps.toolbox import Toolbox
from store.locks import Locks
from store.result_cache import EarlierRuns
from store.run_assets import RunAssets
from store.sub_plans import FileSubPlans, shipped_plan
from store.writer import open_writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from engine.model.asset import AssetReference
    from engine.model.json import Json
    from engine.pipeline.request import RunOutcome
    from engine.plan.compiled import CompiledPlan
    from engine.ports import ControlSource
    from engine.steps.toolbox import ToolFunction
    from store.writer import Writer

ACTOR = "program"
"""Who asks for the runs of a program, where it does not say so itself."""


class Engine:
    """Runs plans, several at a time if they are asked for at a time, and records them. Use `open_engine`."""

    def __init__(
        self,
        writer: Writer,
        toolbox: Toolbox,
        env: Mapping[str, str],
        *,
        locate: Callable[[str], Path],
        on_wait: Callable[[str], None],
    ) -> None:
        self._writer = writer
        self._toolbox = toolbox
        self._env = dict(env)
        self._locate = locate
        self._on_wait = on_wait
        self._clock = SystemClock()

    @property
    def path(self) -> Path:
        """The file of runs."""
        return self._writer.path

    async def run(
        self,
        plan: str | Path,
        params: Mapping[str, Json] | None = None,
        *,
        overrides: Sequence[str] = (),
        workdir: str | Path | None = None,
        actor: str = ACTOR,
        run_id: str | None = None,
        control: ControlSource | None = None,
    ) -> RunOutcome:
        """Run the plan in this file to its end and say how it ended; a failing plan is an outcome, not an error.

        `params` are values, not words. `overrides` are versions of assets, as in `query/ci-lookup@3`, that this run uses
        instead of those that the plan names or that are published; it is a test then. Steps run in `workdir`, the current
        folder if it is not given. `run_id`, 32 hex digits, can be given by who wants to know it before. A task that is
        cancelled in here cancels the run as an operator would: its `finally` runs, and then CancelledError goes on.

        Raises InputError or PlanError, with no run made, for a plan, a parameter, a secret or an asset that cannot be used,
        or for a plan that runs one that cannot, and InfrastructureError when the file gives way.
        """
        compiled, path, folder = await asyncio.to_thread(self._read, plan, workdir)
        bound = bind_params(compiled.plan, dict(params or {}), from_text=False)
        box = SecretBox.load(compiled.plan.secrets, host_env=self._env, folder=path.parent)
        request = RunRequest(
            plan=compiled,
            params=bound,
            run_id=run_id or new_run_id(),
            workdir=folder,
            plan_folder=path.parent,
            host_env=self._env,
            actor=actor,
            engine_id=self._writer.engine_id,
            environment=describe_host(),
            overrides=tuple(_override(text) for text in overrides),
        )
        return await run_plan(request, self._services(box, control or NoControl(), actor))

    def _services(self, box: SecretBox, control: ControlSource, actor: str) -> Services:
        memory = EarlierRuns(self.path)
        return Services(
            sink=self._writer,
            secrets=box,
            executor=self._executor(box),
            clock=self._clock,
            jitter=random.SystemRandom().random,
            control=control,
            locks=Locks(self._writer, self._clock),
            cache=memory,
            breakers=memory,
            sub_plans=FileSubPlans(self._writer, self._clock, self._env, executor=self._executor, locate=self._locate),
            assets=RunAssets(self.path, actor),
            toolbox=self._toolbox,
            on_wait=self._on_wait,
        )

    def _executor(self, box: SecretBox) -> LocalExecutor:
        return LocalExecutor(box, self._clock, toolbox=self._toolbox)

    def _read(self, plan: str | Path, workdir: str | Path | None) -> tuple[CompiledPlan, Path, Path]:
        """The plan, its file and the folder that its steps run in, whatever becomes of the current one."""
        path = Path(plan).absolute()
        compiled = load_plan_file(path)
        if faults := sub_plan_faults(compiled, path, self._locate):
            raise PlanError(str(path), faults)  # before any step has done its work, rather than after half of them
        return compiled, path, Path(workdir or Path.cwd()).absolute()


def _override(text: str) -> AssetReference:
    try:
        return parse_reference(text)
    except ValueError as error:
        raise InputError(str(error)) from None


@asynccontextmanager
async def open_engine(
    path: str | Path,
    *,
    tools: Mapping[str, ToolFunction] | None = None,
    env: Mapping[str, str] | None = None,
    locate: Callable[[str], Path] = shipped_plan,
    on_wait: Callable[[str], None] = pass_on,
) -> AsyncIterator[Engine]:
    """An engine that records in the file at `path`, made anew if there is none; closed when the block ends.

    `tools` are asynchronous functions that steps of type `tool` call by these names, beside those that are installed.
    `env` takes the place of this process's environment, for steps and secrets. `locate` finds sub-plans that are named
    and not given as a path. `on_wait` is told, on the event loop, what is waited for: a lock, the file, room on the disk.

    Raises InputError for a tool that is not asynchronous, StoreError if the file cannot be written.
    """
    toolbox = Toolbox(tools or {})
    async with open_writer(Path(path), engine_id=randomness.token_hex(16), on_wait=on_wait) as writer:
        yield Engine(writer, toolbox, os.environ if env is None else env, locate=locate, on_wait=on_wait)

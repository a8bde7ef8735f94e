"""Runs of plans against a real file, for tests of what one run takes from another: an engine that dies where it is told to."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.errors import StoreError
from engine.model.event import Event
from engine.model.states import RunMode
from engine.pipeline.clock import SystemClock
from engine.pipeline.defaults import NoControl
from engine.pipeline.host import new_run_id
from engine.pipeline.request import RunRequest, Services
from engine.pipeline.resume import after_engine_loss, request_to_resume, resume_plan
from engine.pipeline.runner import run_plan
from engine.plan.load import load_plan_file
from engine.plan.params import bind_params
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from engine.steps.toolbox import Toolbox
from store import queries
from store.locks import Locks
from store.reader import Reader
from store.result_cache import EarlierRuns
from store.resume import compile_stored, plan_to_resume, resume_point
from store.sub_plans import FileSubPlans
from store.writer import open_writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from engine.model.event import EventKind, LogChunk
    from engine.model.json import Json
    from engine.pipeline.decisions import Decision
    from engine.pipeline.request import RunOutcome
    from engine.ports import ControlRequest, ControlSource, EventSink, RunCreation
    from engine.steps.toolbox import ToolFunction
    from store.writer import Writer


class EngineDiedError(StoreError):
    """Nothing is recorded any more, as if the process were gone."""


class DyingSink:
    """Passes on what it is given until `dies` says so of a batch; nothing of that one and nothing after it is recorded."""

    def __init__(self, sink: EventSink, dies: Callable[[Event], bool]) -> None:
        self._sink = sink
        self._dies = dies
        self._is_dead = False

    async def create_run(self, creation: RunCreation) -> None:
        self._look([creation.created])
        await self._sink.create_run(creation)

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        self._look(events)
        await self._sink.append(run_id, events)

    async def append_logs(self, run_id: str, chunks: Sequence[LogChunk]) -> None:
        self._look([])
        await self._sink.append_logs(run_id, chunks)

    def _look(self, events: Sequence[Event]) -> None:
        self._is_dead = self._is_dead or any(self._dies(event) for event in events)
        if self._is_dead:
            raise EngineDiedError("the engine has died")


@dataclass
class Program:
    """A folder with plans and a file of runs. Every call is an engine of its own. `tools` are what plans may call."""

    folder: Path
    tools: Mapping[str, ToolFunction] = field(default_factory=dict)
    clock: SystemClock = field(default_factory=SystemClock)

    @property
    def path(self) -> Path:
        return self.folder / "runs.db"

    def write(self, name: str, text: str) -> Path:
        """A plan file of the folder."""
        path = self.folder / name
        path.write_text(text)
        return path

    def reader(self) -> Reader:
        """The file of runs, to read."""
        return Reader.open(self.path)

    async def run(
        self,
        name: str,
        params: Mapping[str, Json] | None = None,
        *,
        dies: Callable[[Event], bool] = lambda event: False,
        mode: RunMode = RunMode.NORMAL,
        control: ControlSource | None = None,
    ) -> RunOutcome:
        """Run a plan of the folder. Raises EngineDiedError."""
        compiled = load_plan_file(self.folder / name)
        async with self._services(dies, control) as (writer, services):
            request = RunRequest(
                plan=compiled,
                params=bind_params(compiled.plan, dict(params or {}), from_text=False),
                run_id=new_run_id(),
                workdir=self.folder,
                plan_folder=self.folder,
                host_env=dict(os.environ),
                actor="operator:test",
                engine_id=writer.engine_id,
                mode=mode,
            )
            return await run_plan(request, services)

    async def recover(self, run_id: str) -> EventKind:
        """Record where a run stands whose engine is dead, as the next command that may write does."""
        async with open_writer(self.path) as writer:
            with self.reader() as reader:
                run = reader.run(queries.run_by_id(run_id))
                assert run is not None
                plan = compile_stored(plan_to_resume(reader, run_id))
            await writer.take_over(run_id, expected_epoch=run.owner_epoch, at_us=self.clock.now_us())
            with self.reader() as reader:
                kind, data = after_engine_loss(resume_point(reader, run_id), plan)
            await writer.append(run_id, [Event(kind, self.clock.now_us(), data)])
        return kind

    async def resume(
        self,
        run_id: str,
        decisions: Mapping[str, Decision] | None = None,
        *,
        dies: Callable[[Event], bool] = lambda event: False,
        cancel: ControlRequest | None = None,
    ) -> RunOutcome:
        """Take a run up with another engine."""
        async with self._services(dies, None) as (writer, services):
            with self.reader() as reader:
                run = reader.run(queries.run_by_id(run_id))
                assert run is not None
                plan = compile_stored(plan_to_resume(reader, run_id))
            await writer.take_over(run_id, expected_epoch=run.owner_epoch, at_us=self.clock.now_us())
            with self.reader() as reader:
                point = resume_point(reader, run_id)
            request = request_to_resume(point, plan, actor="operator:ann", engine_id=writer.engine_id)
            return await resume_plan(request, point, decisions or {}, services, cancel=cancel)

    @asynccontextmanager
    async def _services(
        self, dies: Callable[[Event], bool], control: ControlSource | None
    ) -> AsyncIterator[tuple[Writer, Services]]:
        toolbox = Toolbox(self.tools)

        def executor(secrets: SecretBox) -> LocalExecutor:
            return LocalExecutor(secrets, self.clock, toolbox=toolbox)

        async with open_writer(self.path) as writer:
            memory = EarlierRuns(self.path)
            yield (
                writer,
                Services(
                    sink=DyingSink(writer, dies),
                    secrets=SecretBox(),
                    executor=executor(SecretBox()),
                    clock=self.clock,
                    jitter=lambda: 0.0,
                    locks=Locks(writer, self.clock),
                    cache=memory,
                    breakers=memory,
                    sub_plans=FileSubPlans(writer, self.clock, os.environ, executor=executor),
                    toolbox=toolbox,
                    control=control or NoControl(),
                ),
            )

"""A run in memory for tests of the pipeline: a sink that keeps events, an operator who speaks when told to, taking a run up again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.model.asset import parse_reference
from engine.model.event import Event, EventKind, LogChunk
from engine.pipeline.clock import SystemClock
from engine.pipeline.defaults import NoAssets, NoCache, NoLocks, NoSubPlans, pass_on
from engine.pipeline.rebuild import resume_point_from_events
from engine.pipeline.request import RunOutcome, RunRequest, Services
from engine.pipeline.resume import request_to_resume, resume_plan
from engine.pipeline.runner import run_plan
from engine.plan.load import load_plan
from engine.plan.params import bind_params
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from engine.model.json import JsonObject
    from engine.pipeline.decisions import Decision
    from engine.pipeline.resume_point import ResumePoint
    from engine.plan.compiled import CompiledPlan
    from engine.ports import (
        AssetResolver,
        ControlRequest,
        Executor,
        FailurePoint,
        LockBroker,
        ResultCache,
        RunCreation,
        SubPlans,
    )

RUN_ID = "7f3a91c0d5e24b6f8a1b2c3d4e5f6071"


@dataclass
class MemorySink:
    """Keeps what it is given, in order; `batches` holds how many events there were after each append.

    Implements `engine.ports.EventSink`.
    """

    events: list[Event] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    chunks: list[LogChunk] = field(default_factory=list)
    on_event: Callable[[Event], None] = lambda event: None

    async def create_run(self, creation: RunCreation) -> None:
        await self.append(creation.run_id, [creation.created])

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        for event in events:
            self.events.append(event)
            self.on_event(event)
        self.batches.append(len(self.events))

    async def append_logs(self, run_id: str, chunks: Sequence[LogChunk]) -> None:
        self.chunks.extend(chunks)

    def of(self, kind: EventKind, step_id: str | None = None) -> list[Event]:
        """The events of one kind, of one step if it is named."""
        return [e for e in self.events if e.kind is kind and (step_id is None or e.step_id == step_id)]

    def kinds(self) -> list[EventKind]:
        """The story of the run as words."""
        return [event.kind for event in self.events]


class Operator:
    """Speaks through a queue. Implements `engine.ports.ControlSource`."""

    def __init__(self) -> None:
        self._said: asyncio.Queue[ControlRequest] = asyncio.Queue()

    def say(self, request: ControlRequest) -> None:
        """Ask for something now."""
        self._said.put_nowait(request)

    async def requests(self) -> AsyncIterator[ControlRequest]:
        while True:
            yield await self._said.get()


@dataclass
class Recorded:
    """A finished run: how it ended and what was recorded."""

    outcome: RunOutcome
    sink: MemorySink

    def result(self, step_id: str) -> JsonObject:
        """The data of the step's `step.finished`."""
        (event,) = self.sink.of(EventKind.STEP_FINISHED, step_id)
        return event.data

    def output(self, stage: str) -> JsonObject:
        """The output that the stage recorded."""
        (event,) = [e for e in self.sink.of(EventKind.STAGE_FINISHED) if e.stage == stage]
        output = event.data["output"]
        assert isinstance(output, dict)
        return output


async def run_text(
    text: str,
    folder: Path,
    *,
    params: dict[str, str] | None = None,
    host_env: dict[str, str] | None = None,
    sink: MemorySink | None = None,
    operator: Operator | None = None,
    executor: Executor | None = None,
    locks: LockBroker | None = None,
    on_wait: Callable[[str], None] = pass_on,
    checkpoint: Callable[[FailurePoint], None] = pass_on,
    assets: AssetResolver | None = None,
    overrides: tuple[str, ...] = (),
    sub_plans: SubPlans | None = None,
    cache: ResultCache | None = None,
) -> Recorded:
    """Run a plan given as text, with real processes, in `folder`."""
    compiled = load_plan(text.encode(), name="plan.yaml")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **(host_env or {})}
    secrets = SecretBox.load(compiled.plan.secrets, host_env=env, folder=folder)
    sink = sink or MemorySink()
    clock = SystemClock()
    request = RunRequest(
        plan=compiled,
        params=bind_params(compiled.plan, params or {}, from_text=True),
        run_id=RUN_ID,
        workdir=folder,
        plan_folder=folder,
        host_env=env,
        actor="operator:test",
        engine_id="engine-test",
        overrides=tuple(parse_reference(word) for word in overrides),
    )
    services = Services(
        sink=sink,
        secrets=secrets,
        executor=executor or LocalExecutor(secrets, clock),
        clock=clock,
        jitter=lambda: 0.0,
        control=operator or Operator(),
        locks=locks or NoLocks(),
        on_wait=on_wait,
        checkpoint=checkpoint,
        assets=assets or NoAssets(),
        sub_plans=sub_plans or NoSubPlans(),
        cache=cache or NoCache(),
    )
    return Recorded(await run_plan(request, services), sink)


def point_of(events: Sequence[Event]) -> ResumePoint:
    """Where a run stands after these events."""
    return resume_point_from_events(RUN_ID, events)


async def resume_events(
    compiled: CompiledPlan,
    events: Sequence[Event],
    decisions: Mapping[str, Decision] | None = None,
    *,
    sink: MemorySink | None = None,
    operator: Operator | None = None,
    executor: Executor | None = None,
    secrets: SecretBox | None = None,
    locks: LockBroker | None = None,
    cancel: ControlRequest | None = None,
    answer: ControlRequest | None = None,
    assets: AssetResolver | None = None,
) -> Recorded:
    """Take a run up after these events, as another engine would; the sink goes on with them."""
    point = point_of(events)
    secrets = secrets or SecretBox()
    sink = sink or MemorySink()
    sink.events[:] = events
    clock = SystemClock()
    services = Services(
        sink=sink,
        secrets=secrets,
        executor=executor or LocalExecutor(secrets, clock),
        clock=clock,
        jitter=lambda: 0.0,
        control=operator or Operator(),
        locks=locks or NoLocks(),
        assets=assets or NoAssets(),
    )
    request = request_to_resume(point, compiled, actor="operator:ann", engine_id="engine-second")
    outcome = await resume_plan(request, point, decisions or {}, services, cancel=cancel, answer=answer)
    return Recorded(outcome, sink)

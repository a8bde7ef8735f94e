"""Plans to measure with, and one run of a plan without a command around it. No figure stands here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from engine.model.result import AttemptOutcome
from engine.model.states import StepStatus
from engine.pipeline.clock import SystemClock
from engine.pipeline.request import RunRequest, Services
from engine.pipeline.runner import run_plan
from engine.plan.load import load_plan
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from tests.engine.pipeline.recording import Operator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.model.event import Event, LogChunk
    from engine.plan.compiled import CompiledPlan
    from engine.ports import AttemptObserver, AttemptSpec, EventSink, Executor, RunCreation


class NoOp:
    """Runs nothing: what is left is the engine and the file. Implements `engine.ports.Executor`."""

    async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        return AttemptOutcome(status=StepStatus.SUCCEEDED)


class Nowhere:
    """Keeps nothing, so that what is measured is the engine's own. Implements `engine.ports.EventSink`."""

    async def create_run(self, creation: RunCreation) -> None: ...

    async def append(self, run_id: str, events: Sequence[Event]) -> None: ...

    async def append_logs(self, run_id: str, chunks: Sequence[LogChunk]) -> None: ...


def layered_text(layers: int, wide: int, *, at_once: int = 50) -> bytes:
    """Layers of steps in which each depends on one step of the layer before."""
    lines = ["plan_id: layered", f"globals: {{max_concurrency: {at_once}}}", "steps:"]
    for layer in range(layers):
        for place in range(wide):
            after = f", depends_on: [s{layer - 1}_{place}]" if layer else ""
            lines.append(f"  - {{id: s{layer}_{place}, command: 'true'{after}}}")
    return "\n".join(lines).encode()


def layered(layers: int, wide: int, *, at_once: int = 50) -> CompiledPlan:
    """The same, read."""
    return load_plan(layered_text(layers, wide, at_once=at_once), name="layered.yaml")


async def run_once(
    plan: CompiledPlan, folder: Path, sink: EventSink, executor: Executor | None, engine_id: str
) -> float:
    """Seconds from the first event to the last one being durable."""
    clock = SystemClock()
    secrets = SecretBox.load({}, host_env=os.environ, folder=folder)
    request = RunRequest(plan, {}, os.urandom(16).hex(), folder, folder, dict(os.environ), "operator:bench", engine_id)
    services = Services(sink, secrets, executor or LocalExecutor(secrets, clock), clock, lambda: 0.0, Operator())
    began = clock.monotonic()
    await run_plan(request, services)
    return clock.monotonic() - began

"""The engine's budgets: durable steps in waves and in a chain, and a command step beside a bare subprocess."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import aiosqlite

from engine.model.result import AttemptOutcome
from engine.model.states import StepStatus
from engine.pipeline.clock import SystemClock
from engine.pipeline.request import RunRequest, Services
from engine.pipeline.runner import run_plan
from engine.plan.load import load_plan
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from store.writer import open_writer
from tests.bench.measure import Figure, alternating
from tests.engine.pipeline.recording import MemorySink, Operator

if TYPE_CHECKING:
    from engine.plan.compiled import CompiledPlan
    from engine.ports import AttemptObserver, AttemptSpec, EventSink, Executor


class NoOp:
    """Runs nothing: what is left is the engine and the file."""

    async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        return AttemptOutcome(status=StepStatus.SUCCEEDED)


def layered(layers: int, wide: int) -> CompiledPlan:
    """Layers of steps in which each depends on one step of the layer before."""
    steps = []
    for layer in range(layers):
        for place in range(wide):
            after = f", depends_on: [s{layer - 1}_{place}]" if layer else ""
            steps.append(f"  - {{id: s{layer}_{place}, command: 'true'{after}}}")
    text = "plan_id: layered\nglobals: {max_concurrency: 50}\nsteps:\n" + "\n".join(steps)
    return load_plan(text.encode(), name="layered.yaml")


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


async def durable(plan: CompiledPlan) -> float:
    """Microseconds a step of a plan of no-op steps, on a real file."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_writer(Path(folder, "runs.db"), clock=SystemClock()) as writer:
            spent = await run_once(plan, Path(folder), writer, NoOp(), writer.engine_id)
    return spent / len(plan.steps) * 1e6


async def group_commit(steps: int, together: int) -> float:
    """Microseconds a step for three plain rows a step through aiosqlite, `together` steps a transaction, FULL and WAL."""
    with tempfile.TemporaryDirectory() as folder:
        async with aiosqlite.connect(Path(folder, "plain.db"), isolation_level=None) as connection:
            await connection.execute("PRAGMA journal_mode=WAL")
            await connection.execute("PRAGMA synchronous=FULL")
            await connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT)")
            began = SystemClock().monotonic()
            for _ in range(steps // together):
                await connection.execute("BEGIN IMMEDIATE")
                await connection.executemany("INSERT INTO rows (body) VALUES (?)", [("x" * 400,)] * 3 * together)
                await connection.execute("COMMIT")
            spent = SystemClock().monotonic() - began
    return spent / steps * 1e6


async def commands(count: int) -> float:
    """Milliseconds a `true` step, one after the other, without a file."""
    text = "plan_id: trues\nstrategy: serial\nsteps:\n" + "\n".join(
        f"  - {{id: s{n}, command: 'true', output: none}}" for n in range(count)
    )
    plan = load_plan(text.encode(), name="trues.yaml")
    with tempfile.TemporaryDirectory() as folder:
        return await run_once(plan, Path(folder), MemorySink(), None, "engine-bench") / count * 1e3


async def bare_processes(count: int) -> float:
    """Milliseconds for a bare asyncio subprocess with pipes and a session of its own, read to the end."""
    clock = SystemClock()
    began = clock.monotonic()
    for _ in range(count):
        process = await asyncio.create_subprocess_exec(
            "true", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True
        )
        await process.communicate()
    return (clock.monotonic() - began) / count * 1e3


def figures(rounds: int) -> list[Figure]:
    """The engine's figures."""
    wide, chain = layered(20, 50), layered(1000, 1)
    wide_us, wide_plain = alternating(
        rounds, lambda: asyncio.run(durable(wide)), lambda: asyncio.run(group_commit(1000, 50))
    )
    chain_us, chain_plain = alternating(
        rounds, lambda: asyncio.run(durable(chain)), lambda: asyncio.run(group_commit(1000, 1))
    )
    true_ms, bare_ms = alternating(rounds, lambda: asyncio.run(commands(100)), lambda: asyncio.run(bare_processes(100)))
    plain = "three plain rows a step through aiosqlite, FULL, WAL"
    return [
        Figure(
            "durable no-op steps, 20 layers of 50",
            "µs",
            wide_us,
            wide_plain,
            f"{plain}, 50 steps a commit",
            "≤100 µs a step",
            wide_us <= 100,
            rounds,
        ),
        Figure(
            "durable no-op steps, a chain of 1,000",
            "µs",
            chain_us,
            chain_plain,
            f"{plain}, a commit a step",
            "≤1,000 µs a step",
            chain_us <= 1000,
            rounds,
        ),
        Figure(
            "a command step (true), without a file",
            "ms",
            true_ms,
            bare_ms,
            "asyncio.create_subprocess_exec with pipes and a new session",
            "≤1.3 × the yardstick",
            true_ms <= 1.3 * bare_ms,
            rounds,
        ),
    ]

"""What a step costs: durable steps in waves and in a chain beside the same rows through aiosqlite, a command beside a bare process."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import aiosqlite

from engine.pipeline.clock import SystemClock
from engine.plan.load import load_plan
from store.writer import open_writer
from tests.bench.measure import Figure, alternating, medians
from tests.bench.runs import NoOp, Nowhere, layered, run_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.plan.compiled import CompiledPlan

STEPS: Final = 1000
COMMANDS: Final = 100

# What a step leaves in the file. An event has no number of its own here: SQLite gives it the next.
_TABLES: Final = ("run_events", "steps", "step_attempts")
_Rows: TypeAlias = "dict[str, list[tuple[Any, ...]]]"


@dataclass(slots=True)
class _Durable:
    """Runs a plan of no-op steps on a real file, round after round; keeps the rows of the last and the processor time of all."""

    plan: CompiledPlan
    seen: list[dict[str, float]]
    rows: _Rows

    def measure(self) -> float:
        """Microseconds a step."""
        return asyncio.run(self._measure())

    async def _measure(self) -> float:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "runs.db")
            async with open_writer(path, clock=SystemClock()) as writer:
                # All processor time that is not the loop's is the writer's: there is no other thread.
                loop, process = time.thread_time(), time.process_time()
                spent = await run_once(self.plan, Path(folder), writer, NoOp(), writer.engine_id)
                loop, process = time.thread_time() - loop, time.process_time() - process
            steps = len(self.plan.steps)
            self.seen.append(
                {"loop_cpu_us": loop / steps * 1e6, "writer_cpu_us": (process - loop) / steps * 1e6},
            )
            self.rows = _rows_of_steps(path)
        return spent / steps * 1e6


def _rows_of_steps(path: Path) -> _Rows:
    connection = sqlite3.connect(path)
    try:
        return {
            table: [
                (None, *row[1:]) if table == "run_events" else row
                for row in connection.execute(f"SELECT * FROM {table} WHERE step_id IS NOT NULL")
            ]
            for table in _TABLES
        }
    finally:
        connection.close()


async def group_commit(rows: _Rows, together: int) -> float:
    """Microseconds a step for rows that are there ready, the rows of `together` steps a transaction, FULL and WAL."""
    steps = len(rows["steps"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "runs.db")
        async with open_writer(path, clock=SystemClock()):
            pass  # the tables, indexes and checks as they are in every file
        async with aiosqlite.connect(path, isolation_level=None) as connection:
            await connection.execute("PRAGMA journal_mode=WAL")
            await connection.execute("PRAGMA synchronous=FULL")
            portions = {table: list(_portions(rows[table], steps // together)) for table in _TABLES}
            began = time.perf_counter()
            for number in range(steps // together):
                await connection.execute("BEGIN IMMEDIATE")
                for table in _TABLES:
                    portion = portions[table][number]
                    places = ", ".join("?" * len(portion[0]))
                    await connection.executemany(f"INSERT INTO {table} VALUES ({places})", portion)
                await connection.execute("COMMIT")
            spent = time.perf_counter() - began
    return spent / steps * 1e6


def _portions(rows: list[tuple[Any, ...]], count: int) -> Iterator[list[tuple[Any, ...]]]:
    size = len(rows) // count
    return (rows[place : place + size] for place in range(0, size * count, size))


async def commands(count: int) -> float:
    """Milliseconds a `true` step, one after the other, without a file."""
    text = "plan_id: trues\nstrategy: serial\nsteps:\n" + "\n".join(
        f"  - {{id: s{n}, command: 'true', output: none}}" for n in range(count)
    )
    plan = load_plan(text.encode(), name="trues.yaml")
    with tempfile.TemporaryDirectory() as folder:
        return await run_once(plan, Path(folder), Nowhere(), None, "engine-bench") / count * 1e3


async def bare_processes(count: int) -> float:
    """Milliseconds for a bare asyncio subprocess with pipes and a session of its own, read to the end."""
    began = time.perf_counter()
    for _ in range(count):
        process = await asyncio.create_subprocess_exec(
            "true", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True
        )
        await process.communicate()
    return (time.perf_counter() - began) / count * 1e3


def figures(rounds: int) -> list[Figure]:
    """Durable steps and command steps."""
    return [
        _durable_figure("durable no-op steps, 20 layers of 50", layered(20, 50), 50, 100, rounds),
        _durable_figure("durable no-op steps, a chain of 1,000", layered(STEPS, 1), 1, 1000, rounds),
        _command_figure(rounds),
    ]


def _durable_figure(name: str, plan: CompiledPlan, together: int, most_us: float, rounds: int) -> Figure:
    durable = _Durable(plan, [], {})
    found = alternating(rounds, durable.measure, lambda: asyncio.run(group_commit(durable.rows, together)))
    steps = "50 steps" if together == 50 else "one step"
    return Figure(
        name,
        "µs",
        found,
        f"the same rows, ready made, into the same tables through aiosqlite, FULL, WAL, {steps} a commit",
        f"≤{most_us:,.0f} µs a step",
        found.median <= most_us,
        medians(durable.seen[1:]),
    )


def _command_figure(rounds: int) -> Figure:
    found = alternating(rounds, lambda: asyncio.run(commands(COMMANDS)), lambda: asyncio.run(bare_processes(COMMANDS)))
    return Figure(
        "a command step (true), without a file",
        "ms",
        found,
        "asyncio.create_subprocess_exec with pipes and a new session",
        "≤1.3 × the yardstick",
        found.ratio <= 1.3,
    )

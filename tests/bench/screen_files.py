"""Files of runs to open screens on: very many runs, very many steps, a very large result, a run that goes on. No figure stands here.

`python -m tests.bench.screen_files PATH SECONDS` is an engine whose run makes 1,000 events a second for so long.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.model.json import Json, canonical_json
from engine.model.result import AttemptOutcome
from engine.model.states import StepStatus, Stream
from engine.pipeline.clock import SystemClock
from store.writer import open_writer
from tests.bench.runs import layered, run_once
from tests.tui import samples

if TYPE_CHECKING:
    from engine.ports import AttemptObserver, AttemptSpec

MANY_RUNS: Final = 100_000
_REAL_RUNS: Final = 60
"""Written event by event, and the newest: those that a screen opens."""
STEPS: Final = 10_000
LARGE_BYTES: Final = 10_000_000
EVENTS_A_STEP: Final = 3
"""Without a process: it starts, it ends, the step ends."""
EVENTS_A_SECOND: Final = 1000
_AT_ONCE: Final = 50

_COPIED = {
    "runs": "status, plan_id, plan_version, plan_hash, pause_reason, route, mode, stage, pass_index, steps_total, steps_done, "
    "steps_failed, replans, warnings, score, workdir, environment_hash, created_event, finished_event, owner_engine, "
    "owner_epoch, last_seq, last_hash, started_at_us, finished_at_us, duration_us",
    "stages": "pass_index, stage, status, diagnostics_status, started_at_us, finished_at_us, duration_us, started_event, finished_event",
    "steps": "pass_index, step_id, item_index, status, reason, message, tool_type, group_index, execution_order, depends_on, attempts, "
    "exit_code, started_at_us, finished_at_us, duration_us, result_event, result_bytes",
}


def write_many_runs(path: Path, runs: int = MANY_RUNS) -> None:
    """A file with `runs` runs. The newest are whole; the others are copies of their heads, stages and steps without events."""
    plans = ("ci_lookup", "host_triage", "safe_merge", "test_gate", "nightly-backup")
    asyncio.run(
        samples.write(
            path,
            [
                samples.Sample(
                    number,
                    plans[number % len(plans)],
                    samples.lookup_steps(),
                    "failed" if number % 7 == 0 else "succeeded",
                    ago_us=number * 40 * samples.SECOND,
                )
                for number in range(min(runs, _REAL_RUNS), 0, -1)
            ],
        )
    )
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")  # a file that is thrown away
        connection.execute("PRAGMA cache_size = -400000")
        connection.execute("CREATE TEMP TABLE copies (id TEXT PRIMARY KEY, n INTEGER, source TEXT)")
        sources = [row[0] for row in connection.execute("SELECT run_id FROM runs ORDER BY created_at_us")]
        connection.executemany(
            "INSERT INTO copies VALUES (lower(hex(randomblob(16))), ?, ?)",
            ((n, sources[n % len(sources)]) for n in range(max(0, runs - len(sources)))),
        )
        for table, columns in _COPIED.items():
            born = ", created_at_us" if table == "runs" else ""
            earlier = ", t.created_at_us - 3600000000 - c.n * 60000000" if born else ""
            kept = ", ".join(f"t.{column.strip()}" for column in columns.split(","))
            connection.execute(
                f"INSERT INTO {table} (run_id, {columns}{born}) SELECT c.id, {kept}{earlier} "
                f"FROM copies AS c JOIN {table} AS t ON t.run_id = c.source"
            )


def write_many_steps(path: Path, steps: int = STEPS) -> None:
    """One run of so many steps, a hundred in a row and each after one of the row before."""
    wide = 100
    asyncio.run(
        samples.write(
            path,
            [
                samples.Sample(
                    1,
                    "long_haul",
                    [
                        samples.Step(
                            f"step_{n:05}",
                            data={"rows": n, "host": f"db{n % 40:02}"},
                            depends_on=(f"step_{n - wide:05}",) if n >= wide else (),
                            took_us=20_000,
                        )
                        for n in range(steps)
                    ],
                )
            ],
        )
    )


def large_value(size: int = LARGE_BYTES) -> Json:
    """Rows of a database, as JSON about so many bytes long."""
    rows: list[Json] = []
    row: Json = {"name": "db000000", "address": "10.0.3.17", "ci_type": "host", "site": "zrh1", "tags": ["a", "b"]}
    for number in range(size // (len(canonical_json(row)) + 1)):
        rows.append(
            {"name": f"db{number:06}", "address": "10.0.3.17", "ci_type": "host", "site": "zrh1", "tags": ["a", "b"]}
        )
    return {"columns": ["name", "address", "ci_type", "site", "tags"], "rows": rows}


def write_large(path: Path, size: int = LARGE_BYTES) -> None:
    """A run with a step whose result is large."""
    sample = samples.Sample(1, "inventory", [samples.Step("export", data=large_value(size)), samples.Step("after")])
    asyncio.run(samples.write(path, [sample]))


class Paced:
    """Every step takes the same time and says a line. Implements `engine.ports.Executor`."""

    async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        await observer.started(None)
        await observer.output(Stream.STDOUT, 0, f"{spec.step_id} has looked at its part and found nothing\n".encode())
        await asyncio.sleep(_AT_ONCE * EVENTS_A_STEP / EVENTS_A_SECOND)
        return AttemptOutcome(status=StepStatus.SUCCEEDED)


async def run_on(path: Path, seconds: float) -> None:
    """A run that makes its events at an even rate, by this process as its engine."""
    layers = max(1, round(seconds * EVENTS_A_SECOND / EVENTS_A_STEP / _AT_ONCE))
    async with open_writer(path, clock=SystemClock()) as writer:
        await run_once(layered(layers, _AT_ONCE, at_once=_AT_ONCE), path.parent, writer, Paced(), writer.engine_id)


if __name__ == "__main__":
    asyncio.run(run_on(Path(sys.argv[1]), float(sys.argv[2])))

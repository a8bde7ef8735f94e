"""What comparing two recorded runs of many steps costs, beside reading the same rows with bare SQLite."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.pipeline.clock import SystemClock
from engine.regression.analysis import analyse
from engine.regression.document import to_document
from store.queries import runs_page
from store.reader import Reader
from store.run_facts import read_runs
from store.writer import open_writer
from tests.bench.measure import Figure, alternating, seconds
from tests.bench.runs import NoOp, layered, run_once

if TYPE_CHECKING:
    from engine.model.json import JsonObject

LAYERS: Final = 100
WIDE: Final = 100
BUDGET_MS: Final = 1000


def figures(rounds: int) -> list[Figure]:
    """One figure: two runs of 10,000 steps, from the file to the document of the analysis."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "runs.db")
        asyncio.run(_record(path, 2))
        taken = alternating(
            rounds, lambda: seconds(lambda: compared(path)) * 1e3, lambda: seconds(lambda: _bare(path)) * 1e3
        )
    return [
        Figure(
            f"compare two runs of {LAYERS * WIDE:,} steps",
            "ms",
            taken,
            "the rows of the steps and their results with sqlite3 and json",
            f"≤{BUDGET_MS} ms",
            taken.median <= BUDGET_MS,
        )
    ]


async def _record(path: Path, runs: int) -> None:
    plan = layered(LAYERS, WIDE)
    async with open_writer(path, clock=SystemClock()) as writer:
        for _ in range(runs):
            await run_once(plan, path.parent, writer, NoOp(), writer.engine_id)


def compared(path: Path) -> JsonObject:
    """The document of the analysis of the two newest runs."""
    with Reader.open(path) as reader:
        after, before = reader.run(runs_page(limit=2))
        first, second = read_runs(reader, [before.run_id, after.run_id])
    return to_document(analyse([first], [second]), plan_id=after.plan_id)


def _bare(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT s.*, e.data FROM steps AS s JOIN run_events AS e ON e.event_no = s.result_event"
        ).fetchall()
    return sum(len(json.loads(row[-1])) for row in rows)

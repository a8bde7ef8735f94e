"""Files of runs in which everything is as an engine leaves it: real plans, digests that fit, one run that failed. Nothing is run."""

from __future__ import annotations

import asyncio
import hashlib
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.model.event import Event, EventKind
from engine.plan.load import load_plan
from engine.ports import PlanRecord, RunCreation
from store.exchange.exporting import DEFAULT_LOG_BYTES, export_run, snapshot
from store.writer import open_writer
from tests.store.building import creation, log_chunk, new_run_id, whole_run

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.json import JsonObject

SOURCE = """\
plan_id: night-check
version: "1.0"
description: three steps
steps:
  - {id: s0, command: "true"}
  - {id: s1, command: "true", depends_on: [s0]}
  - {id: s2, command: "true", depends_on: [s1]}
"""
OUTPUT = (b"first line\n", b"\xff\xfe no text\n", "dritte Zeile mit Umläuten, \u202e und \x1b[31m\n".encode())


@dataclass(frozen=True)
class Recorded:
    """Two runs in a file: one that succeeded, then one that failed."""

    path: Path
    succeeded: str
    failed: str


def record(path: Path, *, engine_id: str | None = None) -> Recorded:
    """Write the two runs and close the file."""
    return asyncio.run(_record(path, engine_id))


def record_runs(path: Path, count: int, *, at_us: list[int] | None = None, unfinished: bool = False) -> list[str]:
    """Write so many runs that succeeded, ended when `at_us` says; without their last event if `unfinished`."""
    return asyncio.run(_record_runs(path, count, at_us, unfinished))


async def _record(path: Path, engine_id: str | None) -> Recorded:
    async with open_writer(path, engine_id=engine_id) as writer:
        ids = []
        for failing in (None, 1):
            created = real_creation(writer.engine_id)
            ids.append(created.run_id)
            await writer.create_run(created)
            offset = 0
            for content in OUTPUT:
                await writer.append_logs(created.run_id, [log_chunk(content, offset=offset)])
                offset += len(content)
            for portion in whole_run(3, failing=failing):
                await writer.append(created.run_id, [with_output(event) for event in portion])
    return Recorded(path, *ids)


async def _record_runs(path: Path, count: int, at_us: list[int] | None, unfinished: bool) -> list[str]:
    async with open_writer(path) as writer:
        ids = []
        for number in range(count):
            created = real_creation(writer.engine_id)
            ids.append(created.run_id)
            shift = (at_us[number] - created.created.at_us) if at_us else 0
            await writer.create_run(replace(created, created=moved(created.created, shift)))
            portions = list(whole_run(2))
            for portion in portions[:-1] if unfinished else portions:
                await writer.append(created.run_id, [moved(event, shift) for event in portion])
    return ids


def moved(event: Event, by_us: int) -> Event:
    """The event at another time."""
    return replace(event, at_us=event.at_us + by_us)


def real_creation(engine_id: str, run_id: str | None = None) -> RunCreation:
    """A run of a plan that compiles."""
    plan = load_plan(SOURCE.encode(), name="plan.yaml")
    made = creation(engine_id, run_id or new_run_id(), plan_id=plan.plan.plan_id)
    data: JsonObject = {**made.created.data, "plan_hash": plan.plan_hash, "plan_version": plan.plan.version}
    kept = PlanRecord(plan.plan_hash, plan.plan.plan_id, plan.plan.version, plan.source, plan.document)
    return RunCreation(made.run_id, kept, replace(made.created, data=data))


def with_output(event: Event) -> Event:
    """`attempt.finished` of the first step, with what its output came to."""
    if event.kind is not EventKind.ATTEMPT_FINISHED or event.step_id != "s0":
        return event
    written = b"".join(OUTPUT)
    summary: JsonObject = {
        "size_bytes": len(written),
        "sha256": hashlib.sha256(written).hexdigest(),
        "dropped_bytes": 0,
    }
    return replace(event, data={**event.data, "stdout": summary})


def exported(path: Path, run_id: str, *, most_log_bytes: int = DEFAULT_LOG_BYTES) -> str:
    """The document of a run."""
    written = io.StringIO()
    with snapshot(path) as reader:
        export_run(reader, run_id, written.write, most_log_bytes=most_log_bytes)
    return written.getvalue()

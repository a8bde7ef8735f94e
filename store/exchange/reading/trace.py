"""A trace from its first character to its last: which parts it has, in any order. What each part must be is in its own file."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from store.exchange.document import TRACE_VERSION, StageEntry, StepEntry, TraceHead
from store.exchange.reading.blobs import read_blobs
from store.exchange.reading.events import EventsReader
from store.exchange.reading.logs import name_run, read_logs
from store.exchange.reading.opened import OpenDocument
from store.exchange.reading.whole import check_whole
from store.scratch import scratch_database

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from engine.model.json import Json
    from store.exchange.cursor import Source

_WHAT_IT_IS: Final = "opscope export writes traces; opscope schema trace says what they look like"
_NEEDED: Final = ("schema_version", "run_id", "plan", "events", "stages", "steps", "logs")

_STAGE = TypeAdapter(StageEntry)
_STEP = TypeAdapter(StepEntry)
_HEAD = TypeAdapter(TraceHead)


@dataclass(frozen=True, slots=True)
class ReadTrace:
    """A trace that passed every check. `connection` is the scratch database that holds it, and nothing else."""

    connection: sqlite3.Connection
    run_id: str
    plan_id: str
    plan_version: str
    events: int
    last_hash: bytes
    log_chunks_left_out: int
    log_bytes_left_out: int


@contextmanager
def read_trace(source: Source, name: str, *, progress: Callable[[int, int], None] | None = None) -> Iterator[ReadTrace]:
    """Read the document; what it holds can be used until the block ends. Raises InputError with the place of the first fault.

    `progress` is told, now and then, how many bytes and events have been read.
    """
    with scratch_database() as connection:
        document = OpenDocument(source, name, connection)
        events = EventsReader(document, progress)
        head = _read_parts(document, events)
        yield _finish(document, events, head)


def _read_parts(document: OpenDocument, events: EventsReader) -> TraceHead:
    """Everything into the scratch database, except the head: that is what is left."""
    cursor = document.cursor
    if cursor.peek() != "{":
        cursor.fail("this is no trace: a JSON object should begin here", hint=_WHAT_IT_IS)
    rest: dict[str, Json] = {}
    seen: set[str] = set()
    for key in cursor.members():
        seen.add(key)
        match key:
            case "schema_version":
                rest[key] = _version(document)
            case "events":
                events.read()
            case "blobs":
                read_blobs(document)
            case "logs":
                read_logs(document)
            case "stages":
                document.check_elements(_STAGE)
            case "steps":
                document.check_elements(_STEP)
            case _:
                rest[key] = cursor.value()[0]
    cursor.end()
    missing = [part for part in _NEEDED if part not in seen]
    if missing:
        names = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        document.refuse(f"this is no whole trace: {names}", hint=_WHAT_IT_IS)
    return document.valid(_HEAD, rest)


def _version(document: OpenDocument) -> Json:
    value, _ = document.cursor.value()
    if isinstance(value, int) and not isinstance(value, bool) and value > TRACE_VERSION:
        document.refuse(
            f"a newer opscope wrote this trace (version {value}, this one knows {TRACE_VERSION})",
            hint="update opscope",
        )
    return value


def _finish(document: OpenDocument, events: EventsReader, head: TraceHead) -> ReadTrace:
    last = events.last
    if last is None:
        document.refuse("the trace has no events")
    name_run(document, last.run_id)
    check_whole(document, head, last.run_id, events.created)
    return ReadTrace(
        connection=document.connection,
        run_id=last.run_id,
        plan_id=head.plan_id,
        plan_version=head.plan_version,
        events=last.seq,
        last_hash=bytes.fromhex(last.hash),
        log_chunks_left_out=head.logs_left_out.chunks,
        log_bytes_left_out=head.logs_left_out.bytes,
    )

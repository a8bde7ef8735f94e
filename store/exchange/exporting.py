"""Writes a run as one JSON document, piece by piece. What stands in it is store.exchange.document's, reading it .reading's."""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic_core import to_json

from engine.errors import InputError
from store import blobs, queries
from store.database import connect_to_read, real_path, require_local_file
from store.moments import rfc3339
from store.queries import Query
from store.reader import Reader
from store.repeats import Repeats
from store.trace import event_line, stage_documents, step_documents, trace_head, without_blobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from engine.model.json import Json, JsonObject
    from store.rows import LogRow, RunRow

DEFAULT_LOG_BYTES: Final = 16_000_000
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. `is_over` is False for a run that was live: the document ends where the run stood."""

    run_id: str
    events: int
    log_bytes: int
    log_bytes_left_out: int
    is_over: bool


@contextmanager
def snapshot(path: Path) -> Iterator[Reader]:
    """A reader that sees the file as it is now, whatever is written meanwhile. For the length of an export, no longer."""
    database = real_path(path)
    require_local_file(database)
    connection, live = connect_to_read(database)
    try:
        connection.execute("BEGIN")
        yield Reader(connection, database, is_live=live)
    finally:
        connection.close()


def export_run(
    reader: Reader, run_id: str, write: Callable[[str], object], *, most_log_bytes: int = DEFAULT_LOG_BYTES
) -> Exported:
    """Write the document of a run, a line at a time; the same run gives the same text.

    Of its output the last `most_log_bytes` are in it. `reader` should be a `snapshot` if the run may be live.
    Raises InputError if there is no such run, StoreError if the file cannot be read.
    """
    row = reader.run(queries.run_by_id(run_id))
    plan = reader.run(queries.plan_of(run_id))
    if row is None or plan is None:
        raise InputError(f"there is no run {run_id}", place=str(reader.path))
    first_log, kept_bytes, chunks, left_bytes = _log_share(reader, run_id, most_log_bytes)
    head = trace_head(reader, row)
    for said_by_this_file in ("imported_at", "score"):
        del head[said_by_this_file]
    head |= {
        "replan_events": reader.run(queries.replan_events_of(run_id)),
        "applied_assets": reader.run(queries.applied_assets_of(run_id, row.pass_index)),
        "logs_left_out": {"chunks": chunks, "bytes": left_bytes},
        "plan": {
            "plan_id": plan.plan_id,
            "version": plan.version,
            "plan_hash": plan.plan_hash,
            "source": plan.source,
            "document": json.loads(plan.document),
        },
    }
    opening = "{\n"
    for key, value in head.items():
        write(f"{opening}{_text(key)}: {_text(value)}")
        opening = ",\n"
    digests = reader.run(queries.blobs_of(run_id))
    stages, steps = without_blobs(stage_documents(reader, row), step_documents(reader, row), digests)
    _write_list(write, "stages", map(_text, stages))
    _write_list(write, "steps", map(_text, steps))
    _write_list(write, "events", _events(reader, row))
    if digests:
        _write_list(write, "blobs", _blobs(reader, digests))
    _write_list(write, "logs", _logs(reader, run_id, first_log))
    write("\n}\n")
    return Exported(run_id, row.last_seq, kept_bytes, left_bytes, row.status.is_final)


def _write_list(write: Callable[[str], object], name: str, entries: Iterator[str]) -> None:
    write(f",\n{_text(name)}: [")
    opening = "\n"
    for entry in entries:
        write(f"{opening}{entry}")
        opening = ",\n"
    write("]" if opening == "\n" else "\n]")


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _events(reader: Reader, row: RunRow) -> Iterator[str]:
    seq = 0
    while page := reader.run(queries.events_page(row.run_id, after_seq=seq, limit=_PAGE)):
        for event in page:
            yield event_line(event, with_place=False)
        seq = page[-1].seq


def _blobs(reader: Reader, digests: list[str]) -> Iterator[str]:
    """The values that the events have only the heads of, each in the very text that its hash is of.

    One that has an earlier one in it has a head there, too, and says so: what a step was given is what another gave out.
    """
    listed = Repeats(())
    for digest in digests:
        stored = reader.run(Query(blobs.STORED, (digest,), list))
        if not stored:
            raise blobs.missing(digest)
        text = blobs.json_of(digest, *stored[0])
        yield _without(listed, digest, text) or f'{{"sha256":"{digest}","value":{text.decode()}}}'
        listed.lists(digest)


def _without(listed: Repeats, digest: str, text: bytes) -> str | None:
    """The entry of a value without what is listed already; None where that is nothing, or our JSON of it is another."""
    if not listed:
        return None
    value = blobs.parsed(text)
    entry: JsonObject = {"sha256": digest, "value": value}
    reduced = listed.reduced(entry, "", [()])
    if reduced is entry or to_json(value) != text:
        return None
    return to_json(reduced).decode()


def _logs(reader: Reader, run_id: str, first_log: int) -> Iterator[str]:
    place = first_log - 1
    while page := reader.run(queries.logs_page(run_id, after_log_id=place, limit=_PAGE)):
        yield from (_text(_log(row)) for row in page)
        place = page[-1].log_id


def _log(row: LogRow) -> JsonObject:
    entry: JsonObject = {"pass_index": row.pass_index, "step_id": row.step_id}
    if row.item_index is not None:
        entry["item_index"] = row.item_index
    entry |= {
        "attempt": row.attempt,
        "stream": row.stream.value,
        "at": rfc3339(row.at_us),
        "offset": row.offset,
    }
    try:
        entry["text"] = row.content.decode("utf-8")
    except UnicodeDecodeError:
        entry["base64"] = base64.b64encode(row.content).decode("ascii")
    return entry


def _log_share(reader: Reader, run_id: str, most_bytes: int) -> tuple[int, int, int, int]:
    """Where the output that is kept begins (a log_id), its bytes, and how many chunks and bytes are left out."""
    left_chunks, left_bytes = reader.run(_left_out_before(run_id))
    kept, first, place, is_full = 0, 2**63 - 1, 2**63 - 1, False
    while page := reader.run(_log_sizes(run_id, place)):
        for log_id, size in page:
            is_full = is_full or kept + size > most_bytes
            if is_full:
                left_chunks += 1
                left_bytes += size
            else:
                kept += size
                first = log_id
        place = page[-1][0]
    return first, kept, left_chunks, left_bytes


def _left_out_before(run_id: str) -> Query[tuple[int, int]]:
    """What the document of an imported run did not hold."""
    sql = "SELECT log_chunks_left_out, log_bytes_left_out FROM imports WHERE run_id = ?"
    return Query(sql, (run_id,), lambda rows: (rows[0][0], rows[0][1]) if rows else (0, 0))


def _log_sizes(run_id: str, before_log_id: int) -> Query[list[tuple[int, int]]]:
    sql = "SELECT log_id, length(content) FROM logs WHERE run_id = ? AND log_id < ? ORDER BY log_id DESC LIMIT 10000"
    return Query(sql, (run_id, before_log_id), lambda rows: [(log_id, size) for log_id, size in rows])

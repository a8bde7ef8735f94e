"""Queries for events and log output: pages that follow a cursor, for looking back and for following."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.states import Stream
from store.queries.event_rows import EVENT_COLUMNS, event_rows
from store.queries.query import Query, word
from store.rows import LogRow

if TYPE_CHECKING:
    from store.queries.query import Parameter, Rows
    from store.rows import EventRow

_EVENT: Final = f"SELECT {EVENT_COLUMNS} FROM run_events"  # noqa: S608  (constants)
_LOG: Final = "SELECT log_id, run_id, pass_index, step_id, item_index, attempt, stream, at_us, offset, content FROM logs WHERE run_id = ?"


def events_page(run_id: str, *, after_seq: int = 0, limit: int = 200) -> Query[list[EventRow]]:
    """Events of a run in order, after `after_seq`."""
    return Query(f"{_EVENT} WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?", (run_id, after_seq, limit), event_rows)


def blobs_of(run_id: str) -> Query[list[str]]:
    """The hashes of the large values that the events of a run have heads of, in the order in which they first come."""
    sql = "SELECT sha256 FROM blob_uses WHERE run_id = ? ORDER BY event_no, sha256"
    return Query(sql, (run_id,), lambda rows: list(dict.fromkeys(digest for (digest,) in rows)))


def step_events(
    run_id: str, step_id: str, pass_index: int = 0, *, after_seq: int = 0, limit: int = 500
) -> Query[list[EventRow]]:
    """Events of one step and its items in order, after `after_seq`."""
    sql = f"{_EVENT} WHERE run_id = ? AND step_id = ? AND pass_index = ? AND seq > ? ORDER BY seq LIMIT ?"
    return Query(sql, (run_id, step_id, pass_index, after_seq, limit), event_rows)


def last_events(run_id: str, *, before_seq: int | None = None, limit: int = 200) -> Query[list[EventRow]]:
    """The last events of a run, or the last before `before_seq`; in order."""
    sql = f"{_EVENT} WHERE run_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
    below = 2**63 - 1 if before_seq is None else before_seq
    return Query(sql, (run_id, below, limit), lambda rows: event_rows(rows[::-1]))


def events_after(event_no: int, limit: int = 500) -> Query[list[EventRow]]:
    """Events of all runs in the order in which they were committed, after `event_no`: the live tail of the file."""
    return Query(f"{_EVENT} WHERE event_no > ? ORDER BY event_no LIMIT ?", (event_no, limit), event_rows)


def last_event_no() -> Query[int]:
    """The newest event's number, 0 in an empty file: where a live tail begins."""
    return Query("SELECT coalesce(max(event_no), 0) FROM run_events", (), lambda rows: int(rows[0][0]))


def logs_page(
    run_id: str,
    step_id: str | None = None,
    *,
    stream: Stream | None = None,
    after_log_id: int = 0,
    limit: int = 200,
) -> Query[list[LogRow]]:
    """Output of a run, of one step if that is given, in the order in which it came, after `after_log_id`."""
    sql, parameters = _log_conditions(run_id, step_id, stream)
    return Query(f"{sql} AND log_id > ? ORDER BY log_id LIMIT ?", (*parameters, after_log_id, limit), _log_rows)


def last_logs(
    run_id: str,
    step_id: str | None = None,
    *,
    stream: Stream | None = None,
    before_log_id: int | None = None,
    limit: int = 200,
) -> Query[list[LogRow]]:
    """The last output, or the last before `before_log_id`; in the order in which it came."""
    sql, parameters = _log_conditions(run_id, step_id, stream)
    below = 2**63 - 1 if before_log_id is None else before_log_id
    sql = f"{sql} AND log_id < ? ORDER BY log_id DESC LIMIT ?"
    return Query(sql, (*parameters, below, limit), lambda rows: _log_rows(rows[::-1]))


def _log_conditions(run_id: str, step_id: str | None, stream: Stream | None) -> tuple[str, tuple[Parameter, ...]]:
    sql, parameters = _LOG, [run_id]
    if step_id is not None:
        sql += " AND step_id = ?"
        parameters.append(step_id)
    if stream is not None:
        sql += " AND stream = ?"
        parameters.append(stream.value)
    return sql, tuple(parameters)


def _log_rows(rows: Rows) -> list[LogRow]:
    return [
        LogRow(
            log_id=log_id,
            run_id=run_id,
            pass_index=pass_index,
            step_id=step_id,
            item_index=item_index,
            attempt=attempt,
            stream=word(Stream, stream),
            at_us=at_us,
            offset=offset,
            content=content,
        )
        for log_id, run_id, pass_index, step_id, item_index, attempt, stream, at_us, offset, content in rows
    ]

"""Puts a trace that passed every check into the file: all of it or nothing, never over something that is there."""

from __future__ import annotations

import stat
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import InputError
from store.database import WAL_LIMIT_BYTES
from store.errors import NoDatabaseError
from store.exchange.reading import read_trace
from store.exclusive import checkpoint, run_exclusively
from store.location import Neighbours
from store.projection import PROJECTED_TABLES
from store.queries import Query
from store.reader import Reader
from store.scratch import columns_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from store.exchange.cursor import Source
    from store.exchange.reading import ReadTrace

_AT_ONCE: Final = 500
_COPIED: Final = ("run_events", "logs", *PROJECTED_TABLES)


class ImportOutcome(StrEnum):
    """What became of a document."""

    IMPORTED = "imported"
    ALREADY_THERE = "already_there"


@dataclass(frozen=True, slots=True)
class Imported:
    """A run that is in the file now. `known_events` is how many the file has: more than `events` if it knows how it went on."""

    outcome: ImportOutcome
    run_id: str
    plan_id: str
    events: int
    known_events: int


def import_file(
    document: Path,
    database: Path,
    *,
    on_wait: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    now_us: int | None = None,
) -> Imported:
    """Import the document at `document` (`-`: standard input) into the file at `database`, made anew if there is none.

    Raises InputError if it cannot be read, is no trace, or is of a run that the file knows otherwise; StoreError if the
    file refuses. The file is then as it was.
    """
    with _opened(document) as source, read_trace(source, str(document), progress=progress) as trace:
        return import_trace(trace, database, name=str(document), on_wait=on_wait, now_us=now_us)


def import_trace(
    trace: ReadTrace,
    database: Path,
    *,
    name: str,
    on_wait: Callable[[str], None] | None = None,
    now_us: int | None = None,
) -> Imported:
    """Put a trace that has been read into the file. `name` is said of it in errors."""
    known = _known_already(trace, database, name)
    if known is not None:
        return known
    at_us = now_us if now_us is not None else time.time_ns() // 1000
    return run_exclusively(
        database, lambda connection: _insert(trace, connection, name, at_us), make=True, on_wait=on_wait
    )


@contextmanager
def _opened(document: Path) -> Iterator[Source]:
    """The bytes of the document. A pipe in the place of a file would never end, so it is refused."""
    name = str(document)
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        mode = document.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InputError("this is a folder, not a trace", place=name, hint="name the files in it")
        if not stat.S_ISREG(mode):
            raise InputError("this is no regular file", place=name, hint="for a pipe, give - and feed it to stdin")
        file = document.open("rb")
    except FileNotFoundError:
        raise InputError("there is no such file", place=name) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name is not valid"
        raise InputError(f"the file cannot be read: {why}", place=name) from None
    with file:
        yield file


def _known_already(trace: ReadTrace, database: Path, name: str) -> Imported | None:
    """The answer if the file has the run already; asked without the write lock."""
    try:
        reader = Reader.open(database)
    except NoDatabaseError:
        return None
    with reader:
        return _compare(trace, reader.run, name)


def _compare(
    trace: ReadTrace, ask: Callable[[Query[list[tuple[int, bytes]]]], list[tuple[int, bytes]]], name: str
) -> Imported | None:
    """None if the file does not know the run; InputError if it knows another one of the same id."""
    heads = ask(Query("SELECT last_seq, last_hash FROM runs WHERE run_id = ?", (trace.run_id,), list))
    if not heads:
        return None
    known_events = heads[0][0]
    sql = "SELECT seq, hash FROM run_events WHERE run_id = ? AND seq = ?"
    same = ask(Query(sql, (trace.run_id, trace.events), list))
    if not same or same[0][1] != trace.last_hash:
        raise InputError(
            f"the file has a run {trace.run_id} already, and it is not this one: it was left as it is",
            place=name,
            hint="import it into another file, with --db",
        )
    return Imported(ImportOutcome.ALREADY_THERE, trace.run_id, trace.plan_id, trace.events, known_events)


def _insert(trace: ReadTrace, connection: sqlite3.Connection, name: str, at_us: int) -> Imported:
    """In one transaction, under the write lock."""
    connection.execute("BEGIN IMMEDIATE")
    known = _compare(trace, lambda query: query.read(connection.execute(query.sql, query.parameters).fetchall()), name)
    if known is not None:
        return known
    ((first_event_no,),) = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'run_events'"
    ).fetchall()
    for table in ("plans", "blobs"):  # by their hashes, so the file may have them already
        _copy(trace.connection, connection, table, 0, or_ignore=True)
    for table in _COPIED:
        _copy(trace.connection, connection, table, first_event_no)
    connection.execute(
        "INSERT INTO imports (run_id, imported_at_us, log_chunks_left_out, log_bytes_left_out) VALUES (?, ?, ?, ?)",
        (trace.run_id, at_us, trace.log_chunks_left_out, trace.log_bytes_left_out),
    )
    connection.execute("COMMIT")
    if _log_size(connection) > WAL_LIMIT_BYTES:
        checkpoint(connection)
    return Imported(ImportOutcome.IMPORTED, trace.run_id, trace.plan_id, trace.events, trace.events)


def _copy(
    source: sqlite3.Connection, target: sqlite3.Connection, table: str, first_event_no: int, *, or_ignore: bool = False
) -> None:
    """Copy the rows of a table; numbers of events move up to their new place in the file, numbers of log rows are given anew."""
    columns = [column for column in columns_of(source, table) if column != "log_id"]
    chosen = ", ".join(f"{column} + {first_event_no}" if _is_event_no(column) else column for column in columns)
    order = "ORDER BY rowid" if table in ("run_events", "logs") else ""
    rows = source.execute(f"SELECT {chosen} FROM {table} {order}")  # noqa: S608  (our own names)
    marks = ", ".join("?" * len(columns))
    sql = f"INSERT {'OR IGNORE ' if or_ignore else ''}INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
    while page := rows.fetchmany(_AT_ONCE):
        target.executemany(sql, page)


def _is_event_no(column: str) -> bool:
    """As the schema names them."""
    return column in ("event_no", "event") or column.endswith("_event")


def _log_size(connection: sqlite3.Connection) -> int:
    ((_, _, path),) = connection.execute("PRAGMA database_list").fetchall()[:1]
    try:
        return Neighbours.of(Path(path)).wal.stat().st_size
    except OSError:
        return 0

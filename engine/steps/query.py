"""One SQLite query, whole or not at all, as work that blocks and can be stopped. Threads, deadlines and outcomes live elsewhere."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from engine.model.states import Reason
from engine.steps.blocking import WorkStoppedError
from engine.steps.rows import column_names, size_of
from engine.steps.sql_guard import READ_ONLY, Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.steps.blocking import Stopper
    from engine.steps.rows import SqlValue

_BUSY_SEC = 0.2
"""How long SQLite itself waits for a lock; interrupt() does not break that wait, so it is short and repeated here."""
_PROGRESS_STEPS = 20_000
_FETCH_ROWS = 200
_MAX_VALUE_BYTES = 64 << 20


class QueryError(Exception):
    """The query failed; the text is a sentence for a person."""

    def __init__(self, message: str, reason: Reason = Reason.QUERY_FAILED) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """A query with its values, ready to run. `database` is a full path; rows beyond either limit are an error."""

    database: Path
    query: str
    binds: Mapping[str, SqlValue]
    read_only: bool
    max_rows: int
    max_bytes: int


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What came back. `changed` counts rows that were written, None for a query that writes none."""

    columns: list[str] = field(default_factory=list)
    rows: list[tuple[SqlValue, ...]] = field(default_factory=list)
    changed: int | None = None


def run_query(request: QueryRequest, stopper: Stopper) -> QueryResult:
    """Run the query in this thread. Raises QueryError, and WorkStoppedError if it was told to stop and has changed nothing."""
    try:
        return _Running(request, stopper).run()
    except (QueryError, WorkStoppedError):
        raise
    except Exception as error:  # whatever it is, it is a defect of ours, and its step reports it
        raise QueryError(f"the query broke off with {type(error).__name__}: {error}", Reason.INTERNAL) from error


class _Running:
    """A query that is being run, on a connection of its own."""

    def __init__(self, request: QueryRequest, stopper: Stopper) -> None:
        self._request = request
        self._stopper = stopper

    def run(self) -> QueryResult:
        guard = Guard(read_only=self._request.read_only)
        connection = self._open()
        try:
            # Not the commit: it is not broken off any more, and it closes the connection.
            with self._stopper.interrupting(connection.interrupt):
                result = self._query(connection, guard)
            with self._stopper.commit():
                self._patiently(lambda: connection.execute("COMMIT"))
                # Until it is closed its locks and files are there, so its end is waited for as well.
                _close(connection)
        except sqlite3.Error as error:
            self._stopper.check()
            raise QueryError(guard.refused or _words(error, self._request)) from None
        except sqlite3.Warning:
            raise QueryError("a step runs one statement; make each further one a step of its own") from None
        except (OverflowError, UnicodeEncodeError):
            raise QueryError("a bind value is too large, or is text that cannot be stored") from None
        finally:
            _close(connection)
        return result

    def _open(self) -> sqlite3.Connection:
        path = self._request.database
        _check_file(path, read_only=self._request.read_only)
        mode = "ro" if self._request.read_only else "rw"
        try:
            return sqlite3.connect(
                f"file:{quote(os.fsencode(path))}?mode={mode}",
                uri=True,
                timeout=_BUSY_SEC,
                isolation_level=None,
                check_same_thread=False,  # closed here, interrupted from the loop's thread
            )
        except (sqlite3.Error, ValueError) as error:
            raise QueryError(f"the database {path} cannot be opened: {error}") from None

    def _query(self, connection: sqlite3.Connection, guard: Guard) -> QueryResult:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE_BYTES)
        connection.set_progress_handler(lambda: self._stopper.is_asked, _PROGRESS_STEPS)
        connection.text_factory = _text
        # All or nothing: a step that is stopped, or has too many rows, has changed nothing.
        self._patiently(lambda: connection.execute("BEGIN" if self._request.read_only else "BEGIN IMMEDIATE"))
        connection.set_authorizer(guard)
        cursor = self._patiently(lambda: connection.execute(self._request.query, self._request.binds))
        columns = column_names([entry[0] for entry in cursor.description or ()])
        rows = self._fetch(cursor)
        result = QueryResult(columns, rows, cursor.rowcount if cursor.rowcount >= 0 else None)
        cursor.close()
        connection.set_authorizer(None)
        return result

    def _fetch(self, cursor: sqlite3.Cursor) -> list[tuple[SqlValue, ...]]:
        rows: list[tuple[SqlValue, ...]] = []
        size = 0
        names = sum(len(entry[0]) + 4 for entry in cursor.description or ())
        while page := cursor.fetchmany(min(_FETCH_ROWS, self._request.max_rows + 1)):
            size += sum(size_of(row) + names for row in page)
            rows += page
            if len(rows) > self._request.max_rows:
                raise QueryError(
                    f"the query has more than {self._request.max_rows} rows; ask for fewer, for instance with LIMIT",
                    Reason.OUTPUT_TOO_LARGE,
                )
            if size > self._request.max_bytes:
                raise QueryError(
                    f"the rows come to more than {self._request.max_bytes} bytes; ask for fewer columns or rows, "
                    "for instance with LIMIT, or raise max_output_bytes",
                    Reason.OUTPUT_TOO_LARGE,
                )
        return rows

    def _patiently(self, statement: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
        while True:
            try:
                return statement()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                    raise
                self._stopper.check()


def _close(connection: sqlite3.Connection) -> None:
    """Close it, if it is not closed already. What was committed stays so, whatever closing says."""
    with contextlib.suppress(sqlite3.Error):
        connection.close()


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _check_file(path: Path, *, read_only: bool) -> None:
    """Say in plain words what SQLite would only call "unable to open database file". Opens nothing."""
    try:
        is_folder = path.is_dir()
        exists = path.exists()
    except (OSError, ValueError) as error:
        raise QueryError(f"the path of the database cannot be used: {error}") from None
    if not exists:
        raise QueryError(
            f"there is no database {path}; a relative path is looked up in the folder of the plan, "
            "and a step does not create databases"
        )
    if is_folder:
        raise QueryError(f"{path} is a folder; name the database file in it")
    if not os.access(path, os.R_OK if read_only else os.R_OK | os.W_OK):
        raise QueryError(f"this user may not {'read' if read_only else 'write'} {path}; change its permissions")


def _words(error: sqlite3.Error, request: QueryRequest) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    match code:
        case sqlite3.SQLITE_NOTADB:
            return f"{request.database} is no SQLite database"
        case sqlite3.SQLITE_CORRUPT:
            return f"{request.database} is damaged: {error}"
        case sqlite3.SQLITE_CANTOPEN:
            return (
                f"{request.database} cannot be opened, though it is there: {error}; its folder may have to be writable"
            )
        case sqlite3.SQLITE_READONLY if request.read_only:
            return READ_ONLY
        case sqlite3.SQLITE_READONLY:
            return f"{request.database} cannot be written: {error}"
        case sqlite3.SQLITE_TOOBIG:
            return f"a value is larger than {_MAX_VALUE_BYTES >> 20} MiB"
        case _ if isinstance(error, sqlite3.ProgrammingError) and "one statement" in str(error):
            return "a step runs one statement; make each further one a step of its own"
        case _:
            return f"the query failed: {error}"

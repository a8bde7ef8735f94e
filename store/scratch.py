"""A private database with our tables, in which events are replayed: to try a document, and to compare or rebuild projections.

It is SQLite's own temporary database: in memory while it is small, then in a file without a name. Nobody else can see it.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from engine.model.event import Event
from store.blobs import uses
from store.projection import Recorded, project
from store.queries.query import json_object
from store.schema import SCHEMA_VERSION, migrations
from store.statements import Statements, execute_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from store.rows import EventRow

_AT_ONCE: Final = 500


@contextmanager
def scratch_database(version: int = SCHEMA_VERSION) -> Iterator[sqlite3.Connection]:
    """An empty database with every table and check of ours, of that schema; gone when the block ends."""
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript("\n".join(sql for _, sql in migrations(up_to=version)))
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN")
        yield connection
    finally:
        connection.close()


class Replay:
    """Makes the projections of events in a database whose projected tables are empty. Flush when all have been added."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._statements = Statements()
        self._waiting = 0

    def add(self, recorded: Recorded) -> None:
        """Take the next event, in the order of the file."""
        project(self._statements, recorded)
        self._waiting += 1
        if self._waiting >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what has been added."""
        if not self._waiting:
            return
        for sql, rows in self._statements.groups():
            execute_rows(self._connection, sql, rows)
        self._statements = Statements()
        self._waiting = 0


def recorded(row: EventRow) -> Recorded:
    """A stored event as the projection takes it. Raises DamagedDatabaseError if its data are no object."""
    event = Event(
        kind=row.kind,
        at_us=row.at_us,
        pass_index=row.pass_index,
        stage=row.stage,
        step_id=row.step_id,
        item_index=row.item_index,
        attempt=row.attempt,
        actor=row.actor,
    )
    data = json_object(row.data)
    size = len(row.data) + sum(uses(data).values())
    return Recorded(row.event_no, row.run_id, row.seq, bytes.fromhex(row.hash), event, data, size)


def columns_of(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    """The columns of one of our tables, in order."""
    return tuple(str(name) for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,)))

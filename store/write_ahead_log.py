"""SQLite's log beside the file, kept from growing without end. Its content is never touched here: SQLite moves it into the file."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from store.database import WAL_LIMIT_BYTES

if TYPE_CHECKING:
    from pathlib import Path


class WriteAheadLog:
    """The log as seen by one writing connection. The write lock must be held by whoever calls.

    A checkpoint that fails loses nothing: what was acknowledged is in the log, and the next who opens the file finds it.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._limit = WAL_LIMIT_BYTES

    @property
    def is_large(self) -> bool:
        """True when it is time to empty it."""
        return self._size() > self._limit

    def empty(self) -> bool:
        """Move it into the file and cut it short; False if that made no room. Where a reader is in the way, it stays."""
        before = self._size()
        with suppress(sqlite3.Error):
            ((busy, _, _),) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._limit = (self._size() if busy else 0) + WAL_LIMIT_BYTES
        return self._size() < before

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

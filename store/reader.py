"""Reads the file without ever holding it: one bounded query at a time, exhausted and closed. What can be asked is in store.queries.

For plain code, and quick to import; the same for the event loop is in store.async_reader.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Self, TypeVar

from engine.errors import StoreError
from store.database import connect_to_read, real_path, require_local_file, translate
from store.queries.query import json_object

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from engine.model.json import Json, JsonObject
    from store.queries import Query
    from store.queries.query import Parameter

T = TypeVar("T")


class Reader:
    """A read-only connection for plain code. Use `Reader.open`, and `with`.

    `is_live` is False where SQLite could not follow the file (a full disk, a read-only place): it shows what the file
    held when it was opened.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, *, is_live: bool) -> None:
        self._connection = connection
        self.path = path
        self.is_live = is_live

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file at `path`. Raises NoDatabaseError if there is none yet, another StoreError if it cannot be read."""
        database = real_path(path)
        require_local_file(database)
        connection, live = connect_to_read(database)
        return cls(connection, database, is_live=live)

    def run(self, query: Query[T]) -> T:
        """The answer to a query. Raises StoreError."""
        rows = self._rows(query.sql, query.parameters)
        if query.fills:
            from store import blobs

            digests = blobs.wanted(rows, query.fills)
            if digests:
                rows = blobs.filled(rows, query.fills, self._contents(digests))
        return answer(query, rows, self.path)

    def whole(self, text: str) -> JsonObject:
        """The stored data of an event, parsed, with the values that are kept apart in their places. Raises StoreError."""
        from store import blobs

        if not blobs.has_heads(text):
            return json_object(text)
        return blobs.put_back(text, self._contents(blobs.digests(text)))

    def _contents(self, digests: Iterable[str]) -> dict[str, Json]:
        from store import blobs

        contents: dict[str, Json] = {}
        for digest in digests:
            stored = self._rows(blobs.STORED, (digest,))
            if not stored:
                raise blobs.missing(digest)
            contents[digest] = blobs.value_of(digest, *stored[0])
        return contents

    def _rows(self, sql: str, parameters: tuple[Parameter, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise translate(error, self.path, "read the file") from error

    def data_version(self) -> int:
        """Changes whenever another connection has committed something. Costs microseconds. Raises StoreError."""
        try:
            ((version,),) = self._connection.execute("PRAGMA data_version").fetchall()
        except sqlite3.Error as error:
            raise translate(error, self.path, "read the file") from error
        return int(version)

    def close(self) -> None:
        """Done with it."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def answer(query: Query[T], rows: list[tuple[object, ...]], path: Path) -> T:
    """What the rows of a query say. Raises StoreError with the file's place."""
    try:
        return query.read(rows)
    except StoreError as error:
        error.place = error.place or str(path)
        raise

"""Reads the file from the event loop: what store.reader does, one hop to a thread a query."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

import aiosqlite

from store.database import BUSY_TIMEOUT_SEC, readable_uri, real_path, require_local_file, translate
from store.reader import answer

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from store.queries import Query
    from store.queries.query import Parameter

T = TypeVar("T")


class AsyncReader:
    """A read-only connection for the event loop: each query is one hop to the connection's own thread. Use `async with`, always.

    A query that is cancelled runs to its end in that thread and leaves nothing open.
    """

    def __init__(self, connection: aiosqlite.Connection, path: Path, *, is_live: bool) -> None:
        self._connection = connection
        self.path = path
        self.is_live = is_live

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the file at `path`. Raises NoDatabaseError if there is none yet, another StoreError if it cannot be read."""
        database, uri, live = await asyncio.to_thread(_locate, path)
        connection = aiosqlite.connect(uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_SEC)
        connecting = asyncio.ensure_future(_connected(connection))
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            # Its thread cannot be stopped, and would answer an event loop that has gone by then.
            with suppress(sqlite3.Error):
                await connecting
                await connection.close()
            raise
        except sqlite3.Error as error:
            raise translate(error, database, "read the file") from error
        return cls(connection, database, is_live=live)

    async def run(self, query: Query[T], *, most_bytes: int | None = None) -> T:
        """The answer to a query. Raises StoreError.

        Values of more than `most_bytes` are left where they are; a `blobs.Kept` stands for each of them.
        """
        rows = await self._rows(query.sql, query.parameters)
        if query.fills:
            rows = await self._filled(rows, query.fills, most_bytes)
        return answer(query, rows, self.path)

    async def _filled(
        self, rows: list[tuple[Any, ...]], fills: tuple[int, ...], most_bytes: int | None
    ) -> list[tuple[Any, ...]]:
        from store import blobs  # a list of runs has none of them

        digests = blobs.wanted(rows, fills)
        if not digests:
            return rows
        contents: dict[str, Any] = {}
        if most_bytes is not None:
            contents.update(blobs.left_apart(rows, fills, most_bytes))
        for digest in digests - contents.keys():
            stored = await self._rows(blobs.STORED, (digest,))
            if not stored:
                raise blobs.missing(digest)
            contents[digest] = await asyncio.to_thread(blobs.value_of, digest, *stored[0])
        return blobs.filled(rows, fills, contents)

    async def json_text(self, digest: str) -> bytes:
        """The JSON text of a value that is kept apart. Raises StoreError."""
        from store import blobs

        stored = await self._rows(blobs.STORED, (digest,))
        if not stored:
            raise blobs.missing(digest)
        return await asyncio.to_thread(blobs.json_of, digest, *stored[0])

    async def _rows(self, sql: str, parameters: tuple[Parameter, ...]) -> list[tuple[Any, ...]]:
        try:
            return [tuple(row) for row in await self._connection.execute_fetchall(sql, parameters)]
        except sqlite3.Error as error:
            raise translate(error, self.path, "read the file") from error

    async def data_version(self) -> int:
        """Changes whenever another connection has committed something. Raises StoreError."""
        try:
            ((version,),) = await self._connection.execute_fetchall("PRAGMA data_version")
        except sqlite3.Error as error:
            raise translate(error, self.path, "read the file") from error
        return int(version)

    async def close(self) -> None:
        """Done with it. A connection that is left open keeps the interpreter from exiting."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def _connected(connection: aiosqlite.Connection) -> None:
    await connection


def _locate(path: Path) -> tuple[Path, str, bool]:
    database = real_path(path)
    require_local_file(database)
    return (database, *readable_uri(database))

"""The one thread of a process that writes: it waits for the file's write lock in the kernel, commits what waits, and says so.

No asyncio here; what a call of the sink is to the event loop lives in store.writer.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.errors import StoreError
from store.batch import BatchWriter, Entry
from store.database import (
    WAL_LIMIT_BYTES,
    connect_to_write,
    create,
    primary_code,
    require_usable,
    translate,
    translate_os,
)
from store.engine_lock import EngineLock
from store.errors import BusyDatabaseError, DiskFullError, WriterBrokenError, WriterClosedError
from store.filesystem import require_local
from store.location import Neighbours
from store.write_lock import WriteLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MOST_EVENTS: Final = 500
"""Events in one transaction, unless a single call brings more."""

_BUSY_PATIENCE_SEC: Final = 30.0
_IOERR_SHMSIZE: Final = sqlite3.SQLITE_IOERR | (19 << 8)  # no room for the shared memory: a full disk by another name

Settled: TypeAlias = "list[tuple[Entry, StoreError | None]]"


class WriterThread(threading.Thread):
    """Owns the connection, the write lock and the engine's own lock for as long as it runs.

    A daemon: it may be blocked in the kernel while another process holds the lock, and must not keep this one alive.
    Called in this thread: `ready` once, with None or the reason why the file cannot be written; `settled` once a batch;
    `ended` last.
    """

    def __init__(
        self,
        path: Path,
        engine_id: str,
        *,
        ready: Callable[[StoreError | None], None],
        settled: Callable[[Settled], None],
        ended: Callable[[], None],
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(name=f"opscope-writer-{engine_id[:8]}", daemon=True)
        self._path = path
        self._neighbours = Neighbours.of(path)
        self._engine_id = engine_id
        self._ready = ready
        self._settled = settled
        self._ended = ended
        self._monotonic = monotonic
        self._queue: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._claim = threading.Lock()
        self._lock: WriteLock | None = None
        self._engine_lock: EngineLock | None = None
        self._connection: sqlite3.Connection | None = None
        self._broken: StoreError | None = None
        self._in_hand: list[Entry] = []
        self._is_finishing = False
        self._is_abandoned = False
        self._checkpoint_above = WAL_LIMIT_BYTES
        self.waiting_since: float | None = None
        """The monotonic clock since when it waits for the write lock, None while it does not."""

    def put(self, entry: Entry) -> None:
        """Have an entry written; they are written in the order of these calls."""
        self._queue.put(entry)

    def finish(self) -> None:
        """Write what waits, checkpoint, close, end."""
        self._queue.put(None)

    def abandon(self) -> None:
        """Nobody waits for this thread any more: should it ever get the lock, it leaves without writing."""
        self._is_abandoned = True
        self._queue.put(None)

    def withdraw(self, entry: Entry) -> bool:
        """True if the entry will never be written; False if it is too late to say so."""
        with self._claim:
            entry.withdrawn = not entry.claimed
            return entry.withdrawn

    def holder(self) -> int | None:
        """The pid of who holds the write lock, 0 if it cannot be named from here, None if nobody does."""
        return self._lock.holder() if self._lock is not None else None

    def run(self) -> None:
        """The life of the thread: open, write until told to finish, close."""
        try:
            try:
                self._open()
            except StoreError as error:
                self._ready(error)
                return
            self._ready(None)
            self._write_until_finished()
        finally:
            try:
                self._close()
            finally:
                self._answer_the_rest()
                self._ended()

    # Opening and closing

    def _open(self) -> None:
        database = self._neighbours.database
        exists = require_usable(self._path)
        try:
            if not exists:
                database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                require_local(database.parent, database)
            self._lock = WriteLock(self._neighbours.write_lock)
            self._neighbours.folder.mkdir(mode=0o700, exist_ok=True)
            with self._held():
                if self._is_abandoned:
                    raise WriterClosedError("the writer has been closed", place=str(database))
                if not exists and not require_usable(database):
                    create(self._neighbours)
                self._connection = connect_to_write(database)
                self._connection.execute(
                    "BEGIN IMMEDIATE"
                )  # says here, not at the first event, that it cannot be written
                self._connection.execute("ROLLBACK")
            self._engine_lock = EngineLock(self._neighbours, self._engine_id)
        except OSError as error:
            raise translate_os(error, database, "write there") from error
        except sqlite3.Error as error:
            raise translate(error, database, "write to the file") from error

    def _close(self) -> None:
        if self._connection is not None and not self._is_abandoned:
            with self._held():
                # An error here loses nothing: what was acknowledged is in the log, and the next who opens it finds it.
                with suppress(sqlite3.Error):
                    self._checkpoint()
                with suppress(sqlite3.Error):
                    self._connection.close()
        if self._engine_lock is not None:
            self._engine_lock.close()
        if self._lock is not None:
            self._lock.close()

    @contextmanager
    def _held(self) -> Iterator[None]:
        assert self._lock is not None
        self.waiting_since = self._monotonic()
        try:
            with self._lock.held():
                self.waiting_since = None
                yield
        finally:
            self.waiting_since = None

    # Writing

    def _write_until_finished(self) -> None:
        assert self._connection is not None
        writer = BatchWriter(self._connection, self._engine_id, self._neighbours.database)
        while not self._is_finishing:
            first = self._queue.get()
            if first is None:
                return
            if self._broken is not None:
                self._settled([(first, self._broken)])
                continue
            self._in_hand = [first]
            with self._held():
                if self._is_abandoned:
                    return
                self._in_hand = self._drain(first)
                if self._in_hand:
                    self._write(writer, self._in_hand)
            self._in_hand = []

    def _drain(self, first: Entry) -> list[Entry]:
        """What waits by now, with `first` at its head: a batch grows by itself while the lock or the disk is slow."""
        batch: list[Entry] = []
        events = 0
        entry: Entry | None = first
        with self._claim:
            while entry is not None:
                if not entry.withdrawn:
                    entry.claimed = True
                    batch.append(entry)
                    events += len(entry.events) + len(entry.logs)
                if events >= MOST_EVENTS or self._queue.empty():
                    return batch
                entry = self._queue.get_nowait()
        self._is_finishing = True
        return batch

    def _write(self, writer: BatchWriter, batch: list[Entry]) -> None:
        give_up_at = self._monotonic() + _BUSY_PATIENCE_SEC
        while batch:
            before = writer.last_event_no
            outcome = writer.write(batch)
            if writer.last_event_no != before and self._engine_lock is not None:
                self._engine_lock.record(writer.last_event_no, writer.last_hash.hex())
            unwritten = set(outcome.unwritten)
            self._settled([(entry, outcome.refused.get(entry)) for entry in batch if entry not in unwritten])
            batch = outcome.unwritten
            if outcome.cause is None:
                break
            if primary_code(outcome.cause) == sqlite3.SQLITE_BUSY and self._monotonic() < give_up_at:
                continue  # another program, not one of ours; SQLite has waited a second already
            error = self._verdict(outcome.cause)
            self._settled([(entry, error) for entry in batch])
            return
        self._checkpoint_if_large()

    def _verdict(self, error: sqlite3.Error) -> StoreError:
        """What callers are told of a batch that could not be written; after some errors nothing is written any more."""
        database = self._neighbours.database
        translated = translate(error, database, "write to the file")
        if isinstance(translated, DiskFullError | BusyDatabaseError):
            return translated  # the batch is as it was, so it can be tried again when there is room
        if error.sqlite_errorcode == _IOERR_SHMSIZE:
            return DiskFullError("the disk is full", place=str(database), hint="make room, then try again")
        self._broken = WriterBrokenError(
            f"the disk failed while writing, so nothing more is acknowledged: {error}",
            place=str(database),
            hint="check the disk and the system's log; what was acknowledged before is not in doubt",
        )
        return self._broken

    def _checkpoint_if_large(self) -> None:
        try:
            size = self._neighbours.wal.stat().st_size
        except OSError:
            return
        if size > self._checkpoint_above:
            with suppress(sqlite3.Error):  # it is tried again when the log has grown further
                self._checkpoint()

    def _checkpoint(self) -> None:
        """Move the log into the file and empty it. Where a reader is in the way it stays, and is tried again later."""
        assert self._connection is not None
        ((busy, _, _),) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        size = self._neighbours.wal.stat().st_size if busy else 0
        self._checkpoint_above = size + WAL_LIMIT_BYTES

    def _answer_the_rest(self) -> None:
        """Whatever ended the thread, nobody may be left waiting."""
        error = self._broken or WriterClosedError("the writer has been closed", place=str(self._neighbours.database))
        left: Settled = [(entry, error) for entry in self._in_hand]
        while not self._queue.empty():
            entry = self._queue.get_nowait()
            if entry is not None:
                left.append((entry, error))
        if left:
            self._settled(left)

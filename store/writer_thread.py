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
    connect_to_write,
    create,
    damaged,
    primary_code,
    require_usable,
    translate,
    translate_os,
)
from store.engine_lock import EngineLock
from store.errors import BusyDatabaseError, DiskFullError, WriterBrokenError, WriterClosedError
from store.filesystem import require_local
from store.location import Neighbours
from store.reserve import Reserve
from store.storage_pause import RETRY_EVERY_SEC, StoragePause, StorageState
from store.write_ahead_log import WriteAheadLog
from store.write_lock import WriteLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MOST_EVENTS: Final = 500
"""Events in one transaction, unless a single call brings more."""

_BUSY_PATIENCE_SEC: Final = 30.0

Settled: TypeAlias = "list[tuple[Entry, StoreError | None]]"


class WriterThread(threading.Thread):
    """Owns the connection, the write lock and the engine's own lock for as long as it runs.

    A daemon: it may be blocked in the kernel while another process holds the lock, and must not keep this one alive.
    Called in this thread: `ready` once, with None or the reason why the file cannot be written; `settled` at least once a
    batch; `storage_changed` when the disk is full and when it is not any more; `told` with what a person should know of the
    file; `ended` last.

    On a full disk, entries that are patient stay in hand and are tried again until there is room.
    """

    def __init__(
        self,
        path: Path,
        engine_id: str,
        *,
        ready: Callable[[StoreError | None], None],
        settled: Callable[[Settled], None],
        storage_changed: Callable[[StorageState], None],
        told: Callable[[str], None],
        ended: Callable[[], None],
        monotonic: Callable[[], float],
        now_us: Callable[[], int],
        alive_to_the_end: bool,
    ) -> None:
        super().__init__(name=f"opscope-writer-{engine_id[:8]}", daemon=True)
        self._path = path
        self._neighbours = Neighbours.of(path)
        self._engine_id = engine_id
        self._ready = ready
        self._settled = settled
        self._storage_changed = storage_changed
        self._told = told
        self._ended = ended
        self._monotonic = monotonic
        self._now_us = now_us
        self._alive_to_the_end = alive_to_the_end
        self._queue: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._claim = threading.Lock()
        self._lock: WriteLock | None = None
        self._engine_lock: EngineLock | None = None
        self._connection: sqlite3.Connection | None = None
        self._broken: StoreError | None = None
        self._in_hand: list[Entry] = []
        self._is_finishing = False
        self._is_abandoned = False
        self.waiting_since: float | None = None
        """The monotonic clock since when it waits for the write lock, None while it does not."""
        self.storage_state = StorageState.OK

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
                self._connection = connect_to_write(database, tell=self._told)
                self._connection.execute(
                    "BEGIN IMMEDIATE"
                )  # says here, not at the first event, that it cannot be written
                self._connection.execute("ROLLBACK")
                Reserve(self._neighbours).keep()
                # Before the lock is let go: whoever holds it next and changes the schema has to see this engine alive.
                self._engine_lock = EngineLock(self._neighbours, self._engine_id)
        except OSError as error:
            raise translate_os(error, database, "write there") from error
        except sqlite3.Error as error:
            raise translate(error, database, "write to the file") from error

    def _close(self) -> None:
        if self._connection is not None and not self._is_abandoned:
            with self._held():
                if self._broken is None:
                    WriteAheadLog(self._connection, self._neighbours.wal).empty()
                with suppress(sqlite3.Error):
                    self._connection.close()
        if self._engine_lock is not None and not self._alive_to_the_end:
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
        self._writer = BatchWriter(self._connection, self._engine_id, self._neighbours.database)
        self._log = WriteAheadLog(self._connection, self._neighbours.wal)
        self._pause = StoragePause(self._writer, Reserve(self._neighbours), self._now_us)
        while not self._is_finishing:
            if not self._await_work():
                return
            if self._broken is not None:
                self._drain()
                self._answer(self._in_hand, self._broken)
                self._in_hand = []
                continue
            with self._held():
                if self._is_abandoned:
                    return
                self._drain()
                self._in_hand = self._write(self._in_hand)
            self._say_storage()

    def _await_work(self) -> bool:
        """Wait until there is something to write, or until it is time to see whether there is room; False to end."""
        if not self._in_hand:
            first = self._queue.get()
            if first is None:
                return False
            self._in_hand = [first]
            return True
        retry_at = self._monotonic() + RETRY_EVERY_SEC
        while (left := retry_at - self._monotonic()) > 0:
            try:
                entry = self._queue.get(timeout=left)
            except queue.Empty:
                break
            if entry is None:
                self._is_finishing = True  # one last attempt
                break
            if self._claim_entry(entry):
                self._in_hand.append(entry)
        return not self._is_abandoned

    def _drain(self) -> None:
        """Take in hand what waits by now: a batch grows by itself while the lock or the disk is slow."""
        batch: list[Entry] = []
        events = 0
        for entry in self._in_hand:
            if self._claim_entry(entry):
                batch.append(entry)
                events += len(entry.events) + len(entry.logs)
        while events < MOST_EVENTS and not self._queue.empty():
            waiting = self._queue.get_nowait()
            if waiting is None:
                self._is_finishing = True
                break
            if self._claim_entry(waiting):
                batch.append(waiting)
                events += len(waiting.events) + len(waiting.logs)
        self._in_hand = batch

    def _claim_entry(self, entry: Entry) -> bool:
        with self._claim:
            entry.claimed = not entry.withdrawn
            return entry.claimed

    def _write(self, batch: list[Entry]) -> list[Entry]:
        """Write a batch and answer for it. What comes back is not answered for: it waits for room."""
        if not self._pause.is_on:
            left, error = self._commit(batch)
        elif self._pause.may_end():
            closing = self._pause.closing()
            left, error = self._commit([*closing, *batch])
            if error is None or (closing and closing[0] not in left):
                self._pause.end()
            left = [entry for entry in left if entry not in closing]
        else:
            return self._refuse_hurried(batch, self._disk_full())
        if isinstance(error, DiskFullError):
            return self._out_of_room(left, error)
        self._answer(left, error)
        if self._log.is_large:
            Reserve(self._neighbours).keep()  # in case there was no room for it when the file was opened
            self._log.empty()
        return []

    def _out_of_room(self, left: list[Entry], error: StoreError) -> list[Entry]:
        """Refuse what cannot wait, and keep the rest for when there is room. To empty the log makes some, perhaps enough."""
        patient = self._refuse_hurried(left, error)
        if patient and not self._pause.is_on and (self._log.empty() or len(patient) < len(left)):
            patient, again = self._commit(patient)
            if not isinstance(again, DiskFullError):
                self._answer(patient, again)
                return []
        if patient:
            self._pause.begin()
        return patient

    def _refuse_hurried(self, batch: list[Entry], error: StoreError) -> list[Entry]:
        """Answer those that do not wait for room; the others come back."""
        self._answer([entry for entry in batch if not entry.is_patient], error)
        return [entry for entry in batch if entry.is_patient]

    def _answer(self, entries: list[Entry], error: StoreError | None) -> None:
        if entries:
            self._settled([(entry, error) for entry in entries])

    def _commit(self, batch: list[Entry]) -> tuple[list[Entry], StoreError | None]:
        """Write and answer for what could be written or was refused. The rest comes back, with the reason."""
        give_up_at = self._monotonic() + _BUSY_PATIENCE_SEC
        may_repeat = self._pause.is_on
        while True:
            before = self._writer.last_event_no
            outcome = self._writer.write(batch)
            if self._writer.last_event_no != before:
                self._note_last_written()
            unwritten = set(outcome.unwritten)
            if settled := [(entry, outcome.refused.get(entry)) for entry in batch if entry not in unwritten]:
                self._settled(settled)
            batch = outcome.unwritten
            if outcome.cause is None:
                return [], None
            if may_repeat and outcome.cause.sqlite_errorcode == sqlite3.SQLITE_IOERR_WRITE:
                may_repeat = (
                    False  # a quota that still failed this write may have been raised before it was asked about
                )
                continue
            if primary_code(outcome.cause) != sqlite3.SQLITE_BUSY or self._monotonic() >= give_up_at:
                return batch, self._verdict(outcome.cause)
            # Another program, not one of ours; SQLite has waited a second already.

    def _note_last_written(self) -> None:
        if self._engine_lock is not None:
            with suppress(OSError):  # a help to `verify`, and no reason to doubt what has been committed
                self._engine_lock.record(self._writer.last_event_no, self._writer.last_hash.hex())

    def _say_storage(self) -> None:
        if self.storage_state is not self._pause.state:
            self.storage_state = self._pause.state
            self._storage_changed(self.storage_state)

    def _verdict(self, error: sqlite3.Error) -> StoreError:
        """What callers are told of a batch that could not be written; after some errors nothing is written any more."""
        database = self._neighbours.database
        translated = translate(error, database, "write to the file")
        if isinstance(translated, DiskFullError | BusyDatabaseError):
            return translated  # the batch is as it was, so it can be tried again when there is room
        if primary_code(error) == sqlite3.SQLITE_NOTADB:  # it was one when it was opened
            self._broken = damaged("the file was damaged or replaced while it was in use", database)
        elif primary_code(error) == sqlite3.SQLITE_IOERR:
            self._broken = WriterBrokenError(
                f"the disk failed while writing, so nothing more is acknowledged: {error}",
                place=str(database),
                hint="check the disk and the system's log; what was acknowledged before is not in doubt",
            )
        else:
            self._broken = translated
        return self._broken

    def _disk_full(self) -> DiskFullError:
        place = str(self._neighbours.database)
        return DiskFullError("the disk is full", place=place, hint="make room on its file system, then try again")

    def _answer_the_rest(self) -> None:
        """Whatever ended the thread, nobody may be left waiting."""
        place = str(self._neighbours.database)
        error = self._broken or WriterClosedError("the writer has been closed", place=place)
        if self.storage_state is StorageState.PAUSED:
            error = self._disk_full()
        left: Settled = [(entry, error) for entry in self._in_hand]
        while not self._queue.empty():
            entry = self._queue.get_nowait()
            if entry is not None:
                left.append((entry, error))
        if left:
            self._settled(left)

"""One-shot work on the file under its write lock: import, rebuild, prune. What an engine writes all along is store.writer's."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from store.database import connect_to_write, create, require_usable, translate, translate_os
from store.errors import BusyDatabaseError, NoDatabaseError
from store.filesystem import require_local
from store.location import Neighbours
from store.write_lock import WriteLock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

NOTICE_AFTER_SEC: Final = 2.0
GIVE_UP_AFTER_SEC: Final = 30.0


def run_exclusively(
    path: Path,
    work: Callable[[sqlite3.Connection], T],
    *,
    make: bool = False,
    is_examined: bool = False,
    on_wait: Callable[[str], None] | None = None,
    give_up_sec: float = GIVE_UP_AFTER_SEC,
) -> T:
    """Call `work` with a writing connection while no other process and no other thread writes; what it returns comes back.

    `make` creates the file if there is none; without it that is NoDatabaseError. `work` opens and ends its own transactions;
    one that it leaves open is rolled back. `is_examined` says that `work` finds out by itself what is missing in the file.
    `on_wait` is told after two seconds of waiting who holds the file, and when a file of an older schema has been brought to
    this version's.
    Raises BusyDatabaseError when the lock could not be had in `give_up_sec`, another StoreError if the file refuses.
    """
    job = _Job(path, work, make=make, is_examined=is_examined, tell=on_wait)
    job.start()
    if not job.has_lock.wait(min(NOTICE_AFTER_SEC, give_up_sec)):
        if on_wait is not None and give_up_sec > NOTICE_AFTER_SEC:
            on_wait(f"waiting for the file, {job.held_by()}")
        if not job.has_lock.wait(max(0.0, give_up_sec - NOTICE_AFTER_SEC)) and job.withdraw():
            raise BusyDatabaseError(
                f"gave up after {give_up_sec:g} s of waiting for the file, {job.held_by()}",
                place=str(path),
                hint="nothing was changed; try again when that process has ended",
            )
    return job.result()


class _Job(threading.Thread, Generic[T]):
    """A daemon: the wait for the lock is in the kernel and cannot be called off, so it must not keep the process alive."""

    def __init__(
        self,
        path: Path,
        work: Callable[[sqlite3.Connection], T],
        *,
        make: bool,
        is_examined: bool,
        tell: Callable[[str], None] | None,
    ) -> None:
        super().__init__(name="opscope-exclusive", daemon=True)
        self._neighbours = Neighbours.of(path)
        self._work = work
        self._make = make
        self._is_examined = is_examined
        self._tell = tell
        self._claim = threading.Lock()
        self._begun = False
        self._withdrawn = False
        self._lock: WriteLock | None = None
        self._answer: list[T] = []
        self._error: BaseException | None = None
        self.has_lock = threading.Event()

    def withdraw(self) -> bool:
        """True if the work will not be done any more; False if it has begun."""
        with self._claim:
            self._withdrawn = not self._begun
            return self._withdrawn

    def held_by(self) -> str:
        holder = self._lock.holder() if self._lock is not None else None
        match holder:
            case None:
                return "held by nobody now"
            case 0:
                return "held by a process that cannot be seen from here"
            case pid:
                return f"held by pid {pid}"

    def result(self) -> T:
        self.join()
        if self._error is not None:
            raise self._error
        return self._answer[0]

    def run(self) -> None:
        database = self._neighbours.database
        try:
            self._do()
        except OSError as error:
            self._error = translate_os(error, database, "write there")
        except sqlite3.Error as error:
            self._error = translate(error, database, "write to the file")
        except BaseException as error:  # noqa: BLE001  # carried to the thread that waits for it, and raised there
            self._error = error
        finally:
            self.has_lock.set()

    def _do(self) -> None:
        database = self._neighbours.database
        exists = require_usable(database)
        if not exists and not self._make:
            raise NoDatabaseError("there is no file of runs yet", place=str(database), hint="run a plan first")
        if not exists:
            database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            require_local(database.parent, database)
        self._lock = WriteLock(self._neighbours.write_lock)
        try:
            with self._lock.held():
                with self._claim:
                    if self._withdrawn:
                        return
                    self._begun = True
                self.has_lock.set()
                self._neighbours.folder.mkdir(mode=0o700, exist_ok=True)
                if not exists and not require_usable(database):
                    create(self._neighbours)
                self._on_connection(database)
        finally:
            self._lock.close()

    def _on_connection(self, database: Path) -> None:
        connection = connect_to_write(database, is_examined=self._is_examined, tell=self._tell)
        try:
            self._answer.append(self._work(connection))
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            # Under the lock still: the last connection to close moves the log into the file.
            connection.close()


def checkpoint(connection: sqlite3.Connection) -> None:
    """Move the write-ahead log into the file and empty it, as far as readers let it. The write lock must be held."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def stamp() -> str:
    """Now as part of a file's name, to the microsecond: two copies never share one."""
    now = time.time_ns() // 1000
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(now // 1_000_000)) + f".{now % 1_000_000:06d}Z"


def keep_copy(connection: sqlite3.Connection, database: Path, why: str) -> Path:
    """A copy of the whole file beside it, made by SQLite and complete when this returns; `why` is part of its name.

    Raises StoreError. The write lock must be held, so that the copy is of one moment.
    """
    target = database.with_name(f"{database.name}.{why}-{stamp()}")
    try:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise translate_os(error, target, "keep a copy") from error
    try:
        connection.execute("VACUUM INTO ?", (str(target),))
        _sync(target)
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        raise translate(error, target, "keep a copy") from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return target


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

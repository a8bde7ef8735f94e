"""One write at a time: the lock that every write transaction and every checkpoint holds, in any process."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from store.posix_locks import close_lock_file, open_lock_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from store.posix_locks import LockFile


class WriteLock:
    """`<db>.write.lock`. Waiting for it blocks in the kernel, first come first served; nobody polls."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = open_lock_file(path)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the lock and hold it: against other threads by a lock of their own, then against other processes."""
        file = self._take()
        try:
            yield
        finally:
            file.unlock()
            file.turn.release()

    def holder(self) -> int | None:
        """The pid of who holds the lock while we wait, 0 if it cannot be named, None if nobody does."""
        return os.getpid() if self._file.is_held else self._file.other_holder()

    def close(self) -> None:
        """Done with it."""
        close_lock_file(self._file)

    def _take(self) -> LockFile:
        while True:
            file = self._file
            file.turn.acquire()
            try:
                file.lock()
            except BaseException:
                file.turn.release()
                raise
            if os.fstat(file.descriptor).st_nlink:
                return file
            # Somebody removed the file while it was in use: those who come later meet at a new one, so go there.
            file.unlock()
            file.turn.release()
            self._file = open_lock_file(self._path)
            close_lock_file(file)

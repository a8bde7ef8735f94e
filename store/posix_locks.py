"""POSIX record locks, made safe within one process. Which file means what lives in write_lock, engine_lock and liveness.

Such a lock belongs to the process, not to the descriptor: threads do not exclude each other by it, and closing any
descriptor of the file drops it. So each file is opened once a process, found again by device and inode.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

# struct flock on 64-bit Linux: type, whence, (padding), start, length, pid, (padding)
_FLOCK: Final = struct.Struct("hhqqi4x")


@dataclass(slots=True, eq=False)
class LockFile:
    """A lock file, open once in this process. `turn` makes threads of this process take turns before they lock it."""

    path: Path
    descriptor: int
    key: tuple[int, int]
    users: int = 1
    is_held: bool = False
    turn: threading.Lock = field(default_factory=threading.Lock)

    def lock(self) -> None:
        """Take the lock, waiting as long as it takes. `turn` must be held."""
        fcntl.lockf(self.descriptor, fcntl.LOCK_EX)
        self.is_held = True

    def try_lock(self) -> bool:
        """Take the lock if nobody else has it. `turn` must be held."""
        try:
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        self.is_held = True
        return True

    def unlock(self) -> None:
        """Let the next one have it."""
        self.is_held = False
        fcntl.lockf(self.descriptor, fcntl.LOCK_UN)

    def other_holder(self) -> int | None:
        """The pid of another process that holds the lock, 0 if it cannot be named from here, None if there is none."""
        return _holder(self.descriptor)


class _OpenLockFiles:
    """Every lock file that this process has open.

    There is one of these a process, as the kernel keeps one set of such locks a process: that is the fact it mirrors.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._by_key: dict[tuple[int, int], LockFile] = {}

    def open(self, path: Path) -> LockFile:
        with self._mutex:
            known = self._known(path)
            if known is not None:
                known.users += 1
                return known
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            status = os.fstat(descriptor)
            opened = LockFile(path, descriptor, (status.st_dev, status.st_ino))
            # A file that was swapped while it was opened may be one we have: its descriptor must then stay open.
            self._by_key.setdefault(opened.key, opened)
            return opened

    def close(self, lock_file: LockFile) -> None:
        with self._mutex:
            lock_file.users -= 1
            if lock_file.users == 0:
                if self._by_key.get(lock_file.key) is lock_file:
                    del self._by_key[lock_file.key]
                lock_file.is_held = False
                os.close(lock_file.descriptor)

    def holder(self, path: Path) -> int | None:
        with self._mutex:
            known = self._known(path)
            if known is not None:
                return os.getpid() if known.is_held else known.other_holder()
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            try:
                return _holder(descriptor)
            finally:
                os.close(descriptor)

    def forget(self) -> None:
        """After a fork the child holds none of its parent's locks, so it must not believe that it does."""
        self._mutex = threading.Lock()
        self._by_key = {}

    def _known(self, path: Path) -> LockFile | None:
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            return None
        return self._by_key.get((status.st_dev, status.st_ino))


def _holder(descriptor: int) -> int | None:
    asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    return None if kind == fcntl.F_UNLCK else max(0, int(pid))


_open_lock_files: Final = _OpenLockFiles()
os.register_at_fork(after_in_child=_open_lock_files.forget)


def open_lock_file(path: Path) -> LockFile:
    """The lock file at `path`, made (0600) if it is missing; opened at most once in this process. Raises OSError."""
    return _open_lock_files.open(path)


def close_lock_file(lock_file: LockFile) -> None:
    """Give it back; the last one to do so closes it, which lets go of the lock."""
    _open_lock_files.close(lock_file)


def holder_of(path: Path) -> int | None:
    """Who holds the lock on `path`: a pid, 0 if it cannot be named from here, None if nobody does. Takes nothing."""
    return _open_lock_files.holder(path)

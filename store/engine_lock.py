"""The lock file that an engine holds for as long as it lives, and the last thing it is known to have written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import StoreError
from store.posix_locks import close_lock_file, open_lock_file

if TYPE_CHECKING:
    from pathlib import Path

    from store.location import Neighbours

_LENGTH = 20 + 1 + 64 + 1


@dataclass(frozen=True, slots=True)
class LastWritten:
    """The last event that an engine committed: its place in the file, and its hash in hexadecimal."""

    event_no: int
    hash: str


class EngineLock:
    """Held from construction to `close`, or until the process ends however it ends. The file stays until it is pruned.

    What it says of the last commit lies outside the database on purpose: a lost tail of the write-ahead log takes the
    proof of its own existence with it.
    """

    def __init__(self, neighbours: Neighbours, engine_id: str) -> None:
        path = neighbours.engine_lock(engine_id)
        self._file = open_lock_file(path)
        with self._file.turn:
            if self._file.is_held or not self._file.try_lock():
                close_lock_file(self._file)
                raise StoreError(f"engine {engine_id} is running already", place=str(path))
        self.record(0, "0" * 64)  # at its full length, so that later records need no room on a full disk

    def record(self, event_no: int, event_hash: str) -> None:
        """Note what has just been committed. No sync: it has to survive the engine, not the machine."""
        os.pwrite(self._file.descriptor, b"%020d %s\n" % (event_no, event_hash.encode("ascii")), 0)

    def close(self) -> None:
        """The engine has ended."""
        close_lock_file(self._file)


def last_written(path: Path) -> LastWritten | None:
    """What the lock file at `path` says of its engine's last commit, None if it says nothing.

    Only for engines that are not alive in this process: reading opens the file, and closing it would drop their lock.
    """
    try:
        text = path.read_bytes()[:_LENGTH].decode("ascii")
        number, event_hash = text.split()
        return LastWritten(int(number), event_hash) if int(number) else None
    except (OSError, ValueError):
        return None

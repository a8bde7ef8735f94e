"""A megabyte set aside beside the file, given up on a full disk so that there is room to say that it is full."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from store.location import Neighbours

RESERVE_BYTES: Final = 1024 * 1024


class Reserve:
    """The reserve of one file, shared by all who write to it: only whoever holds the write lock may touch it."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._path = neighbours.reserve

    def keep(self) -> bool:
        """Set it aside unless that is done; False if there is no room for it."""
        if self._is_whole():
            return True
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        except OSError:
            self._path.unlink(missing_ok=True)  # a part of it would be in the way of those who have something to write
            return False
        finally:
            os.close(descriptor)
        return True

    def free(self) -> bool:
        """Give it up; False if there was none."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def _is_whole(self) -> bool:
        try:
            status = self._path.lstat()
        except OSError:
            return False
        return status.st_blocks * 512 >= RESERVE_BYTES

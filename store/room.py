"""Whether there is room for a write: on the file system, and within the user's quota on it. What follows from that is not here."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

NO_ROOM: Final = frozenset([errno.ENOSPC, errno.EDQUOT])

_TRIED_BYTES: Final = 64 * 1024


def has_room(folder: Path) -> bool:
    """True if a little can be written to a new file in `folder`, or fails for another reason than want of room.

    SQLite calls a used up quota a failing disk and does not pass on what the system said, so it is asked again.
    """
    place = folder / f".room-{os.urandom(8).hex()}"
    try:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        return error.errno not in NO_ROOM
    try:
        place.unlink()
        return os.pwrite(descriptor, bytes(_TRIED_BYTES), 0) == _TRIED_BYTES
    except OSError as error:
        return error.errno not in NO_ROOM
    finally:
        os.close(descriptor)

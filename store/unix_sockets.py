"""Unix sockets in folders of any length, and who is at the other end. What is said over them lives in store.control."""

from __future__ import annotations

import os
import socket
import stat
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST_ADDRESS: Final = 107
"""Bytes that the kernel takes as the address of a Unix socket."""

BACKLOG: Final = 128

_CREDENTIALS: Final = struct.Struct("3i")
_TIME: Final = struct.Struct("ll")


@dataclass(frozen=True, slots=True)
class Peer:
    """The process at the other end, as the kernel names it: nothing that it says of itself."""

    pid: int
    uid: int


def listen(path: Path) -> socket.socket:
    """A listening socket at `path`, for its owner alone. Something that lies there already is replaced. Raises OSError."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(path) as address:
            listener.bind(address)
        # Nobody can connect before `listen`, so there is no moment in which others could.
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def connect(path: Path, timeout_sec: float) -> socket.socket:
    """A socket that is connected to the one at `path`; BlockingIOError if it is too busy for that. Raises OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Python's own time-out would make it non-blocking, and then a full queue is refused instead of waited for.
        whole = int(timeout_sec)
        patience = _TIME.pack(whole, max(1, int((timeout_sec - whole) * 1_000_000)))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        with _address(path) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def peer_of(connection: socket.socket) -> Peer:
    """Who is at the other end of a connected socket."""
    pid, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return Peer(pid, uid)


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """What the kernel takes as the address of the socket at `path`: a long folder goes by its descriptor."""
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)

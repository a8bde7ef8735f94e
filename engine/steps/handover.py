"""Data to a child process and back, beside its standard streams: a request as a file in memory, a result through a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

_READ_BYTES = 65536
_PIPE_BYTES = 1 << 20
"""What is read at most after the end: more than a pipe holds, and no way to keep an attempt busy for ever."""


@contextlib.contextmanager
def request_file(content: bytes) -> Iterator[int]:
    """A descriptor to read `content` from, which no path leads to. However large, no one waits for it to be read."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("opscope", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


class ResultPipe:
    """A pipe that a child writes its result to. Read while the child runs, kept up to `limit` bytes, never waited for.

    Use it in a `with`. A process that keeps the other end open delays nothing: the end is when the attempt is over.
    """

    def __init__(self, limit: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = limit
        self._content = bytearray()
        self._read_end, self.write_end = os.pipe2(os.O_CLOEXEC)
        self._is_write_end_open = True
        self._is_watched = False
        os.set_blocking(self._read_end, False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_write_end()
        self._unwatch()
        os.close(self._read_end)

    def begin(self) -> None:
        """The child has its end: give up ours, and read."""
        self._close_write_end()
        self._is_watched = True
        self._loop.add_reader(self._read_end, self._readable)

    def taken(self) -> bytes | None:
        """All that was written, now that nobody writes any more; None if it is more than the limit."""
        self._unwatch()
        taken = 0
        while taken < _PIPE_BYTES and (count := self._read()):
            taken += count
        return bytes(self._content) if len(self._content) <= self._limit else None

    def _readable(self) -> None:
        if self._read() == 0:
            self._unwatch()

    def _read(self) -> int | None:
        """How many bytes came; 0 at the end, None if there are none now."""
        try:
            chunk = os.read(self._read_end, _READ_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return 0
        room = self._limit + 1 - len(self._content)
        if room > 0:
            self._content += chunk[:room]
        return len(chunk)

    def _unwatch(self) -> None:
        if self._is_watched:
            self._is_watched = False
            with contextlib.suppress(OSError, RuntimeError):  # the loop may be gone
                self._loop.remove_reader(self._read_end)

    def _close_write_end(self) -> None:
        if self._is_write_end_open:
            self._is_write_end_open = False
            os.close(self.write_end)

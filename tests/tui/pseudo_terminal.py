"""A program in a real pseudo-terminal with a real emulator behind it, for tests. Waits for what is on the screen, never for time."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from typing import TYPE_CHECKING, Self

from tests.tui.emulator import ASKS_FOR_SYNCHRONISED, SYNCHRONISED, Emulator

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

KEYS = {"enter": "\r", "escape": "\x1b", "tab": "\t", "down": "\x1b[B", "up": "\x1b[A", "ctrl+p": "\x10"}


class Terminal:
    """`raw` is everything the program wrote; `text` what a person would see."""

    def __init__(
        self,
        argv: Sequence[str],
        columns: int,
        rows: int,
        environment: Mapping[str, str],
        *,
        deaf_to: Collection[signal.Signals] = (),
    ) -> None:
        """`deaf_to` are signals that never reach the program."""
        self._emulator = Emulator(columns, rows)
        self.raw = bytearray()
        self.status: int | None = None
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            signal.pthread_sigmask(signal.SIG_BLOCK, deaf_to)
            os.execvpe(argv[0], list(argv), dict(environment))
        self.resize(columns, rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.status is None:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self._fd)

    def resize(self, columns: int, rows: int) -> None:
        """The person drags the corner of the window."""
        self._emulator.resize(columns, rows)
        self.tell_size(columns, rows)

    def tell_size(self, columns: int, rows: int) -> None:
        """The same as far as the program can know."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def text(self) -> str:
        """The screen, line by line."""
        return self._emulator.text

    def press(self, *keys: str) -> None:
        """Press keys, by name or as text."""
        for key in keys:
            os.write(self._fd, KEYS.get(key, key).encode())

    def spoil(self, row: int, text: str) -> None:
        """Something else writes to the terminal."""
        self._emulator.overwrite(row, text)

    def read(self) -> None:
        """Take what the program has written so far, if there is anything."""
        self._pump(0)

    def wait_for(self, pattern: str, seconds: float = 30) -> None:
        """Return when the pattern is on the screen."""
        until = time.monotonic() + seconds
        while not re.search(pattern, self.text):
            assert time.monotonic() < until, f"{pattern!r} is not on the screen:\n{self.text}"
            assert self._pump(0.1), f"the program ended before {pattern!r}:\n{self.text}"

    def wait_for_end(self, seconds: float = 30) -> int:
        """Return the exit status when the program has ended."""
        until = time.monotonic() + seconds
        while self._pump(0.1):
            assert time.monotonic() < until, f"the program goes on:\n{self.text}"
        _, status = os.waitpid(self._pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def _pump(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._fd], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # how Linux says that the other end is closed
            return False
        if not data:
            return False
        self.raw += data
        if ASKS_FOR_SYNCHRONISED in data:
            os.write(self._fd, SYNCHRONISED)
        self._emulator.feed(data)
        return True

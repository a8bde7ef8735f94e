"""A program in a pseudo-terminal whose every write is stamped with its time. Emulates afterwards, so that the emulator slows nobody."""

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
from typing import TYPE_CHECKING, Final, Self

from tests.tui.emulator import ASKS_FOR_SYNCHRONISED, SYNCHRONISED, Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

QUIET_SEC: Final = 0.02
"""A pause after which what was written so far is looked at."""
_END_SEC: Final = 10.0


class NeverShownError(Exception):
    """What was waited for did not come; says what is on the screen instead."""


class Watched:
    """Only what is read here moves on: the caller waits with the methods below. Leaving the block ends the program by its id."""

    def __init__(self, argv: Sequence[str], columns: int, rows: int, environment: Mapping[str, str]) -> None:
        self.emulator = Emulator(columns, rows)
        self.written = 0
        """Bytes so far: what a line to a distant terminal has to carry."""
        self._unseen: list[tuple[float, bytes]] = []
        size = struct.pack("HHHH", rows, columns, 0, 0)
        self.began = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            os.execvpe(argv[0], list(argv), dict(environment))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.kill(self.pid, signal.SIGTERM)
        until = time.monotonic() + _END_SEC
        # It may have something to write first, so the terminal is read until its end.
        while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                break
            self._read(0.05)
        os.close(self._fd)

    def shown(self, pattern: str, seconds: float = 30) -> float:
        """When the pattern came onto the screen, by `time.perf_counter`: the moment of the write that completed it."""
        wanted = re.compile(pattern)
        return self.until(lambda emulator: bool(wanted.search(emulator.text)), f"{pattern!r}", seconds)

    def until(self, holds: Callable[[Emulator], bool], what: str, seconds: float = 30) -> float:
        """When the screen was first as it should be."""
        if holds(self.emulator):
            return time.perf_counter()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            is_open = self._read(QUIET_SEC)
            # While it goes on writing, looking would only hold it up.
            while is_open and self._read(QUIET_SEC / 4):
                pass
            while self._unseen:
                at, data = self._unseen.pop(0)
                self.emulator.feed(data)
                if holds(self.emulator):
                    return at
        raise NeverShownError(f"{what} did not come:\n{self.emulator.text}")

    def press(self, key: str) -> float:
        """Press a key; the moment at which it was."""
        now = time.perf_counter()
        os.write(self._fd, key.encode())
        return now

    def settle(self, quiet: float = 0.3, most: float = 5) -> None:
        """Let it finish what it writes."""
        end = time.monotonic() + most
        while self._read(quiet) and time.monotonic() < end:
            pass
        self._look()

    def watch(self, seconds: float) -> tuple[float, float]:
        """Bytes a second, and the share of a core that the program took meanwhile."""
        self._read(0)
        bytes_before, cpu_before, began = self.written, self.cpu_seconds(), time.perf_counter()
        while (left := began + seconds - time.perf_counter()) > 0:
            self._read(left)
        taken = time.perf_counter() - began
        share = (self.cpu_seconds() - cpu_before) / taken
        self._look()
        return (self.written - bytes_before) / taken, share

    def memory_mb(self) -> float:
        """The memory that the program has now."""
        import psutil

        return float(psutil.Process(self.pid).memory_info().rss) / 2**20

    def cpu_seconds(self) -> float:
        """What the program has taken of a core so far."""
        import psutil

        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def _read(self, seconds: float) -> bool:
        """True when something was written within `seconds`."""
        ready, _, _ = select.select([self._fd], [], [], max(0.0, seconds))
        if not ready:
            return False
        try:
            data = os.read(self._fd, 1 << 20)
        except OSError:  # how Linux says that the other end is closed
            return False
        if not data:
            return False
        self._unseen.append((time.perf_counter(), data))
        self.written += len(data)
        if ASKS_FOR_SYNCHRONISED in data:
            os.write(self._fd, SYNCHRONISED)
        return True

    def _look(self) -> None:
        for _, data in self._unseen:
            self.emulator.feed(data)
        self._unseen.clear()

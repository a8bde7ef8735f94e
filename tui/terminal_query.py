"""Asks the terminal what it can do and reads its answers, for a bounded time: one that says nothing keeps nobody waiting."""

from __future__ import annotations

import os
import re
import select
import sys
import termios
import time
import tty
from dataclasses import dataclass
from typing import Final

PATIENCE_SECONDS: Final = 0.5
"""What even a slow line needs; terminals answer within milliseconds."""

# Every terminal answers the last question, which is how one knows that the others will not be answered any more.
# The wide character is written over and wiped at once.
_QUESTIONS: Final = "\x1b[?2026$p\x1b[?1006$p\r日\x1b[6n\r\x1b[K\x1b[c".encode()
_LAST: Final = re.compile(rb"\x1b\[\?[0-9;]*c")
_MODE: Final = re.compile(rb"\x1b\[\?(\d+);(\d)\$y")
_COLUMN: Final = re.compile(rb"\x1b\[\d+;(\d+)R")


@dataclass(frozen=True, slots=True)
class Answers:
    """What the terminal said; None where it said nothing of it. `wide_cells` is the width of a wide character."""

    answered: bool = False
    synchronised: bool | None = None
    mouse: bool | None = None
    wide_cells: int | None = None


def ask_terminal(seconds: float = PATIENCE_SECONDS) -> Answers | None:
    """What the terminal at stdin says; None where there is none that could be asked."""
    try:
        descriptor = os.open(os.ttyname(sys.__stdin__.fileno()), os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)  # type: ignore[union-attr]  # None is caught
    except (OSError, AttributeError, ValueError):
        return None
    try:
        # From the background a question would stop this process instead of being asked.
        if os.tcgetpgrp(descriptor) != os.getpgrp():
            return None
        return read_answers(_exchange(descriptor, seconds))
    except (OSError, termios.error):
        return None
    finally:
        os.close(descriptor)


def _exchange(descriptor: int, seconds: float) -> bytes:
    before = termios.tcgetattr(descriptor)
    answer = b""
    try:
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        # A terminal that reads nothing must not hold us: what it does not take at once is not asked.
        if not select.select([], [descriptor], [], seconds)[1]:
            return b""
        os.write(descriptor, _QUESTIONS)
        until = time.monotonic() + seconds
        while not _LAST.search(answer) and (left := until - time.monotonic()) > 0:
            if select.select([descriptor], [], [], left)[0]:
                answer += os.read(descriptor, 4096)
    finally:
        # What comes too late is thrown away, or the shell would take it for keys.
        termios.tcsetattr(descriptor, termios.TCSAFLUSH if answer else termios.TCSANOW, before)
    return answer


def read_answers(answer: bytes) -> Answers:
    """What the bytes that came back say."""
    modes = {int(mode): int(state) in (1, 2, 3) for mode, state in _MODE.findall(answer)}
    column = _COLUMN.search(answer)
    return Answers(
        answered=bool(_LAST.search(answer) or modes or column),
        synchronised=modes.get(2026),
        mouse=modes.get(1006),
        wide_cells=int(column[1]) - 1 if column else None,
    )

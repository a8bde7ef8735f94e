"""Whether the inspector is at work or at rest: what tests and screenshots wait for, instead of time."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Busy:
    """Counts what is under way. Idle means: everything that was asked for has been read and shown."""

    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def is_idle(self) -> bool:
        """True when nothing is under way."""
        return self._count == 0

    def begin(self) -> None:
        """Something is under way; `end` has to follow once."""
        self._count += 1
        self._idle.clear()

    def end(self) -> None:
        """It is done."""
        self._count -= 1
        if self._count == 0:
            self._idle.set()

    @contextmanager
    def working(self) -> Iterator[None]:
        """`begin` and `end` around a block."""
        self.begin()
        try:
            yield
        finally:
            self.end()

    async def settled(self) -> None:
        """Return when nothing is under way."""
        await self._idle.wait()

    def close(self) -> None:
        """The application has ended: nobody is kept waiting."""
        self._idle.set()

"""One coroutine waits here for any of many things to happen, and timers that are one of them. It knows nothing of processes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Wakeup:
    """A bell that callbacks ring and one coroutine waits for; rung before the wait, the wait does not sleep."""

    __slots__ = ("_loop", "_rung", "_waiter")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._rung = False

    def ring(self) -> None:
        """Wake the one who waits. To be called in the loop's thread."""
        self._rung = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self) -> None:
        """Return once it has been rung since the last wait returned."""
        if not self._rung:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._rung = False


class Timer:
    """Rings a bell when `delay` seconds have passed, and remembers that they have. Use it in a `with`."""

    __slots__ = ("_handle", "_wakeup", "has_passed")

    def __init__(self, wakeup: Wakeup, delay: float) -> None:
        self.has_passed = False
        self._wakeup = wakeup
        self._handle = asyncio.get_running_loop().call_later(max(0.0, delay), self._pass)

    def _pass(self) -> None:
        self.has_passed = True
        self._wakeup.ring()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.cancel()

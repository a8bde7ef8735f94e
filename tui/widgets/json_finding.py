"""Going through a value in a thread, to be stopped: what is found comes in portions. What is looked for is the caller's."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

from engine.collector import collector_paused
from engine.errors import OpscopeError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable

    from tui.viewmodel.json_nodes import Node

    Fetcher = Callable[[Hashable], Awaitable[Node]]

T = TypeVar("T")

_PORTION_SECONDS = 0.1
_POLL_SECONDS = 0.05


class StoppedError(Exception):
    """Nobody wants the answer any more."""


class Telling(Generic[T]):
    """The thread's side: `tell` what was found, or nothing, to be told to stop by StoppedError."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fetcher: Fetcher | None) -> None:
        self.stopped = threading.Event()
        self.portions: asyncio.Queue[list[T] | None] = asyncio.Queue()
        self._loop = loop
        self._fetcher = fetcher
        self._portion: list[T] = []
        self._told_at = 0.0

    def tell(self, *found: T) -> None:
        """Something was found. Raises StoppedError."""
        self._portion += found
        if self.stopped.is_set():
            raise StoppedError
        if time.monotonic() - self._told_at > _PORTION_SECONDS:
            self._send(self._portion)

    def fetch(self, token: Hashable) -> Node:
        """Read what was not read yet. Raises LookupError where that is not possible, StoppedError."""
        if self._fetcher is None:
            raise LookupError(token)
        future = asyncio.run_coroutine_threadsafe(_awaited(self._fetcher(token)), self._loop)
        while True:
            try:
                return future.result(_POLL_SECONDS)
            except OpscopeError as error:
                raise LookupError(str(error)) from error
            except TimeoutError:
                if self.stopped.is_set():
                    future.cancel()
                    raise StoppedError from None

    def end(self) -> None:
        """There is no more."""
        if not self.stopped.is_set():
            self._send(self._portion)
            self._loop.call_soon_threadsafe(self.portions.put_nowait, None)

    def _send(self, portion: list[T]) -> None:
        self._portion, self._told_at = [], time.monotonic()
        self._loop.call_soon_threadsafe(self.portions.put_nowait, portion)


async def _awaited(awaitable: Awaitable[Node]) -> Node:
    return await awaitable


async def portions(job: Callable[[Telling[T]], None], fetcher: Fetcher | None) -> AsyncGenerator[list[T], None]:
    """What a job finds in a thread, as it finds it; an empty portion says that it is at work. Ends with the job, stops it when left."""
    telling: Telling[T] = Telling(asyncio.get_running_loop(), fetcher)

    def work() -> None:
        try:
            with collector_paused():
                job(telling)
        except StoppedError:
            return
        finally:
            telling.end()

    running = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        while (portion := await telling.portions.get()) is not None:
            yield portion
        await running
    finally:
        telling.stopped.set()

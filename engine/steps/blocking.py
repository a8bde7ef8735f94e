"""Work that blocks, in a thread of its own: stopped between its pieces, waited for while it commits. What the work is lives elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Result = TypeVar("Result")


class WorkStoppedError(Exception):
    """The work was told to stop, and did."""


class NoThreadError(Exception):
    """The system has no thread for the work now."""


class Stopper:
    """How the work hears that it is to stop.

    It asks with `check` between its pieces, has a piece that is long broken off with `interrupting`, and wraps what cannot be
    undone in `commit`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_asked = False
        self._is_committing = False
        self._interrupt: Callable[[], None] | None = None

    @property
    def is_asked(self) -> bool:
        """True if the work is to stop."""
        return self._is_asked

    def check(self) -> None:
        """Raises WorkStoppedError if the work is to stop."""
        if self._is_asked:
            raise WorkStoppedError

    @contextlib.contextmanager
    def interrupting(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """What is in here is broken off with `interrupt` when the work is told to stop. Raises WorkStoppedError if it has been.

        `interrupt` is called in the loop's thread, must not block, and is never called after the end of the block.
        """
        with self._lock:
            self.check()
            self._interrupt = interrupt
        try:
            yield
        finally:
            with self._lock:
                self._interrupt = None

    @contextlib.contextmanager
    def commit(self) -> Iterator[None]:
        """What is in here is done whole or not begun. Raises WorkStoppedError if the work is to stop."""
        with self._lock:
            self.check()
            self._is_committing = True
        try:
            yield
        finally:
            with self._lock:
                self._is_committing = False

    def stop(self) -> bool:
        """Ask the work to stop. False if it is committing, so that its end must be waited for."""
        with self._lock:
            self._is_asked = not self._is_committing
            if self._is_asked and self._interrupt is not None:
                self._interrupt()
            return self._is_asked


class BlockingWork(Generic[Result]):
    """One piece of work, seen from the event loop. `grace_sec` is how long a stopped one is waited for."""

    def __init__(self, work: Callable[[Stopper], Result], *, name: str, grace_sec: float) -> None:
        self._work = work
        self._grace_sec = grace_sec
        self._stopper = Stopper()
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._results: list[Result] = []
        self._error: BaseException | None = None
        # A daemon: work that hangs in the system, on a dead network disk for instance, must not keep the program from its end.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    async def run(self, timeout_sec: float | None = None) -> Result:
        """The work's result. Raises what it raises, TimeoutError when the time is over, NoThreadError, CancelledError.

        Work that has been stopped has ended, or, if it does not react within the grace, can commit nothing any more.
        """
        try:
            self._thread.start()
        except RuntimeError:
            raise NoThreadError("the system allows no more threads now; run fewer steps at a time") from None
        try:
            async with asyncio.timeout(timeout_sec):
                await self._ended.wait()
        except TimeoutError:
            if await self._stop():
                raise
        except asyncio.CancelledError:
            await self._stop()
            raise
        self._thread.join()  # its work is done; this only lets it leave
        if self._error is not None:
            raise self._error
        return self._results[0]

    async def _stop(self) -> bool:
        """Stop the work and wait for its end; False if it was past stopping and has a result or an error of its own."""
        is_cancelled = False
        is_stopping = self._stopper.stop()
        deadline = self._loop.time() + self._grace_sec
        while not self._ended.is_set():
            try:
                async with asyncio.timeout_at(deadline if is_stopping else None):
                    await self._ended.wait()
            except TimeoutError:
                break
            except asyncio.CancelledError:
                is_cancelled = True
        if self._ended.is_set():
            self._thread.join()
        if is_cancelled:
            raise asyncio.CancelledError
        return not self._results and (self._error is None or isinstance(self._error, WorkStoppedError))

    def _run(self) -> None:
        try:
            self._results.append(self._work(self._stopper))
        except BaseException as error:  # noqa: BLE001 - a thread has no one above it; it is raised where the work is waited for
            self._error = error
        with contextlib.suppress(RuntimeError):  # the loop may be gone if the work outlived its step
            self._loop.call_soon_threadsafe(self._ended.set)

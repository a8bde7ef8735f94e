"""Moves what a process writes from its pipes to the observer, one delivery at a time. When to stop is the supervisor's to say."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from typing import TYPE_CHECKING

from engine.model.states import Stream

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from engine.ports import AttemptObserver
    from engine.steps.capture import AttemptCapture, LogPiece
    from engine.steps.wakeup import Wakeup

_READ_BYTES = 65536
_READS_A_TURN = 4
"""Reads between two turns of the event loop, so that a flood that is only counted does not hold the others up."""


class _Pipe:
    __slots__ = ("descriptor", "is_readable", "stream")

    def __init__(self, stream: Stream, descriptor: int) -> None:
        self.stream = stream
        self.descriptor = descriptor
        self.is_readable = True


class OutputPump:
    """Reads both pipes and hands on what comes, at the observer's pace: while it is busy, the process waits.

    Calls to the observer run as tasks of their own, so that the cancellation of an attempt does not cut one in half.
    After the observer has failed, or was told to be left alone, output is read and counted but no longer handed on.
    """

    def __init__(
        self, stdout: int, stderr: int, *, capture: AttemptCapture, observer: AttemptObserver, wakeup: Wakeup
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._pipes = [_Pipe(Stream.STDOUT, stdout), _Pipe(Stream.STDERR, stderr)]
        self._capture = capture
        self._observer = observer
        self._wakeup = wakeup
        self._outbox: deque[LogPiece] = deque()
        self._call: asyncio.Task[None] | None = None
        self._is_muted = False
        self.error: BaseException | None = None

    @property
    def has_ended(self) -> bool:
        """True when nobody can write to the pipes any more and all that was written has been read."""
        return not self._pipes

    @property
    def is_idle(self) -> bool:
        """True when the observer knows all that has been read."""
        return self._call is None and not self._outbox

    def announce(self, call: Coroutine[None, None, None]) -> None:
        """Make this call to the observer first; output waits until it has returned."""
        self._start(call)

    def advance(self) -> None:
        """Do all that can be done without waiting. Rings the bell when there will be more to do."""
        for _ in range(_READS_A_TURN):
            if self._call is not None:
                return
            if self._outbox:
                stream, offset, content = self._outbox.popleft()
                self._start(self._observer.output(stream, offset, content))
                return
            pipe = next((pipe for pipe in self._pipes if pipe.is_readable), None)
            if pipe is None:
                return
            self._read(pipe)
            if len(self._pipes) == 2:
                self._pipes.reverse()  # neither stream keeps the other waiting
        self._wakeup.ring()

    def read_rest(self, limit: int) -> None:
        """Read what lies in the pipes now, at most `limit` bytes of each, and close them. For the end, when no one writes."""
        for pipe in list(self._pipes):
            taken = 0
            while taken < limit and pipe in self._pipes:
                count = self._read(pipe)
                if not count:
                    break
                taken += count
            if pipe in self._pipes:
                self._end(pipe)

    def mute(self) -> None:
        """Stop handing output on."""
        self._is_muted = True
        self._outbox.clear()

    def cancel_call(self) -> None:
        """Give the call that is on its way up."""
        self.mute()
        if self._call is not None:
            self._call.cancel()

    def close(self) -> None:
        """Close the pipes without reading on."""
        for pipe in list(self._pipes):
            self._close(pipe)

    def _read(self, pipe: _Pipe) -> int:
        try:
            chunk = os.read(pipe.descriptor, _READ_BYTES)
        except BlockingIOError:
            self._arm(pipe)
            return 0
        except OSError:
            chunk = b""
        if not chunk:
            self._end(pipe)
            return 0
        self._keep(self._capture.feed(pipe.stream, chunk))
        return len(chunk)

    def _end(self, pipe: _Pipe) -> None:
        self._keep(self._capture.finish(pipe.stream))
        self._close(pipe)

    def _keep(self, pieces: list[LogPiece]) -> None:
        if not self._is_muted:
            self._outbox.extend(pieces)

    def _arm(self, pipe: _Pipe) -> None:
        pipe.is_readable = False
        self._loop.add_reader(pipe.descriptor, self._readable, pipe)

    def _readable(self, pipe: _Pipe) -> None:
        self._loop.remove_reader(pipe.descriptor)
        pipe.is_readable = True
        self._wakeup.ring()

    def _close(self, pipe: _Pipe) -> None:
        self._pipes.remove(pipe)
        if not pipe.is_readable:
            self._loop.remove_reader(pipe.descriptor)
        os.close(pipe.descriptor)

    def _start(self, call: Coroutine[None, None, None]) -> None:
        self._call = self._loop.create_task(call)
        self._call.add_done_callback(self._called)

    def _called(self, call: asyncio.Task[None]) -> None:
        self._call = None
        error = asyncio.CancelledError() if call.cancelled() else call.exception()
        if error is not None:
            self.error = self.error or error
            self.mute()
        self._wakeup.ring()

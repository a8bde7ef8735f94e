"""Follows one process from spawn to the end of everything it started: time limit, cancellation, the stop ladder, reaping."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.steps.census import Sought
from engine.steps.processes import (
    ProcessWatch,
    open_pidfd,
    process_identity,
    signal_group,
)
from engine.steps.pump import OutputPump
from engine.steps.wakeup import Timer, Wakeup

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.ports import AttemptObserver, Clock, ProcessIdentity
    from engine.steps.capture import AttemptCapture
    from engine.steps.census import Census
    from engine.steps.spawn import SpawnedProcess

_PIPE_BYTES = 1 << 20
"""What is read at most of each pipe after the end: more than a pipe holds, and no way to keep an attempt busy for ever."""
_POLL_SEC = 0.02
_KILLED_SEC = 0.2
_GONE_POLL_SEC = 0.001


@dataclass(frozen=True, slots=True)
class StopTiming:
    """Seconds: `grace_sec` between TERM and KILL, `drain_sec` for pipes that stay open after the process has ended,
    `kill_sec` for killed processes to be gone."""

    grace_sec: float = 5.0
    drain_sec: float = 0.5
    kill_sec: float = 2.0


@dataclass(frozen=True, slots=True)
class ProcessEnd:
    """How a process ended. `status` is the wait status, None if other code of this program took it or it is not to be had.

    `leftovers` counts the processes that it left behind and that were ended; `survivors` could not be ended.
    """

    status: int | None
    timed_out: bool
    leftovers: int
    survivors: tuple[ProcessIdentity, ...]


class Supervisor:
    """One process and its descendants. A step owns its processes: whatever it leaves behind is ended when it ends."""

    def __init__(
        self,
        process: SpawnedProcess,
        *,
        cookie: str,
        capture: AttemptCapture,
        observer: AttemptObserver,
        timing: StopTiming,
        clock: Clock,
        census: Census,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = process
        self._cookie = cookie
        self._observer = observer
        self._timing = timing
        self._clock = clock
        self._census = census
        self._born = clock.monotonic()
        self._wakeup = Wakeup()
        self._pump = OutputPump(process.stdout, process.stderr, capture=capture, observer=observer, wakeup=self._wakeup)
        self._exit = _ExitWatch(process.pid, self._wakeup.ring)
        self._interrupted = False
        self._is_stopped = False
        self._leftovers = 0
        self._survivors: tuple[ProcessIdentity, ...] = ()

    async def run(self, timeout_sec: float, boot: str) -> ProcessEnd:
        """Follow the process to its end. Raises what the observer raises, and CancelledError, after all has been stopped."""
        try:
            self._pump.announce(self._observer.started(process_identity(self._process.pid, boot=boot)))
            timed_out = await self._follow(timeout_sec)
            if not timed_out:
                await self._end_leftovers(boot)
            await self._stop_unless_ended()
            self._obey_cancellation()
            await self._deliver()
        except GeneratorExit:
            # The loop is gone, so nothing can be awaited: kill, and take the status in the moment that this needs.
            signal_group(self._process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.handle.wait(_KILLED_SEC)
            _wait_for_group_end(self._process.pid)
            self._release()
            raise
        except BaseException:
            await self._stop_unless_ended()
            await self._give_up_delivery()
            self._release()
            raise
        status = self._release()
        return ProcessEnd(status, timed_out, self._leftovers, self._survivors)

    async def _follow(self, timeout_sec: float) -> bool:
        """Wait until the process has ended; True if its time is over first."""
        with Timer(self._wakeup, timeout_sec) as limit:
            while not self._exit.has_exited:
                if limit.has_passed:
                    return True
                self._advance()
                await self._wakeup.wait()
        return False

    async def _end_leftovers(self, boot: str) -> None:
        """Read on while someone holds the pipes, for a moment; then see whether the process left anything behind."""
        with Timer(self._wakeup, self._timing.drain_sec) as limit:
            self._advance()
            while not self._pump.has_ended and not limit.has_passed:
                await self._wakeup.wait()
                self._advance()
        if not boot:
            # A system that cannot be asked which processes there are: its group is all that can be reached.
            signal_group(self._process.pid, signal.SIGKILL)
        self._leftovers = len(await self._members())
        self._is_stopped = not self._leftovers

    async def _deliver(self) -> None:
        """Hand on all that was written. Nobody writes any more, so this ends as soon as the observer has taken it."""
        while True:
            self._advance()
            if not self._pump.is_idle:
                await self._wakeup.wait()
            elif self._pump.has_ended:
                return
            else:
                self._pump.read_rest(_PIPE_BYTES)

    async def _give_up_delivery(self) -> None:
        """After a cancellation or a failing observer: hand on what goes fast, then let the rest go."""
        self._pump.read_rest(_PIPE_BYTES)
        if not await self._until(lambda: self._pump.is_idle, self._timing.drain_sec):
            self._pump.cancel_call()
            await self._until(lambda: self._pump.is_idle, self._timing.drain_sec)

    def _advance(self) -> None:
        self._pump.advance()
        if self._pump.error is not None:
            raise self._pump.error

    def _obey_cancellation(self) -> None:
        if self._interrupted:
            raise asyncio.CancelledError

    async def _stop_unless_ended(self) -> None:
        """The ladder: TERM to all, time to go, KILL to all, and again for those that were just being born."""
        if self._is_stopped:
            return
        self._is_stopped = True
        pid = self._process.pid
        signal_group(pid, signal.SIGTERM)
        signal_group(pid, signal.SIGCONT)  # a stopped process acts on TERM only once it goes on
        members = await self._members()
        with ProcessWatch(members, self._wakeup.ring) as watch:
            watch.signal(signal.SIGTERM)
            watch.signal(signal.SIGCONT)
            await self._until(lambda: self._exit.has_exited and not watch.running, self._timing.grace_sec)
        with Timer(self._wakeup, self._timing.kill_sec) as limit:
            while not limit.has_passed:
                signal_group(pid, signal.SIGKILL)
                members = await self._members()
                if self._exit.has_exited and not members:
                    return
                with ProcessWatch(members, self._wakeup.ring) as watch:
                    watch.signal(signal.SIGKILL)
                    await self._until(
                        lambda: limit.has_passed or (self._exit.has_exited and not watch.running),
                        _POLL_SEC if watch.is_blind else self._timing.kill_sec,
                    )
        self._survivors = tuple(await self._members())

    async def _members(self) -> list[ProcessIdentity]:
        """The processes of the attempt that still run, its leader left out."""
        age_sec = self._clock.monotonic() - self._born
        sought = Sought(self._cookie, self._process.pid, age_sec)
        while True:
            try:
                return await self._census.find(sought)
            except asyncio.CancelledError:
                self._interrupted = True

    async def _until(self, is_done: Callable[[], bool], patience_sec: float) -> bool:
        """Wait, reading on, until `is_done` or the time is over. A cancellation is remembered, not obeyed: this must end."""
        with Timer(self._wakeup, patience_sec) as limit:
            while not is_done():
                if limit.has_passed:
                    return False
                self._pump.advance()
                try:
                    await self._wakeup.wait()
                except asyncio.CancelledError:
                    self._interrupted = True
        return True

    def _release(self) -> int | None:
        self._pump.close()
        return self._exit.reap(self._process)


def _wait_for_group_end(group: int) -> None:
    """Give the others of a killed group, which nobody reaps here, the moment that they need to be gone. Blocks."""
    deadline = time.monotonic() + _KILLED_SEC
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(_GONE_POLL_SEC)


class _ExitWatch:
    """Knows when a child has ended, without waiting for its pipes and without reaping it before it is asked to."""

    def __init__(self, pid: int, ring: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._pid = pid
        self._ring = ring
        self._status: int | None = None
        self._is_reaped = False
        self._poll: asyncio.TimerHandle | None = None
        self._pidfd = open_pidfd(pid)
        self.has_exited = False
        if self._pidfd is None:
            self._look()
        else:
            self._loop.add_reader(self._pidfd, self._exited)

    def reap(self, process: SpawnedProcess) -> int | None:
        """Take the wait status of a child that has ended; one that cannot be killed is taken when it ends."""
        if not self._is_reaped:
            self._wait()
        if self._poll is not None:
            self._poll.cancel()
        if self._is_reaped or self._pidfd is None or self._loop.is_closed():
            self._forget()
        else:
            self._loop.remove_reader(self._pidfd)
            self._loop.add_reader(self._pidfd, self._late)
            self._is_reaped = True  # as far as anybody else is concerned
        if self._is_reaped:
            process.handle.returncode = -1 if self._status is None else os.waitstatus_to_exitcode(self._status)
        return self._status

    def _exited(self) -> None:
        self.has_exited = True
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
        self._ring()

    def _look(self) -> None:
        """Where there are no process descriptors: ask now and then."""
        self._wait()
        if self._is_reaped:
            self._exited()
        else:
            self._poll = self._loop.call_later(_POLL_SEC, self._look)

    def _wait(self) -> None:
        try:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
        except ChildProcessError:
            self._is_reaped = True  # by other code of this program
            return
        if pid:
            self._status = status
            self._is_reaped = True

    def _late(self) -> None:
        self._wait()
        self._forget()

    def _forget(self) -> None:
        if self._pidfd is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

"""Processes beyond doubt: who a pid is, and ending exactly that one. Finding those of an attempt lives in census."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.ports import ProcessIdentity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Self


_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_ENDED_STATES = frozenset("ZXx")
_MAX_WATCHED = 256
"""Processes that are watched by a descriptor at a time; the next scan finds the others."""


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """What `/proc/PID/stat` says and this program asks for. `start_ticks` counts clock ticks since boot.

    `memory` is its address space in bytes, 0 for a thread of the kernel.
    """

    pid: int
    state: str
    session: int
    start_ticks: int
    memory: int

    @property
    def has_ended(self) -> bool:
        """True for a zombie: it runs no more and only waits for its parent."""
        return self.state in _ENDED_STATES


def process_stat(pid: int) -> ProcessStat | None:
    """The state of a process, or None if there is none, or no `/proc`."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        content = os.read(descriptor, 4096)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return _parse_stat(pid, content)


def _parse_stat(pid: int, content: bytes) -> ProcessStat | None:
    # The name in parentheses may itself hold spaces and parentheses, so the fields count from the last one.
    fields = content[content.rfind(b")") + 1 :].split()
    try:
        return ProcessStat(pid, fields[0].decode("ascii"), int(fields[3]), int(fields[19]), int(fields[20]))
    except (IndexError, ValueError):
        return None


def boot_id() -> str:
    """The id of this boot of the machine, or an empty text where the system has none."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def process_identity(pid: int, *, boot: str | None = None) -> ProcessIdentity | None:
    """Who `pid` is now, or None if there is no such process or the system cannot say it beyond doubt."""
    stat = process_stat(pid)
    boot = boot_id() if boot is None else boot
    if stat is None or not boot:
        return None
    return ProcessIdentity(pid, stat.start_ticks, boot)


def is_running(identity: ProcessIdentity) -> bool:
    """True if exactly this process still runs: same start time, same boot, no zombie."""
    stat = process_stat(identity.pid)
    return (
        stat is not None
        and not stat.has_ended
        and stat.start_ticks == identity.start_ticks
        and boot_id() == identity.boot_id
    )


def open_pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends, or None where the system has no such thing."""
    opener: Callable[[int], int] | None = getattr(os, "pidfd_open", None)
    if opener is None:
        return None
    try:
        return opener(pid)
    except OSError:
        return None


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to a process group; one that is gone, or that may not be signalled, is passed over."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


class ProcessWatch:
    """Holds on to processes: signals reach exactly these, never a later owner of a pid, and their end is an event.

    `wake` is called in the loop whenever one of them ends. Close it in any case.
    """

    def __init__(self, identities: Iterable[ProcessIdentity], wake: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._wake = wake
        self._held: dict[int, ProcessIdentity] = {}
        self._blind: list[ProcessIdentity] = []
        for identity in list(identities)[:_MAX_WATCHED]:
            self._hold(identity)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def running(self) -> list[ProcessIdentity]:
        """Those that have not ended yet."""
        return [*self._held.values(), *(identity for identity in self._blind if is_running(identity))]

    @property
    def is_blind(self) -> bool:
        """True if the system gave no descriptor for some of them, so that nobody is called when those end."""
        return bool(self._blind)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to each of them; one that may not be signalled is passed over."""
        for descriptor in list(self._held):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(descriptor, number)
        for identity in self._blind:
            if is_running(identity):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(identity.pid, number)

    def close(self) -> None:
        """Let go of all of them."""
        for descriptor in list(self._held):
            self._drop(descriptor)

    def _hold(self, identity: ProcessIdentity) -> None:
        descriptor = open_pidfd(identity.pid)
        if descriptor is None:
            self._blind.append(identity)
            return
        # Only after the descriptor is open does a matching start time prove that it is this process.
        if not is_running(identity):
            os.close(descriptor)
            return
        self._held[descriptor] = identity
        self._loop.add_reader(descriptor, self._ended, descriptor)

    def _ended(self, descriptor: int) -> None:
        self._drop(descriptor)
        self._wake()

    def _drop(self, descriptor: int) -> None:
        del self._held[descriptor]
        self._loop.remove_reader(descriptor)
        os.close(descriptor)


async def stop_processes(
    identities: Iterable[ProcessIdentity], *, grace_sec: float = 5.0, kill_sec: float = 2.0
) -> list[ProcessIdentity]:
    """End exactly these processes: TERM, `grace_sec` to go, KILL, `kill_sec` to be gone. Returns those that still run.

    A pid that has gone to another process since, or that is of another boot, is never touched.
    """
    ended = asyncio.Event()
    with ProcessWatch(identities, ended.set) as watch:
        for number, patience in ((signal.SIGTERM, grace_sec), (signal.SIGKILL, kill_sec)):
            watch.signal(number)
            # A stopped process acts on TERM only once it goes on.
            watch.signal(signal.SIGCONT)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    while watch.running:
                        ended.clear()
                        await ended.wait()
        return watch.running

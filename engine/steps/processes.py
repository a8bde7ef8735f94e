"""Processes beyond doubt: who a pid is, which processes belong to an attempt, and ending them. No pipes and no outcomes here."""

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
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType
    from typing import Self

COOKIE_VARIABLE = "OPSCOPE_COOKIE"

_PROC = Path("/proc")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_ENDED_STATES = frozenset("ZXx")
_MAX_RANGE = 256
_MAX_ROUNDS = 20
_MAX_WATCHED = 256
"""Processes that are watched by a descriptor at a time; the next scan finds the others."""


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """What `/proc/PID/stat` says and this program asks for. `start_ticks` counts clock ticks since boot."""

    pid: int
    state: str
    session: int
    start_ticks: int

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
        return ProcessStat(pid, fields[0].decode("ascii"), int(fields[3]), int(fields[19]))
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


def find_by_cookie(cookie: str) -> list[ProcessIdentity]:
    """Every running process, this one left out, whose environment carries the cookie of an attempt.

    A process of another user, and one that wrote over its environment, cannot be seen. Takes about 10 µs a process of
    the host.
    """
    return _settled(None, cookie, session=None)


def find_members(leader: int, cookie: str, *, recent: bool) -> list[ProcessIdentity]:
    """Every running process of an attempt except its leader: same session, or carrying its cookie.

    The caller must not have reaped the leader, since its zombie is what keeps the session's number from being given
    away. With `recent` (the leader started within the last second or so) only pids handed out since are looked at:
    with nothing forked since, which is how an ordinary step ends, there is nothing to look at.
    """
    return _settled(leader if recent else None, cookie, session=leader)


def _settled(after: int | None, cookie: str, *, session: int | None) -> list[ProcessIdentity]:
    """Look until no new pid has been handed out meanwhile: one that forks and ends while it is looked for is not missed."""
    last = _last_pid()
    found = _find(_pids_between(after, last), cookie, session)
    for _ in range(_MAX_ROUNDS):
        newest = _last_pid()
        if newest == last:
            break
        found |= _find(_pids_between(last, newest), cookie, session)
        last = newest
    return list(found.values())


def _find(pids: Iterable[int], cookie: str, session: int | None) -> dict[int, ProcessIdentity]:
    own = os.getpid()
    entry = b"\0" + os.fsencode(f"{COOKIE_VARIABLE}={cookie}") + b"\0"
    found: dict[int, ProcessIdentity] = {}
    boot = ""
    for pid in pids:
        if pid in (own, session):
            continue
        stat = process_stat(pid)
        if stat is None or stat.has_ended:
            continue
        if (session is not None and stat.session == session) or entry in _environ(pid):
            boot = boot or boot_id()
            found[pid] = ProcessIdentity(pid, stat.start_ticks, boot)
    return found


def _environ(pid: int) -> bytes:
    try:
        return b"\0" + Path(f"/proc/{pid}/environ").read_bytes() + b"\0"
    except OSError:
        return b""


def _pids_between(after: int | None, last: int | None) -> Sequence[int]:
    """The pids handed out after `after` up to `last`; where that is not known, or many, or began again, all there are.

    The kernel hands pids out in ascending order and tells the last one.
    """
    if after is not None and last is not None and 0 <= last - after <= _MAX_RANGE:
        return range(after + 1, last + 1)
    try:
        return sorted(int(name) for name in os.listdir(_PROC) if name.isdecimal())  # noqa: PTH208 - no Path for each
    except OSError:
        return []


def _last_pid() -> int | None:
    try:
        descriptor = os.open("/proc/loadavg", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return int(os.read(descriptor, 256).split()[-1])
    except (OSError, ValueError, IndexError):
        return None
    finally:
        os.close(descriptor)


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
        return list(self._held.values())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to each of them; one that may not be signalled is passed over."""
        for descriptor in list(self._held):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(descriptor, number)

    def close(self) -> None:
        """Let go of all of them."""
        for descriptor in list(self._held):
            self._drop(descriptor)

    def _hold(self, identity: ProcessIdentity) -> None:
        descriptor = open_pidfd(identity.pid)
        if descriptor is None:
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

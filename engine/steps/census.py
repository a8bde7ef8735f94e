"""Finding the processes of attempts among all of the host: by session and by the cookie in their environment. Ending them is not here."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.ports import ProcessIdentity
from engine.steps.processes import boot_id, process_stat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.steps.processes import ProcessStat

COOKIE_VARIABLE = "OPSCOPE_COOKIE"

_ENTRY = b"\0" + COOKIE_VARIABLE.encode() + b"="
_PID_MAX = Path("/proc/sys/kernel/pid_max")
_MIN_WRAP_SEC = 0.3
_FEW = 64
_MAX_ROUNDS = 20
_EXEC_LOOKS = 5
_EXEC_SEC = 0.0002


@dataclass(frozen=True, slots=True)
class Sought:
    """An attempt whose processes are looked for: those with its cookie, and those of the session of its leader.

    The leader itself does not count. It must not have been reaped, since its zombie is what keeps the session's number
    from being given away. `age_sec` is how long ago it was started.
    """

    cookie: str
    leader: int | None = None
    age_sec: float = float("inf")


class Census:
    """Looks for the processes of many attempts at once: who asks while a look is under way shares the next one."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Sought, asyncio.Future[list[ProcessIdentity]]]] = []
        self._is_looking = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def find(self, sought: Sought) -> list[ProcessIdentity]:
        """Every running process of the attempt. At once where nothing was forked since; else in a thread."""
        found = _at_once(sought)
        if found is not None:
            return found
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            # A loop that was closed in the middle of a look cannot answer any more.
            self._loop, self._waiting, self._is_looking = loop, [], False
        answer: asyncio.Future[list[ProcessIdentity]] = loop.create_future()
        self._waiting.append((sought, answer))
        self._look(loop)
        return await answer

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._is_looking or not self._waiting:
            return
        asked = [sought for sought, _ in self._waiting]
        answers = [answer for _, answer in self._waiting]
        self._waiting = []
        try:
            # Looking at every process of the host may take long enough to be felt by the others.
            look = loop.run_in_executor(None, search, asked)
        except RuntimeError:
            # No thread to be had, or the loop is being shut down: then they have to feel it.
            _give(answers, search(asked))
            return
        self._is_looking = True
        look.add_done_callback(partial(self._answer, loop, answers))

    def _answer(
        self,
        loop: asyncio.AbstractEventLoop,
        answers: list[asyncio.Future[list[ProcessIdentity]]],
        look: asyncio.Future[list[list[ProcessIdentity]]],
    ) -> None:
        self._is_looking = False
        error = look.exception()
        if error is None:
            _give(answers, look.result())
        else:
            for answer in answers:
                if not answer.done():
                    answer.set_exception(error)
        self._look(loop)


def _give(answers: list[asyncio.Future[list[ProcessIdentity]]], found: list[list[ProcessIdentity]]) -> None:
    for answer, processes in zip(answers, found, strict=True):
        if not answer.done():
            answer.set_result(processes)


def find_by_cookie(cookie: str) -> list[ProcessIdentity]:
    """Every running process, this one left out, whose environment carries the cookie of an attempt.

    A process of another user, and one that wrote over its environment, cannot be seen. Takes about 20 µs a process of
    the host.
    """
    return search([Sought(cookie)])[0]


def has_cookie(pid: int, cookie: str) -> bool:
    """True if the environment of the process, which need not be another's, carries this cookie."""
    stat = process_stat(pid)
    return stat is not None and _cookie_of(stat) == cookie


def search(asked: Sequence[Sought]) -> list[list[ProcessIdentity]]:
    """The running processes of each attempt, in the order asked. Blocks for about 20 µs a process of the host."""
    last = _last_pid()
    oldest = _oldest(asked)
    since = _pids_between(oldest, last) if oldest is not None else None
    return _settled(asked, _all_pids() if since is None else since, last)


def _at_once(sought: Sought) -> list[ProcessIdentity] | None:
    """The answer if it takes no more than a look at a few processes, which is how an ordinary step ends; else None."""
    last = _last_pid()
    if sought.leader is None or last is None or sought.age_sec > _MIN_WRAP_SEC or not 0 <= last - sought.leader <= _FEW:
        return None
    return _settled([sought], range(sought.leader + 1, last + 1), last)[0]


def _oldest(asked: Sequence[Sought]) -> int | None:
    """The leader that has the lowest pid, if all are so young that pids cannot have begun again since."""
    limit = _wrap_sec()
    leaders = [sought.leader for sought in asked if sought.leader is not None and sought.age_sec < limit]
    return min(leaders) if len(leaders) == len(asked) else None


def _settled(asked: Sequence[Sought], pids: Sequence[int], last: int | None) -> list[list[ProcessIdentity]]:
    """Look until no new pid has been handed out meanwhile: one that forks and ends while it is looked for is not missed."""
    sessions = {sought.leader: sought.cookie for sought in asked if sought.leader is not None}
    found: dict[str, dict[int, ProcessIdentity]] = {sought.cookie: {} for sought in asked}
    passed_over = {os.getpid(), *sessions}
    boot = boot_id() if pids else ""
    for _ in range(_MAX_ROUNDS):
        for pid in pids:
            stat = None if pid in passed_over else process_stat(pid)
            if stat is None or stat.has_ended:
                continue
            cookie = sessions.get(stat.session) or _cookie_of(stat)
            if cookie and cookie in found:
                found[cookie][pid] = ProcessIdentity(pid, stat.start_ticks, boot)
        newest = _last_pid()
        if newest == last:
            break
        since = _pids_between(last, newest)
        pids = _all_pids() if since is None else since
        boot = boot or boot_id()
        last = newest
    return [list(found[sought.cookie].values()) for sought in asked]


def _cookie_of(stat: ProcessStat) -> str | None:
    if not stat.memory:
        return None
    path = Path(f"/proc/{stat.pid}/environ")
    for _ in range(_EXEC_LOOKS):
        try:
            environ = path.read_bytes()
        except OSError:
            return None
        if environ:
            start = (b"\0" + environ).find(_ENTRY)
            return os.fsdecode(environ[start + len(_ENTRY) - 1 :].partition(b"\0")[0]) if start >= 0 else None
        # In the middle of an exec a process has no environment for some microseconds; without this it would be missed.
        time.sleep(_EXEC_SEC)
    return None


def _all_pids() -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir("/proc") if name.isdecimal())  # noqa: PTH208 - no Path for each
    except OSError:
        return []


def _pids_between(after: int | None, last: int | None) -> Sequence[int] | None:
    """The pids handed out after `after` up to `last`, None where the count is not known or began again.

    The kernel hands pids out in ascending order, begins again at the end, and tells the last one.
    """
    if after is None or last is None or last < after:
        return None
    if last - after <= _FEW:
        return range(after + 1, last + 1)
    return [pid for pid in _all_pids() if after < pid <= last]


def _wrap_sec() -> float:
    """Seconds in which the pids cannot all have been handed out once, at 100,000 a second."""
    try:
        return int(_PID_MAX.read_text(encoding="ascii")) / 100_000
    except (OSError, ValueError):
        return _MIN_WRAP_SEC


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

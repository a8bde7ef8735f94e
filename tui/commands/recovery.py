"""Finds runs whose engine is dead, ends what it left running, and records where they stand. Going on with them is not done here."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.errors import OpscopeError
from engine.model.event import Event, EventKind
from engine.model.states import RunStatus
from engine.pipeline.resume import after_engine_loss
from engine.ports import ProcessIdentity
from engine.steps.census import Sought, has_cookie, search
from engine.steps.processes import is_running, stop_processes
from store.control import remove_stale_sockets
from store.errors import OwnedElsewhereError
from store.reader import Reader
from store.resume import compile_stored, plan_to_resume, resume_point, stored_events
from store.writer import open_writer
from tui.commands.hooking import call_hooks
from tui.commands.records import all_lost_runs
from tui.viewmodel.words import plural, short_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from engine.model.json import JsonObject
    from store.rows import RunRow
    from store.writer import Writer

GIVE_UP_SEC: Final = 30.0
GRACE_SEC: Final = 5.0
MOST_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Recovered:
    """A run that has been taken over: what it is now, and how many processes of its dead engine were ended."""

    run: RunRow
    status: RunStatus
    message: str
    ended: int
    survivors: tuple[ProcessIdentity, ...] = ()

    def __str__(self) -> str:
        ended = f"; {plural(self.ended, 'process', 'processes')} it left behind ended" if self.ended else ""
        left = ", ".join(str(process.pid) for process in self.survivors)
        still = f"; could not be ended: pid {left}" if left else ""
        return f"run {short_id(self.run.run_id)} has lost its engine: {self.status.value}, {self.message}{ended}{still}"


def recover_lost_runs(database: Path, tell: Callable[[str], None]) -> list[Recovered]:
    """Take over every lost run of the file, as a command that may write does before its own work.

    `tell` hears a sentence for each, for what another process has taken first, and for what cannot be recovered now:
    one run does not keep others, or the command, from going on. Raises StoreError when the file cannot be written.
    """
    lost = all_lost_runs(database)
    if not lost:
        return []
    return asyncio.run(recover(database, lost, tell))


async def recover(database: Path, lost: Sequence[RunRow], tell: Callable[[str], None]) -> list[Recovered]:
    """Take over these runs. See `recover_lost_runs`."""
    remove_stale_sockets(database)
    places = asyncio.Semaphore(MOST_AT_ONCE)
    async with open_writer(database, on_wait=tell, give_up_sec=GIVE_UP_SEC) as writer:

        async def recover_one(run: RunRow) -> Recovered | None:
            async with places:
                try:
                    found = await _recover(writer, run)
                except OwnedElsewhereError as error:
                    tell(str(error.cause))
                except OpscopeError as error:
                    tell(f"run {short_id(run.run_id)} has lost its engine and cannot be recovered: {error.cause}")
                else:
                    tell(str(found))
                    return found
            return None

        # Side by side: what a dead engine left may take all of its grace to end.
        recovered = [found for found in await asyncio.gather(*map(recover_one, lost)) if found is not None]
    # Only now, when the file says so and is free again.
    for found in recovered:
        try:
            for warning in await call_hooks(found.status, found.run.run_id, database, os.environ):
                tell(warning)
        except OpscopeError as error:
            tell(f"the hooks were not run: {error}")
    return recovered


async def _recover(writer: Writer, run: RunRow) -> Recovered:
    """The takeover first: whoever has the run now may end what its engine left, and nobody else."""
    await writer.take_over(run.run_id, expected_epoch=run.owner_epoch, at_us=_now_us())
    attempts = await asyncio.to_thread(_attempts_under_way, writer.path, run.run_id)
    ended, survivors = await end_processes(attempts)
    kind, data = await asyncio.to_thread(_verdict, writer.path, run.run_id)
    await writer.append(run.run_id, [Event(kind, _now_us(), data, pass_index=run.pass_index)])
    status = RunStatus.QUARANTINED if kind is EventKind.RUN_QUARANTINED else RunStatus.PAUSED
    return Recovered(run, status, str(data.get("message") or ""), ended, survivors)


@dataclass(frozen=True, slots=True)
class LostAttempt:
    """An attempt that was under way when its engine died; `process` is its leader, where that was recorded."""

    cookie: str
    process: ProcessIdentity | None = None


def _attempts_under_way(database: Path, run_id: str) -> list[LostAttempt]:
    with Reader.open(database) as reader:
        return attempts_under_way(stored_events(reader, run_id))


def attempts_under_way(events: Iterable[Event]) -> list[LostAttempt]:
    """The attempts of a run, from all its events, that have begun and not ended."""
    under_way: dict[tuple[int, str | None, int | None, int | None], LostAttempt] = {}
    for event in events:
        key = (event.pass_index, event.step_id, event.item_index, event.attempt)
        match event.kind:
            case EventKind.ATTEMPT_STARTING:
                under_way[key] = LostAttempt(str(event.data.get("cookie") or ""))
            case EventKind.ATTEMPT_STARTED if key in under_way:
                said = event.data.get("process")
                if isinstance(said, dict):
                    pid, ticks = said.get("pid"), said.get("start_ticks")
                    if isinstance(pid, int) and isinstance(ticks, int):
                        process = ProcessIdentity(pid, ticks, str(said.get("boot_id")))
                        under_way[key] = LostAttempt(under_way[key].cookie, process)
            case EventKind.ATTEMPT_FINISHED:
                under_way.pop(key, None)
            case _:
                pass
    return [attempt for attempt in under_way.values() if attempt.cookie]


async def end_processes(attempts: Sequence[LostAttempt]) -> tuple[int, tuple[ProcessIdentity, ...]]:
    """End what these attempts left running; how many there were, and those that could not be ended.

    A process counts if it carries the attempt's cookie, or is of the session of a leader that does and that is, by start
    time and boot, exactly the one recorded. A pid alone proves nothing.
    """
    found = await asyncio.to_thread(_processes_of, attempts)
    if not found:
        return 0, ()
    await stop_processes(found, grace_sec=GRACE_SEC)
    # What was just being forked when the others were found has the cookie as well.
    late = await asyncio.to_thread(_processes_of, attempts)
    left = await stop_processes(late, grace_sec=0.0) if late else []
    return len({*found, *late}), tuple(left)


def _processes_of(attempts: Sequence[LostAttempt]) -> list[ProcessIdentity]:
    found: dict[ProcessIdentity, None] = {}
    sought = []
    for attempt in attempts:
        leader = attempt.process
        is_leader = leader is not None and is_running(leader) and has_cookie(leader.pid, attempt.cookie)
        if leader is not None and is_leader:
            found[leader] = None
        sought.append(Sought(attempt.cookie, leader.pid if leader is not None and is_leader else None))
    for processes in search(sought) if sought else []:
        found.update(dict.fromkeys(processes))
    return list(found)


def _verdict(database: Path, run_id: str) -> tuple[EventKind, JsonObject]:
    with Reader.open(database) as reader:
        plan = compile_stored(plan_to_resume(reader, run_id))
        return after_engine_loss(resume_point(reader, run_id), plan)


def _now_us() -> int:
    return time.time_ns() // 1000

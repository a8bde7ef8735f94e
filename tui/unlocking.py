"""Takes a lock away from a run, recorded with it: by its engine while that lives, else by taking the run over. For commands and screens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from engine.errors import InfrastructureError, InputError
from engine.pipeline.clock import SystemClock
from store.control import UnreachableEngineError, Verb, send
from store.errors import EngineAliveError, NoDatabaseError, TakeoverLostError
from store.liveness import engine_pid
from store.locks import Locks
from store.queries import lock_holders
from store.reader import Reader
from store.writer import open_writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.model.json import JsonObject
    from store.rows import LockRow

GIVE_UP_SEC: Final = 30.0
_LOOKS: Final = 20
_LOOK_SEC: Final = 0.1


async def unlock(database: Path, name: str, *, reason: str, actor: str, tell: Callable[[str], None]) -> LockRow:
    """Take the lock `name` from the run that holds it; who that was. `tell` hears what is waited for.

    Nothing is stopped: the run goes on without the lock. Raises InputError if nobody holds it, InfrastructureError if the
    engine of the run cannot be asked, StoreError if the file cannot be written.
    """
    held = await asyncio.to_thread(holder, database, name)
    for _ in range(_LOOKS):
        if engine_pid(database, held.owner_engine) is None:
            try:
                return await _take(database, held, reason, actor, tell)
            except (EngineAliveError, TakeoverLostError):
                pass  # somebody else was faster; whoever it is can be asked
        else:
            try:
                await asyncio.to_thread(_ask, database, held, reason)
            except UnreachableEngineError:
                pass  # it may be just ending
            else:
                return held
        await asyncio.sleep(_LOOK_SEC)
        held = await asyncio.to_thread(holder, database, name)
    raise InfrastructureError(
        f"the lock {name} is held by run {held.run_id}, whose engine gives no answer",
        place=str(database),
        hint="ask again; if that does not help, end that engine: the run can be resumed",
    )


def holder(database: Path, name: str) -> LockRow:
    """The run that holds a lock. Raises InputError with what is held if it is not."""
    try:
        with Reader.open(database) as reader:
            held = reader.run(lock_holders())
    except NoDatabaseError:
        held = []
    found = next((row for row in held if row.name == name), None)
    if found is None:
        names = ", ".join(row.name for row in held[:10])
        raise InputError(f"nobody holds the lock {name!r}", hint=f"held now: {names}" if names else "no lock is held")
    return found


def _ask(database: Path, held: LockRow, reason: str) -> None:
    arguments: JsonObject = {"name": held.name, "reason": reason}
    request: JsonObject = {"verb": Verb.UNLOCK.value, "run_id": held.run_id, "arguments": arguments}
    answer = send(database, held.owner_engine, request)
    if answer.get("ok") is not True:
        raise InputError(str(answer.get("error") or "the engine refused"), hint=str(answer.get("hint") or ""))


async def _take(database: Path, held: LockRow, reason: str, actor: str, tell: Callable[[str], None]) -> LockRow:
    clock = SystemClock()
    async with open_writer(database, on_wait=tell, give_up_sec=GIVE_UP_SEC) as writer:
        await writer.take_over(held.run_id, expected_epoch=held.owner_epoch, at_us=clock.now_us())
        return await Locks(writer, clock).unlock(held.name, reason=reason, actor=actor)

"""Locks between runs, kept in the file: taken all or none, first come first served, by any number of processes.

A lock belongs to a run, not to the engine that carries it: it is freed when the run ends or by `unlock`, never by a crash.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from engine.errors import InputError
from engine.model.event import Event, EventKind
from store.async_reader import AsyncReader
from store.errors import OwnedElsewhereError, WriterClosedError
from store.liveness import engine_pid, is_engine_alive
from store.queries.locks import LIVE, lock_blocks, lock_holders
from store.queries.query import marks

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engine.model.json import JsonObject
    from engine.ports import Clock
    from store.queries import Query
    from store.reader import Reader
    from store.rows import LockBlock, LockRow
    from store.writer import Writer

LOOK_EVERY_SEC: Final = 0.15
"""How soon a run that waits sees that a lock has become free, at the latest."""

_MOST_NAMED: Final = 5
_FORGET_ENDED: Final = (
    f"DELETE FROM locks WHERE run_id NOT IN (SELECT run_id FROM runs WHERE status IN ({marks(LIVE)}))"  # noqa: S608
)
_ASK: Final = "INSERT INTO locks (name, run_id, requested_at_us) VALUES (?, ?, ?) ON CONFLICT (name, run_id) DO NOTHING"
_TAKE: Final = "UPDATE locks SET acquired_at_us = ? WHERE run_id = ? AND acquired_at_us IS NULL"
_HELD: Final = "SELECT name FROM locks WHERE run_id = ? AND acquired_at_us IS NOT NULL"
_GIVE_BACK: Final = "DELETE FROM locks WHERE run_id = ?"
_UNLOCK: Final = "DELETE FROM locks WHERE name = ? AND run_id = ?"


class Locks:
    """The locks of one file, for the runs of one engine. Implements `engine.ports.LockBroker`.

    Two runs never hold one name together. A run that waits holds nothing, and whoever asked for a name earlier goes first,
    so there is no circle and nobody starves. That goes as well for a run that lost a part of its locks to `unlock` and is
    taken up again: where it has to wait, it gives up the rest and stands behind all others. A place in the line counts as
    long as somebody stands in it: an engine that died while its run waited does not hold up others, and its run is back in
    its place when it is taken up again.
    """

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self._writer = writer
        self._clock = clock

    async def acquire(self, run_id: str, names: Sequence[str], on_wait: Callable[[str], None]) -> None:
        """Take all of `names` or none. See `LockBroker.acquire`. Raises StoreError, FencedError if the run is another's."""
        if not names:
            return
        request = _Request(self._writer.path, run_id, tuple(sorted(set(names))), self._clock)
        try:
            await self._writer.perform(run_id, request)
            if not request.is_granted:
                if request.given_up:
                    data: JsonObject = {"names": [*request.given_up]}
                    await self._writer.append(run_id, [Event(EventKind.LOCK_RELEASED, self._clock.now_us(), data)])
                await self._wait(request, on_wait)
        except BaseException:
            # In its turn after what has been asked for above, so whatever that did is undone.
            with suppress(WriterClosedError):
                self._writer.perform_later(run_id, request.take_back)
            raise

    async def release(self, run_id: str) -> None:
        """Give back all that the run holds. Its final event has done so already, so this finds nothing most of the time."""
        await self._writer.perform(run_id, partial(_give_back, run_id))

    async def unlock(self, name: str, *, reason: str, actor: str) -> LockRow:
        """Take a lock away from a run of this engine, recorded with the run; its row as it was comes back.

        Nothing is stopped: what the lock protected is from now on the operator's to watch. Raises InputError if nobody holds
        it, OwnedElsewhereError if the run that does is another engine's, which has to be asked or taken over first.
        """
        async with await AsyncReader.open(self._writer.path) as reader:
            held = _only(await reader.run(lock_holders(name)), name)
        if held.owner_engine != self._writer.engine_id:
            raise OwnedElsewhereError(
                f"lock {name} is held by run {held.run_id}, which belongs to engine {held.owner_engine}",
                engine_id=held.owner_engine,
                pid=engine_pid(self._writer.path, held.owner_engine),
                place=str(self._writer.path),
                hint="ask that engine to do it",
            )
        arguments: JsonObject = {"name": name, "reason": reason}
        data: JsonObject = {"verb": "unlock", "force": False, "arguments": arguments}
        now_us = self._clock.now_us()
        events = [
            Event(EventKind.CONTROL_RECEIVED, now_us, data, actor=actor),
            Event(EventKind.LOCK_RELEASED, now_us, {"names": [name]}, actor=actor),
        ]
        await self._writer.perform(held.run_id, partial(_take_away, name, held.run_id), events)
        return held

    async def _wait(self, request: _Request, on_wait: Callable[[str], None]) -> None:
        told = ""
        async with await AsyncReader.open(self._writer.path) as reader:
            while True:
                blocks = await reader.run(lock_blocks(request.run_id))
                blocks = _that_count(self._writer.path, blocks)
                if not blocks:
                    await self._writer.perform(request.run_id, request)
                    if request.is_granted:
                        return
                elif (sentence := _sentence(blocks)) != told:
                    told = sentence
                    on_wait(sentence)
                await asyncio.sleep(LOOK_EVERY_SEC)


def holders(reader: Reader) -> list[LockRow]:
    """The locks that are held, by name, and who waits for each."""
    return reader.run(lock_holders())


@dataclass(slots=True)
class _Request:
    """A run's wish for locks. Called in a write transaction, once or more, until it is granted."""

    path: Path
    run_id: str
    names: tuple[str, ...]
    clock: Clock
    is_granted: bool = False
    held_before: frozenset[str] | None = None
    given_up: tuple[str, ...] = ()

    def __call__(self, connection: sqlite3.Connection) -> None:
        """Stand in line for what the run does not hold, and take everything if nobody stands before it."""
        self.is_granted = False
        connection.execute(_FORGET_ENDED, LIVE)
        self.held_before = frozenset(name for (name,) in connection.execute(_HELD, (self.run_id,)).fetchall())
        now_us = self.clock.now_us()
        asking = [(name, self.run_id, now_us) for name in self.names]
        connection.executemany(_ASK, asking)
        if not _that_count(self.path, _answer(connection, lock_blocks(self.run_id))):
            connection.execute(_TAKE, (now_us, self.run_id))
            self.is_granted = True
        elif self.held_before:
            # To hold some and wait for others would make circles. All places of a run in the lines are taken in one
            # transaction, so that of two runs the same one is first in every line.
            connection.execute(_GIVE_BACK, (self.run_id,))
            connection.executemany(_ASK, asking)
            self.given_up, self.held_before = tuple(sorted(self.held_before)), frozenset()

    def take_back(self, connection: sqlite3.Connection) -> None:
        """Leave the line, and give back what has been granted meanwhile; what the run held before, it keeps."""
        if self.held_before is not None:
            given_up = [(name, self.run_id) for name in self.names if name not in self.held_before]
            connection.executemany(_UNLOCK, given_up)


def _that_count(path: Path, blocks: Sequence[LockBlock]) -> list[LockBlock]:
    """Without the places in line that nobody stands in."""
    return [block for block in blocks if block.is_held or is_engine_alive(path, block.engine)]


def _give_back(run_id: str, connection: sqlite3.Connection) -> None:
    connection.execute(_GIVE_BACK, (run_id,))


def _take_away(name: str, run_id: str, connection: sqlite3.Connection) -> None:
    if not connection.execute(_UNLOCK, (name, run_id)).rowcount:
        _only([], name)


def _only(held: list[LockRow], name: str) -> LockRow:
    if not held:
        raise InputError(f"nobody holds the lock {name}", hint="see what is held with: opscope locks")
    return held[0]


def _answer(connection: sqlite3.Connection, query: Query[list[LockBlock]]) -> list[LockBlock]:
    return query.read(connection.execute(query.sql, query.parameters).fetchall())


def _sentence(blocks: list[LockBlock]) -> str:
    """What a run waits for, by lock: its holder, or who is next where it goes from one to another."""
    first: dict[str, LockBlock] = {}
    for block in blocks:
        first.setdefault(block.name, block)
    parts = [
        f"{block.name}, {'held by' if block.is_held else 'which is next for'} run {block.run_id} ({block.plan_id})"
        for block in list(first.values())[:_MOST_NAMED]
    ]
    more = f"; and {len(first) - _MOST_NAMED} more" if len(first) > _MOST_NAMED else ""
    return f"waiting for the lock {'; '.join(parts)}{more}"

"""Closing the breaker of a tool by an operator's word, recorded with the run that moved it last. Who is asked for it is not here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.errors import InputError, StoreError
from engine.model.breaker import BreakerPhase, BreakerState
from engine.model.event import Event, EventKind
from store.batch import Claimed
from store.errors import EngineAliveError
from store.queries.reuse import breaker_rows

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from engine.ports import Clock
    from store.rows import BreakerRow
    from store.writer import Writer

VERB: Final = "reset_breaker"
_HEAD: Final = "SELECT seq, hash FROM run_events WHERE run_id = ? ORDER BY seq DESC LIMIT 1"


async def reset_breaker(writer: Writer, clock: Clock, row: BreakerRow, *, reason: str, actor: str) -> None:
    """Close the breaker that stands as `row` says, for every run that begins or is resumed from now on.

    A run that is under way keeps its own count. Raises InputError where such a run moved the breaker last, StoreError where
    another run has moved it since, or the file cannot be written.
    """
    reset = _Reset(writer.path, row, reason, actor, clock.now_us())
    if row.status.is_final:
        await writer.add_afterwards(row.run_id, reset)
        return
    try:
        await writer.take_over(row.run_id, expected_epoch=row.owner_epoch, at_us=clock.now_us())
    except EngineAliveError as error:
        raise InputError(
            f"the breaker of {row.tool} belongs to run {row.run_id}, which is under way and keeps its own count",
            hint="reset it when that run is over, or end the run with: opscope cancel " + row.run_id[:6],
        ) from error
    await writer.perform(row.run_id, reset.check, [reset.event])


@dataclass(slots=True)
class _Reset:
    """Called within a write transaction, which decides by what the file says then."""

    path: Path
    row: BreakerRow
    reason: str
    actor: str
    at_us: int
    event: Event = field(init=False)

    def __post_init__(self) -> None:
        state = BreakerState(BreakerPhase.CLOSED, 0, self.row.opened_at_us)
        self.event = Event(
            EventKind.CONTROL_RECEIVED,
            self.at_us,
            {
                "verb": VERB,
                "force": False,
                "arguments": {"tool": self.row.tool, "reason": self.reason},
                "breaker": {"tool": self.row.tool, **state.to_json()},
            },
            pass_index=self.row.pass_index,
            actor=self.actor,
        )

    def __call__(self, connection: sqlite3.Connection) -> Claimed:
        """The end of the chain of a run that is over, which nobody else adds to."""
        self.check(connection)
        heads = connection.execute(_HEAD, (self.row.run_id,)).fetchall()
        if not heads:
            raise StoreError(f"run {self.row.run_id} has no events", place=str(self.path))
        ((seq, chain_hash),) = heads
        return Claimed(seq, chain_hash, self.row.owner_epoch, self.event)

    def check(self, connection: sqlite3.Connection) -> None:
        """Whether it is still that run which moved the breaker last. Raises StoreError if it is not."""
        query = breaker_rows()
        found = query.read(connection.execute(query.sql, query.parameters).fetchall())
        now = next((row for row in found if row.tool == self.row.tool), None)
        if now is None or (now.run_id, now.at_us, now.phase) != (self.row.run_id, self.row.at_us, self.row.phase):
            raise StoreError(
                f"the breaker of {self.row.tool} has just been moved by a run",
                place=str(self.path),
                hint="see how it stands now: opscope breakers",
            )

"""Making a run one's own after its engine has died, in one transaction. Which processes to end is not decided here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.errors import StoreError
from engine.model.event import Event, EventKind
from engine.model.states import RunStatus
from store.batch import GENESIS, Claimed
from store.errors import EngineAliveError, TakeoverLostError
from store.liveness import engine_pid
from store.queries.query import word

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

_OWNER: Final = (
    "SELECT r.owner_engine, r.owner_epoch, r.status, i.run_id FROM runs AS r LEFT JOIN imports AS i ON i.run_id = r.run_id "
    "WHERE r.run_id = ?"
)
_HEAD: Final = "SELECT seq, hash, pass_index FROM run_events WHERE run_id = ? ORDER BY seq DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What the new owner goes on from: the `seq` of `run.taken_over`, the last event there is, and the epoch of its ownership."""

    seq: int
    epoch: int


@dataclass(slots=True)
class Takeover:
    """One attempt to own a run. Called within a write transaction; what it returns is recorded by that transaction.

    `expected_epoch` is the epoch that the caller saw when it found the owner dead: of two who saw the same, one wins.
    """

    path: Path
    run_id: str
    engine_id: str
    expected_epoch: int
    at_us: int
    taken: TakenOver | None = None

    def __call__(self, connection: sqlite3.Connection) -> Claimed:
        """Whether the run can be had, decided by what the file says now. Raises StoreError if it cannot."""
        owner, epoch = self._owner(connection)
        seq, chain_hash, pass_index = next(iter(connection.execute(_HEAD, (self.run_id,)).fetchall()), (0, GENESIS, 0))
        epoch += 1
        self.taken = TakenOver(seq + 1, epoch)
        event = Event(
            EventKind.RUN_TAKEN_OVER,
            self.at_us,
            {"from_engine": owner, "to_engine": self.engine_id, "epoch": epoch},
            pass_index=pass_index,
        )
        return Claimed(seq, chain_hash, epoch, event)

    def _owner(self, connection: sqlite3.Connection) -> tuple[str, int]:
        """Who owns the run, and in which epoch, if it can be taken from them."""
        place = str(self.path)
        rows = connection.execute(_OWNER, (self.run_id,)).fetchall()
        if not rows:
            raise StoreError(f"there is no run {self.run_id}", place=place)
        ((owner, epoch, status, imported),) = rows
        if imported is not None:
            raise StoreError(
                f"run {self.run_id} was imported, so it belongs to no engine",
                place=place,
                hint="run its plan again instead",
            )
        pid = engine_pid(self.path, owner)
        if epoch != self.expected_epoch:
            raise TakeoverLostError(
                f"run {self.run_id} has been taken over by {_named(owner, pid)}",
                engine_id=owner,
                pid=pid,
                place=place,
                hint="look at what it does with the run",
            )
        if word(RunStatus, status).is_final:
            raise StoreError(f"run {self.run_id} is over ({status})", place=place, hint="nothing was changed")
        if pid is not None:
            raise EngineAliveError(
                f"run {self.run_id} belongs to {_named(owner, pid)}, which is alive",
                engine_id=owner,
                pid=pid,
                place=place,
                hint="ask that engine to do it",
            )
        return owner, epoch


def _named(engine_id: str, pid: int | None) -> str:
    match pid:
        case None:
            return f"engine {engine_id}"
        case 0:
            return f"engine {engine_id} (a process that cannot be seen from here)"
        case _:
            return f"engine {engine_id} (pid {pid})"

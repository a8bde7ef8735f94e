"""One transaction: numbering, chaining, ownership, events, logs and projections. Synchronous; threads and waiting live elsewhere."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from engine.errors import StoreError
from engine.model.event import EventKind
from store.blobs import keep, uses
from store.database import primary_code
from store.encoding import ENVELOPE_VERSION, encode, event_hash
from store.errors import FencedError, RefusedEventError
from store.projection import Recorded, change
from store.statements import Statements, execute_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from engine.model.event import Event
    from engine.ports import PlanRecord
    from store.blobs import Blob
    from store.encoding import EncodedEvent

GENESIS: Final = bytes(32)
"""What stands as the hash before a run's first event."""

_INSERT_EVENT: Final = (
    "INSERT INTO run_events (event_no, v, run_id, seq, at_us, kind, pass_index, stage, step_id, item_index, attempt, actor, data, "
    "prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_LOG: Final = (
    "INSERT INTO logs (run_id, pass_index, step_id, item_index, attempt, stream, at_us, offset, content) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_PLAN: Final = (
    "INSERT INTO plans (plan_hash, plan_id, version, source, document, first_used_us) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (plan_hash) DO NOTHING"
)
_LAST_EVENT_NO: Final = "SELECT seq FROM sqlite_sequence WHERE name = 'run_events'"
_FREE_LOCKS: Final = "DELETE FROM locks WHERE run_id = ?"
_GOING_ON: Final = "SELECT run_id FROM runs WHERE status IN ('pending', 'running') AND owner_engine = ?"
_FINAL: Final = frozenset([EventKind.RUN_SUCCEEDED, EventKind.RUN_FAILED, EventKind.RUN_CANCELED])
_OWNER: Final = "SELECT owner_engine, owner_epoch FROM runs WHERE run_id = ?"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that becomes this engine's in the transaction under way: where its chain stands, and the event that says so."""

    seq: int
    hash: bytes
    epoch: int
    event: Event


@dataclass(slots=True, eq=False)
class Entry:
    """What one call of the sink asks for: a run to make, events, or log rows. All of it is written, or nothing.

    `work` changes rows in the same transaction, before the events. `claim` makes a run this engine's, and refuses the
    entry by a StoreError if it cannot. Both may be called again where the transaction could not be committed, and an entry
    with either has a transaction to itself.
    `is_patient` says that it waits on a full disk until there is room, rather than fail.
    `claimed` means that a thread is writing it, `withdrawn` that none will: whichever comes first.
    """

    run_id: str
    events: Sequence[EncodedEvent] = ()
    logs: Sequence[tuple[Any, ...]] = ()
    plan: PlanRecord | None = None
    work: Callable[[sqlite3.Connection], None] | None = None
    claim: Callable[[sqlite3.Connection], Claimed] | None = None
    is_patient: bool = True
    claimed: bool = False
    withdrawn: bool = False


@dataclass(slots=True)
class _Chain:
    """Where a run's chain stands after its last commit, and in which epoch it is ours."""

    seq: int = 0
    hash: bytes = GENESIS
    epoch: int = 1


@dataclass(slots=True)
class BatchOutcome:
    """What became of the entries of a batch.

    Those in neither `refused` nor `unwritten` are durable. `unwritten` can be written again as they are, once `cause` is gone.
    """

    refused: dict[Entry, StoreError] = field(default_factory=dict)
    unwritten: list[Entry] = field(default_factory=list)
    cause: sqlite3.Error | None = None


class _Draft:
    """The rows of one transaction, made from its entries and not written yet. `event_no` is the last that is taken."""

    def __init__(self, event_no: int) -> None:
        self.event_no = event_no
        self.chains: dict[str, _Chain] = {}
        self.rows: list[tuple[Any, ...]] = []
        self._plans: list[tuple[Any, ...]] = []
        self._logs: list[tuple[Any, ...]] = []
        self._blobs: dict[str, Blob] = {}
        self._ended: list[tuple[str]] = []
        self._statements = Statements()

    def add(self, entry: Entry, known: _Chain | None) -> None:
        """Number and chain the entry's events; `known` is where the run's chain stands before this transaction."""
        self._logs.extend(entry.logs)
        if not entry.events:
            return
        if entry.plan is not None:
            plan, at_us = entry.plan, entry.events[0].event.at_us
            self._plans.append((plan.plan_hash, plan.plan_id, plan.version, plan.source, plan.document, at_us))
        chain = self.chains.get(entry.run_id)
        if chain is None:
            known = known or _Chain()
            chain = self.chains[entry.run_id] = _Chain(known.seq, known.hash, known.epoch)
        for encoded in entry.events:
            self._add_event(entry.run_id, encoded, chain)

    def write(self, connection: sqlite3.Connection) -> None:
        """Execute all of it. The locks of runs that have ended go with them."""
        if self._plans:
            connection.executemany(_INSERT_PLAN, self._plans)
        if self._blobs:
            keep(connection, self._blobs.values())
        if self.rows:
            execute_rows(connection, _INSERT_EVENT, self.rows)
            for run_id, chain in self.chains.items():
                self._statements.head(run_id, chain.seq, chain.hash)
            for sql, changes in self._statements.groups():
                execute_rows(connection, sql, changes)
        if self._logs:
            execute_rows(connection, _INSERT_LOG, self._logs)
        if self._ended:
            connection.executemany(_FREE_LOCKS, self._ended)

    def _add_event(self, run_id: str, encoded: EncodedEvent, chain: _Chain) -> None:
        event = encoded.event
        self.event_no += 1
        chain.seq += 1
        prev_hash = chain.hash
        chain.hash = event_hash(encoded.before_seq, chain.seq, encoded.after_seq, prev_hash)
        self.rows.append(
            (
                self.event_no,
                ENVELOPE_VERSION,
                run_id,
                chain.seq,
                event.at_us,
                event.kind._value_,  # the plain attribute: `value` is a Python call
                event.pass_index,
                None if event.stage is None else event.stage._value_,
                event.step_id,
                event.item_index,
                event.attempt,
                event.actor,
                encoded.data_text,
                prev_hash,
                chain.hash,
            )
        )
        size = len(encoded.data_text)
        if encoded.blobs:
            size += sum(uses(encoded.data).values())
            self._blobs.update((blob.digest, blob) for blob in encoded.blobs)
        change(self._statements, Recorded(self.event_no, run_id, chain.seq, chain.hash, event, encoded.data, size))
        if event.kind in _FINAL:
            self._ended.append((run_id,))


class BatchWriter:
    """Writes batches for one engine on one connection, in the thread that made it, under the write lock.

    Chains advance after COMMIT only, so a batch that was rolled back can simply be written again.
    """

    def __init__(self, connection: sqlite3.Connection, engine_id: str, place: Path) -> None:
        self._connection = connection
        self._engine_id = engine_id
        self._place = str(place)
        self._chains: dict[str, _Chain] = {}
        self.last_event_no = 0
        self.last_hash = GENESIS

    def write(self, entries: Sequence[Entry]) -> BatchOutcome:
        """Commit the entries in as few transactions as can be, in order."""
        outcome = BatchOutcome()
        for portion in _portions(entries):
            if outcome.cause is None:
                self._write_portion(portion, outcome)
            else:
                outcome.unwritten.extend(portion)
        return outcome

    def runs_going_on(self) -> tuple[str, ...]:
        """The runs of this engine that are neither over nor waiting for anybody."""
        rows = self._connection.execute(_GOING_ON, (self._engine_id,)).fetchall()
        return tuple(run_id for (run_id,) in rows if run_id in self._chains)

    def _write_portion(self, entries: Sequence[Entry], outcome: BatchOutcome) -> None:
        """One transaction; if a row is refused, run by run, so that one bad run fails alone."""
        refused = self._try(entries, outcome)
        if refused is None:
            return
        by_run: dict[str, list[Entry]] = {}
        for entry in entries:
            by_run.setdefault(entry.run_id, []).append(entry)
        for run_id, own in by_run.items():
            if outcome.cause is not None:
                outcome.unwritten.extend(own)
            elif (refused := self._try(own, outcome)) is not None:
                error = RefusedEventError(
                    f"the file refused what run {run_id} wanted to write: {refused}", place=self._place
                )
                outcome.refused.update(dict.fromkeys(own, error))

    def _try(self, entries: Sequence[Entry], outcome: BatchOutcome) -> Exception | None:
        """One transaction. The error if the database refused a row; any other is a reason to try again later or never."""
        try:
            self._transact(entries, outcome)
        except sqlite3.Error as error:
            self._roll_back()
            if _is_refusal(error):
                return error
            outcome.unwritten.extend(entries)
            outcome.cause = error
        except StoreError as error:
            self._roll_back()
            outcome.refused.update(dict.fromkeys(entries, error))
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            self._roll_back()  # something in the data that no column takes
            return error
        return None

    def _transact(self, entries: Sequence[Entry], outcome: BatchOutcome) -> None:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        first = entries[0]
        fenced: dict[str, StoreError] = {}
        draft = _Draft(next((number for (number,) in execute(_LAST_EVENT_NO).fetchall()), 0))
        if first.claim is not None:
            claimed = first.claim(self._connection)
            first.events = encode(first.run_id, [claimed.event])
            draft.chains[first.run_id] = _Chain(claimed.seq, claimed.hash, claimed.epoch)
        else:
            fenced = self._fenced(entries)
            if first.work is not None and not fenced:
                first.work(self._connection)
        for entry in entries:
            if entry.run_id not in fenced:
                draft.add(entry, self._chains.get(entry.run_id))
        draft.write(self._connection)
        execute("COMMIT")
        self._chains.update(draft.chains)
        if draft.rows:
            self.last_event_no = draft.event_no
            self.last_hash = draft.rows[-1][-1]
        outcome.refused.update({entry: fenced[entry.run_id] for entry in entries if entry.run_id in fenced})

    def _fenced(self, entries: Iterable[Entry]) -> dict[str, StoreError]:
        """The runs of these entries that this engine may not write to, each with the reason."""
        refused: dict[str, StoreError] = {}
        made_here = {entry.run_id for entry in entries if entry.plan is not None}
        for run_id in {entry.run_id: None for entry in entries}:
            chain = self._chains.get(run_id)
            owners = self._connection.execute(_OWNER, (run_id,)).fetchall()
            if run_id in made_here:
                if owners:
                    refused[run_id] = RefusedEventError(f"there is a run {run_id} already", place=self._place)
            elif chain is None and not owners:
                refused[run_id] = StoreError(f"there is no run {run_id}", place=self._place)
            elif not owners:
                refused[run_id] = FencedError(f"run {run_id} has been removed from the file", place=self._place)
            elif chain is None or owners[0] != (self._engine_id, chain.epoch):
                refused[run_id] = FencedError(
                    f"run {run_id} belongs to engine {owners[0][0]} now",
                    place=self._place,
                    hint="nothing more is written to it from here",
                )
        return refused

    def _roll_back(self) -> None:
        # SQLite has already rolled back by itself where the disk is full; a second ROLLBACK would be an error.
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):  # the reason to roll back is what counts; a failure stays with the connection
                self._connection.execute("ROLLBACK")


def _portions(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """The entries in order, those that need a transaction to themselves each alone."""
    portion: list[Entry] = []
    for entry in entries:
        if entry.work is None and entry.claim is None:
            portion.append(entry)
            continue
        if portion:
            yield portion
            portion = []
        yield [entry]
    if portion:
        yield portion


def _is_refusal(error: sqlite3.Error) -> bool:
    """True where the database said no to what a row holds, rather than to being written at all."""
    code = primary_code(error)
    return code in (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH) or code == 0

"""Whether every run's events are all there, in order and unchanged; and, on the way, what the projections must be."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from engine.errors import StoreError
from engine.model.event import EventKind
from store.encoding import ENVELOPE_VERSION, row_hash
from store.integrity.findings import Check, Finding
from store.queries.event_rows import EVENT_COLUMNS, event_row
from store.scratch import Replay, recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from store.integrity.findings import Progress
    from store.rows import EventRow

_RESTORE: Final = "keep the file as it is; a backup or an export of the run has the events as they were"
_AT_ONCE: Final = 1000
_GENESIS: Final = "0" * 64


@dataclass(slots=True)
class _Head:
    seq: int = 0
    hash: str = _GENESIS


@dataclass(slots=True)
class EventCheck:
    """What the events of the file came to: how many, where each run's chain ends, and which runs are broken."""

    events: int = 0
    broken: set[str] = field(default_factory=set)
    can_compare: bool = True
    _heads: dict[str, _Head] = field(default_factory=dict)

    def findings(
        self, connection: sqlite3.Connection, scratch: sqlite3.Connection, progress: Progress
    ) -> Iterator[Finding]:
        """Read every event in the order of the file; replay it in `scratch`, whose projected tables must be empty."""
        replay = Replay(scratch)
        place = 0
        while True:
            sql = f"SELECT {EVENT_COLUMNS} FROM run_events WHERE event_no > ? ORDER BY event_no LIMIT ?"  # noqa: S608
            rows = connection.execute(sql, (place, _AT_ONCE)).fetchall()
            if not rows:
                break
            for row in rows:
                yield from self._take(row, replay)
            place = rows[-1][0]
            self.events += len(rows)
            progress.counted(len(rows), "events checked")
        if self.can_compare:
            try:
                replay.flush()
            except sqlite3.IntegrityError as error:
                yield self._incomparable(error)
        yield from self._ends(connection)

    def _take(self, row: tuple[Any, ...], replay: Replay) -> Iterator[Finding]:
        run_id = str(row[2])
        if run_id in self.broken:
            return
        try:
            event = event_row(row)
            fault = self._fault(event)
            if fault is None and self.can_compare:
                replay.add(recorded(event))
        except sqlite3.IntegrityError as error:
            yield self._incomparable(error)
        except (StoreError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            fault = f"event {row[3]} cannot be read"
        else:
            if fault is None:
                return
        self.broken.add(run_id)
        if fault is not None:
            yield Finding(Check.CHAIN, f"run {run_id}", fault, _RESTORE)

    def _fault(self, event: EventRow) -> str | None:
        """What is wrong with an event after those before it; moves the head of its run on if nothing is."""
        head = self._heads.setdefault(event.run_id, _Head())
        if event.seq <= head.seq:
            return f"event {event.seq} comes after event {head.seq}"
        if event.seq > head.seq + 1:
            missing = (
                f"event {head.seq + 1}" if event.seq == head.seq + 2 else f"events {head.seq + 1} to {event.seq - 1}"
            )
            return f"{missing} {'is' if event.seq == head.seq + 2 else 'are'} missing"
        if event.prev_hash != head.hash:
            return f"the chain is broken: event {event.seq} does not follow the one before"
        if event.v != ENVELOPE_VERSION or row_hash(event).hex() != event.hash:
            return f"event {event.seq} has been changed since it was recorded"
        if (event.kind is EventKind.RUN_CREATED) != (event.seq == 1):
            return f"event {event.seq} is {event.kind}, which does not belong there"
        head.seq, head.hash = event.seq, event.hash
        return None

    def _incomparable(self, error: sqlite3.Error) -> Finding:
        self.can_compare = False
        return Finding(
            Check.PROJECTIONS, "events", f"no projections can be made of them: {error}", "please report this"
        )

    def _ends(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        """Runs whose events end before what was written of them. Other differences are those of projections."""
        for run_id, last_seq in connection.execute("SELECT run_id, last_seq FROM runs ORDER BY run_id"):
            head = self._heads.get(run_id) or _Head()
            if not isinstance(last_seq, int):
                self.broken.add(run_id)
                yield Finding(Check.CHAIN, f"run {run_id}", "how many events it has cannot be read", _RESTORE)
            elif run_id not in self.broken and last_seq > head.seq:
                self.broken.add(run_id)
                message = (
                    f"its events end at {head.seq}, but {last_seq} were written" if head.seq else "it has no events"
                )
                yield Finding(Check.CHAIN, f"run {run_id}", message, _RESTORE)

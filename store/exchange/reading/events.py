"""The events of a trace: one chain of one run, each as it was hashed. The values kept apart from them are in blobs.py."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter
from pydantic_core import to_json

from engine.model.event import EventKind
from store.blobs import fault
from store.encoding import row_hash
from store.exchange.document import ExportedEvent
from store.queries.event_rows import EVENT_COLUMNS
from store.rows import EventRow
from store.scratch import Replay, recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model.json import JsonObject
    from store.exchange.reading.opened import OpenDocument

_NO_HASH: Final = "0" * 64
_AT_ONCE: Final = 500
_INSERT: Final = f"INSERT INTO run_events ({EVENT_COLUMNS}) VALUES ({', '.join('?' * 15)})"  # noqa: S608
# An engine's id becomes part of a file's name.
_ENGINE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_ENGINE_FIELDS: Final = ("engine_id", "from_engine", "to_engine")

_EVENT = TypeAdapter(ExportedEvent)


class EventsReader:
    """Takes the events up in their order. `last` is the end of the chain so far, `created` what the first event says."""

    def __init__(self, document: OpenDocument, progress: Callable[[int, int], None] | None) -> None:
        self.last: EventRow | None = None
        self.created: JsonObject = {}
        self._document = document
        self._progress = progress
        self._replay = Replay(document.connection)
        self._rows: list[tuple[Any, ...]] = []

    def read(self) -> None:
        """Store the list that comes next. Raises InputError at the first event that cannot be where it is."""
        document = self._document
        for _ in document.cursor.elements():
            given, written = document.element("data")
            self._take(document.valid(_EVENT, given), written)
        document.guard(self._flush)

    def _take(self, event: ExportedEvent, written: str) -> None:
        self._check_place(event)
        row = self._stored(event, written)
        self._check_engines(event)
        if wrong := fault(event.kind, event.stage, event.data):
            self._document.refuse(f"event {event.seq} cannot be: {wrong}")
        if self.last is None:
            self.created = event.data
        self._rows.append(
            (
                row.event_no, row.v, row.run_id, row.seq, row.at_us, row.kind.value, row.pass_index,
                row.stage.value if row.stage else None, row.step_id, row.item_index, row.attempt, row.actor, row.data,
                bytes.fromhex(row.prev_hash), bytes.fromhex(row.hash),
            )
        )  # fmt: skip
        self._document.guard(lambda: self._replay.add(recorded(row)))
        self.last = row
        if len(self._rows) >= _AT_ONCE:
            self._document.guard(self._flush)
            self._tell()

    def _check_place(self, event: ExportedEvent) -> None:
        """It must follow the one before, in number, run and hash."""
        last, refuse = self.last, self._document.refuse
        place = f"event {event.seq}"
        if event.seq != (last.seq + 1 if last else 1):
            refuse(f"{place} follows {f'event {last.seq}' if last else 'nothing'}: some are missing or out of order")
        if last is not None and event.run_id != last.run_id:
            refuse(f"{place} is of another run: {event.run_id}")
        if (event.kind is EventKind.RUN_CREATED) != (last is None):
            refuse(f"{place} is {event.kind}: a run begins with {EventKind.RUN_CREATED}, and with that alone")
        if event.prev_hash != (last.hash if last else _NO_HASH):
            refuse(f"the chain is broken at {place}: it does not follow the one before")

    def _stored(self, event: ExportedEvent, written: str) -> EventRow:
        """The event as its row, with the text of its data that the hash is of: as written, or else as we write it."""
        refuse = self._document.refuse
        try:
            ours = to_json(event.data).decode()
        except ValueError:  # nested too deeply, or half a character
            return refuse(f"the data of event {event.seq} cannot be stored: nested too deeply, or no valid text")
        for text in (written, ours):
            row = self._row(event, text)
            if row_hash(row).hex() == event.hash:
                return row
        return refuse(
            f"the chain is broken at event {event.seq}: it has been changed since it was recorded",
            hint="a program that sorts keys or rounds numbers changes a trace too; export the run again",
        )

    def _row(self, event: ExportedEvent, text: str) -> EventRow:
        return EventRow(
            event_no=event.seq,
            v=event.v,
            run_id=event.run_id,
            seq=event.seq,
            at_us=self._document.moment(event.at),
            kind=event.kind,
            pass_index=event.pass_index,
            stage=event.stage,
            step_id=event.step_id,
            item_index=event.item_index,
            attempt=event.attempt,
            actor=event.actor,
            data=text,
            prev_hash=event.prev_hash,
            hash=event.hash,
        )

    def _check_engines(self, event: ExportedEvent) -> None:
        if event.kind not in (EventKind.RUN_CREATED, EventKind.RUN_TAKEN_OVER):
            return
        for field in _ENGINE_FIELDS:
            engine_id = event.data.get(field)
            if engine_id is not None and not (isinstance(engine_id, str) and _ENGINE_ID.fullmatch(engine_id)):
                self._document.refuse(f"event {event.seq} names an engine that cannot be one: {field}")

    def _flush(self) -> None:
        self._document.connection.executemany(_INSERT, self._rows)
        self._rows = []
        self._replay.flush()

    def _tell(self) -> None:
        if self._progress is not None and self.last is not None:
            self._progress(self._document.cursor.bytes_read, self.last.seq)

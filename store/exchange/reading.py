"""Reads an exported trace into a scratch database, checking everything on the way: shape, words, sizes, chain, plan and output.

Nothing of the document reaches the file of runs from here; that is store.exchange.importing's.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from engine.errors import InputError
from engine.model.event import EventKind
from engine.model.json import canonical_json
from store.blobs import Blob, fault, keep
from store.encoding import row_hash
from store.exchange.cursor import JsonCursor
from store.exchange.document import (
    MOST_DOCUMENT_BYTES,
    MOST_VALUE_CHARACTERS,
    TRACE_VERSION,
    ExportedBlob,
    ExportedEvent,
    ExportedLog,
    ExportedPlan,
    StageEntry,
    StepEntry,
    TraceHead,
)
from store.integrity.output import output_faults
from store.rows import EventRow
from store.scratch import EVENT_COLUMNS, Replay, recorded, scratch_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.model.json import Json, JsonObject
    from store.exchange.cursor import Source

T = TypeVar("T")

_WHAT_IT_IS: Final = "opscope export writes traces; opscope schema trace says what they look like"
NO_HASH: Final = "0" * 64
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_AT_ONCE: Final = 500
_MOST_LOG: Final = 64 * 1024 * 1024
_INSERT_EVENT: Final = f"INSERT INTO run_events ({EVENT_COLUMNS}) VALUES ({', '.join('?' * 15)})"  # noqa: S608
_INSERT_LOG: Final = (
    "INSERT INTO logs (run_id, pass_index, step_id, item_index, attempt, stream, at_us, offset, content) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_INSERT_PLAN: Final = (
    "INSERT INTO plans (plan_hash, plan_id, version, source, document, first_used_us) VALUES (?, ?, ?, ?, ?, ?)"
)
# An engine's id becomes part of a file's name.
_ENGINE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_ENGINE_FIELDS: Final = ("engine_id", "from_engine", "to_engine")

_EVENT = TypeAdapter(ExportedEvent)
_BLOB = TypeAdapter(ExportedBlob)
_LOG = TypeAdapter(ExportedLog)
_STAGE = TypeAdapter(StageEntry)
_STEP = TypeAdapter(StepEntry)
_HEAD = TypeAdapter(TraceHead)


@dataclass(frozen=True, slots=True)
class ReadTrace:
    """A trace that passed every check. `connection` is the scratch database that holds it, and nothing else."""

    connection: sqlite3.Connection
    run_id: str
    plan_id: str
    plan_version: str
    events: int
    last_hash: bytes
    log_chunks_left_out: int
    log_bytes_left_out: int


@contextmanager
def read_trace(source: Source, name: str, *, progress: Callable[[int, int], None] | None = None) -> Iterator[ReadTrace]:
    """Read the document; what it holds can be used until the block ends. Raises InputError with the place of the first fault.

    `progress` is told, now and then, how many bytes and events have been read.
    """
    with scratch_database() as connection:
        yield _Reading(source, name, connection, progress).read()


class _Reading:
    """One document on its way into the scratch database. The parts may come in any order."""

    def __init__(
        self, source: Source, name: str, connection: sqlite3.Connection, progress: Callable[[int, int], None] | None
    ) -> None:
        self._cursor = JsonCursor(source, name, most_value=MOST_VALUE_CHARACTERS, most_bytes=MOST_DOCUMENT_BYTES)
        self._name = name
        self._connection = connection
        self._progress = progress
        self._replay = Replay(connection)
        self._rows: list[tuple[Any, ...]] = []
        self._last: EventRow | None = None
        self._created: JsonObject = {}

    def read(self) -> ReadTrace:
        cursor = self._cursor
        if cursor.peek() != "{":
            cursor.fail("this is no trace: a JSON object should begin here", hint=_WHAT_IT_IS)
        rest: dict[str, Json] = {}
        seen: set[str] = set()
        for key in cursor.members():
            seen.add(key)
            match key:
                case "schema_version":
                    rest[key] = self._version()
                case "events":
                    self._read_events()
                case "blobs":
                    self._read_blobs()
                case "logs":
                    self._read_logs()
                case "stages":
                    self._check_elements(_STAGE)
                case "steps":
                    self._check_elements(_STEP)
                case _:
                    rest[key] = cursor.value()[0]
        cursor.end()
        missing = [
            name
            for name in ("schema_version", "run_id", "plan", "events", "stages", "steps", "logs")
            if name not in seen
        ]
        if missing:
            names = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
            self._refuse(f"this is no whole trace: {names}", hint=_WHAT_IT_IS)
        return self._finish(self._valid(_HEAD, rest))

    def _version(self) -> Json:
        value, _ = self._cursor.value()
        if isinstance(value, int) and not isinstance(value, bool) and value > TRACE_VERSION:
            self._refuse(
                f"a newer opscope wrote this trace (version {value}, this one knows {TRACE_VERSION})",
                hint="update opscope",
            )
        return value

    # Events

    def _read_events(self) -> None:
        for _ in self._cursor.elements():
            given: dict[str, Json] = {}
            written = ""
            for key in self._cursor.members():
                given[key], text = self._cursor.value()
                if key == "data":
                    written = text
            self._take_event(self._valid(_EVENT, given), written)
        self._guard(self._flush)

    def _take_event(self, event: ExportedEvent, written: str) -> None:
        last = self._last
        place = f"event {event.seq}"
        if event.seq != (last.seq + 1 if last else 1):
            self._refuse(
                f"{place} follows {f'event {last.seq}' if last else 'nothing'}: some are missing or out of order"
            )
        if last is not None and event.run_id != last.run_id:
            self._refuse(f"{place} is of another run: {event.run_id}")
        if (event.kind is EventKind.RUN_CREATED) != (last is None):
            self._refuse(f"{place} is {event.kind}: a run begins with {EventKind.RUN_CREATED}, and with that alone")
        if event.prev_hash != (last.hash if last else NO_HASH):
            self._refuse(f"the chain is broken at {place}: it does not follow the one before")
        row = self._stored(event, written)
        self._check_engines(event)
        if wrong := fault(event.kind, event.stage, event.data):
            self._refuse(f"{place} cannot be: {wrong}")
        if last is None:
            self._created = event.data
        self._rows.append(
            (
                row.event_no, row.v, row.run_id, row.seq, row.at_us, row.kind.value, row.pass_index,
                row.stage.value if row.stage else None, row.step_id, row.item_index, row.attempt, row.actor, row.data,
                bytes.fromhex(row.prev_hash), bytes.fromhex(row.hash),
            )
        )  # fmt: skip
        self._guard(lambda: self._replay.add(recorded(row)))
        self._last = row
        if len(self._rows) >= _AT_ONCE:
            self._guard(self._flush)
            self._tell()

    def _stored(self, event: ExportedEvent, written: str) -> EventRow:
        """The event as its row, with the text of its data that the hash is of: as written, or else as we write it."""
        try:
            ours = to_json(event.data).decode()
        except ValueError:  # nested too deeply, or half a character
            return self._refuse(f"the data of event {event.seq} cannot be stored: nested too deeply, or no valid text")
        for text in (written, ours):
            row = self._row(event, text)
            if row_hash(row).hex() == event.hash:
                return row
        return self._refuse(
            f"the chain is broken at event {event.seq}: it has been changed since it was recorded",
            hint="a program that sorts keys or rounds numbers changes a trace too; export the run again",
        )

    def _row(self, event: ExportedEvent, text: str) -> EventRow:
        return EventRow(
            event_no=event.seq,
            v=event.v,
            run_id=event.run_id,
            seq=event.seq,
            at_us=self._moment(event.at),
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
                self._refuse(f"event {event.seq} names an engine that cannot be one: {field}")

    def _flush(self) -> None:
        self._connection.executemany(_INSERT_EVENT, self._rows)
        self._rows = []
        self._replay.flush()

    # The other parts

    def _read_blobs(self) -> None:
        for _ in self._cursor.elements():
            given: dict[str, Json] = {}
            written = ""
            for key in self._cursor.members():
                given[key], text = self._cursor.value()
                if key == "value":
                    written = text
            blob = self._blob(self._valid(_BLOB, given), written)
            self._guard(lambda blob=blob: keep(self._connection, [blob]))  # type: ignore[misc]

    def _blob(self, given: ExportedBlob, written: str) -> Blob:
        """The value with the text that its hash is of: as written, or else as we write it."""
        try:
            blob = Blob.of(written.encode())
            if blob.digest != given.sha256:
                blob = Blob.of(to_json(given.value))
        except ValueError:
            return self._refuse("a large value cannot be stored: nested too deeply, or no valid text")
        if blob.digest == given.sha256:
            return blob
        return self._refuse(
            "a large value has been changed since it was recorded: its hash is another",
            hint="a program that sorts keys or rounds numbers changes a trace too; export the run again",
        )

    def _read_logs(self) -> None:
        for _ in self._cursor.elements():
            value, _text = self._cursor.value()
            log = self._valid(_LOG, value)
            if (log.text is None) == (log.base64 is None):
                self._refuse("a log entry has either text or base64")
            content = self._content(log)
            row = (
                log.pass_index,
                log.step_id,
                log.item_index,
                log.attempt,
                log.stream.value,
                self._moment(log.at),
                log.offset,
                content,
            )
            self._guard(lambda row=row: self._connection.execute(_INSERT_LOG, ("", *row)))  # type: ignore[misc]

    def _content(self, log: ExportedLog) -> bytes:
        try:
            content = log.text.encode() if log.text is not None else base64.b64decode(log.base64 or "", validate=True)
        except (UnicodeEncodeError, binascii.Error, ValueError):
            self._refuse("a log entry is neither text nor base64")
        if len(content) > _MOST_LOG:
            self._refuse("a log entry is larger than any that is ever written")
        return content

    def _check_elements(self, kind: TypeAdapter[T]) -> None:
        for _ in self._cursor.elements():
            self._valid(kind, self._cursor.value()[0])

    # What can only be said at the end

    def _finish(self, head: TraceHead) -> ReadTrace:
        last = self._last
        if last is None:
            self._refuse("the trace has no events")
        run_id = last.run_id
        self._guard(lambda: self._connection.execute("UPDATE logs SET run_id = ?", (run_id,)))
        self._check_blobs()
        self._check_plan(head)
        ((status, plan_id),) = self._connection.execute("SELECT status, plan_id FROM runs").fetchall()
        for what, said, recorded_as in (
            ("run_id", head.run_id, run_id),
            ("status", head.status.value, status),
            ("plan_id", head.plan_id, plan_id),
        ):
            if said != recorded_as:
                self._refuse(f"the trace says {what} {said!r}, its events say {recorded_as!r}")
        if head.logs_left_out.chunks == 0:
            faults = [fault for fault in output_faults(self._connection, run_id) if fault.contradicts]
            if faults:
                self._refuse(faults[0].message)
        return ReadTrace(
            connection=self._connection,
            run_id=run_id,
            plan_id=plan_id,
            plan_version=head.plan_version,
            events=last.seq,
            last_hash=bytes.fromhex(last.hash),
            log_chunks_left_out=head.logs_left_out.chunks,
            log_bytes_left_out=head.logs_left_out.bytes,
        )

    def _check_blobs(self) -> None:
        """Every value that an event has the head of must be there, of the size that the head says, and no other."""
        sql = "SELECT {} FROM blob_uses AS u {} JOIN blobs AS b ON b.sha256 = u.sha256 WHERE {} LIMIT 1"
        for join, condition, message in (
            ("LEFT", "b.sha256 IS NULL", "a large value is missing, of which event {} has the head"),
            ("", "b.size_bytes != u.size_bytes", "event {} says another size of a large value than it has"),
        ):
            for (event_no,) in self._connection.execute(sql.format("u.event_no", join, condition)).fetchall():
                self._refuse(message.format(event_no))
        ((extra,),) = self._connection.execute(
            "SELECT count(*) FROM blobs WHERE sha256 NOT IN (SELECT sha256 FROM blob_uses)"
        ).fetchall()
        if extra:
            self._refuse("it holds a large value that no event of it has the head of")

    def _check_plan(self, head: TraceHead) -> None:
        from engine.plan.load import plan_hash

        plan: ExportedPlan = head.plan
        if not plan.plan_hash == head.plan_hash == self._created.get("plan_hash"):
            self._refuse("the plan is not the one that the run was of")
        try:
            document = canonical_json(plan.document)
            found = plan_hash(json.loads(document))
        except (ValueError, RecursionError):
            self._refuse("the plan cannot be stored")
        if found != plan.plan_hash:
            self._refuse("the plan has been changed since it was recorded: its hash is another")
        self._check_source(plan)
        first_used_us = self._connection.execute("SELECT min(at_us) FROM run_events").fetchall()[0][0]
        row = (plan.plan_hash, plan.plan_id, plan.version, plan.source, document, first_used_us)
        self._guard(lambda: self._connection.execute(_INSERT_PLAN, row))

    def _check_source(self, plan: ExportedPlan) -> None:
        """The text must be of the same plan. One that this version cannot read any more is kept: it is what was run."""
        from engine.errors import PlanError
        from engine.plan.load import load_plan

        name = "plan.json" if plan.source.lstrip().startswith("{") else "plan.yaml"
        try:
            found = load_plan(plan.source.encode(), name=name).plan_hash
        except (PlanError, UnicodeEncodeError):
            return
        if found != plan.plan_hash:
            self._refuse("the text of the plan is not of the plan that the run was of")

    # Small things

    def _moment(self, text: str) -> int:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            self._refuse(f"{text} is no moment in time")
        return (at - _EPOCH) // _MICROSECOND

    def _valid(self, kind: TypeAdapter[T], value: object) -> T:
        try:
            return kind.validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            message = first["msg"][:1].lower() + first["msg"][1:]
            more = error.error_count() - 1
            self._refuse(f"{where + ': ' if where else ''}{message}{f', and {more} more' if more else ''}")

    def _guard(self, work: Callable[[], object]) -> None:
        """Do something in the scratch database, which has the checks of the file."""
        try:
            work()
        except sqlite3.IntegrityError as error:
            self._refuse(f"what it holds fits no run: {error}")
        except (OverflowError, UnicodeEncodeError):
            self._refuse("it holds a number or a text that cannot be stored")

    def _tell(self) -> None:
        if self._progress is not None and self._last is not None:
            self._progress(self._cursor.bytes_read, self._last.seq)

    def _refuse(self, message: str, *, hint: str = "") -> NoReturn:
        if hint:
            raise InputError(message, place=self._name, hint=hint)
        self._cursor.fail(message)

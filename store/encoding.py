"""An event as the bytes that are hashed and stored, made before it is queued. Numbers and chains come from the writer.

Whatever a step prints ends up in `data`, so everything that JSON, UTF-8 or SQLite would refuse is replaced here, visibly:
NaN and infinities by their names, lone surrogates by an escape, nesting beyond the limit by a remark.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic_core import to_json

from store.blobs import PLACES, THRESHOLD_BYTES, split
from store.errors import RefusedEventError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.event import Event
    from engine.model.json import Json, JsonObject
    from store.blobs import Blob
    from store.rows import EventRow

ENVELOPE_VERSION: Final = 1
DEEPEST: Final = 200
"""Levels of nesting that are kept. The encoder gives up at 255, SQLite's JSON functions at 1,000."""

_MOST_BITS: Final = 14_000  # 4,300 digits are where Python refuses to read a number by default

# Three times as fast as the json module, and it gives UTF-8, which is what is hashed.
_to_json = partial(to_json, inf_nan_mode="strings")


class EncodedEvent(NamedTuple):
    """An event with its envelope's text on both sides of `seq`, up to the opening quote of `prev_hash`.

    `data_text` is stored, `data` is what projections are made from: the event's own unless something had to be replaced,
    by something that can be stored or, where it is large, by the head of one of the `blobs`.
    """

    event: Event
    data: JsonObject
    data_text: str
    before_seq: bytes
    after_seq: bytes
    blobs: tuple[Blob, ...] = ()

    @property
    def size_bytes(self) -> int:
        """About what it takes in memory while it waits."""
        return len(self.after_seq) + sum(len(blob.text) for blob in self.blobs)


def encode(run_id: str, events: Sequence[Event]) -> list[EncodedEvent]:
    """Encode events of one run. Raises RefusedEventError if the data of one are not JSON at all, or not an engine's."""
    before_seq = b'{"v":%d,"run_id":"%b","seq":' % (ENVELOPE_VERSION, run_id.encode("ascii"))
    encoded = []
    for event in events:
        if PLACES in event.data:
            raise RefusedEventError(f"{event.kind} cannot be written: it has {PLACES!r}, which is the store's own")
        try:
            encoded.append(_encode(before_seq, event, event.data))
        except ValueError:  # lone surrogates, nesting that is too deep, or no JSON value
            encoded.append(_encode_cleaned(before_seq, event))
    return encoded


def event_hash(before_seq: bytes, seq: int, after_seq: bytes, prev_hash: bytes) -> bytes:
    """The SHA-256 of the whole envelope, as 32 bytes; `prev_hash` is the one of the event before, likewise."""
    return sha256(b'%b%d%b%b"}' % (before_seq, seq, after_seq, prev_hash.hex().encode("ascii"))).digest()


def row_hash(row: EventRow) -> bytes:
    """What the hash of a stored event must be, made anew from its columns."""
    before_seq = b'{"v":%d,"run_id":"%b","seq":' % (row.v, row.run_id.encode())
    after_seq = b'%b%b,"prev_hash":"' % (_head(row).encode(), row.data.encode())
    return event_hash(before_seq, row.seq, after_seq, bytes.fromhex(row.prev_hash))


def _encode(before_seq: bytes, event: Event, data: JsonObject) -> EncodedEvent:
    data_bytes = _to_json(data)
    blobs: tuple[Blob, ...] = ()
    if len(data_bytes) > THRESHOLD_BYTES:
        data, blobs = split(event.kind, event.stage, data, _to_json)
        data_bytes = _to_json(data)
    after_seq = b'%b%b,"prev_hash":"' % (_head(event).encode(), data_bytes)
    return EncodedEvent(event, data, data_bytes.decode(), before_seq, after_seq, blobs)


def _head(event: Event | EventRow) -> str:
    """The envelope between `seq` and the data."""
    head = f',"at_us":{event.at_us},"kind":"{event.kind._value_}","pass_index":{event.pass_index}'
    if event.stage is not None:
        head += f',"stage":"{event.stage._value_}"'
    if event.step_id is not None:
        head += f',"step_id":{_quoted(event.step_id)}'
    if event.item_index is not None:
        head += f',"item_index":{event.item_index}'
    if event.attempt is not None:
        head += f',"attempt":{event.attempt}'
    return f'{head},"actor":{_quoted(event.actor)},"data":'


def _encode_cleaned(before_seq: bytes, event: Event) -> EncodedEvent:
    data = cleaned(event.data)
    event = replace(event, step_id=event.step_id and printable(event.step_id), actor=printable(event.actor))
    try:
        return _encode(before_seq, event, data)
    except ValueError as error:
        raise RefusedEventError(f"{event.kind} cannot be written: {error}") from error


def _quoted(text: str) -> str:
    # Nearly every word here is an identifier, in which nothing needs an escape.
    return f'"{text}"' if text.isidentifier() else _to_json(text).decode()


def printable(text: str) -> str:
    """The text with lone surrogates as visible escapes, so that it is UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def cleaned(value: JsonObject) -> JsonObject:
    """A copy that JSON, UTF-8 and SQLite all take."""
    return {printable(str(key)): _cleaned(item, 1) for key, item in value.items()}


def _cleaned(value: Json, depth: int) -> Json:
    match value:
        case str():
            return printable(value)
        case bool() | None:
            return value
        case int():
            return value if value.bit_length() < _MOST_BITS else hex(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case dict() | list() | tuple() if depth >= DEEPEST:
            return f"nested deeper than {DEEPEST} levels"
        case dict():
            return {printable(str(key)): _cleaned(item, depth + 1) for key, item in value.items()}
        case list() | tuple():
            return [_cleaned(item, depth + 1) for item in value]
        case _:
            raise RefusedEventError(f"{type(value).__name__} is no JSON value")

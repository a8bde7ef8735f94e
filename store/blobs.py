"""Large values of events, kept once each by their hash. What an event says instead of one, and how the values come back.

An event whose `data` would be large keeps `{"$blob": sha256, "size": bytes, "prefix": text}` in the place of each large
value, and names these places in a list at the very beginning of its data, `"$blobs"`. The list decides, not the look of a
value: its key is not to be had by any step, so that what a step gives out may look like such a head and stays what it is.
The hash chain covers the head, and with it the hash of the value.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from engine.collector import collector_spared
from engine.model.event import EventKind
from engine.model.states import Stage
from store.errors import DamagedDatabaseError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping

    from engine.model.json import Json, JsonObject

THRESHOLD_BYTES: Final = 64 * 1024
"""A value whose JSON is larger is kept apart. Below it a row of its own, with its hash and its pages, gains nothing."""

PLACES: Final = "$blobs"
DIGEST: Final = "$blob"
_MARK: Final = '{"$blobs":['
_PREFIX_CHARACTERS: Final = 256

# zlib halves what is written and synced, and reading it back costs less than parsing it; but not where nothing is gained.
_LEVEL: Final = 1
_SAMPLE_BYTES: Final = 32 * 1024
_WORTH_IT: Final = 0.7

STORED: Final = "SELECT encoding, content FROM blobs WHERE sha256 = ?"
_KNOWN: Final = "SELECT 1 FROM blobs WHERE sha256 = ?"
_INSERT: Final = "INSERT INTO blobs (sha256, size_bytes, encoding, content) VALUES (?, ?, ?, ?)"
_RESTORE: Final = "opscope verify says what else is damaged; restore the file from a backup"

# What may be moved. Whatever a query or a projection looks into stays in the event.
_MOVABLE: Final[dict[EventKind, tuple[tuple[str, ...], ...]]] = {
    EventKind.STAGE_STARTED: (("input", "params"), ("input", "previous_output")),
    EventKind.STAGE_FINISHED: (("output", "result"),),
    EventKind.ATTEMPT_STARTING: (("definition",), ("env",), ("inputs",)),
    EventKind.ATTEMPT_FINISHED: (("error",),),
    EventKind.STEP_FINISHED: (("data",), ("stdout",), ("stderr",), ("items",), ("error",)),
}
_MOVABLE_OF_ROUTE: Final = tuple(
    ("output", "result", part) for part in ("direct", "plan", "reject", "metadata", "reasoning")
)


class Encoding(StrEnum):
    """How a value's JSON text is stored."""

    PLAIN = "plain"
    ZLIB = "zlib"


@dataclass(frozen=True, slots=True)
class Blob:
    """A value as JSON text, UTF-8, and the SHA-256 of that text in hex."""

    digest: str
    text: bytes

    @classmethod
    def of(cls, text: bytes) -> Blob:
        """The blob of a JSON text."""
        return cls(sha256(text).hexdigest(), text)

    def packed(self) -> tuple[Encoding, bytes]:
        """As it is stored: compressed if that makes it much smaller, which its beginning tells."""
        sample = self.text[:_SAMPLE_BYTES]
        if len(zlib.compress(sample, _LEVEL)) <= _WORTH_IT * len(sample):
            return Encoding.ZLIB, zlib.compress(self.text, _LEVEL)
        return Encoding.PLAIN, self.text


@dataclass(frozen=True, slots=True)
class Kept:
    """Stands in the place of a value that is too large to be read along: which blob it is, its bytes, how it begins."""

    digest: str
    size: int
    prefix: str


# Out of an event, and into the file


def split(
    kind: EventKind, stage: Stage | None, data: JsonObject, to_json: Callable[[Json], bytes]
) -> tuple[JsonObject, tuple[Blob, ...]]:
    """The data with heads in the places of its large values, and these values. The data are not changed."""
    moved: list[tuple[tuple[str, ...], Json]] = []
    found: dict[str, Blob] = {}
    for path in movable(kind, stage):
        holder = _holder(data, path)
        if holder is None:
            continue
        value = holder[path[-1]]
        if not isinstance(value, str | dict | list | tuple):
            continue
        text = to_json(value)
        if len(text) > THRESHOLD_BYTES:
            blob = Blob.of(text)
            found[blob.digest] = blob
            moved.append((path, head_of(value, blob)))
    if not moved:
        return data, ()
    reduced: JsonObject = {PLACES: ["/".join(path) for path, _ in moved], **data}
    for path, head in moved:
        _put(reduced, path, head)
    return reduced, tuple(found.values())


def movable(kind: EventKind, stage: Stage | None) -> tuple[tuple[str, ...], ...]:
    """The paths of the values that an event of this kind may have apart."""
    if kind is EventKind.STAGE_FINISHED and stage is Stage.ROUTE_PLAN:
        return _MOVABLE_OF_ROUTE
    return _MOVABLE.get(kind, ())


def keep(connection: sqlite3.Connection, blobs: Iterable[Blob]) -> None:
    """Store the blobs that the file does not have yet; within the transaction of the events that refer to them."""
    for blob in blobs:
        if not connection.execute(_KNOWN, (blob.digest,)).fetchall():
            encoding, content = blob.packed()
            connection.execute(_INSERT, (blob.digest, len(blob.text), encoding.value, content))


# Back out of the file


def has_heads(text: str | None) -> bool:
    """True if stored data have values apart."""
    return text is not None and text.startswith(_MARK)


def uses(data: JsonObject) -> dict[str, int]:
    """The blobs that parsed data refer to, with their sizes; nothing for most events, at the price of one look."""
    places = data.get(PLACES)
    if not isinstance(places, list):
        return {}
    found: dict[str, int] = {}
    for place in places:
        head = _head_at(data, place)
        if head is not None:
            found[str(head[DIGEST])] = head["size"]
    return found


def digests(text: str) -> tuple[str, ...]:
    """The blobs that stored data refer to."""
    return tuple(uses(_parsed(text)))


def put_back(text: str, contents: Mapping[str, Json]) -> JsonObject:
    """Stored data with the values in their places again. Raises DamagedDatabaseError where they do not fit."""
    data = _parsed(text)
    places = data.pop(PLACES)
    for place in places if isinstance(places, list) else ():
        head = _head_at(data, place)
        if head is None or head[DIGEST] not in contents:
            raise DamagedDatabaseError("a stored document does not say what it left out", hint=_RESTORE)
        _put(data, tuple(str(place).split("/")), contents[head[DIGEST]])
    return data


def fault(kind: EventKind, stage: Stage | None, data: JsonObject) -> str | None:
    """What is wrong with the places that data from elsewhere name; None if each is a head where one may stand."""
    if PLACES not in data:
        return None
    places = data[PLACES]
    allowed = {"/".join(path) for path in movable(kind, stage)}
    if next(iter(data)) != PLACES or not isinstance(places, list) or not places:
        return "what it left out is not said as it must be"
    if len({str(place) for place in places}) != len(places):
        return "it names a value that it left out twice"
    for place in places:
        if place not in allowed or _head_at(data, place) is None:
            return f"it left out a value that it must hold: {place}"
    return None


def json_of(digest: str, encoding: str, content: bytes) -> bytes:
    """The JSON text of a stored blob. Raises DamagedDatabaseError if it is not what its hash is of."""
    try:
        text = zlib.decompress(content) if encoding == Encoding.ZLIB else content
    except zlib.error:
        text = b""
    if sha256(text).hexdigest() != digest:
        raise DamagedDatabaseError("a large value is not what was stored", hint=_RESTORE)
    return text


def value_of(digest: str, encoding: str, content: bytes) -> Json:
    """The value of a stored blob, however large. Raises DamagedDatabaseError likewise."""
    return parsed(json_of(digest, encoding, content))


def parsed(text: bytes) -> Json:
    """The value of a large JSON text that was stored."""
    from pydantic_core import from_json  # twice as fast as the json module, and only what is large comes here

    with collector_spared():
        try:
            value: Json = from_json(text, cache_strings="keys")
        except ValueError:  # nested deeper than it goes
            value = json.loads(text)
    return value


def missing(digest: str) -> DamagedDatabaseError:
    """The error for a blob that an event refers to and that is not there."""
    return DamagedDatabaseError(f"a large value is missing: {digest}", hint=_RESTORE)


def wanted(rows: Iterable[tuple[Any, ...]], columns: tuple[int, ...]) -> frozenset[str]:
    """The blobs that the data in these columns refer to."""
    found: set[str] = set()
    for row in rows:
        for column in columns:
            if has_heads(row[column]):
                found.update(digests(row[column]))
    return frozenset(found)


def filled(
    rows: Iterable[tuple[Any, ...]], columns: tuple[int, ...], contents: Mapping[str, Json]
) -> list[tuple[Any, ...]]:
    """The rows with the data in these columns whole: objects instead of text where values had been apart."""
    return [
        tuple(
            put_back(cell, contents) if column in columns and has_heads(cell) else cell
            for column, cell in enumerate(row)
        )
        for row in rows
    ]


def head_of(value: Json, blob: Blob) -> JsonObject:
    """What stands in the place of a value that is kept elsewhere."""
    if isinstance(value, str):
        prefix = value[:_PREFIX_CHARACTERS]
    else:
        prefix = blob.text[: 4 * _PREFIX_CHARACTERS].decode("utf-8", "ignore")[:_PREFIX_CHARACTERS]
    return {DIGEST: blob.digest, "size": len(blob.text), "prefix": prefix}


def _head_at(data: JsonObject, place: Json) -> dict[str, Any] | None:
    """The head at a place, None if there is none."""
    if not isinstance(place, str):
        return None
    path = tuple(place.split("/"))
    holder = _holder(data, path)
    head = holder[path[-1]] if holder is not None else None
    if not isinstance(head, dict) or head.keys() != {DIGEST, "size", "prefix"}:
        return None
    size = head["size"]
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**63:
        return None
    return head if isinstance(head[DIGEST], str) and isinstance(head["prefix"], str) else None


def left_apart(rows: Iterable[tuple[Any, ...]], columns: tuple[int, ...], most_bytes: int) -> dict[str, Kept]:
    """What stands for the values of more than `most_bytes` in these columns."""
    found: dict[str, Kept] = {}
    for row in rows:
        for column in columns:
            if has_heads(row[column]):
                data = _parsed(row[column])
                places = data[PLACES]
                for place in places if isinstance(places, list) else ():
                    head = _head_at(data, place)
                    if head is not None and head["size"] > most_bytes:
                        found[head[DIGEST]] = Kept(head[DIGEST], head["size"], head["prefix"])
    return found


def _holder(data: JsonObject, path: tuple[str, ...]) -> JsonObject | None:
    """The object in which the last name of the path stands."""
    holder: Json = data
    for name in path[:-1]:
        holder = holder.get(name) if isinstance(holder, dict) else None
    return holder if isinstance(holder, dict) and path[-1] in holder else None


def _put(data: JsonObject, path: tuple[str, ...], value: Json) -> None:
    """Put a value at a path; objects on the way are copied, so that whoever else has them sees nothing."""
    for name in path[:-1]:
        inner = data[name]
        assert isinstance(inner, dict)
        data[name] = dict(inner)
        data = data[name]  # type: ignore[assignment]
    data[path[-1]] = value


def _parsed(text: str) -> JsonObject:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedDatabaseError("a stored document is not JSON", hint=_RESTORE) from error
    if not isinstance(data, dict):
        raise DamagedDatabaseError("a stored document is not an object", hint=_RESTORE)
    return data

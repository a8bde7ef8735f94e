"""An event as the bytes that are hashed and stored, made before it is queued. Numbers and chains come from the writer.

Whatever a step prints ends up in `data`, so everything that JSON, UTF-8 or SQLite would refuse is replaced here, visibly:
NaN and infinities by their names, lone surrogates by an escape, nesting beyond the limit by a remark.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from hashlib import sha256
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from store.errors import RefusedEventError

if TYPE_CHECKING:
    from engine.model.event import Event
    from engine.model.json import Json, JsonObject

ENVELOPE_VERSION: Final = 1
DEEPEST: Final = 500
"""Levels of nesting that are kept. SQLite's JSON functions give up beyond 1,000, and Python's own near there."""

_MOST_DIGITS: Final = 4_000  # Python refuses to convert longer numbers by default
_LOWEST: Final = -(2**63)
_HIGHEST: Final = 2**63 - 1

_to_text = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode
_NO_BRACKETS: Final = re.compile(r"[^][{}]+")


class EncodedEvent(NamedTuple):
    """An event with its envelope's text on both sides of `seq`, up to the opening quote of `prev_hash`.

    `data` is what `data_text` says: equal to the event's own data unless something in it had to be replaced.
    """

    event: Event
    data: JsonObject
    data_text: str
    before_seq: bytes
    after_seq: bytes


def encode(run_id: str, event: Event) -> EncodedEvent:
    """Encode an event. Raises RefusedEventError if its data are not JSON at all or its numbers do not fit."""
    data = event.data
    try:
        return _encode(run_id, event, data, _checked_text(data))
    except (ValueError, RecursionError):  # UnicodeEncodeError is a ValueError
        data = cleaned(data)
        event = replace(event, step_id=event.step_id and printable(event.step_id), actor=printable(event.actor))
    except (TypeError, OverflowError) as error:
        raise RefusedEventError(f"the data of {event.kind} are not JSON: {error}") from error
    try:
        return _encode(run_id, event, data, _to_text(data))
    except (TypeError, ValueError, RecursionError) as error:
        raise RefusedEventError(f"{event.kind} cannot be written: {error}") from error


def event_hash(before_seq: bytes, seq: int, after_seq: bytes, prev_hash: bytes) -> bytes:
    """The SHA-256 of the whole envelope, as 32 bytes; `prev_hash` is the one of the event before, likewise."""
    return sha256(b'%b%d%b%b"}' % (before_seq, seq, after_seq, prev_hash.hex().encode("ascii"))).digest()


def _checked_text(data: JsonObject) -> str:
    text = _to_text(data)
    # Counting brackets bounds the depth from above and costs next to nothing; only a suspicion is looked into.
    if text.count("[") + text.count("{") > DEEPEST and _is_deeper(text):
        raise RecursionError
    return text


def _is_deeper(text: str) -> bool:
    """True if the brackets of `text`, those inside strings included, nest deeper than the limit."""
    brackets = _NO_BRACKETS.sub("", text)
    return max(accumulate(1 if char in "[{" else -1 for char in brackets), default=0) > DEEPEST


def _encode(run_id: str, event: Event, data: JsonObject, data_text: str) -> EncodedEvent:
    numbers = (event.at_us, event.pass_index, event.item_index or 0, event.attempt or 0)
    if not all(_LOWEST <= number <= _HIGHEST for number in numbers):
        raise RefusedEventError(f"a number of {event.kind} does not fit into 64 bits")
    parts = [f',"at_us":{event.at_us},"kind":"{event.kind}","pass_index":{event.pass_index}']
    if event.stage is not None:
        parts.append(f',"stage":"{event.stage}"')
    if event.step_id is not None:
        parts.append(f',"step_id":{_to_text(event.step_id)}')
    if event.item_index is not None:
        parts.append(f',"item_index":{event.item_index}')
    if event.attempt is not None:
        parts.append(f',"attempt":{event.attempt}')
    parts.append(f',"actor":{_to_text(event.actor)},"data":{data_text},"prev_hash":"')
    return EncodedEvent(
        event,
        data,
        data_text,
        b'{"v":%d,"run_id":"%b","seq":' % (ENVELOPE_VERSION, run_id.encode("ascii")),
        "".join(parts).encode("utf-8"),
    )


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
            return value if value.bit_length() < _MOST_DIGITS * 3 else hex(value)
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

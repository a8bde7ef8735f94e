"""An event with its place in the file, and how to read its data, of whose shape nothing is sure. What it changes is not here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine.model.event import Event
    from engine.model.json import Json, JsonObject


class Recorded(NamedTuple):
    """An event with its place in the file. `size` is the length of its data, with the values that are kept apart."""

    event_no: int
    run_id: str
    seq: int
    hash: bytes
    event: Event
    data: JsonObject
    size: int


def number(value: Json) -> int | None:
    """A number that fits a column, else nothing: what came from a step may be anything."""
    return value if isinstance(value, int) and -(2**63) <= value < 2**63 else None


def text(value: Json) -> str | None:
    """A text, else nothing."""
    return value if isinstance(value, str) else None


def members(value: Json) -> JsonObject:
    """An object, else one without members."""
    return value if isinstance(value, dict) else {}

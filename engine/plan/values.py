"""What operators mean for JSON values: equality, order, membership, one step of a path. Total functions; none of them raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from engine.model.json import Json


class Missing(Enum):
    """The one value that is no JSON: nothing stands at that place."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


def child(value: object, key: str | int) -> Any:
    """The field or item of a value, or MISSING. A name is a field of an object, never an attribute of anything."""
    if isinstance(key, str):
        return value.get(key, MISSING) if isinstance(value, Mapping) else MISSING
    if isinstance(value, list) and -len(value) <= key < len(value):
        return value[key]
    return MISSING


def is_number(value: object) -> bool:
    """True for whole numbers and fractions; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: object, right: object) -> bool:
    """Equal as JSON: 1 equals 1.0, and true is not 1. Deep values are compared without recursion."""
    stack = [(left, right)]
    while stack:
        a, b = stack.pop()
        if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
            if a is not b:
                return False
        elif isinstance(a, Mapping):
            if not isinstance(b, Mapping) or a.keys() != b.keys():
                return False
            stack.extend((a[name], b[name]) for name in a)
        elif isinstance(a, list):
            if not isinstance(b, list) or len(a) != len(b):
                return False
            stack.extend(zip(a, b, strict=True))
        elif isinstance(b, Mapping | list) or a != b:
            return False
    return True


def comparable(left: object, right: object) -> bool:
    """True for two numbers and for two texts. Everything else has no order, and every `<` on it is false."""
    return (isinstance(left, str) and isinstance(right, str)) or (is_number(left) and is_number(right))


def contains(container: object, item: object) -> bool:
    """`item in container`: a part of a text, an item of a list, a name of an object. False for everything else."""
    if isinstance(container, str):
        return isinstance(item, str) and item in container
    if isinstance(container, Mapping):
        return isinstance(item, str) and item in container
    if isinstance(container, list):
        return any(equal(item, other) for other in container)
    return False


def length(value: object) -> int | None:
    """How many characters, items or fields; null for what has none, so that comparing it is false."""
    return len(value) if isinstance(value, str | list | Mapping) else None


def to_text(value: Json) -> str:
    """A value inside a text: text as it is, everything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return "…"

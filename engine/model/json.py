"""JSON values as types, and their one canonical text. No diffing and no schema here; pydantic models use pydantic's own JsonValue."""

from __future__ import annotations

import json
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = "dict[str, Json]"


def canonical_json(value: object) -> str:
    """The same text for equal values: keys sorted, no spaces, UTF-8 left as it is. Raises ValueError on NaN and infinities."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

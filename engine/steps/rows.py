"""Rows of a query as data: column names, values that JSON has no word for, and the size they come to. No database here."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, TypeAlias

from engine.model.states import OutputFormat
from engine.steps.outputs import storable_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import Json

SqlValue: TypeAlias = "int | float | str | bytes | None"


def column_names(names: Sequence[str]) -> list[str]:
    """The names with a number on those that come again: `id`, `id_2`."""
    taken: set[str] = set()
    result = []
    for name in names:
        name = storable_text(name)
        unique, number = name, 2
        while unique in taken or (number > 2 and unique in names):
            unique, number = f"{name}_{number}", number + 1
        taken.add(unique)
        result.append(unique)
    return result


def json_value(value: SqlValue) -> Json:
    """A value as JSON: a BLOB is `{"base64": ...}`, an infinity its name."""
    match value:
        case bytes():
            return {"base64": base64.b64encode(value).decode("ascii")}
        case float() if not math.isfinite(value):
            return str(value)
        case str():
            return storable_text(value)
        case _:
            return value


def size_of(row: Sequence[SqlValue]) -> int:
    """About how many bytes the values of a row take as JSON, their column names left out."""
    size = 2
    for value in row:
        if isinstance(value, str):
            size += len(value) + 6
        elif isinstance(value, bytes):
            size += len(value) * 4 // 3 + 18
        else:
            size += 12
    return size


def rows_data(columns: Sequence[str], rows: Sequence[Sequence[SqlValue]], output: OutputFormat) -> Json:
    """The data of a query step: an object with its rows, or one line a row with tabs between the values."""
    match output:
        case OutputFormat.JSON:
            return {
                "columns": list(columns),
                "rows": [dict(zip(columns, map(json_value, row), strict=True)) for row in rows],
                "row_count": len(rows),
            }
        case OutputFormat.LINES:
            return [_line(row) for row in rows]
        case OutputFormat.TEXT:
            return "\n".join(_line(row) for row in rows)
        case OutputFormat.NONE:
            return None


def _line(row: Sequence[SqlValue]) -> str:
    return "\t".join(_cell(value) for value in row)


def _cell(value: SqlValue) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return storable_text(str(value))

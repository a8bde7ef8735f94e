"""An analysis as one JSON document, for programs and to be stored, and back. Stable and versioned; nothing is computed here."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from engine.errors import InputError
from engine.regression.verdict import Analysis

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from engine.model.json import JsonObject
    from engine.regression.verdict import TimeRow

SCHEMA_VERSION: Final = 1

MOST_ROWS: Final = 1000
"""Rows of durations in a document: of more, those that say the least are left out, and counted."""

_LEFT_OUT: Final = "times_left_out"
_ADDED: Final = frozenset(["schema_version", "plan_id", "parameters", "analysis_id", "kind", "ranking", _LEFT_OUT])


def to_document(analysis: Analysis, *, plan_id: str = "", kept: tuple[TimeRow, ...] | None = None) -> JsonObject:
    """The document. `times_left_out` says how many rows of durations are not in it; `kept` are those that are, if given."""
    kept = _most_telling(analysis) if kept is None else kept
    document: JsonObject = _adapter().dump_python(replace(analysis, times=kept), mode="json")
    left_out = len(analysis.times) - len(kept)
    return {"schema_version": SCHEMA_VERSION, "plan_id": plan_id, **document, _LEFT_OUT: left_out}


def from_document(document: JsonObject) -> Analysis:
    """The analysis again, without the rows that were left out. Raises InputError where this version cannot read it."""
    from pydantic import ValidationError

    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise InputError(
            f"the analysis is of schema {version}, this version reads {SCHEMA_VERSION}", hint="update opscope"
        )
    try:
        return _adapter().validate_python({name: value for name, value in document.items() if name not in _ADDED})
    except ValidationError as error:
        raise InputError(f"the analysis cannot be read: {error.errors()[0]['msg']}") from error


def _most_telling(analysis: Analysis) -> tuple[TimeRow, ...]:
    """The rows that stay, in their order: those that count, then by q, then by how much they moved."""
    if len(analysis.times) <= MOST_ROWS:
        return analysis.times
    order = sorted(range(len(analysis.times)), key=lambda number: _telling(analysis.times[number]))
    return tuple(analysis.times[number] for number in sorted(order[:MOST_ROWS]))


def _telling(row: TimeRow) -> tuple[bool, float, float]:
    return not row.counts, 1.0 if row.q is None else row.q, -abs(row.delta_sec)


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Analysis]:
    from pydantic import TypeAdapter

    return TypeAdapter(Analysis)

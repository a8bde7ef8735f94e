"""The tables that are made from events, compared with the same made anew: row by row, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from store.integrity.findings import Check, Finding
from store.projection import PROJECTED_TABLES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator

Row: TypeAlias = "tuple[Any, ...]"

_REBUILD: Final = "opscope verify --rebuild makes it anew from the events"
_SHOWN: Final = 80


def projection_findings(
    connection: sqlite3.Connection, scratch: sqlite3.Connection, broken: Collection[str]
) -> Iterator[Finding]:
    """Rows that are missing, too many or different in the file; those of `broken` runs are left out, one finding a run and table."""
    for table in PROJECTED_TABLES:
        told: set[str] = set()
        for run_id, message in _differences(connection, scratch, table):
            if run_id not in broken and run_id not in told:
                told.add(run_id)
                yield Finding(Check.PROJECTIONS, f"run {run_id}", f"{table}: {message}", _REBUILD)


def _differences(connection: sqlite3.Connection, scratch: sqlite3.Connection, table: str) -> Iterator[tuple[str, str]]:
    info = scratch.execute("SELECT name, pk FROM pragma_table_info(?)", (table,)).fetchall()
    names = [name for name, _ in info]
    keys = [name for name, place in sorted(info, key=lambda column: column[1]) if place]
    places = [names.index(name) for name in keys]
    sql = f"SELECT {', '.join(names)} FROM {table} ORDER BY {', '.join(keys)}"  # noqa: S608  (our own names)
    ours, theirs = iter(connection.execute(sql)), iter(scratch.execute(sql))
    have, want = next(ours, None), next(theirs, None)
    while have is not None or want is not None:
        have_key, want_key = _key(have, places), _key(want, places)
        if have is not None and (want is None or have_key < want_key):
            yield str(have[names.index("run_id")]), f"a row that no event gives: {_named(have, names, keys)}"
            have = next(ours, None)
        elif want is not None and (have is None or want_key < have_key):
            yield str(want[names.index("run_id")]), f"a row is missing: {_named(want, names, keys)}"
            want = next(theirs, None)
        else:
            assert have is not None
            assert want is not None
            if have != want:
                name, said, right = next(
                    (name, a, b)
                    for name, a, b in zip(names, have, want, strict=True)
                    if a != b or type(a) is not type(b)
                )
                yield str(have[names.index("run_id")]), f"{name} is {_brief(said)}, the events say {_brief(right)}"
            have, want = next(ours, None), next(theirs, None)


def _key(row: Row | None, places: list[int]) -> list[tuple[int, Any]]:
    """The key of a row, ordered as SQLite orders values of any type."""
    if row is None:
        return []
    return [_ordered(row[place]) for place in places]


def _ordered(value: object) -> tuple[int, Any]:
    match value:
        case None:
            return (0, 0)
        case int() | float():
            return (1, value)
        case str():
            return (2, value)
        case _:
            return (3, value)


def _named(row: Row, names: list[str], keys: list[str]) -> str:
    shown = [f"{name} {_brief(row[names.index(name)])}" for name in keys if name != "run_id"]
    return ", ".join(shown) or "of this run"


def _brief(value: object) -> str:
    if isinstance(value, bytes):
        value = value.hex()
    text = "nothing" if value is None else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

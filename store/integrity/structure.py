"""Whether the file is whole as a database, has our tables and no others, and its rows are of the types and words they must be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from store.integrity.findings import Check, Finding
from store.projection import PROJECTED_TABLES
from store.scratch import scratch_database

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_OBJECTS: Final = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
_CHECK_FAILED: Final = re.compile(r"^(?:CHECK constraint failed in|NULL value in) (\w+)")
_RESTORE: Final = "keep the file as it is, and restore a backup beside it; opscope export saves what can still be read"
_REBUILD: Final = "opscope verify --rebuild makes it anew from the events"


def structure_findings(connection: sqlite3.Connection) -> Iterator[Finding]:
    """What is wrong with the database as a database. Raises sqlite3.Error where SQLite gives up.

    On a read-only connection SQLite knows no CHECK constraints; types and words are then for the other checks to find.
    """
    yield from _objects(connection)
    for (message,) in connection.execute("PRAGMA integrity_check(100)"):
        if message != "ok":
            yield _damage(str(message))
    for table, rowid, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        yield Finding(
            Check.STRUCTURE, str(table), f"row {rowid} belongs to a row of {parent} that is not there", _RESTORE
        )
    yield from _numbering(connection)


def _damage(message: str) -> Finding:
    found = _CHECK_FAILED.match(message)
    table = found[1].partition(".")[0] if found else "database"
    if table in PROJECTED_TABLES:
        return Finding(Check.PROJECTIONS, table, f"a row holds what it must not: {message}", _REBUILD)
    return Finding(Check.STRUCTURE, table, message.replace("\n", "; "), _RESTORE)


def _objects(connection: sqlite3.Connection) -> Iterator[Finding]:
    """Tables, indexes and triggers against those of the file's own schema, which may be an older one."""
    found = {(kind, name): _plain(sql) for kind, name, sql in connection.execute(_OBJECTS)}
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    with scratch_database(int(version)) as fresh:
        wanted = {(kind, name): _plain(sql) for kind, name, sql in fresh.execute(_OBJECTS)}
    for (kind, name), sql in wanted.items():
        if (kind, name) not in found:
            yield Finding(Check.STRUCTURE, name, f"the {kind} is missing", _RESTORE)
        elif found[kind, name] != sql:
            yield Finding(Check.STRUCTURE, name, f"the {kind} is not as opscope makes it", _RESTORE)
    for kind, name in found.keys() - wanted.keys():
        yield Finding(
            Check.STRUCTURE, str(name), f"a {kind} that is not opscope's", "other programs should leave the file alone"
        )


def _plain(sql: object) -> str:
    return " ".join(str(sql).split())


def _numbering(connection: sqlite3.Connection) -> Iterator[Finding]:
    for table, column in (("run_events", "event_no"), ("logs", "log_id")):
        ((highest, numbered),) = connection.execute(
            f"SELECT (SELECT coalesce(max({column}), 0) FROM {table}), "  # noqa: S608  (our own names)
            "(SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?)",
            (table,),
        ).fetchall()
        if highest > numbered:
            yield Finding(
                Check.STRUCTURE, table, f"rows go up to {highest}, numbers were given up to {numbered}", _RESTORE
            )

"""Brings a file of an older schema to this version's: under the write lock, with no engine alive, and with a copy kept.

Opening the file is store.database's; the SQL of each step lies in store.schema. Readers do without: they open older files as
they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.states import RunStatus
from store.errors import DamagedDatabaseError, MigrationRefusedError
from store.exclusive import keep_copy
from store.liveness import engine_pid
from store.location import Neighbours
from store.queries.query import marks
from store.schema import SCHEMA_VERSION, made_by_schema, migrations

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

_LIVE: Final = tuple(status.value for status in RunStatus if not status.is_final)
_RUN_OF: Final = (
    f"SELECT run_id, plan_id FROM runs WHERE owner_engine = ? AND status IN ({marks(_LIVE)}) "  # noqa: S608
    "ORDER BY created_at_us LIMIT 1"
)
_PREFIX, _SUFFIX = "engine-", ".lock"


def version_of(connection: sqlite3.Connection) -> int:
    """Which schema the file has."""
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    return int(version)


def migrate(connection: sqlite3.Connection, database: Path, tell: Callable[[str], None] | None = None) -> Path | None:
    """Bring the file to this version's schema; where the copy of it as it was lies, None if there was nothing to do.

    The write lock must be held. `tell` hears what was done. Raises MigrationRefusedError, which names the run, while an engine
    is alive; DamagedDatabaseError if the file is not whole; another StoreError if it cannot be written. The file is then as
    it was. sqlite3.Error passes through.
    """
    before = version_of(connection)
    if before >= SCHEMA_VERSION:
        return None
    _require_whole(connection, database, before)
    _require_nobody(connection, database, before)
    copy = keep_copy(connection, database, f"v{before}")
    try:
        _carry_out(connection, before)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        copy.unlink(missing_ok=True)  # the file itself is what it was
        raise
    if tell is not None:
        tell(f"the file of runs was brought from schema {before} to {SCHEMA_VERSION}; as it was, it is kept in {copy}")
    return copy


def _carry_out(connection: sqlite3.Connection, before: int) -> None:
    """Every step in one transaction, the new number with them."""
    script = "\n".join(sql for _, sql in migrations(above=before))
    connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;")


def _require_whole(connection: sqlite3.Connection, database: Path, version: int) -> None:
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master").fetchall()}
    if missing := made_by_schema(version) - names:
        raise DamagedDatabaseError(
            f"the file lacks a part of its schema: {', '.join(sorted(missing))}",
            place=str(database),
            hint="opscope verify says what is damaged; keep a copy of the file as it is, and restore a backup",
        )


def _require_nobody(connection: sqlite3.Connection, database: Path, version: int) -> None:
    """Raise if an engine is alive: it writes what its own version of the schema takes."""
    for path in sorted(Neighbours.of(database).folder.glob(f"{_PREFIX}*{_SUFFIX}")):
        engine_id = path.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)
        pid = engine_pid(database, engine_id)
        if pid is None:
            continue
        process = f"pid {pid}" if pid else "a process that cannot be seen from here"
        rows = connection.execute(_RUN_OF, (engine_id, *_LIVE)).fetchall()
        who = f"an engine ({process})"
        if rows:
            ((run_id, plan_id),) = rows
            who = f"run {run_id} of {plan_id} ({process})"
        raise MigrationRefusedError(
            f"the file has schema {version} and has to be brought to {SCHEMA_VERSION} first, but {who} is at work with it",
            place=str(database),
            hint="wait until it is over, or cancel it; reading works meanwhile, and nothing was changed",
        )

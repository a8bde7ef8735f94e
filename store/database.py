"""Making, checking and opening the file through SQLite alone, with every refusal as one clear error. No table is known here.

Nothing here may open() the database, its -wal or its -shm by hand: closing that descriptor would drop the locks that
SQLite holds on the same file in this process, and another process could then remove a log that is in use.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import StoreError
from store.errors import (
    BusyDatabaseError,
    DamagedDatabaseError,
    DiskFullError,
    ForeignDatabaseError,
    NewerDatabaseError,
    NoDatabaseError,
    ReadOnlyDatabaseError,
)
from store.filesystem import require_local
from store.room import NO_ROOM, has_room
from store.schema import APPLICATION_ID, SCHEMA_VERSION, made_by_schema, migrations

if TYPE_CHECKING:
    from collections.abc import Callable

    from store.location import Neighbours

BUSY_TIMEOUT_SEC: Final = 1.0
WAL_LIMIT_BYTES: Final = 8 * 1024 * 1024

MOST_PATH_BYTES: Final = 440
"""SQLite opens no path of more than 512 bytes, and what lies beside the file has longer names: its log, a copy of it."""
MOST_NAME_BYTES: Final = 200

_CHOOSE_ANOTHER: Final = "choose another place with --db or OPSCOPE_DB"
_EXAMINE: Final = "opscope verify says what is damaged; keep a copy of the file as it is, and restore a backup"
_OTHER_BUILD: Final = (
    "another build of opscope made the file: use that one for it, or choose another with --db or OPSCOPE_DB"
)
# What SQLite says where it cannot make the -shm that reading a write-ahead log needs.
_NO_SHARED_MEMORY: Final = frozenset(
    [sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL]
)


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its details; 0 where there is none (the binding itself complained)."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def damaged(cause: str, place: Path) -> DamagedDatabaseError:
    """The error for a file whose content is not what was written to it."""
    return DamagedDatabaseError(cause, place=str(place), hint=_EXAMINE)


def translate(error: sqlite3.Error, place: Path, doing: str) -> StoreError:
    """The error as a person can use it. `doing` completes "cannot ...", as in `read the runs`."""
    where = str(place)
    match primary_code(error):
        case sqlite3.SQLITE_NOTADB:
            return ForeignDatabaseError("the file is not a database", place=where, hint=_CHOOSE_ANOTHER)
        case sqlite3.SQLITE_CORRUPT:
            return damaged("the file is damaged or cut short", place)
        case sqlite3.SQLITE_FULL:
            return DiskFullError("the disk is full", place=where, hint="make room on its file system, then try again")
        case sqlite3.SQLITE_IOERR if _is_want_of_room(error, place):
            return DiskFullError(
                "the disk is full, or the quota on it is used up",
                place=where,
                hint="make room on its file system, then try again",
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return BusyDatabaseError(
                "another program keeps the file locked",
                place=where,
                hint="close the program that has it open for writing",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return ReadOnlyDatabaseError(
                f"cannot {doing}: the file or its folder is read-only", place=where, hint=_CHOOSE_ANOTHER
            )
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_AUTH:
            return StoreError(
                f"cannot {doing}: the file or its folder may not be opened", place=where, hint="check who owns them"
            )
        case sqlite3.SQLITE_ERROR if str(error).startswith(("no such table", "no such column")):
            return DamagedDatabaseError(f"the file lacks a part of its schema: {error}", place=where, hint=_OTHER_BUILD)
        case _:
            return StoreError(f"cannot {doing}: {error}", place=where)


def _is_want_of_room(error: sqlite3.Error, place: Path) -> bool:
    """SQLite tells a full file system from a failing one, but not a used up quota: that is a write that failed."""
    if error.sqlite_errorcode == sqlite3.SQLITE_IOERR_WRITE:
        return not has_room(place.parent)
    return error.sqlite_errorcode == sqlite3.SQLITE_IOERR_SHMSIZE


def translate_os(error: OSError, place: Path, doing: str) -> StoreError:
    """The same for what the operating system says."""
    where = str(place)
    match error.errno:
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return ReadOnlyDatabaseError(
                f"cannot {doing}: {os.strerror(error.errno).lower()}", place=where, hint=_CHOOSE_ANOTHER
            )
        case number if number in NO_ROOM:
            return DiskFullError("the disk is full", place=where, hint="make room on its file system, then try again")
        case errno.ELOOP:
            return ForeignDatabaseError(
                f"cannot {doing}: it is a symbolic link", place=where, hint="remove the link or name the file itself"
            )
        case errno.ENOTDIR | errno.ENAMETOOLONG:
            return StoreError(f"cannot {doing}: {os.strerror(error.errno).lower()}", place=where, hint=_CHOOSE_ANOTHER)
        case _:
            return StoreError(f"cannot {doing}: {error.strerror or error}", place=where)


def real_path(path: Path) -> Path:
    """The path with its links resolved, since all names and locks go by it. Raises StoreError for a link that leads nowhere."""
    # os.path, because pathlib raises for a link that runs in circles, and not the same error in every version.
    if os.path.islink(path) and not os.path.exists(path):  # noqa: PTH110, PTH114
        raise ForeignDatabaseError("a symbolic link that leads nowhere", place=str(path), hint="remove the link")
    return Path(os.path.realpath(path))


def require_usable(path: Path) -> bool:
    """Check what lies at `path` without changing anything: False if nothing is there, StoreError if it is not ours."""
    database = real_path(path)
    if not require_local_file(database):
        return False
    connect_to_read(database)[0].close()
    return True


def require_local_file(database: Path) -> bool:
    """The part of that check that needs no SQLite: a regular file with something in it, on a local file system."""
    require_short(database)
    try:
        status = database.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise translate_os(error, database, "look at the file") from error
    where = str(database)
    if stat.S_ISDIR(status.st_mode):
        raise ForeignDatabaseError("this is a folder, not a file", place=where, hint="name the file itself")
    if not stat.S_ISREG(status.st_mode):
        raise ForeignDatabaseError("this is no regular file", place=where, hint=_CHOOSE_ANOTHER)
    if status.st_size == 0:
        raise ForeignDatabaseError(
            "the file is empty, so it is no database", place=where, hint="remove it, and it will be made anew"
        )
    require_local(database.parent, database)
    return True


def require_short(database: Path) -> None:
    """Raise StoreError if the path, or the name in it, is too long for the file and what lies beside it."""
    length, name_length = len(os.fsencode(database)), len(os.fsencode(database.name))
    if length > MOST_PATH_BYTES or name_length > MOST_NAME_BYTES:
        what, found, most = "path", length, MOST_PATH_BYTES
        if length <= MOST_PATH_BYTES:
            what, found, most = "name", name_length, MOST_NAME_BYTES
        raise StoreError(
            f"the file's {what} is too long: {found} bytes, where {most} are the most",
            place=str(database),
            hint=_CHOOSE_ANOTHER,
        )


def create(neighbours: Neighbours) -> None:
    """Make the database, complete or not at all. The write lock must be held, and nothing may lie in its place."""
    database = neighbours.database
    fresh = neighbours.folder / f"new-{os.urandom(8).hex()}.db"
    try:
        os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        try:
            _fill(fresh)
            _give_name(fresh, database)
        finally:
            fresh.unlink(missing_ok=True)
            for suffix in ("-wal", "-shm", "-journal"):
                fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
    except OSError as error:
        raise translate_os(error, database, "make the file") from error
    except sqlite3.Error as error:
        raise translate(error, database, "make the file") from error


def _fill(fresh: Path) -> None:
    with closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # has no effect once there is a table
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        script = "\n".join(sql for _, sql in migrations())
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{script}\n"
            f"PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;"
        )


def _give_name(fresh: Path, database: Path) -> None:
    """Put the finished file in its place, so that no reader ever sees half of it, and never over something else."""
    try:
        os.link(fresh, database, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
            raise
        if os.path.lexists(database):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(database)) from error
        fresh.rename(database)  # a file system without hard links; the write lock keeps others of us out
    folder = os.open(database.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def connect_to_write(
    database: Path, *, is_examined: bool = False, tell: Callable[[str], None] | None = None
) -> sqlite3.Connection:
    """A connection for the thread that calls, set up for durable writes; checked to be ours. Raises StoreError.

    The write lock must be held: a file of an older schema is brought to this version's first, and `tell` hears of that.
    `is_examined` leaves the file as it is, and it to the caller to find out what is missing in it.
    """
    try:
        connection = sqlite3.connect(
            f"{database.as_uri()}?mode=rw",
            uri=True,
            isolation_level=None,
            timeout=BUSY_TIMEOUT_SEC,
            cached_statements=512,  # each INSERT in four sizes
        )
    except sqlite3.Error as error:
        raise translate(error, database, "open the file") from error
    try:
        require_ours(connection, database)
        connection.execute("PRAGMA synchronous = FULL")
        if not is_examined:
            from store.migration import migrate

            migrate(connection, database, tell)
            _require_whole_schema(connection, database)
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
        connection.execute("PRAGMA foreign_keys = ON")
    except sqlite3.Error as error:
        connection.close()
        raise translate(error, database, "open the file") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _require_whole_schema(connection: sqlite3.Connection, database: Path) -> None:
    """Raise StoreError if a table, an index or a trigger is missing: an error in the middle of a run would come too late."""
    rows = connection.execute("SELECT name FROM sqlite_master").fetchall()
    if missing := made_by_schema() - {name for (name,) in rows}:
        raise DamagedDatabaseError(
            f"the file lacks a part of its schema: {', '.join(sorted(missing))}", place=str(database), hint=_OTHER_BUILD
        )


def connect_to_read(database: Path) -> tuple[sqlite3.Connection, bool]:
    """A read-only connection, and whether it is live; checked to be ours. Raises StoreError.

    It is not live where SQLite could not make its shared memory (a full disk, a read-only place) and no write-ahead log
    is there: then what is read is the file as it stands, and changes are not seen.
    """
    uri, live = readable_uri(database)
    try:
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_SEC, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise translate(error, database, "read the file") from error
    return connection, live


def readable_uri(database: Path) -> tuple[str, bool]:
    """The URI by which `database` can be read, and whether changes will be seen; checked to be ours. Raises StoreError."""
    if not database.exists():
        raise NoDatabaseError(
            "there is no file of runs yet", place=str(database), hint="run a plan, or try: opscope demo"
        )
    uri = f"{database.as_uri()}?mode=ro"
    try:
        _probe(uri, database)
    except sqlite3.Error as error:
        if primary_code(error) not in _NO_SHARED_MEMORY or _has_log(database):
            raise translate(error, database, "read the file") from error
    else:
        return uri, True
    uri += "&immutable=1"
    try:
        _probe(uri, database)
    except sqlite3.Error as error:
        raise translate(error, database, "read the file") from error
    return uri, False


def _probe(uri: str, database: Path) -> None:
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_SEC)) as connection:
        require_ours(connection, database)


def _has_log(database: Path) -> bool:
    log = database.with_name(database.name + "-wal")
    try:
        return log.stat().st_size > 0
    except OSError:
        return False


def require_ours(connection: sqlite3.Connection, database: Path) -> None:
    """Raise StoreError unless this is a database of ours in a version that we know. sqlite3.Error passes through."""
    ((application,),) = connection.execute("PRAGMA application_id").fetchall()
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    where = str(database)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchall()  # reads the file, so a short one is noticed
    except UnicodeDecodeError as error:  # SQLite's complaint quotes a damaged schema, and that is no text any more
        raise damaged("the file is damaged: its tables cannot be read", database) from error
    if application != APPLICATION_ID:
        raise ForeignDatabaseError("the database belongs to another program", place=where, hint=_CHOOSE_ANOTHER)
    if version > SCHEMA_VERSION:
        raise NewerDatabaseError(
            f"a newer opscope wrote this file (schema {version}, this one knows up to {SCHEMA_VERSION})",
            place=where,
            hint="update opscope, or choose another file with --db or OPSCOPE_DB",
        )
    if version < 1:
        raise DamagedDatabaseError("the file has no schema", place=where, hint="remove it, and it will be made anew")

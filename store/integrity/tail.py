"""Whether the end of the file is missing: each engine notes its last commit in its lock file, outside the database.

A write-ahead log that lost its last frames is a sound database to SQLite; only this can tell that there was more.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from store.engine_lock import LastWritten, last_written
from store.integrity.findings import Check, Finding
from store.location import Neighbours
from store.posix_locks import holder_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_HINT: Final = "the file was put back to an earlier state, or lost the end of its log in a crash; what was acknowledged after that is gone"


@dataclass(frozen=True, slots=True)
class Note:
    """What an engine's lock file says of its last commit."""

    engine_id: str
    path: Path
    written: LastWritten


def notes_of_engines(database: Path) -> list[Note]:
    """Every note beside the database. To be read before the database is: an engine notes only what is committed."""
    found: list[Note] = []
    for path in sorted(Neighbours.of(database).folder.glob("engine-*.lock")):
        engine_id = path.name.removeprefix("engine-").removesuffix(".lock")
        try:
            if holder_of(path) == os.getpid():
                continue  # closing the file again would let go of an engine's own lock
        except OSError:
            continue
        written = last_written(path)
        if written is not None:
            found.append(Note(engine_id, path, written))
    return found


def is_kept(connection: sqlite3.Connection, note: Note) -> bool:
    """True if the file has the commit that the note speaks of, or had it and it was pruned since."""
    ((numbered,),) = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'run_events'"
    ).fetchall()
    if numbered < note.written.event_no:
        return False
    rows = connection.execute("SELECT hash FROM run_events WHERE event_no = ?", (note.written.event_no,)).fetchall()
    return not rows or rows[0][0].hex() == note.written.hash


def tail_findings(connection: sqlite3.Connection, notes: Iterable[Note]) -> Iterator[Finding]:
    """The engines whose last commit the file does not have."""
    for note in notes:
        if not is_kept(connection, note):
            message = f"engine {note.engine_id} wrote event {note.written.event_no} of the file, and it is not there"
            yield Finding(Check.TAIL, note.path.name, message, _HINT)

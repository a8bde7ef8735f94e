"""Removes runs that retention does not keep, and what only they needed. What retention keeps is store.retention's to say.

Never a run that is live, and never one that a kept run leans on. Each piece is a transaction of its own under the write
lock, so that engines get their turn, and a prune that is stopped in the middle leaves a sound file.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.states import RunStatus
from store.database import connect_to_read, real_path, require_local_file, translate
from store.errors import NoDatabaseError
from store.exclusive import checkpoint, run_exclusively
from store.integrity.tail import is_kept, notes_of_engines
from store.location import Neighbours
from store.posix_locks import holder_of
from store.rankings import ID_LENGTH
from store.retention import DEFAULT_RETENTION, Retention, disk_state

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

_FINAL: Final = tuple(status.value for status in RunStatus if status.is_final)
_AT_ONCE: Final = 50
_PAGES_AT_ONCE: Final = 4000
_FRESH_SEC: Final = 600.0
"""What an engine has just made beside the file may not be locked yet, so nothing this new is removed."""

_SHORTEST_TAIL_SEC: Final = 30 * 86_400.0  # a note of events that the file lost is evidence: it stays for a while

# A run of ours counts from its end, an imported one from its import: else it would be gone the day it came.
_ENDED: Final = "coalesce(i.imported_at_us, r.finished_at_us, r.created_at_us)"
_REMOVABLE: Final = (
    f"SELECT r.run_id, r.plan_id, r.status, {_ENDED} AS ended, r.parent_run_id, i.run_id IS NOT NULL FROM runs AS r "  # noqa: S608
    f"LEFT JOIN imports AS i ON i.run_id = r.run_id WHERE r.status IN ({', '.join('?' * len(_FINAL))}) OR i.run_id IS NOT NULL "
    "ORDER BY ended, r.run_id"
)
_SIZE: Final = (
    "SELECT (SELECT coalesce(sum(length(data)), 0) + count(*) * 400 FROM run_events WHERE run_id = ?) "
    "+ (SELECT coalesce(sum(length(content)), 0) + count(*) * 100 FROM logs WHERE run_id = ?) "
    # A value that several runs have is each one's in part.
    "+ (SELECT coalesce(sum(length(b.content) / (SELECT count(*) FROM blob_uses AS o WHERE o.sha256 = u.sha256)), 0) "
    "FROM blob_uses AS u JOIN blobs AS b ON b.sha256 = u.sha256 WHERE u.run_id = ?)"
)
_BASELINES: Final = (
    "SELECT json_extract(document, '$.baseline'), json_extract(document, '$.baseline_failed'), "
    "json_extract(document, '$.candidates') FROM analyses WHERE length(analysis_id) < ?"
)
_UNUSED_BLOBS: Final = (
    "DELETE FROM blobs WHERE sha256 IN (SELECT sha256 FROM blobs AS b WHERE NOT EXISTS "
    "(SELECT 1 FROM blob_uses AS u WHERE u.sha256 = b.sha256) LIMIT ?)"
)


@dataclass(frozen=True, slots=True)
class OldRun:
    """A run that retention does not keep. `size_bytes` is about what it takes in the file."""

    run_id: str
    plan_id: str
    status: RunStatus
    ended_at_us: int
    is_imported: bool
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a prune would remove; `kept` is how many runs stay."""

    runs: tuple[OldRun, ...]
    kept: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a prune has removed, and by how many bytes the file and what lies beside it have become smaller."""

    runs: tuple[OldRun, ...]
    plans: int
    files: int
    freed_bytes: int


def plan_prune(path: Path, retention: Retention = DEFAULT_RETENTION, *, now_us: int | None = None) -> Plan:
    """What `prune` would remove now; nothing is changed. Raises StoreError."""
    database = real_path(path)
    if not require_local_file(database):
        raise NoDatabaseError("there is no file of runs yet", place=str(database), hint="run a plan first")
    connection, _ = connect_to_read(database)
    try:
        connection.execute("BEGIN")
        return _choose(connection, retention, now_us if now_us is not None else time.time_ns() // 1000)
    except sqlite3.Error as error:
        raise translate(error, database, "read the file") from error
    finally:
        connection.close()


def prune(
    path: Path,
    retention: Retention = DEFAULT_RETENTION,
    *,
    now_us: int | None = None,
    tell: Callable[[str], None] | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> Pruned:
    """Remove what retention does not keep, then give the room back to the file system. Raises StoreError."""
    database = real_path(path)
    before = _bytes_beside(database)
    chosen = plan_prune(database, retention, now_us=now_us).runs
    removed: list[OldRun] = []
    for start in range(0, len(chosen), _AT_ONCE):
        part = chosen[start : start + _AT_ONCE]
        gone = run_exclusively(database, lambda connection, part=part: _remove(connection, part), on_wait=on_wait)  # type: ignore[misc]
        removed += [run for run in part if run.run_id in gone]
        if tell is not None:
            tell(f"{len(removed):,} of {len(chosen):,} runs removed")
    plans = run_exclusively(database, _remove_plans, on_wait=on_wait)
    while run_exclusively(database, _remove_blobs, on_wait=on_wait):
        pass  # some at a time, so that engines get their turn
    files = _remove_files(database, removed)
    if tell is not None:
        tell("giving the room back")
    free = run_exclusively(database, _vacuum_some, on_wait=on_wait)
    while free and (less := run_exclusively(database, _vacuum_some, on_wait=on_wait)) < free:
        free = less
    freed = before - _bytes_beside(database)
    return Pruned(tuple(removed), plans, files, max(0, freed))


def leaned_on(connection: sqlite3.Connection, kept: Collection[str]) -> frozenset[str]:
    """The runs, beyond those that are `kept`, which those still need: the runs they are steps of, and their own sub-runs.

    And the baselines of what somebody compared, as long as one of the runs in question is kept: it may still be confirmed on
    fresh runs. Not the baselines of rankings, which every run has.
    """
    needed: set[str] = set()
    edges = connection.execute("SELECT run_id, parent_run_id FROM runs WHERE parent_run_id IS NOT NULL").fetchall()
    neighbours: dict[str, set[str]] = {}
    for run_id, parent in edges:
        neighbours.setdefault(run_id, set()).add(parent)
        neighbours.setdefault(parent, set()).add(run_id)
    waiting = [run_id for run_id in kept if run_id in neighbours]
    while waiting:
        for other in neighbours[waiting.pop()]:
            if other not in needed and other not in kept:
                needed.add(other)
                waiting.append(other)
    return frozenset(needed | _baselines_of(connection, kept))


def _baselines_of(connection: sqlite3.Connection, kept: Collection[str]) -> set[str]:
    """What is not kept of the baselines that kept runs were compared with."""
    needed, remains = set[str](), frozenset(kept)
    for baseline, failed, candidates in connection.execute(_BASELINES, (ID_LENGTH,)):
        if not remains.isdisjoint(json.loads(candidates)):
            needed.update((*json.loads(baseline), *json.loads(failed or "[]")))
    return needed - remains


def _choose(connection: sqlite3.Connection, retention: Retention, now_us: int) -> Plan:
    """The runs that are too old, and the oldest of the rest until what stays fits."""
    rows = connection.execute(_REMOVABLE, _FINAL).fetchall()
    ((total,),) = connection.execute("SELECT count(*) FROM runs").fetchall()
    too_old = {row[0] for row in rows if retention.age_us is not None and row[3] < now_us - retention.age_us}
    sizes = {run_id: _size_of(connection, run_id) for run_id in too_old}
    chosen = set(too_old)
    if retention.size_bytes is not None:
        excess = _used_bytes(connection) - retention.size_bytes - sum(sizes.values())
        for row in rows:
            if excess <= 0:
                break
            if row[0] not in chosen:
                sizes[row[0]] = _size_of(connection, row[0])
                excess -= sizes[row[0]]
                chosen.add(row[0])
    everything = {run_id for (run_id,) in connection.execute("SELECT run_id FROM runs")} if chosen else set()
    chosen -= leaned_on(connection, everything - chosen)
    runs = tuple(
        OldRun(run_id, plan_id, RunStatus(status), ended, bool(imported), sizes[run_id])
        for run_id, plan_id, status, ended, _parent, imported in rows
        if run_id in chosen
    )
    return Plan(runs, total - len(runs))


def _used_bytes(connection: sqlite3.Connection) -> int:
    """What the file needs, its free pages not counted."""
    ((pages,),) = connection.execute("PRAGMA page_count").fetchall()
    ((free,),) = connection.execute("PRAGMA freelist_count").fetchall()
    ((page_size,),) = connection.execute("PRAGMA page_size").fetchall()
    return int((pages - free) * page_size)


def _size_of(connection: sqlite3.Connection, run_id: str) -> int:
    ((size,),) = connection.execute(_SIZE, (run_id, run_id, run_id)).fetchall()
    return int(size)


def _remove(connection: sqlite3.Connection, runs: Sequence[OldRun]) -> frozenset[str]:
    """Remove these runs from every table, but for those that have become live since they were chosen."""
    connection.execute("BEGIN IMMEDIATE")
    marks = ", ".join("?" * len(runs))
    ids = [run.run_id for run in runs]
    still = connection.execute(
        f"SELECT run_id FROM runs WHERE run_id IN ({marks}) AND (status IN ({', '.join('?' * len(_FINAL))}) "  # noqa: S608
        "OR run_id IN (SELECT run_id FROM imports))",
        (*ids, *_FINAL),
    ).fetchall()
    connection.executemany("DELETE FROM analyses WHERE analysis_id = ?", still)  # their rankings, which have their ids
    for table in _tables_of_runs(connection):
        connection.executemany(f"DELETE FROM {table} WHERE run_id = ?", still)  # noqa: S608  (our own names)
    connection.execute("COMMIT")
    return frozenset(run_id for (run_id,) in still)


def _tables_of_runs(connection: sqlite3.Connection) -> list[str]:
    """Every table that has rows of runs, whichever version of ours made it."""
    sql = (
        "SELECT m.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c "
        "WHERE m.type = 'table' AND c.name = 'run_id' ORDER BY m.name"
    )
    return [name for (name,) in connection.execute(sql)]


def _remove_plans(connection: sqlite3.Connection) -> int:
    """Plans that no run is of any more."""
    connection.execute("BEGIN IMMEDIATE")
    removed = connection.execute("DELETE FROM plans WHERE plan_hash NOT IN (SELECT plan_hash FROM runs)").rowcount
    connection.execute("COMMIT")
    return removed


def _remove_blobs(connection: sqlite3.Connection) -> int:
    """Large values that no event has the head of any more; how many there were."""
    connection.execute("BEGIN IMMEDIATE")
    removed = connection.execute(_UNUSED_BLOBS, (_AT_ONCE,)).rowcount
    connection.execute("COMMIT")
    return removed


def _vacuum_some(connection: sqlite3.Connection) -> int:
    """Give free pages back, some at a time; how many there still are."""
    # As a script, which is stepped to its end: as a query it would give back a single page.
    connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")
    ((free,),) = connection.execute("PRAGMA freelist_count").fetchall()
    checkpoint(connection)
    return int(free)


# Beside the file


def _remove_files(database: Path, runs: Iterable[OldRun]) -> int:
    """Logs of the hosts of removed runs, and what dead engines left."""
    folder = Neighbours.of(database).folder
    removed = sum(_unlink(folder / f"host-{run.run_id}.log") for run in runs)
    doubtful = _doubtful_notes(database)
    for path in sorted(folder.glob("engine-*.lock")):
        socket = path.with_suffix(".sock")
        if not _is_left_over(path) or (path in doubtful and _age_sec(path) < _SHORTEST_TAIL_SEC):
            continue
        removed += _unlink(socket) + _unlink(path)
    for pattern in ("new-*.db*", "engine-*.sock"):
        for path in sorted(folder.glob(pattern)):
            if not path.with_suffix(".lock").exists() and _age_sec(path) >= _FRESH_SEC:
                removed += _unlink(path)
    return removed


def _doubtful_notes(database: Path) -> frozenset[Path]:
    """The lock files that speak of events which the file does not have."""
    notes = notes_of_engines(database)
    connection, _ = connect_to_read(database)
    try:
        return frozenset(note.path for note in notes if not is_kept(connection, note))
    except sqlite3.Error as error:
        raise translate(error, database, "read the file") from error
    finally:
        connection.close()


def _is_left_over(path: Path) -> bool:
    try:
        return holder_of(path) is None and _age_sec(path) >= _FRESH_SEC
    except OSError:
        return False


def _age_sec(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def _unlink(path: Path) -> int:
    try:
        path.unlink()
    except OSError:  # gone already, or not ours to remove: it is not worth failing for
        return 0
    return 1


def _bytes_beside(database: Path) -> int:
    state = disk_state(database)
    return state.file_bytes + state.log_bytes + _folder_bytes(Neighbours.of(database).folder)


def _folder_bytes(folder: Path) -> int:
    try:
        return sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(folder))
    except OSError:
        return 0

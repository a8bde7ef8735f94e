"""All checks of the file in one, read-only; and the projections made anew where they are what is wrong."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from store.database import connect_to_read, real_path, require_local_file, translate
from store.errors import DamagedDatabaseError, NoDatabaseError
from store.exclusive import checkpoint, keep_copy, run_exclusively
from store.integrity.contents import asset_findings, blob_findings, log_findings, plan_findings
from store.integrity.events import EventCheck
from store.integrity.findings import Check, Finding, Progress, Report, limited
from store.integrity.projections import projection_findings
from store.integrity.structure import structure_findings
from store.integrity.tail import Note, notes_of_engines, tail_findings
from store.projection import PROJECTED_TABLES
from store.rankings import restore_scores
from store.scratch import columns_of, scratch_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_AT_ONCE: Final = 1000
_RESTORE: Final = "keep the file as it is, and restore a backup beside it"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Projections made anew: of how many runs and events, what had been wrong, and where the file before is kept."""

    runs: int
    events: int
    mended: tuple[Finding, ...]
    copy: Path


def verify(path: Path, *, tell: Callable[[str], None] | None = None) -> Report:
    """Check the file at `path`; nothing is changed. `tell` hears how far it is.

    Raises StoreError where there is no file of ours to check: missing, foreign, newer, unreadable.
    """
    database = real_path(path)
    if not require_local_file(database):
        if notes := notes_of_engines(database):
            raise DamagedDatabaseError(
                f"the file is gone, though engine {notes[0].engine_id} wrote to it",
                place=str(database),
                hint="put it back from where it was moved to, or restore a backup",
            )
        raise NoDatabaseError("there is no file of runs yet", place=str(database), hint="run a plan first")
    notes = notes_of_engines(database)
    connection, _ = connect_to_read(database)
    try:
        connection.text_factory = _any_text
        connection.execute("BEGIN")
        return _check(connection, notes, database, Progress(tell))
    finally:
        connection.close()


def rebuild(
    path: Path, *, tell: Callable[[str], None] | None = None, on_wait: Callable[[str], None] | None = None
) -> Rebuilt:
    """Make the projections anew from the events, in one transaction under the write lock, after a copy of the file.

    Raises DamagedDatabaseError, and changes nothing, if the events themselves or the database are damaged.
    """
    database = real_path(path)
    return run_exclusively(
        database,
        lambda connection: _rebuild(connection, database, Progress(tell)),
        is_examined=True,
        on_wait=on_wait,
    )


def _any_text(content: bytes) -> str:
    """Text that is no UTF-8 any more is a finding, not an error."""
    return content.decode("utf-8", "backslashreplace")


def _check(connection: sqlite3.Connection, notes: Iterable[Note], database: Path, progress: Progress) -> Report:
    findings: list[Finding] = []
    check = EventCheck()
    runs = 0
    done: list[Check] = []
    try:
        progress.step("checking the structure")
        findings += limited(structure_findings(connection))
        if any(finding.check is Check.STRUCTURE for finding in findings):
            return Report(findings=tuple(findings), unchecked=tuple(Check)[1:])
        done.append(Check.STRUCTURE)
        with scratch_database() as scratch:
            progress.step("checking the events")
            findings += limited(check.findings(connection, scratch, progress))
            ((runs,),) = connection.execute("SELECT count(*) FROM runs").fetchall()
            done.append(Check.CHAIN)
            findings += limited(plan_findings(connection))
            done.append(Check.PLANS)
            findings += limited(asset_findings(connection))
            done.append(Check.ASSETS)
            progress.step("checking large values")
            if check.can_compare:
                findings += limited(blob_findings(connection, scratch, check.broken, progress))
            done.append(Check.BLOBS)
            progress.step("checking the output of steps")
            findings += limited(log_findings(connection, check.broken, progress))
            done.append(Check.OUTPUT)
            if check.can_compare:
                progress.step("comparing what is shown with the events")
                restore_scores(connection, scratch)
                findings += limited(projection_findings(connection, scratch, check.broken))
            done.append(Check.PROJECTIONS)
        findings += limited(tail_findings(connection, notes))
        done.append(Check.TAIL)
    except sqlite3.Error as error:
        findings.append(Finding(Check.STRUCTURE, database.name, translate(error, database, "read it").cause, _RESTORE))
    except MemoryError:  # a length that no row of ours has
        findings.append(Finding(Check.STRUCTURE, database.name, "the file is damaged or cut short", _RESTORE))
    unchecked = tuple(part for part in Check if part not in done)
    return Report(runs, check.events, tuple(findings), unchecked)


def _rebuild(connection: sqlite3.Connection, database: Path, progress: Progress) -> Rebuilt:
    check = EventCheck()
    progress.step("checking the structure")
    found = list(limited(structure_findings(connection)))
    with scratch_database() as scratch:
        if not any(finding.check is Check.STRUCTURE for finding in found):
            progress.step("reading the events")
            found += limited(check.findings(connection, scratch, progress))
        # Events that the chain head knows of and that are gone cannot be brought back by any rebuild.
        harm = [finding for finding in found if finding.check is not Check.PROJECTIONS]
        if harm or not check.can_compare:
            first = (harm or found)[0]
            raise DamagedDatabaseError(
                f"nothing was rebuilt, because the events are damaged: {first.place}: {first.message}",
                place=str(database),
                hint="opscope verify lists everything; restore a backup",
            )
        restore_scores(connection, scratch)
        found += limited(projection_findings(connection, scratch, ()))
        progress.step("keeping a copy of the file")
        copy = keep_copy(connection, database, "before-rebuild")
        progress.step("writing")
        connection.execute("BEGIN IMMEDIATE")
        for table in PROJECTED_TABLES:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608  (our own names)
            _copy_rows(scratch, connection, table)
        connection.execute("COMMIT")
        ((runs,),) = connection.execute("SELECT count(*) FROM runs").fetchall()
    checkpoint(connection)
    return Rebuilt(runs, check.events, tuple(found), copy)


def _copy_rows(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> None:
    columns = ", ".join(columns_of(source, table))
    rows = source.execute(f"SELECT {columns} FROM {table}")  # noqa: S608  (our own names)
    marks = ", ".join("?" * len(rows.description))
    while page := rows.fetchmany(_AT_ONCE):
        target.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", page)  # noqa: S608

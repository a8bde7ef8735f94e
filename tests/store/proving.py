"""What must hold of any file, whoever wrote it and however they ended: contiguous, chained, and projections that follow from it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from engine.model.event import Event
from store import queries
from store.encoding import row_hash
from store.projection import PROJECTED_TABLES, Recorded, project
from store.reader import Reader
from store.schema import migrations
from store.statements import Statements, execute_rows

if TYPE_CHECKING:
    from pathlib import Path

    from store.rows import EventRow


def all_events(path: Path) -> list[EventRow]:
    """Every event of the file in the order of commit."""
    found: list[EventRow] = []
    with Reader.open(path) as reader:
        while page := reader.run(queries.events_after(found[-1].event_no if found else 0)):
            found.extend(page)
    return found


def seqs_of(path: Path) -> dict[str, list[int]]:
    """The numbers of each run's events, after proving that they are contiguous and chained."""
    seqs: dict[str, list[int]] = {}
    last: dict[str, str] = {}
    for row in all_events(path):
        assert row.prev_hash == last.get(row.run_id, "0" * 64), f"{row.run_id} {row.seq} hangs on nothing"
        assert row.hash == row_hash(row).hex(), f"{row.run_id} {row.seq} was changed"
        seqs.setdefault(row.run_id, []).append(row.seq)
        last[row.run_id] = row.hash
    for run_id, found in seqs.items():
        assert found == list(range(1, len(found) + 1)), run_id
    return seqs


def tables(connection: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every projection."""
    return {
        table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in PROJECTED_TABLES
    }


def prove_projections(path: Path, *, batch: int) -> None:
    """Rebuild the projections from the events alone, `batch` events at a time, and compare every row."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as rebuilt, closing(sqlite3.connect(path)) as live:
        rebuilt.executescript("\n".join(sql for _, sql in migrations()))
        rows = all_events(path)
        for begin in range(0, len(rows), batch):
            statements = Statements()
            for row in rows[begin : begin + batch]:
                project(statements, recorded(row))
            for sql, changes in statements.groups():
                execute_rows(rebuilt, sql, changes)
        assert tables(rebuilt) == tables(live)


def recorded(row: EventRow) -> Recorded:
    """A stored event as the projection takes it."""
    data = json.loads(row.data)
    event = Event(
        row.kind, row.at_us, data, row.pass_index, row.stage, row.step_id, row.item_index, row.attempt, row.actor
    )
    return Recorded(row.event_no, row.run_id, row.seq, bytes.fromhex(row.hash), event, data, len(row.data))


def prove(path: Path) -> dict[str, list[int]]:
    """All of it, and SQLite's own check. The numbers of each run's events."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    prove_projections(path, batch=97)
    return seqs_of(path)

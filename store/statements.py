"""Statements collected into few calls with many rows, in an order that means the same as one by one, and their execution."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Hashable, Iterator, Sequence

Row: TypeAlias = tuple[Any, ...]

_HEAD: Final = "UPDATE runs SET last_seq = ?, last_hash = ?, steps_done = steps_done + ?, steps_failed = steps_failed + ? WHERE run_id = ?"
_COUNTS: Final = "UPDATE runs SET steps_done = steps_done + ?, steps_failed = steps_failed + ? WHERE run_id = ?"


_ROWS_AT_ONCE: Final = (64, 16, 4)
_VALUES: Final = re.compile(r"VALUES (\([^()]*\))")


def execute_rows(connection: sqlite3.Connection, sql: str, rows: Sequence[Row]) -> None:
    """Execute `sql` once a row, an INSERT in as few statements as can be.

    Python lets go of its global lock around every single statement, and a busy event loop does not give it back at once:
    many rows in one statement are what keeps a commit short while the loop has work.
    """
    place, count = 0, len(rows)
    if count >= _ROWS_AT_ONCE[-1] and _is_insert(sql):
        for size in _ROWS_AT_ONCE:
            while count - place >= size:
                connection.execute(_repeated(sql, size), tuple(chain.from_iterable(rows[place : place + size])))
                place += size
    if place < count:
        connection.executemany(sql, rows[place:])


@cache
def _is_insert(sql: str) -> bool:
    return _VALUES.search(sql) is not None


@cache
def _repeated(sql: str, count: int) -> str:
    """An INSERT of one row as an INSERT of `count` rows."""
    return _VALUES.sub(lambda found: "VALUES " + ", ".join([found[1]] * count), sql)


@dataclass(slots=True)
class _Head:
    """What is to be said of a run once, when the batch ends: where its chain stands, and steps that reached an end."""

    seq: int = 0
    hash: bytes = b""
    done: int = 0
    failed: int = 0


class _Table:
    """The statements of one table: by phase, then as they came.

    Rows of different keys commute. Those of one key keep their order because within a segment its phases only go up;
    where one goes down, a new segment begins.
    """

    def __init__(self) -> None:
        self.segments: list[dict[int, tuple[str, list[Row]]]] = [{}]
        self._phases: dict[Hashable, int] = {}

    def add(self, key: Hashable, phase: int, sql: str, row: Row) -> None:
        if self._phases.get(key, -1) >= phase:
            self.segments.append({})
            self._phases.clear()
        self._phases[key] = phase
        segment = self.segments[-1]
        if phase in segment:
            segment[phase][1].append(row)
        else:
            segment[phase] = (sql, [row])

    def groups(self) -> Iterator[tuple[str, list[Row]]]:
        for segment in self.segments:
            for phase in sorted(segment):
                yield segment[phase]


class Statements:
    """Everything that a batch of events changes in the projections."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}
        self._heads: dict[str, _Head] = {}
        self._runs: list[tuple[str, list[Row]]] = []

    def add(self, table: str, key: Hashable, phase: int, sql: str, row: Row) -> None:
        """Change the row of `table` with this key. A phase stands for one SQL text, and orders those of one key."""
        found = self._tables.get(table)
        if found is None:
            found = self._tables[table] = _Table()
        found.add(key, phase, sql, row)

    def run(self, run_id: str, sql: str, row: Row) -> None:
        """Change the row of a run, after everything said of that run before."""
        head = self._heads.get(run_id)
        if head is not None and (head.done or head.failed):
            self._run(_COUNTS, (head.done, head.failed, run_id))
            head.done = head.failed = 0
        self._run(sql, row)

    def count(self, run_id: str, *, done: int, failed: int) -> None:
        """Add to the numbers of steps of a run."""
        head = self._heads.setdefault(run_id, _Head())
        head.done += done
        head.failed += failed

    def head(self, run_id: str, seq: int, event_hash: bytes) -> None:
        """Say where the chain of a run stands now."""
        head = self._heads.get(run_id)
        if head is None:
            head = self._heads[run_id] = _Head()
        head.seq = seq
        head.hash = event_hash

    def groups(self) -> Iterator[tuple[str, list[Row]]]:
        """SQL and its rows, in the order in which they must be executed."""
        yield from self._runs
        if self._heads:
            heads = self._heads.items()
            yield _HEAD, [(head.seq, head.hash, head.done, head.failed, run_id) for run_id, head in heads]
        for table in self._tables.values():
            yield from table.groups()

    def _run(self, sql: str, row: Row) -> None:
        if self._runs and self._runs[-1][0] == sql:
            self._runs[-1][1].append(row)
        else:
            self._runs.append((sql, [row]))

"""Queries for locks between runs: who holds what and who waits for it, and what stands before a run that waits."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from engine.model.states import RunStatus
from store.queries.query import Query, marks, word
from store.rows import LockBlock, LockRow

if TYPE_CHECKING:
    from store.queries.query import Rows

LIVE: Final = tuple(status.value for status in RunStatus if not status.is_final)

# The row of a run that is over counts for nothing, whatever left it there.
_ROWS: Final = (
    "SELECT l.name, l.run_id, r.plan_id, r.status, l.acquired_at_us, r.owner_engine, r.owner_epoch FROM locks AS l "  # noqa: S608
    f"JOIN runs AS r ON r.run_id = l.run_id AND r.status IN ({marks(LIVE)}) "
)


def lock_holders(name: str | None = None, limit: int = 10_000) -> Query[list[LockRow]]:
    """The locks that are held, of all names or of one, by name; with the runs that wait for each, the next one first."""
    condition = "" if name is None else "WHERE l.name = ?"
    return Query(
        f"{_ROWS} {condition} ORDER BY l.name, l.acquired_at_us IS NULL, l.lock_no LIMIT ?",
        (*LIVE, *(() if name is None else (name,)), limit),
        _lock_rows,
    )


def lock_blocks(run_id: str, limit: int = 1000) -> Query[list[LockBlock]]:
    """What stands before a run in the lines that it waits in: who holds the lock, and who asked for it earlier."""
    sql = (
        "SELECT o.name, o.run_id, r.plan_id, r.owner_engine, o.acquired_at_us IS NOT NULL FROM locks AS w "  # noqa: S608
        "JOIN locks AS o ON o.name = w.name AND o.run_id <> w.run_id AND (o.acquired_at_us IS NOT NULL OR o.lock_no < w.lock_no) "
        f"JOIN runs AS r ON r.run_id = o.run_id AND r.status IN ({marks(LIVE)}) "
        "WHERE w.run_id = ? AND w.acquired_at_us IS NULL ORDER BY o.name, o.acquired_at_us IS NULL, o.lock_no LIMIT ?"
    )
    return Query(
        sql,
        (*LIVE, run_id, limit),
        lambda rows: [LockBlock(name, run, plan, engine, bool(held)) for name, run, plan, engine, held in rows],
    )


def _lock_rows(rows: Rows) -> list[LockRow]:
    found = []
    for name, group in groupby(rows, key=itemgetter(0)):
        (_, run_id, plan_id, status, acquired_at_us, engine, epoch), *others = group
        if acquired_at_us is None:
            continue  # between two holders
        found.append(
            LockRow(
                name=name,
                run_id=run_id,
                plan_id=plan_id,
                status=word(RunStatus, status),
                acquired_at_us=acquired_at_us,
                owner_engine=engine,
                owner_epoch=epoch,
                waiting=tuple(waiting for _, waiting, *_ in others),
            )
        )
    return found

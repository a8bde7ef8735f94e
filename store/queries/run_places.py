"""Where runs stand in a list that no index has in its order: the page at a place, the place of a run. Which order is `run_filter`'s.

A page from the middle would have all rows before it sorted. Instead some rows are looked at to find two between which the
page most likely lies; how many stand before each of them is counted, and only what stands between them is sorted. Where the
page does not lie there after all, everything is sorted: the answer is always the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from store.queries.run_filter import RunSort, sort_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.queries.query import Parameter
    from store.queries.run_filter import RunOrder

_SAMPLED: Final = 1024
_LEAST_MARGIN: Final = 8
_MARGIN: Final = 16
"""The part of the sample by which it is looked further on either side: four times what chance makes of so many rows."""

_LEAST: Final = -(2**63)
_GREATEST: Final = 2**63 - 1

_DRAWN: Final = (
    "drawn(no, step, most) AS (SELECT low, max(1, (high - low) / ?), high FROM "
    "(SELECT (SELECT min(rowid) FROM runs) AS low, (SELECT max(rowid) FROM runs) AS high) UNION ALL "
    "SELECT no + step, step, most FROM drawn WHERE no + step <= most)"
)


def rows_at(
    order: RunOrder,
    conditions: Sequence[str],
    given: Sequence[Parameter],
    *,
    offset: int,
    limit: int,
    total: int,
    backwards: bool,
) -> tuple[str, list[Parameter]]:
    """SQL for the rowids at places `offset` to `offset + limit` of those `total` runs that pass, with its parameters."""
    rows, drawn = _keyed(order, conditions), _keyed(order, [*conditions, "rowid IN (SELECT no FROM drawn)"])
    terms = _terms(order, backwards=backwards)
    ordering = "ORDER BY " + ", ".join(f"{term} {'DESC' if falls else 'ASC'}" for term, falls in terms)
    key = _key_parameters(order)
    sought = "(SELECT count(*) * ? / ? FROM sample)"
    margin = f"(SELECT max({_LEAST_MARGIN}, count(*) / {_MARGIN}) FROM sample)"  # noqa: S608  (constants)
    # Near the beginning nothing is left out before the page.
    first = _GREATEST if terms[0][1] else _LEAST
    is_elsewhere = "(until < ? OR skipped > ?)"
    sql = (
        f"WITH RECURSIVE {_DRAWN}, sample AS (SELECT k, at, id FROM ({drawn})), "  # noqa: S608  (constants and marks)
        f"low AS (SELECT CASE WHEN {sought} > {margin} THEN k ELSE {first} END AS low_k, at AS low_at, id AS low_id FROM sample "
        f"{ordering} LIMIT 1 OFFSET max(0, {sought} - {margin})), "
        f"high AS (SELECT k AS high_k, at AS high_at, id AS high_id FROM sample {ordering} LIMIT 1 OFFSET {sought} + {margin}), "
        f"found AS (SELECT count(*) AS until, CAST(total({_before(terms, 'low')}) AS INTEGER) AS skipped, low.*, high.* "
        f"FROM low CROSS JOIN high CROSS JOIN ({rows}) WHERE {_before(terms, 'high')}) "
        f"SELECT no FROM found CROSS JOIN ({rows}) WHERE {is_elsewhere} "
        f"OR ({_before(terms, 'high')} AND {_before(terms, 'low')} = 0) {ordering} LIMIT ? "
        f"OFFSET (SELECT ? - CASE WHEN {is_elsewhere} THEN 0 ELSE skipped END FROM found)"
    )
    end = offset + limit
    looked = (_SAMPLED, *key, *given, offset, total, offset, total, end, total, *key, *given)
    return sql, [*looked, *key, *given, end, offset, limit, offset, end, offset]


def place_in(order: RunOrder, run_id: str) -> tuple[str, list[Parameter]]:
    """SQL for how many of all runs stand before one, no row if that one is not there; with its parameters."""
    key = _key_parameters(order)
    before = _before(_terms(order), "sought")
    sought = "SELECT k AS sought_k, at AS sought_at, id AS sought_id"
    sql = (
        f"SELECT (SELECT count(*) FROM ({_keyed(order, ())}) WHERE {before}) "  # noqa: S608  (constants)
        f"FROM ({sought} FROM ({_keyed(order, ('run_id = ?',))}))"
    )
    return sql, [*key, *key, run_id]


def _keyed(order: RunOrder, conditions: Sequence[str]) -> str:
    """Runs by what they are sorted by, so that it is written only once: `k`, and among equal ones `at` and `id`."""
    passing = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    # What has none stands at the end, whichever way the others are sorted, and there is one thing less to compare.
    key = f"coalesce({sort_key(order.by, 'runs')}, {_LEAST if order.descends else _GREATEST})"
    return f"SELECT {key} AS k, created_at_us AS at, run_id AS id, rowid AS no FROM runs {passing}"  # noqa: S608


def _terms(order: RunOrder, *, backwards: bool = False) -> list[tuple[str, bool]]:
    newest_first = order.by is not RunSort.STARTED or order.descends
    return [
        (term, falls != backwards)
        for term, falls in (("k", order.descends), ("at", newest_first), ("id", newest_first))
    ]


def _key_parameters(order: RunOrder) -> list[Parameter]:
    return [order.now_us] if order.by is RunSort.DURATION else []


def _before(terms: Sequence[tuple[str, bool]], bound: str) -> str:
    """The condition that a row stands before the bound, whose columns are called `low_k` and so on."""
    condition = ""
    for term, falls in reversed(terms):
        sign = ">" if falls else "<"
        if not condition:
            condition = f"{term} {sign} {bound}_{term}"
        else:
            # For most rows the first comparison settles it.
            condition = f"({term} {sign}= {bound}_{term} AND ({term} {sign} {bound}_{term} OR {condition}))"
    return condition

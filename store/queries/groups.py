"""Queries for the groups of a pass: retries, numbers of items, and what only the plan knows of its steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.model.states import StepStatus
from store.queries.query import Query, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from store.queries.query import Rows


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt of a step that needed more than one: when, and how it ended."""

    attempt: int
    status: StepStatus
    started_at_us: int
    finished_at_us: int | None


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a plan its steps do not say: the fallback of each step that has one, and the steps that run at the end."""

    fallback_of: Mapping[str, str] = field(default_factory=dict)
    at_the_end: frozenset[str] = frozenset()


_TRIES: Final = (
    "SELECT step_id, attempt, status, started_at_us, finished_at_us FROM step_attempts WHERE run_id = ? AND pass_index = ? "
    "AND item_index = -1 AND step_id IN (SELECT step_id FROM steps WHERE run_id = ? AND pass_index = ? AND item_index = -1 "
    "AND attempts > 1) ORDER BY step_id, attempt LIMIT ?"
)


def retried(run_id: str, pass_index: int = 0, limit: int = 5000) -> Query[dict[str, list[Try]]]:
    """The attempts of the steps that needed more than one."""
    return Query(_TRIES, (run_id, pass_index, run_id, pass_index, limit), _tries)


def item_counts(run_id: str, pass_index: int = 0, limit: int = 20_000) -> Query[dict[str, dict[StepStatus, int]]]:
    """How many items the steps of a pass have, by step and status; steps without any are left out."""
    sql = (
        "SELECT step_id, status, count(*) FROM steps WHERE run_id = ? AND pass_index = ? AND item_index >= 0 "
        "GROUP BY step_id, status LIMIT ?"
    )
    return Query(sql, (run_id, pass_index, limit), _items)


def plan_shape(run_id: str, limit: int = 20_000) -> Query[Shape]:
    """What of a run's plan its steps do not say. The document is looked through where it is, not fetched."""
    sql = (
        "SELECT 0, json_extract(s.value, '$.id'), json_extract(s.value, '$.fallback_step') FROM runs AS r "
        "JOIN plans AS p ON p.plan_hash = r.plan_hash JOIN json_each(p.document, '$.steps') AS s WHERE r.run_id = ? "
        "AND json_extract(s.value, '$.fallback_step') IS NOT NULL UNION ALL "
        "SELECT 1, json_extract(s.value, '$.id'), NULL FROM runs AS r JOIN plans AS p ON p.plan_hash = r.plan_hash "
        "JOIN json_each(p.document, '$.finally') AS s WHERE r.run_id = ? LIMIT ?"
    )
    return Query(sql, (run_id, run_id, limit), _shape)


def _tries(rows: Rows) -> dict[str, list[Try]]:
    found: dict[str, list[Try]] = {}
    for step_id, attempt, status, started, finished in rows:
        found.setdefault(str(step_id), []).append(Try(int(attempt), word(StepStatus, status), started, finished))
    return found


def _items(rows: Rows) -> dict[str, dict[StepStatus, int]]:
    found: dict[str, dict[StepStatus, int]] = {}
    for step_id, status, number in rows:
        found.setdefault(str(step_id), {})[word(StepStatus, status)] = int(number)
    return found


def _shape(rows: Rows) -> Shape:
    return Shape(
        {str(step_id): str(other) for kind, step_id, other in rows if kind == 0},
        frozenset(str(step_id) for kind, step_id, _ in rows if kind == 1),
    )

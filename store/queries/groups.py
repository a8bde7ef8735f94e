"""Queries for the groups of a pass: retries, numbers of items, where results came from, and what only the plan knows of its steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.model.states import StepStatus
from store.queries.query import Query, json_object, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json, JsonObject
    from store.queries.query import Rows


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt of a step that needed more than one: when, and how it ended."""

    attempt: int
    status: StepStatus
    started_at_us: int
    finished_at_us: int | None


@dataclass(frozen=True, slots=True)
class Source:
    """The run and the pass in which a result was made that a step repeats."""

    run_id: str
    pass_index: int


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


def plan_shape(run_id: str, pass_index: int = 0, limit: int = 20_000) -> Query[Shape]:
    """What of the plan of a run's pass its steps do not say. The document is looked through where it is, not fetched.

    It is the plan of the run, with what was approved in the passes before; that never touches what runs at the end.
    """
    sql = (
        "SELECT 0, json_extract(s.value, '$.id'), json_extract(s.value, '$.fallback_step'), 0 FROM runs AS r "
        "JOIN plans AS p ON p.plan_hash = r.plan_hash JOIN json_each(p.document, '$.steps') AS s WHERE r.run_id = ? "
        "AND json_extract(s.value, '$.fallback_step') IS NOT NULL UNION ALL "
        "SELECT 1, json_extract(s.value, '$.id'), NULL, 0 FROM runs AS r JOIN plans AS p ON p.plan_hash = r.plan_hash "
        "JOIN json_each(p.document, '$.finally') AS s WHERE r.run_id = ? UNION ALL "
        # An operator may have put another patch in the place of the one that was asked for.
        "SELECT 2, json_extract(t.data, '$.before'), json_extract(t.data, '$.after'), t.event_no FROM replan_events AS e "
        "JOIN run_events AS d ON d.event_no = e.decided_event JOIN run_events AS t ON t.event_no = "
        "iif(json_type(d.data, '$.after') = 'object', e.decided_event, e.requested_event) WHERE e.run_id = ? "
        "AND e.decision IN ('approved', 'auto_approved') AND e.pass_index < ? ORDER BY 1, 4 LIMIT ?"
    )
    return Query(sql, (run_id, run_id, run_id, pass_index, limit), _shape)


def reused_from(run_id: str, pass_index: int = 0, limit: int = 20_000) -> Query[Mapping[str, Source]]:
    """Where the results come from that steps of a pass did not make, by step."""
    sql = (
        "SELECT s.step_id, json_extract(e.data, '$.reused_from.run_id'), json_extract(e.data, '$.reused_from.pass_index') "
        "FROM steps AS s JOIN run_events AS e ON e.event_no = s.result_event WHERE s.run_id = ? AND s.pass_index = ? "
        "AND s.item_index = -1 AND s.reason = 'reused' LIMIT ?"
    )
    return Query(sql, (run_id, pass_index, limit), _sources)


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


def _sources(rows: Rows) -> Mapping[str, Source]:
    return {
        str(step_id): Source(str(source), int(pass_index or 0))
        for step_id, source, pass_index in rows
        if source is not None
    }


def _shape(rows: Rows) -> Shape:
    fallbacks: dict[str, str] = {}
    at_the_end: set[str] = set()
    for kind, one, other, _ in rows:
        match kind:
            case 0:
                fallbacks[str(one)] = str(other)
            case 1:
                at_the_end.add(str(one))
            case _:
                _change(fallbacks, json_object(one or "{}"), json_object(other or "{}"))
    return Shape(fallbacks, frozenset(at_the_end))


def _change(fallbacks: dict[str, str], before: JsonObject, after: JsonObject) -> None:
    """What a replan made of the fallbacks: only what it changed stands on its two sides."""
    for step_id in {**before, **after}:
        was, became = _fallback(before.get(step_id)), _fallback(after.get(step_id))
        if isinstance(became, str):
            fallbacks[step_id] = became
        elif was is not None or after.get(step_id) is None:
            fallbacks.pop(step_id, None)


def _fallback(step: Json) -> Json:
    return step.get("fallback_step") if isinstance(step, dict) else None

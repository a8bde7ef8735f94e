"""Queries for how long the steps of a plan took before, from which the next run of it is predicted. How is the engine's to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from store.queries.query import Query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from store.queries.query import Rows

_LOST: Final = "coalesce(a.reason, '') = 'engine_lost'"
_CANDIDATES: Final = 50
_AMONG: Final = 20

_RUNS: Final = (
    "SELECT r.run_id FROM (SELECT run_id, created_at_us, created_event FROM runs "  # noqa: S608  (numbers only)
    "WHERE plan_id = ? AND run_id <> ? AND mode IN ('normal', ?) AND parent_run_id IS NULL "
    f"ORDER BY created_at_us DESC LIMIT {_CANDIDATES}) AS r "
    "JOIN run_events AS c ON c.event_no = r.created_event "
    "ORDER BY json_extract(c.data, '$.params') IS NOT "
    "(SELECT json_extract(own.data, '$.params') FROM run_events AS own WHERE own.run_id = ? AND own.seq = 1), "
    f"r.created_at_us DESC, r.run_id DESC LIMIT {_AMONG}"
)
_TOOK: Final = (
    "SELECT s.step_id, s.duration_us FROM steps AS s WHERE s.run_id = ? AND s.item_index = -1 AND s.status = 'succeeded' "  # noqa: S608
    "AND s.attempts > 0 AND coalesce(s.reason, '') NOT IN ('operator', 'reused', 'cache_hit') AND s.duration_us IS NOT NULL "
    "AND NOT EXISTS (SELECT 1 FROM step_attempts AS a WHERE a.run_id = s.run_id AND a.pass_index = s.pass_index "
    f"AND a.step_id = s.step_id AND {_LOST}) ORDER BY s.pass_index"
)
_TRIED: Final = (
    "SELECT a.step_id, max(CASE WHEN a.item_index = -1 THEN a.duration_us END) FROM step_attempts AS a "  # noqa: S608
    f"WHERE a.run_id = ? AND a.pass_index = ? GROUP BY a.step_id HAVING max({_LOST}) = 1"
)


def runs_like(run_id: str, plan_id: str, mode: str) -> Query[list[str]]:
    """The last other runs of its plan, those with the same parameters first and then the newest; tests only for a test."""
    return Query(_RUNS, (plan_id, run_id, mode, run_id), lambda rows: [str(found) for (found,) in rows])


def steps_took(run_id: str) -> Query[dict[str, int]]:
    """How long the steps took that came to a good end in a run, by their own work and under one engine, in microseconds."""
    return Query(_TOOK, (run_id,), _durations)


def lost_steps_tried(run_id: str, pass_index: int) -> Query[Mapping[str, int | None]]:
    """The steps whose engine was lost, with how long the longest of their attempts lasted; None where nobody knows.

    What such a step took is more than it worked: the time until somebody took it up is in it.
    """
    return Query(_TRIED, (run_id, pass_index), lambda rows: {str(step_id): tried_us for step_id, tried_us in rows})


def _durations(rows: Rows) -> dict[str, int]:
    return {str(step_id): int(duration_us) for step_id, duration_us in rows}

"""Queries for comparing runs: heads for the choice of a baseline, and bounded facts of stages and steps. No large value is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine.model.states import RunMode, RunStatus, Stage, StageStatus, StepStatus
from engine.regression.baseline import RunHead
from store.queries.query import Query, marks, word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.queries.query import Rows

MOST_RESULT_BYTES: Final = 16 * 1024
"""A larger result is not looked at: its shape is unknown."""

MOST_OUTPUT_BYTES: Final = 256 * 1024
"""The same for the output of a stage."""

_HEAD: Final = (
    "SELECT run_id, plan_hash, environment_hash, status, mode, created_at_us, duration_us, "
    # The version that the last pass used, of each alias.
    "(SELECT json_group_object(alias, ref || ' ' || substr(sha256, 1, 12)) FROM (SELECT alias, ref, sha256 FROM applied_assets AS a "
    "WHERE a.run_id = r.run_id ORDER BY pass_index)), "
    # One that cannot be read spoils no list of the others: whoever reads its facts is told.
    "(SELECT coalesce(json_array_length(c.data, '$.source.reused'), 0) FROM run_events AS c "
    "WHERE c.event_no = r.created_event AND json_valid(c.data)), "
    # The engine that began a run has epoch 1; each takeover is one more.
    "r.plan_id, r.owner_epoch > 1 FROM runs AS r "
)


# Asked for every step of thousands, and a tenth of the cost of an enum's own.
_STATUSES: Final = {status.value: status for status in StepStatus}


def heads_by_id(run_ids: Sequence[str]) -> Query[list[RunHead]]:
    """The heads of these runs, in no order."""
    return Query(f"{_HEAD} WHERE run_id IN ({marks(run_ids)})", tuple(run_ids), _heads)


def ids_by_prefix(prefix: str, *, limit: int = 2) -> Query[list[str]]:
    """The ids that begin so, of runs of which nothing else need be readable."""
    sql = "SELECT run_id FROM runs WHERE run_id >= ? AND run_id < ? ORDER BY run_id LIMIT ?"
    return Query(sql, (prefix, f"{prefix}g", limit), lambda rows: [str(run_id) for (run_id,) in rows])


def heads_before(plan_id: str, at_us: int, *, limit: int = 500) -> Query[list[RunHead]]:
    """The heads of the newest runs of a plan that were made before a moment; steps of other runs are left out."""
    sql = f"{_HEAD} WHERE plan_id = ? AND created_at_us < ? AND parent_run_id IS NULL ORDER BY created_at_us DESC, run_id DESC LIMIT ?"
    return Query(sql, (plan_id, at_us, limit), _heads)


def succeeded_heads(plan_id: str, *, limit: int = 60) -> Query[list[RunHead]]:
    """The heads of the newest runs of a plan that succeeded and are no tests, whatever its version."""
    sql = (
        f"{_HEAD} WHERE plan_id = ? AND status = ? AND mode = ? AND parent_run_id IS NULL "
        "ORDER BY created_at_us DESC, run_id DESC LIMIT ?"
    )
    return Query(sql, (plan_id, RunStatus.SUCCEEDED.value, RunMode.NORMAL.value, limit), _heads)


def step_facts_page(
    run_id: str, pass_index: int, *, after: tuple[str, int] = ("", -2), limit: int = 2000
) -> Query[Any]:
    """Rows of steps by id and item, beginning after one; the data of results that are not too large.

    (step_id, item_index, status, reason, message, exit_code, duration_us, attempts, started_at_us, finished_at_us,
    depends_on, reused, data)
    """
    sql = (
        "SELECT s.step_id, s.item_index, s.status, s.reason, s.message, s.exit_code, s.duration_us, s.attempts, s.started_at_us, "
        "s.finished_at_us, s.depends_on, e.data LIKE '%\"reused_from\"%' AND json_extract(e.data, '$.reused_from') IS NOT NULL, "
        "CASE WHEN s.result_bytes <= ? THEN e.data END "
        "FROM (SELECT * FROM steps WHERE run_id = ? AND pass_index = ? AND (step_id, item_index) > (?, ?) "
        "ORDER BY step_id, item_index LIMIT ?) AS s LEFT JOIN run_events AS e ON e.event_no = s.result_event "
        "ORDER BY s.step_id, s.item_index"
    )
    return Query(sql, (MOST_RESULT_BYTES, run_id, pass_index, *after, limit), list)


def stage_facts(run_id: str) -> Query[list[tuple[Stage, int, StageStatus, int | None, str | None]]]:
    """(stage, pass, status, microseconds, the data of its end unless that is too large) of every stage that has begun."""
    sql = (
        "SELECT s.stage, s.pass_index, s.status, s.duration_us, CASE WHEN length(e.data) <= ? THEN e.data END "
        "FROM stages AS s LEFT JOIN run_events AS e ON e.event_no = s.finished_event WHERE s.run_id = ?"
    )
    return Query(
        sql,
        (MOST_OUTPUT_BYTES, run_id),
        lambda rows: [
            (word(Stage, stage), pass_index, word(StageStatus, status), duration_us, data)
            for stage, pass_index, status, duration_us, data in rows
        ],
    )


def _heads(rows: Rows) -> list[RunHead]:
    import json

    return [
        RunHead(
            run_id,
            plan_hash,
            environment,
            json.loads(assets),
            word(RunStatus, status),
            word(RunMode, mode),
            created_at_us,
            duration_us,
            bool(reused),
            plan_id,
            bool(taken_over),
        )
        for run_id, plan_hash, environment, status, mode, created_at_us, duration_us, assets, reused, plan_id, taken_over in rows
    ]


def finished_status(value: str) -> StepStatus:
    """A stored status of a step as its word. Raises NewerDatabaseError."""
    return _STATUSES.get(value) or word(StepStatus, value)

"""Queries for what reruns were expected to take, and what they took. How it is predicted is the engine's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.model.states import RunStatus
from store.queries.query import Query, first, word

if TYPE_CHECKING:
    from collections.abc import Collection

    from engine.model.json import JsonObject
    from store.queries.query import Rows

_SELECT = (
    "SELECT r.run_id, r.created_at_us, r.status, json_extract(c.data, '$.source.predicted_us'), r.duration_us "
    "FROM runs AS r JOIN run_events AS c ON c.event_no = r.created_event"
)
_PREDICTED = "json_extract(c.data, '$.source.predicted_us') IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Prediction:
    """How long a rerun was expected to take and took, in microseconds; `actual_us` is None while it goes on."""

    run_id: str
    created_at_us: int
    status: RunStatus
    predicted_us: int
    actual_us: int | None

    @property
    def error(self) -> float | None:
        """By which share it took longer than predicted, less than 0 for shorter. None for a run that did not come to its end
        as it was predicted, since all steps were expected to succeed."""
        if self.actual_us is None or self.status is not RunStatus.SUCCEEDED or self.predicted_us <= 0:
            return None
        return self.actual_us / self.predicted_us - 1

    def to_json(self) -> JsonObject:
        """As `show --json` has it."""
        return {
            "predicted_ms": self.predicted_us / 1000,
            "actual_ms": None if self.actual_us is None else self.actual_us / 1000,
            "error": None if self.error is None else round(self.error, 4),
        }


def prediction_of(run_id: str) -> Query[Prediction | None]:
    """What a run was expected to take; None for one that is no rerun."""
    return Query(f"{_SELECT} WHERE r.run_id = ? AND {_PREDICTED}", (run_id,), lambda rows: first(_predictions(rows)))


def predictions_of(plan_id: str, *, limit: int = 30) -> Query[list[Prediction]]:
    """The newest reruns of a plan, the newest first."""
    sql = f"{_SELECT} WHERE r.plan_id = ? AND {_PREDICTED} ORDER BY r.created_at_us DESC, r.run_id DESC LIMIT ?"
    return Query(sql, (plan_id, limit), _predictions)


def _predictions(rows: Rows) -> list[Prediction]:
    return [
        Prediction(run_id, created_at_us, word(RunStatus, status), predicted_us, actual_us)
        for run_id, created_at_us, status, predicted_us, actual_us in rows
    ]


def durations_with(plan_id: str, refs: Collection[str]) -> Query[dict[str, int]]:
    """How long the steps took in the newest run of a plan that succeeded with all these versions of assets, by step id.

    Microseconds; empty where there is no such run. Steps whose results were taken over are not among them.
    """
    marks = ", ".join("?" * len(refs))
    sql = (
        "SELECT s.step_id, s.duration_us FROM steps AS s JOIN ("  # noqa: S608  (marks only)
        "SELECT r.run_id, r.pass_index FROM runs AS r WHERE r.plan_id = ? AND r.status = 'succeeded' AND "
        f"(SELECT count(DISTINCT a.ref) FROM applied_assets AS a WHERE a.run_id = r.run_id AND a.ref IN ({marks})) = ? "
        "ORDER BY r.created_at_us DESC LIMIT 1) AS n ON s.run_id = n.run_id AND s.pass_index = n.pass_index "
        "WHERE s.item_index = -1 AND s.attempts > 0 AND s.status IN ('succeeded', 'failed') AND s.duration_us IS NOT NULL"
    )
    return Query(
        sql, (plan_id, *refs, len(refs)), lambda rows: {str(step_id): int(duration) for step_id, duration in rows}
    )

"""Queries for what a run's passes were given: its replans with what was asked and decided, and which stage used which asset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.states import Stage
from store.queries.query import Query, json_object, optional_word, word

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from store.queries.query import Rows

_MOST_USES: Final = 10_000


@dataclass(frozen=True, slots=True)
class ReplanRow:
    """One replan: when and of what it was asked, and the data of both of its events as stored; `decided` is empty while it waits."""

    event_id: str
    pass_index: int
    stage: Stage | None
    step_id: str | None
    requested_at_us: int
    decided_at_us: int | None
    requested: JsonObject
    decided: JsonObject


def replans_of(run_id: str, limit: int = 1000) -> Query[list[ReplanRow]]:
    """The replans of a run whole, in the order in which they were asked for."""
    sql = (
        "SELECT p.event_id, p.pass_index, p.stage, p.step_id, p.requested_at_us, p.decided_at_us, q.data, d.data "
        "FROM replan_events AS p JOIN run_events AS q ON q.event_no = p.requested_event "
        "LEFT JOIN run_events AS d ON d.event_no = p.decided_event WHERE p.run_id = ? ORDER BY p.requested_event LIMIT ?"
    )
    return Query(sql, (run_id, limit), _replans)


def asset_uses_of(run_id: str, pass_index: int) -> Query[list[tuple[str, Stage]]]:
    """Which stages of a pass were given which assets: (alias, stage), in the order of the stages."""
    sql = (
        "SELECT a.key, s.stage FROM stages AS s JOIN run_events AS e ON e.event_no = s.started_event "
        "JOIN json_each(e.data, '$.input.applied_assets') AS a WHERE s.run_id = ? AND s.pass_index = ? "
        "ORDER BY e.event_no, a.id LIMIT ?"
    )
    return Query(
        sql, (run_id, pass_index, _MOST_USES), lambda rows: [(str(alias), word(Stage, stage)) for alias, stage in rows]
    )


def _replans(rows: Rows) -> list[ReplanRow]:
    return [
        ReplanRow(
            event_id,
            pass_index,
            optional_word(Stage, stage),
            step_id,
            requested,
            decided,
            json_object(asked),
            json_object(said),
        )
        for event_id, pass_index, stage, step_id, requested, decided, asked, said in rows
    ]

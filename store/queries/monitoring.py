"""What goes on in all runs that are not over: one query for all of them, however many there are and however long they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.event import EventKind
from engine.model.states import RunStatus, Stage, StageStatus
from store.queries.query import Query, optional_word, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from store.queries.query import Rows

_LOOKED_BACK: Final = 1000
"""Events at the end of a run among which the steps that have ended lately are counted."""
_COUNTED_MOST: Final = 20_000
"""Steps of a run up to which those that run are counted."""
_LIKE_IT: Final = 5
"""Runs of the same plan that went well, of which the durations are wanted."""


@dataclass(frozen=True, slots=True)
class StagePulse:
    """How a stage of a run stands. Times are microseconds."""

    status: StageStatus
    started_at_us: int | None
    duration_us: int | None


@dataclass(frozen=True, slots=True)
class LastEvent:
    """What a run recorded last. `status` and `reason` are those of the event's data, empty where it has none."""

    kind: EventKind
    at_us: int
    stage: Stage | None
    step_id: str | None
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pulse:
    """What goes on in a run: its stages, how many steps run (None where there are too many to count), the last event.

    `ended` steps have come to their end since `counted_from_us`. `usual_us` are the durations of the last runs of the same
    plan that went well, the newest first.
    """

    run_id: str
    stages: Mapping[Stage, StagePulse]
    running: int | None
    ended: int
    counted_from_us: int
    last: LastEvent | None
    usual_us: tuple[int, ...]


def pulses(since_us: int, limit: int = 200) -> Query[dict[str, Pulse]]:
    """What goes on in the newest runs that are not over, by run. Steps that ended count from `since_us` on."""
    live = ", ".join(f"'{status}'" for status in RunStatus if not status.is_final)
    tail = "FROM run_events AS e WHERE e.run_id = r.run_id AND e.seq > r.last_seq - ?"
    sql = (
        "SELECT r.run_id, "  # noqa: S608  (constants)
        "(SELECT json_group_array(json_array(stage, status, started_at_us, duration_us)) FROM stages AS s "
        "WHERE s.run_id = r.run_id AND s.pass_index = r.pass_index), "
        "CASE WHEN r.steps_total <= ? THEN (SELECT count(*) FROM steps AS s WHERE s.run_id = r.run_id "
        "AND s.pass_index = r.pass_index AND s.item_index = -1 AND s.status = 'running') END, "
        f"(SELECT json_array(sum(e.kind = 'step.finished' AND e.item_index IS NULL AND e.at_us >= ?), min(e.at_us)) {tail}), "
        "(SELECT json_array(e.kind, e.at_us, e.stage, e.step_id, json_extract(e.data, '$.status'), json_extract(e.data, '$.reason')) "
        "FROM run_events AS e WHERE e.run_id = r.run_id AND e.seq = r.last_seq), "
        "(SELECT json_group_array(duration_us) FROM (SELECT o.duration_us FROM runs AS o WHERE o.plan_id = r.plan_id "
        "AND o.status = 'succeeded' AND o.created_at_us < r.created_at_us ORDER BY o.created_at_us DESC, o.run_id DESC LIMIT ?)), "
        "? "
        f"FROM runs AS r WHERE r.status IN ({live}) AND r.run_id NOT IN (SELECT run_id FROM imports) "
        "ORDER BY r.created_at_us DESC, r.run_id DESC LIMIT ?"
    )
    return Query(sql, (_COUNTED_MOST, since_us, _LOOKED_BACK, _LIKE_IT, since_us, limit), _pulses)


def ended_last(limit: int = 5) -> Query[list[str]]:
    """The ids of the runs that ended last, the last one first: among the newest few hundred, to stay fast."""
    sql = (
        "SELECT run_id FROM (SELECT run_id, finished_at_us FROM runs ORDER BY created_at_us DESC, run_id DESC LIMIT 300) "
        "WHERE finished_at_us IS NOT NULL ORDER BY finished_at_us DESC, run_id LIMIT ?"
    )
    return Query(sql, (limit,), lambda rows: [run_id for (run_id,) in rows])


def _pulses(rows: Rows) -> dict[str, Pulse]:
    found: dict[str, Pulse] = {}
    for run_id, stages, running, tail, last, usual, since_us in rows:
        ended, oldest_us = json.loads(tail)
        by_stage = {
            word(Stage, stage): StagePulse(word(StageStatus, status), started, duration)
            for stage, status, started, duration in json.loads(stages)
        }
        found[run_id] = Pulse(
            run_id=run_id,
            stages=by_stage,
            running=running,
            ended=ended or 0,
            counted_from_us=max(since_us, oldest_us or since_us),
            last=None if last is None else _last(*json.loads(last)),
            usual_us=tuple(us for us in json.loads(usual) if us is not None),
        )
    return found


def _last(kind: str, at_us: int, stage: str | None, step_id: str | None, status: object, reason: object) -> LastEvent:
    said = status if isinstance(status, str) else ""
    why = reason if isinstance(reason, str) else ""
    return LastEvent(word(EventKind, kind), at_us, optional_word(Stage, stage), step_id, said, why)

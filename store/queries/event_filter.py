"""Queries for lists of events: the little of each that fits a line, and which events pass a filter. Whole events: events.py."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.event import EventKind
from engine.model.states import Stage
from store.queries.query import Query, containing, like, optional_word, word

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from store.queries.query import Parameter, Rows

_TOLD: Final = (
    "status", "reason", "message", "exit_code", "duration_us", "plan_id", "plan_version", "tool_type", "attempts",
    "process.pid", "next_attempt", "delay_ms", "verb", "force", "names", "strategy", "set_by", "steps", "edges",
    "from_engine", "to_engine", "uncertain", "alias", "ref", "source",
    "decision", "decision_reason",
)  # fmt: skip
_PATHS: Final = ", ".join(f"'$.{name}'" for name in _TOLD)
_APART: Final = (
    "SELECT coalesce(sum(u.size_bytes), 0) FROM blob_uses AS u WHERE u.run_id = e.run_id AND u.event_no = e.event_no"
)
_MOST_LIST: Final = 20
_SEARCHED: Final = ("kind", "step_id", "stage", "actor", "data")


@dataclass(frozen=True, slots=True)
class EventHead:
    """One event without most of its data: `told` is what can be said in a line, `data_bytes` how large the whole data is."""

    seq: int
    at_us: int
    kind: EventKind
    pass_index: int
    stage: Stage | None
    step_id: str | None
    item_index: int | None
    attempt: int | None
    actor: str
    told: JsonObject
    data_bytes: int


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events of a run: any of `kinds`, any of `steps` (with `*` and `?`), and all of `words` anywhere. Case does not matter."""

    kinds: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def event_heads(run_id: str, first_seq: int, last_seq: int) -> Query[list[EventHead]]:
    """The events from `first_seq` to `last_seq`, both included, in order."""
    sql = (
        "SELECT seq, at_us, kind, pass_index, stage, step_id, item_index, attempt, actor, "  # noqa: S608  (constants)
        f"json_extract(data, {_PATHS}), length(data) + ({_APART}) FROM run_events AS e "
        "WHERE run_id = ? AND seq BETWEEN ? AND ? ORDER BY seq"
    )
    return Query(sql, (run_id, first_seq, last_seq), _heads)


def event_seqs(run_id: str, chosen: EventFilter, *, after_seq: int = 0, last_seq: int) -> Query[list[int]]:
    """The numbers of the events that pass, after `after_seq` and up to `last_seq`, in order."""
    conditions = ["run_id = ?", "seq > ?", "seq <= ?"]
    parameters: list[Parameter] = [run_id, after_seq, last_seq]
    for column, patterns in (("kind", chosen.kinds), ("step_id", chosen.steps)):
        if patterns:
            conditions.append("(" + " OR ".join(rf"{column} LIKE ? ESCAPE '\'" for _ in patterns) + ")")
            parameters += [like(pattern) for pattern in patterns]
    for text in chosen.words:
        conditions.append("(" + " OR ".join(rf"{column} LIKE ? ESCAPE '\'" for column in _SEARCHED) + ")")
        parameters += [containing(text)] * len(_SEARCHED)
    sql = f"SELECT seq FROM run_events WHERE {' AND '.join(conditions)} ORDER BY seq"  # noqa: S608  (constants and marks)
    return Query(sql, tuple(parameters), lambda rows: [int(row[0]) for row in rows])


def _heads(rows: Rows) -> list[EventHead]:
    return [
        EventHead(
            seq=seq,
            at_us=at_us,
            kind=word(EventKind, kind),
            pass_index=pass_index,
            stage=optional_word(Stage, stage),
            step_id=step_id,
            item_index=item_index,
            attempt=attempt,
            actor=actor,
            told=_told(values),
            data_bytes=size,
        )
        for seq, at_us, kind, pass_index, stage, step_id, item_index, attempt, actor, values, size in rows
    ]


def _told(values: str) -> JsonObject:
    told: JsonObject = {}
    for name, value in zip(_TOLD, json.loads(values), strict=True):
        if value is not None:
            told[name] = value[:_MOST_LIST] if isinstance(value, list) else value
    return told

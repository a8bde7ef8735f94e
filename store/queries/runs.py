"""Queries for lists and heads of runs, their counts, their engines and their plans."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from engine.model.states import PauseReason, RouteKind, RunMode, RunStatus, Stage
from store.moments import rfc3339
from store.queries.query import Query, first, json_object, marks, optional_word, word
from store.queries.run_filter import (
    ALL_RUNS,
    NEWEST,
    REFERENCES,
    RunFilter,
    RunOrder,
    is_costly,
    is_sorted,
    order_by,
    where,
)
from store.run_rows import RunCounts, RunRow

if TYPE_CHECKING:
    from collections.abc import Collection

    from engine.model.json import Json, JsonObject
    from engine.ports import PlanRecord
    from store.queries.query import Rows


class RunCursor(NamedTuple):
    """The place of a run in the list, from which the next page goes on."""

    created_at_us: int
    run_id: str

    @classmethod
    def of(cls, row: RunRow) -> RunCursor:
        """The place of `row`."""
        return cls(row.created_at_us, row.run_id)


_LIVE = tuple(status.value for status in RunStatus if not status.is_final)

_HEAD = (
    "SELECT r.run_id, r.plan_id, r.plan_version, r.plan_hash, r.status, r.pause_reason, r.route, r.mode, r.stage, r.pass_index, "
    "r.steps_total, r.steps_done, r.steps_failed, r.replans, r.warnings, r.score, r.created_at_us, r.started_at_us, r.finished_at_us, "
    "r.duration_us, r.workdir, json_extract(c.data, '$.params'), json_extract(f.data, '$.first_cause'), "
    "r.owner_engine, r.owner_epoch, r.last_seq, i.imported_at_us, r.parent_run_id, r.parent_step_id, "
    # From the end of the run's events, where such an event is: nearly nothing follows it.
    "CASE WHEN r.status = 'quarantined' OR (r.status = 'paused' AND r.pause_reason = 'engine_lost') THEN (SELECT e.at_us "
    "FROM run_events AS e WHERE e.run_id = r.run_id AND e.kind IN ('run.quarantined', 'run.paused') ORDER BY e.seq DESC LIMIT 1) END, "
    "CASE WHEN r.status = 'running' THEN (SELECT json_group_array(json_array(w.name, (SELECT h.run_id FROM locks AS h "
    "JOIN runs AS o ON o.run_id = h.run_id AND o.finished_at_us IS NULL WHERE h.name = w.name AND h.acquired_at_us IS NOT NULL))) "
    "FROM locks AS w WHERE w.run_id = r.run_id AND w.acquired_at_us IS NULL) END, "
    "json_extract(c.data, '$.words'), json_extract(c.data, '$.source.run_id'), json_extract(c.data, '$.source.changes'), "
    "json_extract(c.data, '$.source.reason') "
    "FROM runs AS r "
    "LEFT JOIN run_events AS c ON c.event_no = r.created_event LEFT JOIN run_events AS f ON f.event_no = r.finished_event "
    "LEFT JOIN imports AS i ON i.run_id = r.run_id "
)
_NOT_IMPORTED = "run_id NOT IN (SELECT run_id FROM imports)"
_LOOKED_THROUGH = 2000
_DEEP = 20_000
"""Places from the nearer end up to which sorting costs no more than looking around first."""
_MANY = 2000
"""The same of runs where it costs more to know whether one passes than to sort it in."""
_NEWEST_FIRST = "ORDER BY created_at_us DESC, run_id DESC"


def runs_page(
    chosen: RunFilter = ALL_RUNS,
    *,
    after: RunCursor | None = None,
    offset: int = 0,
    limit: int = 50,
    order: RunOrder = NEWEST,
    total: int | None = None,
) -> Query[list[RunRow]]:
    """Runs in `order`; `offset` skips some. The newest first they can also begin after `after`.

    Where `total` says how many there are, what is nearer to the end is looked for from there.
    """
    conditions, parameters = where(chosen)
    if after is not None:
        conditions.append("(created_at_us, run_id) < (?, ?)")
        parameters += [after.created_at_us, after.run_id]
    backwards = total is not None and offset > total - offset - limit
    if total is not None and backwards:
        limit = min(limit, max(0, total - offset))
        offset = max(0, total - offset - limit)
    if total is not None and is_sorted(order) and (offset >= _DEEP or (total >= _MANY and is_costly(chosen))):
        from store.queries.run_places import rows_at  # the first paint does without

        rows, given = rows_at(
            order, conditions, parameters, offset=offset, limit=limit, total=total, backwards=backwards
        )
    else:
        inner, ordering = order_by(order, "runs", backwards=backwards)
        rows = f"SELECT rowid FROM runs {_where(conditions)} {inner} LIMIT ? OFFSET ?"  # noqa: S608  (constants and marks)
        given = [*parameters, *ordering, limit, offset]
    outer, again = order_by(order, "r")
    return Query(f"{_HEAD} WHERE r.rowid IN ({rows}) {outer}", (*given, *again), _run_rows)


def runs_by_ids(run_ids: Collection[str]) -> Query[list[RunRow]]:
    """These runs, the newest first; those that are gone are left out."""
    sql = f"{_HEAD} WHERE r.run_id IN ({marks(run_ids)}) ORDER BY r.created_at_us DESC, r.run_id DESC"
    return Query(sql, tuple(run_ids), _run_rows)


def place_of(run_id: str, order: RunOrder = NEWEST) -> Query[int | None]:
    """Where a run stands among all runs in an order, from 0; None if it is not there."""
    from store.queries.run_places import place_in

    sql, given = place_in(order, run_id)
    return Query(sql, tuple(given), lambda rows: first([place for (place,) in rows]))


def plan_ids(limit: int = 500) -> Query[list[str]]:
    """The names of the plans that have runs, by the alphabet."""
    sql = (
        "WITH RECURSIVE known(plan_id) AS (SELECT min(plan_id) FROM runs UNION ALL "
        "SELECT (SELECT min(plan_id) FROM runs WHERE plan_id > known.plan_id) FROM known WHERE known.plan_id IS NOT NULL) "
        "SELECT plan_id FROM known WHERE plan_id IS NOT NULL LIMIT ?"
    )
    return Query(sql, (limit,), lambda rows: [plan_id for (plan_id,) in rows])


def asset_refs(limit: int = 500) -> Query[list[str]]:
    """The assets that runs have used, each with its version, by the alphabet."""
    sql = f"SELECT ref FROM ({REFERENCES}) WHERE ref IS NOT NULL LIMIT ?"  # noqa: S608  (a constant)
    return Query(sql, (limit,), lambda rows: [ref for (ref,) in rows])


def run_counts() -> Query[RunCounts]:
    """How many runs there are, by status."""
    return Query("SELECT status, count(*) FROM runs GROUP BY status", (), _counts)


def run_total(chosen: RunFilter) -> Query[int]:
    """How many runs pass."""
    conditions, parameters = where(chosen)
    sql = f"SELECT count(*) FROM runs {_where(conditions)}"  # noqa: S608  (constants and marks)
    return Query(sql, tuple(parameters), lambda rows: int(rows[0][0]))


def runs_by_prefix(prefix: str, limit: int = 10) -> Query[list[RunRow]]:
    """Runs whose id begins with `prefix`, the newest first. Nothing for what cannot be the beginning of an id."""
    lowered = prefix.lower()
    if not re.fullmatch(r"[0-9a-f]{1,64}", lowered):
        return Query(f"{_HEAD} WHERE 0", (), _run_rows)
    sql = f"{_HEAD} WHERE r.run_id >= ? AND r.run_id < ? ORDER BY r.created_at_us DESC, r.run_id DESC LIMIT ?"
    return Query(sql, (lowered, lowered + "g", limit), _run_rows)


def last_run(plan_id: str | None = None) -> Query[RunRow | None]:
    """The newest run, of one plan if that is given. Runs that are steps of others do not count."""
    condition = f"WHERE r.parent_run_id IS NULL{' AND r.plan_id = ?' if plan_id is not None else ''}"
    sql = f"{_HEAD} {condition} ORDER BY r.created_at_us DESC, r.run_id DESC LIMIT 1"
    return Query(sql, () if plan_id is None else (plan_id,), lambda rows: first(_run_rows(rows)))


def run_by_id(run_id: str) -> Query[RunRow | None]:
    """The run with exactly this id."""
    return Query(f"{_HEAD} WHERE r.run_id = ?", (run_id,), lambda rows: first(_run_rows(rows)))


def reruns_of(run: RunRow, limit: int = 50) -> Query[list[RunRow]]:
    """The runs that were made of this one, the newest first: among the next so many runs of its plan, to stay fast."""
    following = (
        "SELECT run_id, created_event FROM runs WHERE plan_id = ? AND created_at_us >= ? "  # noqa: S608  (a constant)
        f"ORDER BY created_at_us, run_id LIMIT {_LOOKED_THROUGH}"
    )
    inner = (
        f"SELECT m.run_id FROM ({following}) AS m JOIN run_events AS c ON c.event_no = m.created_event "  # noqa: S608
        "WHERE json_extract(c.data, '$.source.run_id') = ?"
    )
    sql = f"{_HEAD} WHERE r.run_id IN ({inner}) ORDER BY r.created_at_us DESC, r.run_id DESC LIMIT ?"
    return Query(sql, (run.plan_id, run.created_at_us, run.run_id, limit), _run_rows)


def live_runs(limit: int = 1000) -> Query[list[RunRow]]:
    """Runs of this file that are not over, the newest first. Whether their engine lives is for `store.liveness` to say."""
    inner = f"SELECT rowid FROM runs WHERE status IN ({marks(_LIVE)}) AND {_NOT_IMPORTED} {_NEWEST_FIRST} LIMIT ?"  # noqa: S608
    sql = f"{_HEAD} WHERE r.rowid IN ({inner}) ORDER BY r.created_at_us DESC, r.run_id DESC"
    return Query(sql, (*_LIVE, limit), _run_rows)


def live_engines() -> Query[dict[str, int]]:
    """The engines that own runs which are not over, and how many each."""
    sql = (
        f"SELECT owner_engine, count(*) FROM runs WHERE status IN ({marks(_LIVE)}) AND {_NOT_IMPORTED} "  # noqa: S608
        "GROUP BY owner_engine"
    )
    return Query(sql, _LIVE, dict)


def plan_of(run_id: str) -> Query[PlanRecord | None]:
    """The plan of a run, with its source text."""
    sql = (
        "SELECT p.plan_hash, p.plan_id, p.version, p.source, p.document FROM runs AS r "
        "JOIN plans AS p ON p.plan_hash = r.plan_hash WHERE r.run_id = ?"
    )
    return Query(sql, (run_id,), _plan)


def _plan(rows: Rows) -> PlanRecord | None:
    from engine.ports import PlanRecord

    return first([PlanRecord(*row) for row in rows])


def replan_events_of(run_id: str, limit: int = 1000) -> Query[list[Json]]:
    """The replans of a run as `engine.model.replan.ReplanEvent` documents, in the order in which they were asked for."""
    sql = (
        "SELECT p.run_id, p.event_id, p.pass_index, p.stage, p.step_id, p.requested_at_us, q.data, d.data "
        "FROM replan_events AS p JOIN run_events AS q ON q.event_no = p.requested_event "
        "LEFT JOIN run_events AS d ON d.event_no = p.decided_event WHERE p.run_id = ? ORDER BY p.requested_event LIMIT ?"
    )
    return Query(sql, (run_id, limit), lambda rows: [_replan(*row) for row in rows], fills=(6, 7))


def applied_assets_of(run_id: str, pass_index: int = 0) -> Query[JsonObject]:
    """The assets that a pass used: {alias: AssetRef}. A pass keeps what the one before it used, unless it says otherwise."""
    sql = (
        "SELECT alias, ref, sha256, source FROM applied_assets AS a WHERE run_id = ? AND pass_index = (SELECT max(pass_index) "
        "FROM applied_assets WHERE run_id = a.run_id AND alias = a.alias AND pass_index <= ?) ORDER BY alias"
    )
    return Query(
        sql,
        (run_id, pass_index),
        lambda rows: {alias: {"ref": ref, "sha256": digest, "source": source} for alias, ref, digest, source in rows},
    )


def _replan(
    run_id: str,
    event_id: str,
    pass_index: int,
    stage: str | None,
    step_id: str | None,
    at_us: int,
    requested: str | JsonObject,
    decided: str | JsonObject | None,
) -> Json:
    """What was asked for and what became of it, as one document. An approval may have been of another patch."""
    asked = json_object(requested)
    said = {} if decided is None else json_object(decided)
    sides = said if isinstance(said.get("after"), dict) else asked
    return {
        "event_id": event_id,
        "run_id": run_id,
        "pass_index": pass_index,
        "trigger": asked.get("trigger") or "unknown",
        "stage": stage,
        "step_id": step_id,
        "severity": asked.get("severity") or "warning",
        "reason": asked.get("reason") or "",
        "decision": said.get("decision") or "pending",
        "decided_by": said.get("decided_by") or "",
        "decision_reason": said.get("decision_reason") or "",
        "patch": {"before": sides.get("before") or {}, "after": sides.get("after") or {}},
        "at": rfc3339(at_us),
    }


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _counts(rows: Rows) -> RunCounts:
    by_status = {word(RunStatus, status): int(number) for status, number in rows}
    return RunCounts(total=sum(by_status.values()), by_status=by_status)


def _run_rows(rows: Rows) -> list[RunRow]:
    return [
        RunRow(
            run_id=run_id,
            plan_id=plan_id,
            plan_version=plan_version,
            plan_hash=plan_hash,
            status=word(RunStatus, status),
            pause_reason=optional_word(PauseReason, pause_reason),
            route=optional_word(RouteKind, route),
            mode=word(RunMode, mode),
            stage=optional_word(Stage, stage),
            pass_index=pass_index,
            steps_total=steps_total,
            steps_done=steps_done,
            steps_failed=steps_failed,
            replans=replans,
            warnings=warnings,
            score=score,
            created_at_us=created_at_us,
            started_at_us=started_at_us,
            finished_at_us=finished_at_us,
            duration_us=duration_us,
            workdir=workdir,
            params=json_object(params),
            first_cause=None if first_cause is None else json_object(first_cause),
            owner_engine=owner_engine,
            owner_epoch=owner_epoch,
            last_seq=last_seq,
            imported_at_us=imported_at_us,
            parent_run_id=parent_run_id,
            parent_step_id=parent_step_id,
            stood_still_at_us=stood_still_at_us,
            awaited_locks=() if awaited is None else tuple((name, holder) for name, holder in json.loads(awaited)),
            words=words or "",
            source_run_id=source_run_id,
            changes=() if changes is None else tuple(str(said) for said in json.loads(changes)),
            reason=reason or "",
        )
        for (
            run_id,
            plan_id,
            plan_version,
            plan_hash,
            status,
            pause_reason,
            route,
            mode,
            stage,
            pass_index,
            steps_total,
            steps_done,
            steps_failed,
            replans,
            warnings,
            score,
            created_at_us,
            started_at_us,
            finished_at_us,
            duration_us,
            workdir,
            params,
            first_cause,
            owner_engine,
            owner_epoch,
            last_seq,
            imported_at_us,
            parent_run_id,
            parent_step_id,
            stood_still_at_us,
            awaited,
            words,
            source_run_id,
            changes,
            reason,
        ) in rows
    ]

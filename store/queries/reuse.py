"""Queries for what one run may take from earlier ones: kept results, and the states of breakers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.breaker import BreakerPhase, BreakerState
from engine.model.states import RunMode, RunStatus
from engine.ports import CachedResult
from store.queries.query import Query, first, json_object, word
from store.queries.steps import result_of
from store.rows import BreakerRow

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from store.queries.query import Rows

_NOT_IMPORTED = "c.run_id NOT IN (SELECT run_id FROM imports)"

# What a result depended on stands in the first attempt, which is the one that had looked for it.
_ASKED = (
    "SELECT s.data FROM step_attempts AS a JOIN run_events AS s ON s.event_no = a.starting_event "
    "WHERE a.run_id = c.run_id AND a.pass_index = c.pass_index AND a.step_id = c.step_id AND a.item_index = c.item_index "
    "AND json_type(s.data, '$.cache.parts') = 'object' ORDER BY a.attempt LIMIT 1"
)
_KEPT = f"SELECT c.cache_key, c.run_id, c.step_id, c.at_us, ({_ASKED}), e.data FROM result_cache AS c "  # noqa: S608


def kept_result(key: str) -> Query[CachedResult | None]:
    """The newest result that was kept under a key, whole. Imported runs were made elsewhere and do not count."""
    sql = (
        f"{_KEPT} JOIN run_events AS e ON e.event_no = c.event WHERE c.cache_key = ? AND {_NOT_IMPORTED} "
        "ORDER BY c.event DESC LIMIT 1"
    )
    return Query(sql, (key,), _kept, fills=(5,))


def nearest_result(plan_id: str, step_id: str) -> Query[CachedResult | None]:
    """The newest result that was kept of a step of a plan, under any key, without the result itself."""
    sql = (
        f"{_KEPT.replace('e.data', 'NULL')} WHERE c.plan_id = ? AND c.step_id = ? AND {_NOT_IMPORTED} "
        "ORDER BY c.event DESC LIMIT 1"
    )
    return Query(sql, (plan_id, step_id), _kept)


def breakers() -> Query[dict[str, BreakerState]]:
    """Where the breaker of each tool stands after all runs of this file; test runs and imported ones do not count."""
    sql = (
        "SELECT c.tool, c.phase, c.failures, c.opened_at_us, max(c.event) FROM breakers AS c "  # noqa: S608  (constants)
        f"JOIN runs AS r ON r.run_id = c.run_id WHERE r.mode != ? AND {_NOT_IMPORTED} GROUP BY c.tool"
    )
    return Query(sql, (RunMode.TEST.value,), _breakers)


def breaker_rows() -> Query[list[BreakerRow]]:
    """The same with the runs that left them so, by tool."""
    sql = (
        "SELECT c.tool, c.phase, c.failures, c.opened_at_us, c.at_us, r.run_id, r.plan_id, r.status, r.pass_index, r.owner_engine, "  # noqa: S608
        "r.owner_epoch, json_extract(p.document, '$.globals.breaker.cooldown_sec'), max(c.event) FROM breakers AS c "
        f"JOIN runs AS r ON r.run_id = c.run_id LEFT JOIN plans AS p ON p.plan_hash = r.plan_hash "
        f"WHERE r.mode != ? AND {_NOT_IMPORTED} GROUP BY c.tool ORDER BY c.tool"
    )
    return Query(sql, (RunMode.TEST.value,), _breaker_rows)


def children_of(run_id: str, limit: int = 1000) -> Query[list[tuple[str, str]]]:
    """The runs that are steps of this one: (step id, run id), in the order in which they were made."""
    sql = "SELECT parent_step_id, run_id FROM runs WHERE parent_run_id = ? ORDER BY created_event LIMIT ?"
    return Query(sql, (run_id, limit), lambda rows: [(str(step_id), str(child)) for step_id, child in rows])


def _kept(rows: Rows) -> CachedResult | None:
    return first(
        [
            CachedResult(
                key=key,
                run_id=run_id,
                step_id=step_id,
                at_us=at_us,
                parts=_parts(json_object(asked)),
                result=None if finished is None else result_of(finished),
            )
            for key, run_id, step_id, at_us, asked, finished in rows
        ]
    )


def _parts(starting: JsonObject) -> dict[str, str]:
    cache = starting.get("cache")
    parts = cache.get("parts") if isinstance(cache, dict) else None
    return {name: str(part) for name, part in parts.items()} if isinstance(parts, dict) else {}


def _breakers(rows: Rows) -> dict[str, BreakerState]:
    return {
        tool: BreakerState(word(BreakerPhase, phase), failures, opened_at_us)
        for tool, phase, failures, opened_at_us, _ in rows
    }


def _breaker_rows(rows: Rows) -> list[BreakerRow]:
    return [
        BreakerRow(
            tool,
            word(BreakerPhase, phase),
            failures,
            opened_at_us,
            at_us,
            run_id,
            plan_id,
            word(RunStatus, status),
            pass_index,
            engine,
            epoch,
            float(cooldown) if isinstance(cooldown, int | float) else None,
        )
        for tool, phase, failures, opened_at_us, at_us, run_id, plan_id, status, pass_index, engine, epoch, cooldown, _ in rows
    ]

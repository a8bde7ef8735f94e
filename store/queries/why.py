"""Queries behind the question why a run stands as it does: causes and their followers, the last good run, what differs from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.breaker import BreakerPhase
from engine.model.event import EventKind
from engine.model.states import Reason, RunMode, RunStatus, Stage, StepStatus
from engine.ports import ProcessIdentity
from store.queries.query import Query, first, json_object, marks, optional_word, word

if TYPE_CHECKING:
    from collections.abc import Collection

    from engine.model.json import Json, JsonObject
    from store.queries.query import Parameter, Rows
    from store.rows import RunRow

SLOWER_FLOOR_US: Final = 1_000_000
SLOWER_FACTOR: Final = 2
"""A step's time differs if one of two runs took this many times as long as the other, and the floor longer in microseconds."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event, without its place in the chain: what happened when, and who caused it."""

    seq: int
    at_us: int
    kind: EventKind
    step_id: str | None
    attempt: int | None
    actor: str
    data: JsonObject


@dataclass(frozen=True, slots=True)
class StepGroup:
    """How many steps of a pass ended (or stand) in one way."""

    status: StepStatus
    reason: Reason | None
    number: int


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How a step stands in one run; `duration_us` is None while it runs and where it never started."""

    status: StepStatus
    reason: Reason | None
    exit_code: int | None
    duration_us: int | None


@dataclass(frozen=True, slots=True)
class StepPair:
    """One step in two runs; None where the run does not have it."""

    step_id: str
    now: StepEnd | None
    then: StepEnd | None


@dataclass(frozen=True, slots=True)
class StepProcess:
    """An attempt that is under way by its record, and its process where one was recorded."""

    step_id: str
    attempt: int
    process: ProcessIdentity | None


@dataclass(frozen=True, slots=True)
class StageRemarks:
    """The warnings and errors of a stage's diagnostics."""

    stage: Stage
    warnings: tuple[str, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BreakerMove:
    """Where a run left the breaker of a tool. `step_id` is the step whose attempt moved it last."""

    run_id: str
    phase: BreakerPhase
    failures: int
    opened_at_us: int
    at_us: int
    step_id: str | None


def happenings(
    run_id: str, kinds: Collection[EventKind] = (), *, step_id: str | None = None, after_seq: int = 0, limit: int = 1
) -> Query[list[Happening]]:
    """The last events of these kinds (of any, if none is given), in order; of one step if that is given, after `after_seq`."""
    sql = "SELECT seq, at_us, kind, step_id, attempt, actor, data FROM run_events WHERE run_id = ? AND seq > ?"
    parameters: list[Parameter] = [run_id, after_seq]
    if kinds:
        sql += f" AND kind IN ({marks(kinds)})"
        parameters += [kind.value for kind in kinds]
    if step_id is not None:
        sql += " AND step_id = ?"
        parameters.append(step_id)
    return Query(f"{sql} ORDER BY seq DESC LIMIT ?", (*parameters, limit), lambda rows: _happenings(rows[::-1]))


def step_groups(run_id: str, pass_index: int = 0) -> Query[list[StepGroup]]:
    """How many steps of a pass there are, by status and reason."""
    sql = (
        "SELECT status, reason, count(*) FROM steps WHERE run_id = ? AND pass_index = ? AND item_index = -1 "
        "GROUP BY status, reason"
    )
    return Query(
        sql,
        (run_id, pass_index),
        lambda rows: [StepGroup(word(StepStatus, s), optional_word(Reason, r), int(n)) for s, r, n in rows],
    )


def failed_step_ids(run_id: str, pass_index: int = 0, limit: int = 20) -> Query[list[str]]:
    """The steps that failed, the first to fail first."""
    sql = (
        "SELECT step_id FROM steps WHERE run_id = ? AND pass_index = ? AND item_index = -1 AND status = ? "
        "ORDER BY finished_at_us, result_event LIMIT ?"
    )
    return Query(
        sql, (run_id, pass_index, StepStatus.FAILED.value, limit), lambda rows: [step_id for (step_id,) in rows]
    )


def failed_items(run_id: str, step_id: str, pass_index: int = 0, limit: int = 20) -> Query[list[int]]:
    """The indices of the items of a step that failed, in the order of its list."""
    sql = (
        "SELECT item_index FROM steps WHERE run_id = ? AND pass_index = ? AND step_id = ? AND item_index >= 0 AND status = ? "
        "ORDER BY item_index LIMIT ?"
    )
    parameters = (run_id, pass_index, step_id, StepStatus.FAILED.value, limit)
    return Query(sql, parameters, lambda rows: [int(index) for (index,) in rows])


def item_numbers(
    run_id: str, step_ids: Collection[str], pass_index: int = 0
) -> Query[dict[str, dict[StepStatus, int]]]:
    """How many items these steps have, by step and status; steps without any are left out."""
    sql = "SELECT step_id, status, count(*) FROM steps WHERE run_id = ? AND pass_index = ? AND item_index >= 0 "
    sql += f"AND step_id IN ({marks(step_ids)}) GROUP BY step_id, status"
    return Query(sql, (run_id, pass_index, *step_ids), _item_numbers)


def item_values(run_id: str, step_id: str, pass_index: int = 0) -> Query[dict[int, Json]]:
    """The values of the items of a step that has its end, by index; without those that were too long to be repeated."""
    # Only this part of the event is wanted, in the shape in which large values are found and put back.
    sql = (
        "SELECT CASE json_type(e.data, '$.items') "
        "WHEN 'array' THEN json_object('items', json_extract(e.data, '$.items')) "
        "WHEN 'object' THEN json_object('$blobs', json_array('items'), 'items', json_extract(e.data, '$.items')) END "
        "FROM steps AS s JOIN run_events AS e ON e.event_no = s.result_event "
        "WHERE s.run_id = ? AND s.pass_index = ? AND s.step_id = ? AND s.item_index = -1"
    )
    return Query(sql, (run_id, pass_index, step_id), _item_values, (0,))


def breaker_moves(tool: str, *, until_us: int | None = None) -> Query[BreakerMove | None]:
    """Where the newest run that moved the breaker of a tool left it; with `until_us`, the newest opening until then."""
    sql = (
        "SELECT b.run_id, b.phase, b.failures, b.opened_at_us, b.at_us, e.step_id FROM breakers AS b "
        "LEFT JOIN run_events AS e ON e.event_no = b.event WHERE b.tool = ? "
    )
    parameters: list[Parameter] = [tool]
    if until_us is not None:
        sql += "AND b.opened_at_us BETWEEN 1 AND ? "
        parameters.append(until_us)
    return Query(f"{sql}ORDER BY b.event DESC LIMIT 1", tuple(parameters), _breaker_moves)


def last_good_run_id(before: RunRow) -> Query[str | None]:
    """The newest run of the same plan that succeeded before this one was made. Test runs are no measure."""
    sql = (
        "SELECT run_id FROM runs WHERE plan_id = ? AND status = ? AND mode = ? AND (created_at_us, run_id) < (?, ?) "
        "ORDER BY created_at_us DESC, run_id DESC LIMIT 1"
    )
    parameters = (
        before.plan_id,
        RunStatus.SUCCEEDED.value,
        RunMode.NORMAL.value,
        before.created_at_us,
        before.run_id,
    )
    return Query(sql, parameters, lambda rows: first([run_id for (run_id,) in rows]))


def changed_steps(run: RunRow, good: RunRow, *, limit: int = 50) -> Query[list[StepPair]]:
    """The steps that stand or went otherwise than in the good run: another end or exit code first, then another duration.

    What merely did not come to run, because another step failed or it is not its turn yet, does not count.
    """
    sql = f"""
        SELECT n.step_id, n.status, n.reason, n.exit_code, n.duration_us, n.started_at_us,
               g.status, g.reason, g.exit_code, g.duration_us, g.started_at_us,
               g.step_id IS NULL OR n.status != g.status OR n.exit_code IS NOT g.exit_code AS other_end
        FROM steps AS n LEFT JOIN steps AS g
          ON g.run_id = ? AND g.pass_index = ? AND g.step_id = n.step_id AND g.item_index = -1
        WHERE n.run_id = ? AND n.pass_index = ? AND n.item_index = -1
          AND n.status NOT IN ('pending', 'waiting', 'running')
          AND coalesce(n.reason, '') NOT IN ('dependency_failed', 'aborted', 'canceled')
          AND (other_end OR {_times_differ("n.duration_us", "g.duration_us")})
        ORDER BY other_end DESC, abs(coalesce(n.duration_us, 0) - coalesce(g.duration_us, 0)) DESC LIMIT ?
    """  # noqa: S608  (constants)
    parameters = (good.run_id, good.pass_index, run.run_id, run.pass_index, limit)
    return Query(sql, parameters, _pairs)


def steps_gone(run: RunRow, good: RunRow, *, limit: int = 50) -> Query[list[str]]:
    """Steps of the good run that this one does not have."""
    sql = (
        "SELECT g.step_id FROM steps AS g WHERE g.run_id = ? AND g.pass_index = ? AND g.item_index = -1 AND NOT EXISTS ("
        "SELECT 1 FROM steps AS n WHERE n.run_id = ? AND n.pass_index = ? AND n.step_id = g.step_id AND n.item_index = -1) "
        "ORDER BY g.execution_order LIMIT ?"
    )
    parameters = (good.run_id, good.pass_index, run.run_id, run.pass_index, limit)
    return Query(sql, parameters, lambda rows: [step_id for (step_id,) in rows])


def processes_under_way(run_id: str, pass_index: int = 0, limit: int = 50) -> Query[list[StepProcess]]:
    """The attempts that have begun and not ended by their record, in the order in which they began."""
    sql = (
        "SELECT a.step_id, a.attempt, e.data FROM step_attempts AS a LEFT JOIN run_events AS e ON e.event_no = a.started_event "
        "WHERE a.run_id = ? AND a.pass_index = ? AND a.status = ? ORDER BY a.starting_event LIMIT ?"
    )
    return Query(sql, (run_id, pass_index, StepStatus.RUNNING.value, limit), _processes)


def stage_remarks(run_id: str, pass_index: int = 0) -> Query[list[StageRemarks]]:
    """What the finished stages have to warn of and to complain about, in the order of the stages."""
    sql = (
        "SELECT s.stage, json_extract(e.data, '$.output.diagnostics') FROM stages AS s "
        "JOIN run_events AS e ON e.event_no = s.finished_event WHERE s.run_id = ? AND s.pass_index = ?"
    )
    return Query(sql, (run_id, pass_index), _remarks)


def _times_differ(now: str, then: str) -> str:
    longer = f"max({now}, {then})"
    shorter = f"min({now}, {then})"
    return f"({longer} - {shorter} >= {SLOWER_FLOOR_US} AND {longer} >= {SLOWER_FACTOR} * {shorter})"


def _item_numbers(rows: Rows) -> dict[str, dict[StepStatus, int]]:
    found: dict[str, dict[StepStatus, int]] = {}
    for step_id, status, number in rows:
        found.setdefault(step_id, {})[word(StepStatus, status)] = int(number)
    return found


def _item_values(rows: Rows) -> dict[int, Json]:
    heads = json_object(rows[0][0]).get("items") if rows else None
    found: dict[int, Json] = {}
    for head in heads if isinstance(heads, list) else []:
        if isinstance(head, dict) and isinstance(index := head.get("index"), int) and "item" in head:
            found[index] = head["item"]
    return found


def _breaker_moves(rows: Rows) -> BreakerMove | None:
    return first(
        [
            BreakerMove(run_id, word(BreakerPhase, phase), failures, opened_at_us, at_us, step_id)
            for run_id, phase, failures, opened_at_us, at_us, step_id in rows
        ]
    )


def _happenings(rows: Rows) -> list[Happening]:
    return [
        Happening(seq, at_us, word(EventKind, kind), step_id, attempt, actor, json_object(data))
        for seq, at_us, kind, step_id, attempt, actor, data in rows
    ]


def _pairs(rows: Rows) -> list[StepPair]:
    return [
        StepPair(step_id, _end(now), None if then[0] is None else _end(then))
        for step_id, *rest in rows
        for now, then in [(rest[:5], rest[5:10])]
    ]


def _end(row: list[str | int | None]) -> StepEnd:
    status, reason, exit_code, duration_us, started_at_us = row
    return StepEnd(
        status=word(StepStatus, str(status)),
        reason=optional_word(Reason, None if reason is None else str(reason)),
        exit_code=exit_code if isinstance(exit_code, int) else None,
        duration_us=duration_us if isinstance(duration_us, int) and started_at_us is not None else None,
    )


def _processes(rows: Rows) -> list[StepProcess]:
    return [
        StepProcess(step_id, attempt, _identity(json_object(data).get("process"))) for step_id, attempt, data in rows
    ]


def _identity(process: Json) -> ProcessIdentity | None:
    if not isinstance(process, dict):
        return None
    pid, ticks, boot = process.get("pid"), process.get("start_ticks"), process.get("boot_id")
    if isinstance(pid, int) and isinstance(ticks, int) and isinstance(boot, str):
        return ProcessIdentity(pid, ticks, boot)
    return None


def _remarks(rows: Rows) -> list[StageRemarks]:
    found: dict[Stage, StageRemarks] = {}
    for stage, text in rows:
        diagnostics = json_object(text)
        found[word(Stage, stage)] = StageRemarks(
            word(Stage, stage), _texts(diagnostics.get("warnings")), _texts(diagnostics.get("errors"))
        )
    return [found[stage] for stage in Stage if stage in found]


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(text) for text in value) if isinstance(value, list) else ()

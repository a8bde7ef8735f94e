"""Queries for steps, their results and their attempts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.model.states import Reason, StepStatus, StepType
from store.blobs import PLACES
from store.queries.query import Query, first, json_object, marks, optional_word, word, words
from store.rows import AttemptRow, StepRow

if TYPE_CHECKING:
    from collections.abc import Collection

    from engine.model.json import JsonObject
    from store.queries.query import Parameter, Rows


@dataclass(frozen=True, slots=True)
class StepCursor:
    """The place of a step in execution order, from which the next page goes on."""

    execution_order: int
    item_index: int

    @classmethod
    def of(cls, row: StepRow) -> StepCursor:
        """The place of `row`."""
        return cls(row.execution_order, -1 if row.item_index is None else row.item_index)


_DEPENDS_ON = 10
"""The place of that column in what follows."""
_STEP = (
    "SELECT run_id, pass_index, step_id, item_index, status, reason, message, tool_type, group_index, execution_order, depends_on, "
    "attempts, exit_code, started_at_us, finished_at_us, duration_us FROM steps WHERE run_id = ? AND pass_index = ?"
)
_ATTEMPT = (
    "SELECT a.run_id, a.pass_index, a.step_id, a.item_index, a.attempt, a.status, a.reason, a.exit_code, a.started_at_us, "
    "a.finished_at_us, s.data, f.data FROM step_attempts AS a JOIN run_events AS s ON s.event_no = a.starting_event "
    "LEFT JOIN run_events AS f ON f.event_no = a.finished_event WHERE a.run_id = ? AND a.pass_index = ?"
)
_ATTEMPT_DATA = (10, 11)


def steps_page(
    run_id: str,
    pass_index: int = 0,
    *,
    after: StepCursor | None = None,
    statuses: Collection[StepStatus] = (),
    with_items: bool = True,
    limit: int = 200,
) -> Query[list[StepRow]]:
    """Steps in execution order, each before its items."""
    sql = _STEP
    parameters: list[Parameter] = [run_id, pass_index]
    if statuses:
        sql += f" AND status IN ({marks(statuses)})"
        parameters += [status.value for status in statuses]
    if not with_items:
        sql += " AND item_index = -1"
    if after is not None:
        sql += " AND (execution_order, item_index) > (?, ?)"
        parameters += [after.execution_order, after.item_index]
    sql += " ORDER BY execution_order, item_index LIMIT ?"
    return Query(sql, (*parameters, limit), _step_rows)


def step_records_page(
    run_id: str, pass_index: int = 0, *, after: StepCursor | None = None, limit: int = 200
) -> Query[list[tuple[StepRow, str | None]]]:
    """Steps in execution order, each with the stored data of its `step.finished`: for documents.

    Large values are heads in it; `Reader.whole` puts them back, step by step, so that a page of them need not fit in memory.
    """
    page = steps_page(run_id, pass_index, after=after, limit=limit)
    sql = (
        f"SELECT s.*, e.data FROM ({page.sql.replace(' FROM steps', ', result_event FROM steps')}) AS s "  # noqa: S608
        "LEFT JOIN run_events AS e ON e.event_no = s.result_event ORDER BY s.execution_order, s.item_index"
    )
    return Query(sql, page.parameters, _step_records)


def step_by_id(run_id: str, step_id: str, pass_index: int = 0, item_index: int | None = None) -> Query[StepRow | None]:
    """One step."""
    parameters = (run_id, pass_index, step_id, _item(item_index))
    return Query(f"{_STEP} AND step_id = ? AND item_index = ?", parameters, lambda rows: first(_step_rows(rows)))


def items_page(
    run_id: str, step_id: str, pass_index: int = 0, *, after: int = -1, limit: int = 200
) -> Query[list[StepRow]]:
    """The items of a step in the order of its list, after the index `after`."""
    sql = f"{_STEP} AND step_id = ? AND item_index > ? ORDER BY item_index LIMIT ?"
    return Query(sql, (run_id, pass_index, step_id, max(after, -1), limit), _step_rows)


def steps_changed(
    run_id: str, pass_index: int, after_seq: int, last_seq: int, limit: int = 20_000
) -> Query[list[StepRow]]:
    """The steps of a pass, without items, of which the events after `after_seq` up to `last_seq` speak, as they stand now."""
    sql = (
        f"{_STEP} AND item_index = -1 AND step_id IN (SELECT step_id FROM run_events WHERE run_id = ? AND seq > ? "  # noqa: S608
        "AND seq <= ? AND step_id IS NOT NULL) LIMIT ?"
    )
    return Query(sql, (run_id, pass_index, run_id, after_seq, last_seq, limit), _step_rows)


def step_counts(run_id: str, pass_index: int = 0) -> Query[dict[StepStatus, int]]:
    """How many steps of a pass there are, by status."""
    sql = "SELECT status, count(*) FROM steps WHERE run_id = ? AND pass_index = ? AND item_index = -1 GROUP BY status"
    return Query(sql, (run_id, pass_index), lambda rows: {word(StepStatus, status): int(n) for status, n in rows})


def step_result(
    run_id: str, step_id: str, pass_index: int = 0, item_index: int | None = None, *, is_whole: bool = True
) -> Query[JsonObject | None]:
    """The result of a step, data included, however large; None while it has none.

    Without `is_whole`, large values are heads (see `store.blobs`), and `$blobs` names the places where they stand.
    """
    sql = (
        "SELECT e.data FROM steps AS s JOIN run_events AS e ON e.event_no = s.result_event "
        "WHERE s.run_id = ? AND s.pass_index = ? AND s.step_id = ? AND s.item_index = ?"
    )
    parameters = (run_id, pass_index, step_id, _item(item_index))
    fills = (0,) if is_whole else ()
    return Query(sql, parameters, lambda rows: first([result_of(text) for (text,) in rows]), fills)


def step_record(run_id: str, step_id: str, pass_index: int = 0) -> Query[tuple[JsonObject, int] | None]:
    """The data of a step's `step.finished`, whole, and when that was; None while it has no end."""
    sql = (
        "SELECT e.data, e.at_us FROM steps AS s JOIN run_events AS e ON e.event_no = s.result_event "
        "WHERE s.run_id = ? AND s.pass_index = ? AND s.step_id = ? AND s.item_index = -1"
    )
    return Query(
        sql,
        (run_id, pass_index, step_id),
        lambda rows: first([(json_object(data), int(at_us)) for data, at_us in rows]),
        fills=(0,),
    )


def attempts_of(
    run_id: str, step_id: str, pass_index: int = 0, item_index: int | None = None, *, limit: int = 200
) -> Query[list[AttemptRow]]:
    """The attempts of one step, the first one first."""
    parameters = (run_id, pass_index, step_id, _item(item_index), limit)
    sql = f"{_ATTEMPT} AND a.step_id = ? AND a.item_index = ? ORDER BY a.attempt LIMIT ?"
    return Query(sql, parameters, _attempt_rows, _ATTEMPT_DATA)


def attempts_page(
    run_id: str, pass_index: int = 0, *, after: tuple[str, int, int] | None = None, limit: int = 500
) -> Query[list[AttemptRow]]:
    """The attempts of all steps, by step id, item and number; `after` is such a triple, with -1 for no item."""
    sql = _ATTEMPT
    parameters: list[Parameter] = [run_id, pass_index]
    if after is not None:
        sql += " AND (a.step_id, a.item_index, a.attempt) > (?, ?, ?)"
        parameters += after
    sql += " ORDER BY a.step_id, a.item_index, a.attempt LIMIT ?"
    return Query(sql, (*parameters, limit), _attempt_rows, _ATTEMPT_DATA)


def result_of(text: str | JsonObject) -> JsonObject:
    """A step's result as references and traces have it, from the stored data of its `step.finished`."""
    data = json_object(text)
    result: JsonObject = {
        key: data.get(key)
        for key in ("status", "reason", "message", "exit_code", "data", "stdout", "stderr", "attempts", "counts")
    }
    # Text that is the data as well is stored once.
    if result["stdout"] is None:
        result["stdout"] = result["data"] if isinstance(result["data"], str) else ""
    result["stderr"] = result["stderr"] or ""
    result["counts"] = result["counts"] or {}
    for rare in ("error", "items", "fallback", "reused_from", "tool", PLACES):
        if rare in data:
            result[rare] = data[rare]
    return result


def _item(item_index: int | None) -> int:
    return -1 if item_index is None else item_index


def _step_rows(rows: Rows) -> list[StepRow]:
    statuses, reasons, types = words(StepStatus), words(Reason), words(StepType)
    above = json.loads(f"[{','.join([row[_DEPENDS_ON] for row in rows])}]")  # all at once: a tenth of the price
    return [
        StepRow(
            run_id,
            pass_index,
            step_id,
            None if item_index < 0 else item_index,
            statuses[status],
            None if reason is None else reasons[reason],
            message,
            types[tool_type],
            group_index,
            execution_order,
            tuple(parents),
            attempts,
            exit_code,
            started_at_us,
            finished_at_us,
            duration_us,
        )
        for parents, (
            run_id,
            pass_index,
            step_id,
            item_index,
            status,
            reason,
            message,
            tool_type,
            group_index,
            execution_order,
            _,
            attempts,
            exit_code,
            started_at_us,
            finished_at_us,
            duration_us,
        ) in zip(above, rows, strict=True)
    ]


def _step_records(rows: Rows) -> list[tuple[StepRow, str | None]]:
    return list(zip(_step_rows([row[:-2] for row in rows]), (row[-1] for row in rows), strict=True))


def _attempt_rows(rows: Rows) -> list[AttemptRow]:
    return [
        AttemptRow(
            run_id=run_id,
            pass_index=pass_index,
            step_id=step_id,
            item_index=None if item_index < 0 else item_index,
            attempt=attempt,
            status=word(StepStatus, status),
            reason=optional_word(Reason, reason),
            exit_code=exit_code,
            started_at_us=started_at_us,
            finished_at_us=finished_at_us,
            starting=json_object(starting),
            finished=None if finished is None else json_object(finished),
        )
        for (
            run_id,
            pass_index,
            step_id,
            item_index,
            attempt,
            status,
            reason,
            exit_code,
            started_at_us,
            finished_at_us,
            starting,
            finished,
        ) in rows
    ]

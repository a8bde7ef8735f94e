"""Queries for stages: their state, and their input and output with what the events leave out put back in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.states import DiagnosticsStatus, Stage, StageStatus
from store.queries.query import Query, json_object, optional_word, word
from store.queries.steps import result_of
from store.rows import StageRow

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from store.queries.query import Parameter, Rows

INLINE_BYTES: Final = 256 * 1024
"""How much of the steps' results stands in an execute stage's output; of the rest there are heads."""

_IN_ORDER: Final = {stage.value: place for place, stage in enumerate(Stage)}

_STARTED: Final = (
    "SELECT 'input', e.data, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM stages AS s "
    "JOIN run_events AS e ON e.event_no = s.started_event WHERE s.run_id = ? AND s.pass_index = ? AND s.stage = ?"
)
_FINISHED: Final = (
    "SELECT 'output', e.data, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM stages AS s "
    "JOIN run_events AS e ON e.event_no = s.finished_event WHERE s.run_id = ? AND s.pass_index = ? AND s.stage = ?"
)
_CHAIN: Final = (
    "SELECT 'chain', e.data, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM passes AS p "
    "JOIN run_events AS e ON e.event_no = p.chain_event WHERE p.run_id = ? AND p.pass_index = ?"
)
# The data of results stand here until together they are too many; a running sum in execution order decides.
_STEPS: Final = (
    "SELECT 'step', CASE WHEN total <= ? THEN (SELECT e.data FROM run_events AS e WHERE e.event_no = result_event) END, "
    "step_id, status, reason, message, exit_code, attempts, duration_us, result_bytes FROM ("
    "SELECT *, sum(result_bytes) OVER (ORDER BY execution_order, step_id) AS total FROM steps "
    "WHERE run_id = ? AND pass_index = ? AND item_index = -1 ORDER BY execution_order, step_id)"
)
_DATA: Final = (1,)


def stages_of(run_id: str, pass_index: int | None = None) -> Query[list[StageRow]]:
    """The stages that have begun, in the order in which they ran; of every pass unless one is given."""
    sql = (
        "SELECT run_id, pass_index, stage, status, diagnostics_status, started_at_us, finished_at_us, duration_us "
        "FROM stages WHERE run_id = ?"
    )
    parameters: tuple[Parameter, ...] = (run_id,)
    if pass_index is not None:
        sql += " AND pass_index = ?"
        parameters = (run_id, pass_index)
    return Query(sql, parameters, _stage_rows)


def stage_input(
    run_id: str, stage: Stage, pass_index: int = 0, *, inline_bytes: int = INLINE_BYTES
) -> Query[JsonObject | None]:
    """A stage's StageInput, None before it begins. `previous_output` is the result of the stage before it."""
    parameters: tuple[Parameter, ...] = (run_id, pass_index, stage.value)
    before = list(Stage)[_IN_ORDER[stage.value] - 1] if stage is not Stage.ROUTE_PLAN else None
    if before is None:
        return Query(_STARTED, parameters, _input, _DATA)
    if before is Stage.EXECUTE:
        sql = f"SELECT * FROM ({_STARTED}) UNION ALL SELECT * FROM ({_STEPS})"  # noqa: S608  (constants and marks)
        return Query(sql, (*parameters, inline_bytes, run_id, pass_index), _input, _DATA)
    sql = f"SELECT * FROM ({_STARTED}) UNION ALL SELECT * FROM ({_FINISHED})"  # noqa: S608  (constants and marks)
    return Query(sql, (*parameters, run_id, pass_index, before.value), _input, _DATA)


def stage_output(
    run_id: str, stage: Stage, pass_index: int = 0, *, inline_bytes: int = INLINE_BYTES, with_steps: bool = True
) -> Query[JsonObject | None]:
    """A stage's StageOutput, None before there is any.

    For `execute` the result is {step id: step result} and the orchestration trace is there, also while it still runs.
    A step whose data would make the answer too large is a head with `omitted_bytes`: see `step_result`. Without its steps
    it has no `result`, and costs the same however many they are.
    """
    parameters: tuple[Parameter, ...] = (run_id, pass_index, stage.value)
    if stage is not Stage.EXECUTE:
        return Query(_FINISHED, parameters, _output, _DATA)
    if not with_steps:
        sql = f"SELECT * FROM ({_FINISHED}) UNION ALL SELECT * FROM ({_CHAIN})"  # noqa: S608  (constants and marks)
        return Query(sql, (*parameters, run_id, pass_index), _around_steps, _DATA)
    sql = f"SELECT * FROM ({_FINISHED}) UNION ALL SELECT * FROM ({_CHAIN}) UNION ALL SELECT * FROM ({_STEPS})"  # noqa: S608  (constants and marks)
    return Query(sql, (*parameters, run_id, pass_index, inline_bytes, run_id, pass_index), _execute_output, _DATA)


def _stage_rows(rows: Rows) -> list[StageRow]:
    ordered = sorted(rows, key=lambda row: (row[1], _IN_ORDER.get(row[2], len(_IN_ORDER))))
    return [
        StageRow(
            run_id=run_id,
            pass_index=pass_index,
            stage=word(Stage, stage),
            status=word(StageStatus, status),
            diagnostics_status=optional_word(DiagnosticsStatus, diagnostics),
            started_at_us=started_at_us,
            finished_at_us=finished_at_us,
            duration_us=duration_us,
        )
        for run_id, pass_index, stage, status, diagnostics, started_at_us, finished_at_us, duration_us in ordered
    ]


def _input(rows: Rows) -> JsonObject | None:
    own: JsonObject | None = None
    previous: Json = None
    steps: JsonObject = {}
    for part, text, *head in rows:
        match part:
            case "input":
                given = json_object(text).get("input")
                own = given if isinstance(given, dict) else {}
            case "output":
                output = json_object(text).get("output")
                previous = output.get("result") if isinstance(output, dict) else None
            case _:
                steps[head[0]] = _step_result(text, head)
    if own is None:
        return None
    return {**own, "previous_output": own.get("previous_output") or previous or steps or None}


def _output(rows: Rows) -> JsonObject | None:
    for _, text, *_ in rows:
        output = json_object(text).get("output")
        return output if isinstance(output, dict) else {}
    return None


def _around_steps(rows: Rows) -> JsonObject | None:
    output = _execute_output(rows)
    return None if output is None else {key: value for key, value in output.items() if key != "result"}


def _execute_output(rows: Rows) -> JsonObject | None:
    output: JsonObject = {"stage": Stage.EXECUTE.value}
    steps: JsonObject = {}
    for part, text, *head in rows:
        match part:
            case "output":
                finished = json_object(text).get("output")
                output = {**finished} if isinstance(finished, dict) else output
            case "chain":
                output["orchestration_trace"] = json_object(text).get("trace")
            case _:
                steps[head[0]] = _step_result(text, head)
    if not rows:
        return None
    return {**output, "result": steps, "orchestration_trace": output.get("orchestration_trace")}


def _step_result(text: str | JsonObject | None, head: list[str | int | None]) -> JsonObject:
    if text is not None:
        return result_of(text)
    _, status, reason, message, exit_code, attempts, duration_us, result_bytes = head
    result: JsonObject = {
        "status": status,
        "reason": reason,
        "message": message,
        "exit_code": exit_code,
        "attempts": attempts,
        "duration_ms": duration_us / 1000 if isinstance(duration_us, int) else None,
    }
    if result_bytes is not None:
        result["omitted_bytes"] = result_bytes
    return result

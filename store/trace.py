"""A run as JSON for programs: the trace document, heads of runs and single events. Stable and versioned; nothing is printed here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from engine.errors import InputError
from store import queries
from store.moments import rfc3339
from store.queries.predictions import prediction_of
from store.queries.query import json_object
from store.rankings import rankings_of
from store.repeats import Repeats

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from engine.model.json import Json, JsonObject
    from store.rankings import Ranked
    from store.reader import Reader
    from store.rows import AttemptRow, EventRow, RunRow, StageRow, StepRow

SCHEMA_VERSION: Final = 1
"""Of the documents made here, not of the file."""

_IN_STAGE: Final[tuple[tuple[str], ...]] = (("input",), ("output",))
_PAGE: Final = 1000


def _ms(duration_us: int | None) -> float | None:
    return None if duration_us is None else duration_us / 1000


def run_head(row: RunRow) -> JsonObject:
    """What `runs --json` says of a run: the trace without its parts."""
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": row.run_id,
        "plan_id": row.plan_id,
        "plan_version": row.plan_version,
        "plan_hash": row.plan_hash,
        "status": row.status.value,
        "pause_reason": row.pause_reason.value if row.pause_reason else None,
        "route": row.route.value if row.route else None,
        "mode": row.mode.value,
        "stage": row.stage.value if row.stage else None,
        "pass_count": row.pass_index + 1,
        "created_at": rfc3339(row.created_at_us),
        "started_at": rfc3339(row.started_at_us),
        "finished_at": rfc3339(row.finished_at_us),
        "duration_ms": _ms(row.duration_us),
        "steps": {"total": row.steps_total, "done": row.steps_done, "failed": row.steps_failed},
        "replans": row.replans,
        "warnings": row.warnings,
        "score": row.score,
        "workdir": row.workdir,
        "params": row.params,
        "first_cause": row.first_cause,
        "imported_at": rfc3339(row.imported_at_us),
        "parent_run_id": row.parent_run_id,
        "parent_step_id": row.parent_step_id,
        "source_run_id": row.source_run_id,
        "changes": [*row.changes],
        "reason": row.reason,
    }


def awaited_locks(row: RunRow) -> list[Json]:
    """The locks that a run waits for, as heads of live runs say them."""
    return [{"name": name, "held_by": holder} for name, holder in row.awaited_locks]


def suspects(ranked: Ranked | None) -> list[Json]:
    """What stands out of the baseline of a run, as heads of runs say it."""
    return [] if ranked is None else [one.to_json() for one in ranked.suspects]


def trace_document(reader: Reader, run_id: str, *, whole: bool = False) -> JsonObject:
    """Everything recorded of a run, as `show --json` and `run --json` print it. Raises InputError if there is no such run.

    A value of more than 64 KiB stands in it once: a step's in its `result`, which is always whole, any other where it comes
    first. Where it comes again there is a head of it with `at`, see `store.repeats`; unless the document is to be `whole`.
    """
    row = reader.run(queries.run_by_id(run_id))
    if row is None:
        raise InputError(f"there is no run {run_id}", place=str(reader.path))
    head = trace_head(reader, row)
    stages, steps = list(stage_documents(reader, row)), list(step_documents(reader, row))
    # Where nothing is kept apart nothing is large.
    if not whole and reader.run(queries.blobs_of(run_id)):
        repeats = Repeats()
        repeats.stands(head["params"], "/params")
        for place, step in enumerate(steps):
            repeats.stands(step["result"], f"/steps/{place}/result")
        steps = [repeats.reduced(step, f"/steps/{place}", _attempts_in(step)) for place, step in enumerate(steps)]
        stages = [repeats.reduced(stage, f"/stages/{place}", _IN_STAGE) for place, stage in enumerate(stages)]
    return {
        **head,
        **_judged(reader, run_id),
        "stages": [*stages],
        "steps": [*steps],
        "replan_events": reader.run(queries.replan_events_of(run_id)),
        "applied_assets": reader.run(queries.applied_assets_of(run_id, row.pass_index)),
    }


def _judged(reader: Reader, run_id: str) -> JsonObject:
    """What is known of a run beside what happened in it: what stands out of its baseline, and what had been expected."""
    expected = reader.run(prediction_of(run_id))
    return {
        "suspects": suspects(reader.run(rankings_of([run_id])).get(run_id)),
        "forecast": None if expected is None else expected.to_json(),
    }


def without_blobs(
    stages: Iterable[JsonObject], steps: Iterable[JsonObject], digests: Collection[str]
) -> tuple[Iterator[JsonObject], Iterator[JsonObject]]:
    """Both lists of the trace for a document that lists the blobs `digests`: with their heads in all places."""
    if not digests:
        return iter(stages), iter(steps)
    repeats = Repeats(digests)
    return (
        (repeats.reduced(stage, "", _IN_STAGE) for stage in stages),
        (repeats.reduced(step, "", [("result",), *_attempts_in(step)]) for step in steps),
    )


def trace_head(reader: Reader, row: RunRow) -> JsonObject:
    """The trace up to its stages: the head of the run, and the host it ran on."""
    head = run_head(row)
    del head["steps"]
    created = reader.run(queries.events_page(row.run_id, limit=1))
    return {**head, "environment": json_object(created[0].data).get("environment") if created else None}


def stage_documents(reader: Reader, row: RunRow) -> Iterator[JsonObject]:
    """The `stages` of the trace, one by one."""
    for stage in reader.run(queries.stages_of(row.run_id)):
        yield _stage(reader, stage)


def step_documents(reader: Reader, row: RunRow) -> Iterator[JsonObject]:
    """The `steps` of the trace, one by one: a run of many steps need not be in memory as a whole."""
    for pass_index in range(row.pass_index + 1):
        yield from _steps(reader, row.run_id, pass_index)


def event_line(row: EventRow, *, with_place: bool = True) -> str:
    """One event as one line of JSON, for `events --json`. The stored data stand in it byte for byte.

    `with_place` adds `event_no`, which means something in this file only.
    """
    head: JsonObject = {
        "v": row.v,
        **({"event_no": row.event_no} if with_place else {}),
        "run_id": row.run_id,
        "seq": row.seq,
        "at": rfc3339(row.at_us),
        "kind": row.kind.value,
        "pass_index": row.pass_index,
    }
    for name, value in (
        ("stage", row.stage),
        ("step_id", row.step_id),
        ("item_index", row.item_index),
        ("attempt", row.attempt),
    ):
        if value is not None:
            head[name] = value
    head["actor"] = row.actor
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
    return f'{text[:-1]},"data":{row.data},"prev_hash":"{row.prev_hash}","hash":"{row.hash}"}}'


def _attempts_in(step: JsonObject) -> list[tuple[str | int, ...]]:
    attempts = step["attempts"]
    return [("attempts", place) for place in range(len(attempts))] if isinstance(attempts, list) else []


def _stage(reader: Reader, row: StageRow) -> JsonObject:
    # The results of steps stand in `steps`; here they are heads, or the document would hold them three times.
    given = reader.run(queries.stage_input(row.run_id, row.stage, row.pass_index, inline_bytes=0))
    output = reader.run(queries.stage_output(row.run_id, row.stage, row.pass_index, inline_bytes=0))
    return {
        "stage": row.stage.value,
        "pass_index": row.pass_index,
        "status": row.status.value,
        "started_at": rfc3339(row.started_at_us),
        "duration_ms": _ms(row.duration_us),
        "input": given,
        "output": output,
    }


def _steps(reader: Reader, run_id: str, pass_index: int) -> Iterator[JsonObject]:
    attempts: dict[tuple[str, int | None], list[AttemptRow]] = {}
    place: tuple[str, int, int] | None = None
    while page := reader.run(queries.attempts_page(run_id, pass_index, after=place, limit=_PAGE)):
        for attempt in page:
            attempts.setdefault((attempt.step_id, attempt.item_index), []).append(attempt)
        last = page[-1]
        place = (last.step_id, -1 if last.item_index is None else last.item_index, last.attempt)
    cursor: queries.StepCursor | None = None
    while records := reader.run(queries.step_records_page(run_id, pass_index, after=cursor, limit=_PAGE)):
        for step, finished in records:
            data = None if finished is None else reader.whole(finished)
            yield _step(step, data, attempts.get((step.step_id, step.item_index), ()))
        cursor = queries.StepCursor.of(records[-1][0])


def _step(row: StepRow, finished: JsonObject | None, attempts: Sequence[AttemptRow]) -> JsonObject:
    result = None if finished is None else queries.result_of(finished)
    return {
        "id": row.step_id,
        "pass_index": row.pass_index,
        "item_index": row.item_index,
        "status": row.status.value,
        "reason": row.reason.value if row.reason else None,
        "message": row.message,
        "exit_code": row.exit_code,
        "attempts": [_attempt(attempt) for attempt in attempts],
        "started_at": rfc3339(row.started_at_us),
        "finished_at": rfc3339(row.finished_at_us),
        "duration_ms": _ms(row.duration_us),
        "reused_from": None if finished is None else finished.get("reused_from"),
        "orchestration": _orchestration(row, finished),
        "result": result,
    }


def _orchestration(row: StepRow, finished: JsonObject | None) -> Json:
    if finished is not None and (recorded := finished.get("orchestration")):
        return recorded
    return {
        "group_index": row.group_index,
        "execution_order": row.execution_order,
        "tool_id": row.step_id,
        "tool_type": row.tool_type.value,
        "depends_on": list(row.depends_on),
        "output_mapping": {},
    }


def _attempt(row: AttemptRow) -> JsonObject:
    finished = row.finished or {}
    duration_us = finished.get("duration_us")
    return {
        "attempt": row.attempt,
        "status": row.status.value,
        "reason": row.reason.value if row.reason else None,
        "message": finished.get("message") or "",
        "exit_code": row.exit_code,
        "started_at": rfc3339(row.started_at_us),
        "finished_at": rfc3339(row.finished_at_us),
        "duration_ms": _ms(duration_us) if isinstance(duration_us, int) else None,
        "definition": row.starting.get("definition"),
        "env": row.starting.get("env") or {},
        "timeout_sec": row.starting.get("timeout_sec"),
        "stdout": finished.get("stdout"),
        "stderr": finished.get("stderr"),
        "stderr_tail": finished.get("stderr_tail") or "",
        "error": finished.get("error"),
        "cache": row.starting.get("cache"),
        "child_run_id": row.starting.get("child_run_id"),
    }

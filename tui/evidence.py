"""Which questions to ask of the file to explain a run, in which order. What the answers mean is for tui.viewmodel.why to say.

The questions are asked by whoever has a reader: `gather` hands out one query at a time and is sent its answer, so that a
command with a plain reader and a screen with an asynchronous one ask the same.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from engine.model.event import EventKind
from engine.model.states import Reason, RunStatus, StepStatus, Stream
from engine.steps.processes import is_running
from store import queries
from store.queries.query import json_object
from tui.viewmodel.answers_live import uncertain_steps
from tui.viewmodel.breakers import cooldown_sec, refused_by
from tui.viewmodel.differences import Recorded, compare
from tui.viewmodel.explanation import (
    BreakerEvidence,
    ChildEvidence,
    Evidence,
    ItemsEvidence,
    OutputTail,
    StepEvidence,
)
from tui.viewmodel.shell_text import plan_step
from tui.viewmodel.words import SHORT_ID, unique_length

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from store.async_reader import AsyncReader
    from store.queries import Query
    from store.queries.why import BreakerMove, Happening, StepProcess
    from store.reader import Reader
    from store.rows import AttemptRow, EventRow, LogRow, RunRow, StepRow
    from tui.viewmodel.differences import Comparison

T = TypeVar("T")
Asking: TypeAlias = Generator["Query[Any]", Any, T]

_MOST_STEPS: Final = 10
_MOST_ITEMS: Final = 20
_MOST_CHILDREN: Final = 8
_TAIL_BYTES: Final = 4096
_TURNS: Final = (EventKind.RUN_PAUSED, EventKind.RUN_QUARANTINED)


@dataclass(frozen=True, slots=True)
class Standing:
    """What has to be known of a run before the file is asked about it: its head, its engine, how it is run again."""

    run: RunRow
    database: str
    engine_pid: int | None
    again: str = ""


def ask(reader: Reader, asking: Asking[T]) -> T:
    """Answer all questions with a plain reader. Raises StoreError."""
    try:
        query = next(asking)
        while True:
            query = asking.send(reader.run(query))
    except StopIteration as told:
        result: T = told.value
        return result


async def ask_async(reader: AsyncReader, asking: Asking[T]) -> T:
    """The same with an asynchronous reader."""
    try:
        query = next(asking)
        while True:
            query = asking.send(await reader.run(query))
    except StopIteration as told:
        result: T = told.value
        return result


def gather(standing: Standing) -> Asking[Evidence]:
    """Everything that explains a run as it stands now."""
    run = standing.run
    recorded = yield from recorded_of(run)
    same_beginning = yield queries.runs_by_prefix(run.run_id[:SHORT_ID], limit=50)
    good = yield from _good(run)
    failed: list[str] = yield queries.failed_step_ids(run.run_id, run.pass_index)
    first = (run.first_cause or {}).get("step_id")
    cause_id = first if isinstance(first, str) else next(iter(failed), None)
    # Of a run that failed outside its steps, or was canceled, a step that failed and was let pass is not the cause.
    if first is None and run.status in (RunStatus.FAILED, RunStatus.CANCELED):
        cause_id = None
    turned = yield from _turned(run)
    document = recorded.document
    controls: list[Happening] = []
    if run.status in (RunStatus.CANCELED, RunStatus.PAUSED):
        controls = yield queries.happenings(run.run_id, [EventKind.CONTROL_RECEIVED], limit=20)
    return Evidence(
        recorded=recorded,
        id_length=unique_length(row.run_id for row in same_beginning),
        database=standing.database,
        engine_pid=standing.engine_pid,
        groups=tuple((yield queries.step_groups(run.run_id, run.pass_index))),
        failed=tuple(failed),
        cause=(yield from _cause(run, cause_id, good, document)) if cause_id and _is_told(run) else None,
        active=tuple((yield from _active(run, turned, good, document))),
        remarks=tuple((yield queries.stage_remarks(run.run_id, run.pass_index))),
        controls=tuple(controls),
        turned=turned,
        last=next(iter((yield queries.happenings(run.run_id))), None),
        locks=() if run.status.is_final else tuple((yield queries.lock_blocks(run.run_id))),
        comparison=(yield from _compared(recorded, good)) if good else None,
        again=standing.again,
        replans=(yield from _replans(run)),
    )


def gather_waiting(standing: Standing) -> Asking[Evidence]:
    """What has to be known of a run to say that it waits for a person, why and since when."""
    run = standing.run
    turned = yield from _turned(run)
    undecided = run.status is RunStatus.QUARANTINED and not uncertain_steps(turned, ())
    is_lost = run.needs_engine and standing.engine_pid is None
    same_beginning = yield queries.runs_by_prefix(run.run_id[:SHORT_ID], limit=50)
    return Evidence(
        recorded=Recorded(run, {}, "", {}),
        id_length=unique_length(row.run_id for row in same_beginning),
        database=standing.database,
        engine_pid=standing.engine_pid,
        active=tuple((yield from _active(run, turned, None, {}))) if undecided or is_lost else (),
        controls=tuple((yield queries.happenings(run.run_id, [EventKind.CONTROL_RECEIVED], limit=20))),
        turned=turned,
        last=next(iter((yield queries.happenings(run.run_id))), None),
        replans=(yield from _replans(run)),
    )


def recorded_of(run: RunRow) -> Asking[Recorded]:
    """What the run was given: the data and actor of its first event, and its plan."""
    created: list[EventRow] = yield queries.events_page(run.run_id, limit=1)
    plan = yield queries.plan_of(run.run_id)
    document = json.loads(plan.document) if plan else {}
    if not created:
        return Recorded(run, {}, "", document)
    applied: JsonObject = yield queries.applied_assets_of(run.run_id, run.pass_index)
    assets = {alias: str(ref.get("ref")) for alias, ref in applied.items() if isinstance(ref, dict)}
    return Recorded(run, json_object(created[0].data), created[0].actor, document, assets)


def _replans(run: RunRow) -> Asking[tuple[JsonObject, ...]]:
    """What was asked for in the last pass of a run, and decided."""
    if not run.replans:
        return ()
    found: list[Json] = yield queries.replan_events_of(run.run_id)
    return tuple(one for one in found if isinstance(one, dict) and one["pass_index"] == run.pass_index)


def _is_told(run: RunRow) -> bool:
    """While a run goes on or waits, what it does now comes first; what has failed in it is named only."""
    return run.status.is_final


def _good(run: RunRow) -> Asking[RunRow | None]:
    # What another question came to says nothing about this one.
    good_id = (yield queries.last_good_run_id(run)) if run.has_plan else None
    if good_id is None:
        return None
    good: RunRow | None = yield queries.run_by_id(good_id)
    return good


def _compared(recorded: Recorded, good: RunRow) -> Asking[Comparison]:
    run = recorded.run
    pairs = yield queries.changed_steps(run, good)
    gone = (yield queries.steps_gone(run, good)) if run.plan_hash != good.plan_hash and run.steps_total else []
    return compare(recorded, (yield from recorded_of(good)), pairs, gone)


def _turned(run: RunRow) -> Asking[Happening | None]:
    if run.status not in (RunStatus.PAUSED, RunStatus.QUARANTINED):
        return None
    found: list[Happening] = yield queries.happenings(run.run_id, _TURNS)
    return next(iter(found), None)


def _active(
    run: RunRow, turned: Happening | None, good: RunRow | None, document: JsonObject
) -> Asking[list[StepEvidence]]:
    """The steps to tell of beside the cause: under way, uncertain or stopped."""
    if run.status in (RunStatus.SUCCEEDED, RunStatus.FAILED):
        return []
    processes: list[StepProcess] = yield queries.processes_under_way(run.run_id, run.pass_index, _MOST_STEPS)
    under_way = {found.step_id: found for found in processes}
    if run.status is RunStatus.CANCELED:
        canceled: list[StepRow] = yield queries.steps_page(
            run.run_id, run.pass_index, statuses=[StepStatus.CANCELED], limit=1000
        )
        names = [step.step_id for step in canceled if step.attempts and step.reason is Reason.CANCELED]
    else:
        names = uncertain_steps(turned, ()) if run.status is RunStatus.QUARANTINED else []
        moving = [StepStatus.RUNNING, StepStatus.WAITING, StepStatus.QUARANTINED]
        steps: list[StepRow] = yield queries.steps_page(run.run_id, run.pass_index, statuses=moving, limit=_MOST_STEPS)
        names = names or [step.step_id for step in sorted(steps, key=lambda step: step.started_at_us or 0)]
    told: list[StepEvidence] = []
    for name in names[:_MOST_STEPS]:
        found = yield from _step(run, name, good, under_way.get(name))
        if found is not None:
            told.append((yield from _with_breaker(found, document)))
    return told


def _cause(run: RunRow, step_id: str, good: RunRow | None, document: JsonObject) -> Asking[StepEvidence | None]:
    """The step that failed the run, with what lies under it: the failed runs of sub-plans, its fallback, its breaker."""
    found = yield from _step(run, step_id, good)
    if found is None:
        return None
    found = yield from _with_breaker(found, document)
    fallback = plan_step(document, step_id).get("fallback_step")
    if isinstance(fallback, str):
        stood_by = yield from _step(run, fallback, None)
        if stood_by is not None and stood_by.step.status is not StepStatus.SKIPPED:
            found = replace(found, fallback=stood_by)
    return replace(found, children=tuple((yield from _children(found))))


def _children(found: StepEvidence) -> Asking[list[ChildEvidence]]:
    """The run of a failed sub-plan and of the sub-plan that failed it, down to the last."""
    children: list[ChildEvidence] = []
    last: StepEvidence | None = found
    while last is not None and len(children) < _MOST_CHILDREN:
        attempts = last.told.attempts
        child_id = attempts[-1].starting.get("child_run_id") if attempts else None
        child: RunRow | None = (yield queries.run_by_id(child_id)) if isinstance(child_id, str) else None
        if child is None:
            break
        step_id = (child.first_cause or {}).get("step_id")
        last = (yield from _step(child, step_id, None)) if isinstance(step_id, str) else None
        children.append(ChildEvidence(child, last))
    return children


def _with_breaker(found: StepEvidence, document: JsonObject) -> Asking[StepEvidence]:
    """The same with the breaker that refused the step, where one did."""
    told, waits = found.told.step, found.waits or {}
    failure = waits.get("failure")
    if Reason.BREAKER_OPEN not in (told.reason, _reason(failure), _reason(waits)):
        return found
    refusal: JsonObject | None = failure if isinstance(failure, dict) else waits
    if told.status.is_final:
        refusal = yield queries.step_result(told.run_id, told.step_id, told.pass_index, told.item_index, is_whole=False)
    tool = refused_by(refusal or {})
    if tool is None:
        return found
    now: BreakerMove | None = yield queries.breaker_moves(tool)
    until_us = found.told.step.finished_at_us or 2**62
    opened: BreakerMove | None = yield queries.breaker_moves(tool, until_us=until_us)
    probe_at_us = None if opened is None else opened.opened_at_us + round(cooldown_sec(document) * 1_000_000)
    return replace(found, breaker=BreakerEvidence(tool, opened, now, probe_at_us))


def _reason(value: Json) -> Json:
    return value.get("reason") if isinstance(value, dict) else None


def _step(
    run: RunRow, step_id: str, good: RunRow | None, process: StepProcess | None = None
) -> Asking[StepEvidence | None]:
    step: StepRow | None = yield queries.step_by_id(run.run_id, step_id, run.pass_index)
    if step is None:
        return None
    attempts: list[AttemptRow] = yield queries.attempts_of(run.run_id, step_id, run.pass_index)
    waits: JsonObject | None = None
    if step.status in (StepStatus.WAITING, StepStatus.QUARANTINED):
        happened: list[Happening] = yield queries.happenings(run.run_id, [EventKind.STEP_WAITING], step_id=step_id)
        waits = happened[0].data if happened else None
    until = (waits or {}).get("until_us")
    then: StepRow | None = (yield queries.step_by_id(good.run_id, step_id, good.pass_index)) if good else None
    identity = process.process if process else None
    return StepEvidence(
        step=step,
        attempts=tuple(attempts),
        tail=(yield from _tail(run, attempts[-1])) if attempts else None,
        until_us=until if isinstance(until, int) else None,
        pid=identity.pid if identity else None,
        is_running=is_running(identity) if identity else None,
        then_us=then.duration_us if then and then.status is StepStatus.SUCCEEDED else None,
        waits=waits,
        items=None if attempts else (yield from _items(run, step)),
    )


def _items(run: RunRow, step: StepRow) -> Asking[ItemsEvidence | None]:
    """What became of the items, with the first of those that failed. A step with items has no attempts of its own."""
    numbers: dict[str, dict[StepStatus, int]] = yield queries.item_numbers(run.run_id, [step.step_id], run.pass_index)
    if step.step_id not in numbers:
        return None
    indices: list[int] = yield queries.failed_items(run.run_id, step.step_id, run.pass_index, _MOST_ITEMS)
    failed: list[StepRow] = []
    for index in indices:
        row: StepRow | None = yield queries.step_by_id(run.run_id, step.step_id, run.pass_index, index)
        if row is not None:
            failed.append(row)
    first: StepEvidence | None = None
    if failed:
        attempts: list[AttemptRow] = yield queries.attempts_of(
            run.run_id, step.step_id, run.pass_index, failed[0].item_index
        )
        tail = (yield from _tail(run, attempts[-1])) if attempts else None
        first = StepEvidence(failed[0], tuple(attempts), tail)
    values: dict[int, Json] = yield queries.item_values(run.run_id, step.step_id, run.pass_index)
    return ItemsEvidence(numbers[step.step_id], tuple(failed), first, values)


def _tail(run: RunRow, attempt: AttemptRow) -> Asking[OutputTail | None]:
    """The end of what the attempt wrote: of stderr, or of stdout where it wrote nothing to stderr."""
    said = (attempt.finished or {}).get("stderr_tail")
    if isinstance(said, str) and said.strip():
        return OutputTail(Stream.STDERR, said)
    for stream in (Stream.STDERR, Stream.STDOUT):
        pieces: list[LogRow] = yield queries.last_logs(run.run_id, attempt.step_id, stream=stream, limit=20)
        own = [piece for piece in pieces if (piece.item_index, piece.attempt) == (attempt.item_index, attempt.attempt)]
        content = b"".join(piece.content for piece in own)
        if content.strip():
            return OutputTail(stream, _whole_lines(content))
    return None


def _whole_lines(content: bytes) -> str:
    """The end of an output from the beginning of a line on, if there is one."""
    tail = content[-_TAIL_BYTES:]
    if len(content) > len(tail):
        tail = tail.partition(b"\n")[2] or tail
    return tail.decode("utf-8", errors="backslashreplace")

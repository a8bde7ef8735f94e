"""What is said of a run in a list: its state, how long it took, the one thing worth knowing, and the counts. No widgets, no SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.model.states import PauseReason, RunMode, RunStatus
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.text import Line, Span, joined, span
from tui.viewmodel.words import (
    NOTHING,
    Mark,
    count,
    plural,
    run_mark,
    short_id,
)

if TYPE_CHECKING:
    from datetime import tzinfo

    from store.rows import RunCounts, RunRow


class Moment(NamedTuple):
    """When something is shown: now in microseconds UTC, and the zone times are written in (None: this host's)."""

    now_us: int
    zone: tzinfo | None = None


def run_state(row: RunRow, *, engine_lost: bool = False, with_reason: bool = True) -> Mark:
    """The mark of a run; a pause says for what, and what came in as a document and was not over does not go on here."""
    mark = run_mark(row.status, engine_lost=engine_lost)
    if row.imported_at_us is not None and not row.status.is_final:
        return Mark("·", "IMPORTED", Role.DIM)
    if with_reason and row.status is RunStatus.PAUSED and row.pause_reason and not engine_lost:
        return Mark(mark.glyph, f"{mark.word}: {row.pause_reason.value.upper().replace('_', ' ')}", mark.role)
    return mark


def steps_done(row: RunRow) -> str:
    """`3/7`; a dash while the number of steps is not known."""
    return f"{row.steps_done}/{row.steps_total}" if row.steps_total else NOTHING


def run_duration_us(row: RunRow, moment: Moment, *, engine_lost: bool = False) -> int | None:
    """How long a run took, or has taken so far. None where nobody can know: not started, or its engine is gone."""
    if row.duration_us is not None:
        return row.duration_us
    if row.started_at_us is None or engine_lost or row.status.is_final or row.imported_at_us is not None:
        return None
    # What waits for somebody to take it up again takes no longer by that.
    until_us = moment.now_us if row.stood_still_at_us is None else row.stood_still_at_us
    return max(0, until_us - row.started_at_us)


def listed_note(row: RunRow, *, engine_lost: bool = False) -> str:
    """What a list of runs says of one: its note, else the question that led to it."""
    return note(row, engine_lost=engine_lost) or (f"asked: {row.words}" if row.words else "")


def note(row: RunRow, *, engine_lost: bool = False) -> str:
    """The one thing worth knowing of a run beyond its columns, as a sentence; empty when there is nothing."""
    said = _note(row, engine_lost=engine_lost)
    if row.imported_at_us is None:
        return said
    if not row.status.is_final:
        return f"imported; it was {row.status.value} when it was exported, and does not go on here"
    return f"imported; {said}" if said else "imported"


def _note(row: RunRow, *, engine_lost: bool) -> str:
    if engine_lost and not row.status.is_final:
        return "the engine that ran it is gone; what it recorded is here"
    if waits_for_approval(row):
        return "waits for an approval of another plan"
    if row.status is RunStatus.PAUSED:
        return f"paused: {_PAUSES[row.pause_reason]}" if row.pause_reason else "paused"
    if row.status is RunStatus.QUARANTINED:
        return "quarantined: somebody has to decide about a step before it goes on"
    if row.awaited_locks:
        return f"waits for {_locks(row)}"
    if row.first_cause and row.status is not RunStatus.SUCCEEDED:
        return cause(row)
    if row.warnings:
        return plural(row.warnings, "warning")
    if row.parent_run_id is not None:
        return f"step {row.parent_step_id} of run {short_id(row.parent_run_id)}"
    if row.source_run_id is not None:
        return f"{rerun_words(row)}{' (test run)' if row.mode is RunMode.TEST else ''}"
    return "test run, with an override" if row.mode is RunMode.TEST else ""


def rerun_words(row: RunRow) -> str:
    """`rerun of 7f3a02: from ping on; reason: is it the query`; empty for a run that was made of nothing."""
    if row.source_run_id is None:
        return ""
    changes = f": {', '.join(row.changes)}" if row.changes else ""
    reason = f"; reason: {row.reason}" if row.reason else ""
    return f"rerun of {short_id(row.source_run_id)}{changes}{reason}"


def waits_for_approval(row: RunRow) -> bool:
    """True for a run that goes on when somebody has decided about another plan."""
    return row.status is RunStatus.PAUSED and row.pause_reason is PauseReason.APPROVAL


def _locks(row: RunRow) -> str:
    """`the lock inventory, held by run 7f3a91`; the first of several, since all of them are taken at once."""
    name, holder = min(row.awaited_locks, key=lambda awaited: (awaited[1] is None, awaited[0]))
    more = f", and {plural(len(row.awaited_locks) - 1, 'more lock')}" if len(row.awaited_locks) > 1 else ""
    return f"the lock {name}{f', held by run {short_id(holder)}' if holder else ''}{more}"


_PAUSES = {
    PauseReason.APPROVAL: "waits for an approval",
    PauseReason.STORAGE: "the disk is full",
    PauseReason.ENGINE_LOST: "its engine was lost",
    PauseReason.OPERATOR: "by an operator",
}


def cause(row: RunRow) -> str:
    """What went wrong first: `ping: timed out after 10 s`; below a sub-plan `deploy > restart: exit 5`."""
    first = row.first_cause or {}
    where = first.get("step_id") or first.get("stage") or ""
    message = first.get("message") or first.get("reason") or "failed"
    # Of a path, the message says all but the first step.
    return f"{where}{' > ' if first.get('path') else ': '}{message}" if where else str(message)


def about(row: RunRow | None, *, engine_lost: bool = False) -> Line:
    """The chosen run in one line: why it stands as it does, where it is, how often it was replanned, where it ran.

    What a narrow table has no column for is said here.
    """
    if row is None:
        return ()
    mark = run_state(row, engine_lost=engine_lost)
    said = listed_note(row, engine_lost=engine_lost)
    version = f" {row.plan_version}" if row.plan_version else ""
    parts: list[Line] = [(span(f"{row.plan_id}{version}", bold=True),)]
    if row.stage is not None and not row.status.is_final:
        parts.append((Span(row.stage.value, STAGE_ROLES[row.stage]),))
    if said:
        warned = row.status is RunStatus.SUCCEEDED and row.warnings
        glyph = Span("! ", Role.WARNING) if warned else Span(mark.glyph + " ", mark.role)
        parts.append((glyph, span(said)))
    if row.replans:
        parts.append((Span(plural(row.replans, "replan"), Role.DIM),))
    if not said and row.workdir:
        parts.append((span(f"in {row.workdir}", Role.DIM),))
    return joined(parts)


def counts_line(counts: RunCounts | None, *, lost: int = 0, still: int = 0) -> Line:
    """`12 runs  2 running  1 failed`: everything the file holds, what moves and what broke with their colour.

    `lost` and `still` of those that run by their record have lost their engine, or were imported and do not go on.
    """
    if counts is None:
        return ()
    running = counts.by_status.get(RunStatus.RUNNING, 0) + counts.by_status.get(RunStatus.PENDING, 0) - lost - still
    failed = counts.by_status.get(RunStatus.FAILED, 0)
    parts: list[Span] = [Span(plural(counts.total, "run"))]
    parts.append(Span(f"  {count(max(0, running))} running", Role.RUNNING if running > 0 else Role.DIM))
    parts.append(Span(f"  {count(failed)} failed", Role.FAILED if failed else Role.DIM))
    parts.extend(
        Span(f"  {count(number)} {status.value}", run_mark(status).role)
        for status in (RunStatus.PAUSED, RunStatus.QUARANTINED)
        if (number := counts.by_status.get(status, 0))
    )
    if lost:
        parts.append(Span(f"  {count(lost)} lost", Role.FAILED))
    return tuple(parts)

"""The runs table as text: which columns at which width, what stands in them, the counts and the filter. No widgets, no SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from rich.cells import cell_len

from engine.model.states import PauseReason, RunMode, RunStatus
from store.queries import RunFilter
from tui.terminal import visible
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.text import Line, Span, fit, span
from tui.viewmodel.words import (
    NOTHING,
    SHORT_ID,
    Mark,
    clock,
    count,
    duration,
    plural,
    run_mark,
    short_id,
    unique_length,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from store.rows import RunCounts, RunRow


@dataclass(frozen=True, slots=True)
class Moment:
    """When something is shown: now in microseconds UTC, and the zone times are written in (None: this host's)."""

    now_us: int
    zone: tzinfo | None = None


class Column(Enum):
    """A column of the runs table: its title, its least width in cells, whether it is right-aligned, and its rank.

    The lower the rank, the longer a column stays when the terminal gets narrow.
    """

    STATUS = ("STATUS", 13, False, 0)
    RUN = ("RUN", SHORT_ID, False, 1)
    PLAN = ("PLAN", 12, False, 2)
    ROUTE = ("ROUTE", 6, False, 8)
    STAGE = ("STAGE", 10, False, 6)
    STEPS = ("STEPS", 5, True, 4)
    REPLANS = ("REPLANS", 7, True, 9)
    SCORE = ("SCORE", 5, True, 10)
    DURATION = ("DURATION", 8, True, 3)
    STARTED = ("STARTED", 8, True, 5)
    NOTE = ("NOTE", 24, False, 7)

    def __init__(self, title: str, least: int, right: bool, rank: int) -> None:
        self.title = title
        self.least = least
        self.right = right
        self.rank = rank


_GAP = 2
_NOTE_FROM = 130
_PLAN_MOST = 28
_ID_MOST = 12
_WIDE = 100
_LONG_CLOCK = 12
_DATE = 10


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that fit, in order, with their widths."""

    columns: tuple[tuple[Column, int], ...]
    cells: int


@dataclass(frozen=True, slots=True)
class Lengths:
    """The longest texts of the columns whose width depends on what is in them; they only ever grow, so nothing jumps."""

    run: int = SHORT_ID
    plan: int = 0
    steps: int = 0

    def grown(self, rows: Sequence[RunRow]) -> Lengths:
        """With these rows seen too."""
        return Lengths(
            max(self.run, min(_ID_MOST, unique_length(row.run_id for row in rows))),
            max([self.plan, *(cell_len(visible(row.plan_id)) for row in rows)]),
            max([self.steps, *(len(steps_done(row)) for row in rows)]),
        )


def layout(cells: int, *, lengths: Lengths | None = None) -> Layout:
    """The columns for a table `cells` wide: a plan's name is shown whole before columns that tell less."""
    available = cells - 2
    lengths = lengths or Lengths()
    least = {column: column.least for column in Column}
    least[Column.RUN] = max(SHORT_ID, lengths.run)
    least[Column.STEPS] = max(Column.STEPS.least, lengths.steps)
    if cells >= _WIDE:
        least[Column.STARTED] = _LONG_CLOCK
    needed = [column for column in Column if column.rank <= Column.STARTED.rank]
    room = available - sum(least[column] + _GAP for column in needed) + _GAP
    least[Column.PLAN] += max(0, min(room, min(lengths.plan, _PLAN_MOST) - least[Column.PLAN]))
    chosen: set[Column] = set()
    taken = -_GAP
    for column in sorted(Column, key=lambda c: c.rank):
        if column is Column.NOTE and cells < _NOTE_FROM:
            continue
        if taken + _GAP + least[column] <= available:
            chosen.add(column)
            taken += _GAP + least[column]
    spare = max(0, available - taken)
    if Column.STARTED in chosen:
        grown = min(spare, max(0, _LONG_CLOCK - least[Column.STARTED]))
        least[Column.STARTED] += grown
        spare -= grown
        # A date needs one cell more than that: the one before the scrollbar.
        least[Column.STARTED] += least[Column.STARTED] == _DATE - 1
    if Column.PLAN in chosen:
        grown = min(spare, max(0, _PLAN_MOST - least[Column.PLAN]))
        least[Column.PLAN] += grown
        spare -= grown
    if Column.NOTE in chosen:
        least[Column.NOTE] += spare
    return Layout(tuple((column, least[column]) for column in Column if column in chosen), cells)


def header(plan: Layout) -> Line:
    """The titles of the columns."""
    gap = " " * _GAP
    return (
        Span(" " + gap.join(fit(column.title, cells, right=column.right) for column, cells in plan.columns), Role.DIM),
    )


def run_line(row: RunRow, plan: Layout, moment: Moment, *, engine_lost: bool = False) -> Line:
    """One run as a line of the table."""
    out: list[Span] = [Span(" ")]
    for index, (column, cells) in enumerate(plan.columns):
        if index:
            out.append(Span(" " * _GAP))
        text, role = _cell(column, row, moment, engine_lost, cells)
        out.append(Span(fit(text, cells, right=column.right), role, column is Column.RUN))
    return tuple(out)


def _cell(column: Column, row: RunRow, moment: Moment, engine_lost: bool, cells: int) -> tuple[str, Role]:
    match column:
        case Column.STATUS:
            mark = run_state(row, engine_lost=engine_lost, with_reason=False)
            # What waits for a person stands out, wherever else a pause is calm.
            return str(mark), Role.WARNING if _waits_for_approval(row) and not engine_lost else mark.role
        case Column.RUN:
            return short_id(row.run_id, cells), Role.TEXT
        case Column.PLAN:
            return row.plan_id, Role.TEXT
        case Column.ROUTE:
            return (row.route.value.upper() if row.route else NOTHING), Role.DIM
        case Column.STAGE:
            # Where a run ended well is no news; where it is, or where it broke, is.
            role = STAGE_ROLES[row.stage] if row.stage and row.status is not RunStatus.SUCCEEDED else Role.DIM
            return (row.stage.value if row.stage else NOTHING), role
        case Column.STEPS:
            return steps_done(row), Role.TEXT
        case Column.REPLANS:
            return count(row.replans), Role.TEXT if row.replans else Role.DIM
        case Column.SCORE:
            return (str(row.score) if row.score is not None else NOTHING), Role.TEXT
        case Column.DURATION:
            return duration(run_duration_us(row, moment, engine_lost=engine_lost)), Role.TEXT
        case Column.STARTED:
            return _started(row, moment, cells), Role.DIM
        case Column.NOTE:
            waits = _waits_for_approval(row) and not engine_lost
            return listed_note(row, engine_lost=engine_lost), Role.WARNING if waits else Role.DIM


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


def _started(row: RunRow, moment: Moment, cells: int) -> str:
    text = clock(row.started_at_us or row.created_at_us, now_us=moment.now_us, zone=moment.zone)
    # A narrow column has room for the time of today or the date of another day, not for both.
    return text if len(text) <= cells else text[: 7 if text[:4].isdigit() else 6]


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
    if _waits_for_approval(row):
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
    """`rerun of 7f3a02: from ping on`; empty for a run that was made of nothing."""
    if row.source_run_id is None:
        return ""
    changes = f": {', '.join(row.changes)}" if row.changes else ""
    return f"rerun of {short_id(row.source_run_id)}{changes}"


def _waits_for_approval(row: RunRow) -> bool:
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
    """The chosen run in one line: why it stands as it does, and where it ran."""
    if row is None:
        return ()
    mark = run_state(row, engine_lost=engine_lost)
    said = listed_note(row, engine_lost=engine_lost)
    version = f" {row.plan_version}" if row.plan_version else ""
    head = (span(f"{row.plan_id}{version}", bold=True), Span("  "))
    if said:
        warned = row.status is RunStatus.SUCCEEDED and row.warnings
        glyph = Span("! ", Role.WARNING) if warned else Span(mark.glyph + " ", mark.role)
        return (*head, glyph, span(said))
    return (*head, span(f"in {row.workdir}" if row.workdir else "", Role.DIM))


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


@dataclass(frozen=True, slots=True)
class TypedFilter:
    """What the filter line asks for, and what in it was not understood."""

    chosen: RunFilter = field(default_factory=RunFilter)
    faults: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True when every run passes."""
        return self.chosen == RunFilter()


def parse_filter(text: str) -> TypedFilter:
    """The words of the filter line. What is not understood is a fault to show, never an error."""
    statuses: set[RunStatus] = set()
    plans: list[str] = []
    words: list[str] = []
    faults: list[str] = []
    for word in text.casefold().split():
        field, colon, value = word.partition(":")
        if not colon:
            words.append(word)
        elif field == "status" and value:
            found = [status for status in RunStatus if status.value.startswith(value)]
            statuses.update(found)
            if not found:
                faults.append(f"no status {value}; there are {', '.join(RunStatus)}")
        elif field == "plan" and value:
            plans.append(value if "*" in value else f"{value}*")
        elif not value:
            faults.append(f"{field}: what?")
        else:
            faults.append(f"no field {field}; there are status and plan")
    return TypedFilter(RunFilter(frozenset(statuses), tuple(plans), tuple(words)), tuple(faults))

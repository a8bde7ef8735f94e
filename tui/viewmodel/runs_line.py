"""One run as a line of the table. Which columns there are is in runs_columns.py, what is said of a run in runs.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.states import RunStatus
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.runs import listed_note, run_duration_us, run_state, steps_done, waits_for_approval
from tui.viewmodel.runs_columns import GAP, Column
from tui.viewmodel.text import Line, Span, fit
from tui.viewmodel.words import NOTHING, clock, count, duration, short_id

if TYPE_CHECKING:
    from store.rows import RunRow
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.runs_columns import Layout

MARKED: Final = "▌"
"""Stands before a run that is marked."""
LOW_SCORE: Final = 60
"""Below it a score stands out."""


def run_line(row: RunRow, plan: Layout, moment: Moment, *, engine_lost: bool = False, is_marked: bool = False) -> Line:
    """One run as a line of the table."""
    out: list[Span] = [Span(MARKED, Role.STRONG, bold=True) if is_marked else Span(" ")]
    for index, (column, cells) in enumerate(plan.columns):
        if index:
            out.append(Span(" " * GAP))
        text, role = _cell(column, row, moment, engine_lost, cells)
        out.append(Span(fit(text, cells, right=column.right), role, column is Column.RUN))
    return tuple(out)


def _cell(column: Column, row: RunRow, moment: Moment, engine_lost: bool, cells: int) -> tuple[str, Role]:
    match column:
        case Column.STATUS:
            mark = run_state(row, engine_lost=engine_lost, with_reason=False)
            # What waits for a person stands out, wherever else a pause is calm.
            return str(mark), Role.WARNING if waits_for_approval(row) and not engine_lost else mark.role
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
            return score_words(row.score, row.status)
        case Column.DURATION:
            return duration(run_duration_us(row, moment, engine_lost=engine_lost)), Role.TEXT
        case Column.STARTED:
            return _started(row, moment, cells), Role.DIM
        case Column.NOTE:
            waits = waits_for_approval(row) and not engine_lost
            return listed_note(row, engine_lost=engine_lost), Role.WARNING if waits else Role.DIM


def score_words(score: int | None, status: RunStatus) -> tuple[str, Role]:
    """A score with its role: a low one stands out, that of a failure is coloured as that, none is a dash."""
    if score is None:
        return NOTHING, Role.DIM
    if status is RunStatus.FAILED:
        return str(score), Role.FAILED
    return str(score), Role.WARNING if score < LOW_SCORE else Role.TEXT


def _started(row: RunRow, moment: Moment, cells: int) -> str:
    text = clock(row.started_at_us or row.created_at_us, now_us=moment.now_us, zone=moment.zone)
    # A narrow column has room for the time of today or the date of another day, not for both.
    return text if len(text) <= cells else text[: 7 if text[:4].isdigit() else 6]

"""One run that goes on, as three lines: what it is, where it is, how far it has come. Fixed places, so that nothing moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.event import EventKind
from engine.model.states import RunStatus, StageStatus
from tui.viewmodel.monitoring.pace import left_words, pace_words, steps_a_minute
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.run_picture import STAGES
from tui.viewmodel.runs import note, run_duration_us, run_state, waits_for_approval
from tui.viewmodel.text import Line, Span, crop, fit, span, spread
from tui.viewmodel.words import count, duration, run_mark, short_id, short_kind, stage_mark

if TYPE_CHECKING:
    from engine.model.states import Stage
    from store.queries.monitoring import LastEvent, Pulse
    from store.rows import RunRow
    from tui.viewmodel.runs import Moment
    from tui.viewmodel.words import Mark

HEIGHT: Final = 3
"""Lines a run takes."""
_WIDE: Final = 110
_STATUS: Final = 13
_INDENT: Final = " " * 3
_BAR, _WIDE_BAR = 14, 40
_DONE: Final = 11
_STAGE: Final = 10
_TIME: Final = 7


def block(row: RunRow, pulse: Pulse | None, moment: Moment, cells: int, *, engine_lost: bool = False) -> list[Line]:
    """The three lines at a width."""
    lines = [
        _what(row, moment, cells, engine_lost=engine_lost),
        _where(row, pulse, moment, cells, engine_lost=engine_lost),
        _how_far(row, pulse, moment, cells, engine_lost=engine_lost),
    ]
    return [crop(line, cells) for line in lines]


def _what(row: RunRow, moment: Moment, cells: int, *, engine_lost: bool) -> Line:
    mark = run_state(row, engine_lost=engine_lost, with_reason=False)
    role = Role.WARNING if waits_for_approval(row) and not engine_lost else mark.role
    taken = duration(run_duration_us(row, moment, engine_lost=engine_lost))
    version = f" {row.plan_version}" if row.plan_version else ""
    parent = f"  step {row.parent_step_id} of {short_id(row.parent_run_id)}" if row.parent_run_id else ""
    left: Line = (
        Span(" "),
        Span(fit(str(mark), _STATUS), role),
        Span(f"  {short_id(row.run_id)}  ", bold=True),
        span(row.plan_id),
        span(version, Role.DIM),
        span(parent, Role.DIM),
    )
    return spread(left, (Span(taken), Span(" ")), cells)


def _where(row: RunRow, pulse: Pulse | None, moment: Moment, cells: int, *, engine_lost: bool) -> Line:
    strip = _names(row, pulse) if cells >= _WIDE else _glyphs(row, pulse, moment, engine_lost=engine_lost)
    said, role = _sentence(row, pulse, engine_lost=engine_lost)
    age = "" if pulse is None or pulse.last is None else age_words(moment.now_us - pulse.last.at_us)
    right: Line = (Span(f"{age:>{_TIME}}", Role.DIM), Span(" "))
    return spread((Span(_INDENT), *strip, Span("  "), span(said, role)), right, cells)


def _names(row: RunRow, pulse: Pulse | None) -> Line:
    out: list[Span] = []
    for stage in STAGES:
        mark, name = _stage(row, pulse, stage)
        out += [Span(f"{mark.glyph} ", mark.role), Span(stage.value, name), Span("  ")]
    return tuple(out[:-1])


def _glyphs(row: RunRow, pulse: Pulse | None, moment: Moment, *, engine_lost: bool) -> Line:
    out = [Span(f"{_stage(row, pulse, stage)[0].glyph} ", _stage(row, pulse, stage)[0].role) for stage in STAGES]
    stage = row.stage
    found = pulse.stages.get(stage) if pulse is not None and stage is not None else None
    took: int | None = None
    if found is not None:
        goes_on = found.status is StageStatus.RUNNING and found.started_at_us is not None and not engine_lost
        took = max(0, moment.now_us - (found.started_at_us or 0)) if goes_on else found.duration_us
    name = STAGE_ROLES[stage] if stage is not None else Role.DIM
    out += [Span(fit(stage.value if stage is not None else "", _STAGE), name)]
    return (*out, Span(f" {duration(took) if took is not None else '':>{_TIME}}", Role.DIM))


def _stage(row: RunRow, pulse: Pulse | None, stage: Stage) -> tuple[Mark, Role]:
    """A stage's mark, and the role of its name; one that is under way in a run that waits, waits too."""
    if row.status.is_final:
        return _ended_stage(row, stage)
    found = pulse.stages.get(stage) if pulse is not None else None
    if found is None or found.status is StageStatus.PENDING:
        return stage_mark(StageStatus.PENDING), Role.DIM
    waits = row.status in (RunStatus.PAUSED, RunStatus.QUARANTINED) and found.status is StageStatus.RUNNING
    return (run_mark(row.status) if waits else stage_mark(found.status)), STAGE_ROLES[stage]


def _ended_stage(row: RunRow, stage: Stage) -> tuple[Mark, Role]:
    """The stage in which a run ended has its end; those before it went well."""
    if row.stage is None or STAGES.index(stage) > STAGES.index(row.stage):
        return stage_mark(StageStatus.PENDING), Role.DIM
    return (run_mark(row.status) if stage is row.stage else stage_mark(StageStatus.SUCCEEDED)), STAGE_ROLES[stage]


def _sentence(row: RunRow, pulse: Pulse | None, *, engine_lost: bool) -> tuple[str, Role]:
    """What it waits for or how it ended, else what happened last."""
    if row.status.is_final:
        return note(row), Role.FAILED if row.status is RunStatus.FAILED else Role.TEXT
    if engine_lost or row.awaited_locks or row.status in (RunStatus.PAUSED, RunStatus.QUARANTINED):
        calm = row.status is RunStatus.PAUSED and not waits_for_approval(row) and not engine_lost
        return note(row, engine_lost=engine_lost), Role.TEXT if calm else Role.WARNING
    if pulse is None or pulse.last is None:
        return "", Role.DIM
    return happened(pulse.last), Role.DIM


def happened(last: LastEvent) -> str:
    """The last event in a few words: `ping finished`, `execute started`, `ping waits for its next attempt`."""
    what = last.step_id or (last.stage.value if last.stage is not None else "")
    match last.kind:
        case EventKind.STEP_FINISHED | EventKind.STAGE_FINISHED | EventKind.ATTEMPT_FINISHED:
            return f"{what} {last.status or 'ended'}"
        case EventKind.ATTEMPT_STARTING | EventKind.ATTEMPT_STARTED | EventKind.STAGE_STARTED:
            return f"{what} started"
        case EventKind.STEP_WAITING:
            return f"{what} waits{f' ({last.reason})' if last.reason else ''}"
        case EventKind.REPLAN_REQUESTED:
            return "another plan was asked for"
        case EventKind.REPLAN_DECIDED:
            return "it was decided about another plan"
        case EventKind.RUN_CREATED:
            return "asked for; it has not started yet"
        case EventKind.RUN_STARTED | EventKind.RUN_RESUMED | EventKind.RUN_TAKEN_OVER:
            return short_kind(last.kind).removeprefix("run.").replace("_", " ")
        case _:
            return short_kind(last.kind).replace(".", " ").replace("_", " ")


def _how_far(row: RunRow, pulse: Pulse | None, moment: Moment, cells: int, *, engine_lost: bool) -> Line:
    """The bar and the numbers, each at its place."""
    if not row.steps_total:
        return (Span(_INDENT), Span("its plan is not known yet" if row.has_plan else "", Role.DIM))
    running = pulse.running if pulse is not None else 0
    bar = _WIDE_BAR if cells >= _WIDE else _BAR
    goes_on = row.status is RunStatus.RUNNING and not engine_lost and not row.awaited_locks
    taken, is_short = run_duration_us(row, moment, engine_lost=engine_lost), cells < _WIDE
    pace = left = ""
    if pulse is not None and goes_on:
        pace = pace_words(steps_a_minute(pulse, row.started_at_us, moment.now_us), is_short=is_short)
        left = left_words(pulse, taken, is_short=is_short)
    failed = f"{count(row.steps_failed)} failed" if row.steps_failed else ""
    now = f"{count(running)} running" if running else ""
    pieces: Line = (
        Span(_INDENT),
        *progress(row.steps_done, row.steps_failed, running or 0, row.steps_total, bar),
        Span(f" {f'{row.steps_done}/{row.steps_total}':>{_DONE}}"),
        Span(f"  {fit(now, 10)}", Role.RUNNING),
        Span(f"  {fit(failed, 9)}", Role.FAILED),
        Span(f" {pace:>{8 if is_short else 14}}", Role.DIM),
    )
    return spread(pieces, (Span(left, Role.DIM), Span(" ")) if left else (), cells)


def progress(done: int, failed: int, running: int, total: int, cells: int) -> Line:
    """A bar of `cells` cells: what went well, what failed, what runs, what is to come. What there is has at least a cell."""
    parts = [max(0, done - failed), failed, running]
    sizes = [0 if part <= 0 else max(1, part * cells // max(total, sum(parts))) for part in parts]
    while sum(sizes) > cells:
        sizes[sizes.index(max(sizes))] -= 1
    signs = (("█", Role.SUCCEEDED), ("✗", Role.FAILED), ("▒", Role.RUNNING))
    drawn = [Span(sign * size, role) for (sign, role), size in zip(signs, sizes, strict=True) if size]
    return (*drawn, Span("░" * (cells - sum(sizes)), Role.BORDER))


def age_words(us: int) -> str:
    """How long ago, in whole units, so that it changes no more often than once a second: `now`, `12s`, `3m`, `2h`."""
    seconds = max(0, us) // 1_000_000
    if seconds < 1:
        return "now"
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit} ago"
    return f"{seconds}s ago"

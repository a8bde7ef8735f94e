"""The chosen run beside the list: state, stages, first cause, last output, what it was given. Lines only; reading is done elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model.states import RunMode, RunStatus, StageStatus
from tui.viewmodel.log_text import shown
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.run_picture import STAGES, stage_duration_us
from tui.viewmodel.runs import note, run_duration_us, run_state, steps_done, waits_for_approval
from tui.viewmodel.runs_line import score_words
from tui.viewmodel.text import Line, Span, crop, fit, joined, span, wrapped
from tui.viewmodel.words import NOTHING, clock, duration, plural, run_mark, short_id, stage_mark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.json import Json, JsonObject
    from engine.model.states import Stage
    from store.rows import LogRow, RunRow, StageRow
    from tui.viewmodel.runs import Moment

OUTPUT_LINES: Final = 5
_PARAMS: Final = 5
_SENTENCE: Final = 4
_LABEL: Final = 10
_BROAD: Final = 70
"""Cells from which it is broader than high."""


class Preview(NamedTuple):
    """What is read of one run beyond its row. `step_id` is the step whose output it is, None for that of all."""

    run_id: str
    stages: Mapping[Stage, StageRow]
    assets: JsonObject
    output: Sequence[LogRow] = ()
    step_id: str | None = None


def preview_lines(
    row: RunRow | None, preview: Preview | None, moment: Moment, cells: int, *, engine_lost: bool = False
) -> list[Line]:
    """The panel's lines. What has not been read yet has its place, so that nothing moves when it comes."""
    if row is None:
        return [(Span("no run is chosen", Role.DIM),)]
    if preview is not None and preview.run_id != row.run_id:
        preview = None
    is_broad = cells >= _BROAD
    head = _head(row, moment, cells, engine_lost=engine_lost)
    stages = _stages(row, preview, moment, engine_lost=engine_lost)
    figures = _figures(row, moment)
    given = _given(row, preview)
    output = _output(preview, cells)
    if is_broad:
        # There are few lines where it is broad: what belongs together stands side by side.
        strip: Line = joined(
            [(glyph, name._replace(text=name.text.rstrip()), _time(time)) for glyph, name, time in stages]
        )
        blocks: list[list[Line]] = [
            [joined(head[:2], "   "), *head[2:], strip, joined(map(_close, figures), "   ")],
            given,
            output,
        ]
    else:
        blocks = [head, list[Line](stages), figures, given, output]
    lines: list[Line] = []
    for block in blocks:
        if block:
            lines += [*([()] if lines and not is_broad else []), *(crop(line, cells) for line in block)]
    return lines


def _time(span_of_time: Span) -> Span:
    said = span_of_time.text.strip()
    return span_of_time._replace(text=f" {said}" if said else "")


def _close(figure: Line) -> Line:
    """A label right before its figure."""
    label, *rest = figure
    return (label._replace(text=label.text.rstrip() + " "), *rest)


def _head(row: RunRow, moment: Moment, cells: int, *, engine_lost: bool) -> list[Line]:
    mark = run_state(row, engine_lost=engine_lost)
    role = Role.WARNING if waits_for_approval(row) and not engine_lost else mark.role
    version = f" {row.plan_version}" if row.plan_version else ""
    taken = duration(run_duration_us(row, moment, engine_lost=engine_lost))
    lines: list[Line] = [
        (span(row.plan_id, bold=True), span(version, Role.DIM)),
        (Span(str(mark), role), Span(f"  {short_id(row.run_id)}", bold=True), Span(f"  {taken}", Role.DIM)),
    ]
    said = note(row, engine_lost=engine_lost)
    if row.words:
        said = f"{said}; asked: {row.words}" if said else f"asked: {row.words}"
    if said:
        sentence = wrapped(said, cells)
        cut = len(sentence) > _SENTENCE
        kept = sentence[:_SENTENCE]
        if cut:
            kept[-1] = fit(kept[-1] + " ", len(kept[-1])) if len(kept[-1]) >= cells else kept[-1] + "…"
        lines += [(Span(part, Role.WARNING if role is Role.WARNING else Role.TEXT),) for part in kept]
    return lines


def _stages(
    row: RunRow, preview: Preview | None, moment: Moment, *, engine_lost: bool
) -> list[tuple[Span, Span, Span]]:
    """Every stage with its state, its name and its time, always five lines."""
    lines: list[tuple[Span, Span, Span]] = []
    for stage in STAGES:
        found = preview.stages.get(stage) if preview is not None else None
        if found is None:
            glyph, role, said, taken = "·", Role.DIM, "", None
        else:
            waits = row.status in (RunStatus.PAUSED, RunStatus.QUARANTINED)
            going = found.status is StageStatus.RUNNING
            mark = run_mark(row.status) if going and waits else stage_mark(found.status)
            if going and engine_lost:
                mark = stage_mark(StageStatus.FAILED)
            glyph, role, taken = (
                mark.glyph,
                mark.role,
                None if going and engine_lost else stage_duration_us(found, moment),
            )
            said = "lost" if going and engine_lost else duration(taken)
        name = STAGE_ROLES[stage] if found is not None and found.status is not StageStatus.PENDING else Role.DIM
        lines.append((Span(f"{glyph} ", role), Span(fit(stage.value, _LABEL), name), Span(f"{said:>9}", Role.DIM)))
    return lines


def _figures(row: RunRow, moment: Moment) -> list[Line]:
    score, role = score_words(row.score, row.status)
    steps = [Span(_label("steps"), Role.DIM), Span(steps_done(row))]
    if row.steps_failed:
        steps.append(Span(f"  {row.steps_failed} failed", Role.FAILED))
    lines: list[Line] = [
        tuple(steps),
        (Span(_label("replans"), Role.DIM), Span(str(row.replans), Role.TEXT if row.replans else Role.DIM)),
        (Span(_label("score"), Role.DIM), Span(score, role)),
        (
            Span(_label("started"), Role.DIM),
            Span(clock(row.started_at_us or row.created_at_us, now_us=moment.now_us, zone=moment.zone)),
        ),
    ]
    if row.mode is RunMode.TEST:
        lines.append((Span(_label("mode"), Role.DIM), Span("TEST")))
    return lines


def _given(row: RunRow, preview: Preview | None) -> list[Line]:
    """Parameters and assets."""
    lines: list[Line] = []
    for number, (name, value) in enumerate(row.params.items()):
        if number == _PARAMS:
            lines.append((Span(_label("")), Span(f"and {plural(len(row.params) - _PARAMS, 'more param')}", Role.DIM)))
            break
        label = _label("params" if number == 0 else "")
        lines.append((Span(label, Role.DIM), span(f"{name} ", Role.KEY), span(_short(value))))
    for number, (alias, applied) in enumerate((preview.assets if preview is not None else {}).items()):
        label = _label("assets" if number == 0 else "")
        ref = str(applied.get("ref")) if isinstance(applied, dict) else str(applied)
        is_override = isinstance(applied, dict) and applied.get("source") == "override"
        override = (Span("  OVERRIDE", Role.WARNING),) if is_override else ()
        lines.append((Span(label, Role.DIM), span(f"{alias} ", Role.KEY), span(ref), *override))
    return lines


def _output(preview: Preview | None, cells: int) -> list[Line]:
    """The last lines that were written, the last one at the bottom."""
    if preview is None or not preview.output:
        return []
    written = b"".join(piece.content for piece in preview.output)
    last = [text for raw in written.split(b"\n")[-OUTPUT_LINES * 4 :] if (text := shown(raw).text).strip()]
    if not last:
        return []
    whose = f" of {preview.step_id}" if preview.step_id else ""
    heading: Line = (span(f"last output{whose}", Role.DIM),)
    return [heading, *((Span("▎", Role.BORDER), Span(fit(text, cells - 1).rstrip())) for text in last[-OUTPUT_LINES:])]


def _label(text: str) -> str:
    return text.ljust(_LABEL)


def _short(value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return f"{{{plural(len(value), 'key')}}}"
    if isinstance(value, list):
        return f"[{plural(len(value), 'value')}]"
    return NOTHING if value is None else str(value).lower() if isinstance(value, bool) else str(value)

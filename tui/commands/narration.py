"""A run and a stage told as text: what `show` prints of them. Steps are in step_narration.py; which run is meant is decided elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import DiagnosticsStatus, Stage
from store.queries import (
    children_of,
    item_numbers,
    replan_events_of,
    reruns_of,
    stage_input,
    stage_output,
    stages_of,
    step_by_id,
    steps_page,
)
from store.queries.predictions import prediction_of
from store.rankings import rankings_of
from tui.commands.attempt_narration import brief
from tui.commands.blocks import blocks_of, print_blocks
from tui.commands.step_narration import MOST_STEPS, step_note
from tui.commands.tables import Column, print_table
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.ranking_words import prediction_text, suspect_lines
from tui.viewmodel.runs import Moment, note, rerun_words, run_duration_us, steps_done
from tui.viewmodel.text import Span
from tui.viewmodel.words import (
    NOTHING,
    clock,
    count,
    diagnostics_mark,
    duration,
    items_words,
    run_mark,
    short_id,
    stage_mark,
    step_mark,
)

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from store.reader import Reader
    from store.rows import RunRow
    from tui.commands.context import Context
    from tui.commands.output import Piece

_MOST_RERUNS = 5


def print_run(context: Context, reader: Reader, run: RunRow, *, engine_lost: bool) -> None:
    """The head, the stages, the steps and the answer of a run."""
    out, moment = context.out, Moment(context.now_us())
    mark = run_mark(run.status, engine_lost=engine_lost)
    out.line(
        Span(f"{mark}  ", mark.role),
        Span(run.run_id, Role.TEXT, bold=True),
        f"  {run.plan_id}{f' {run.plan_version}' if run.plan_version else ''}",
        f"  {duration(run_duration_us(run, moment, engine_lost=engine_lost))}",
        Span(f"  {clock(run.started_at_us or run.created_at_us, now_us=moment.now_us)}", Role.DIM),
    )
    if said := note(run, engine_lost=engine_lost):
        out.paragraph(said, role=mark.role, indent="  ")
    if run.words:
        out.line(Span("  asked   ", Role.DIM), run.words)
    if run.params:
        out.line(
            Span("  params  ", Role.DIM), ", ".join(f"{name}={brief(value)}" for name, value in run.params.items())
        )
    out.line(Span("  folder  ", Role.DIM), run.workdir)
    said = rerun_words(run)
    if said and said not in note(run, engine_lost=engine_lost):
        out.paragraph(said, role=Role.DIM, indent="  ")
    if expected := reader.run(prediction_of(run.run_id)):
        out.line(Span("  forecast  ", Role.DIM), prediction_text(expected))
    if ranked := reader.run(rankings_of([run.run_id])).get(run.run_id):
        out.line(Span("  score  ", Role.DIM), f"{ranked.score} of 100 in its baseline")
        for line in suspect_lines(ranked):
            out.line("  ", *line)
    if again := reader.run(reruns_of(run, limit=_MOST_RERUNS + 1)):
        named = ", ".join(short_id(row.run_id) for row in again[:_MOST_RERUNS])
        out.line(Span("  rerun as  ", Role.DIM), f"{named}{', …' if len(again) > _MOST_RERUNS else ''}")
    out.line()
    _print_stages(context, reader, run, moment)
    _print_steps(context, reader, run, moment)
    _print_replans(context, reader, run)
    if blocks := blocks_of(reader.run(stage_output(run.run_id, Stage.PRESENT, run.pass_index))):
        out.line()
        print_blocks(out, blocks)
    _print_next(context, reader, run, engine_lost=engine_lost)


def _print_stages(context: Context, reader: Reader, run: RunRow, moment: Moment) -> None:
    rows: list[list[Piece]] = []
    remarks: list[Span] = []
    for row in reader.run(stages_of(run.run_id, run.pass_index)):
        mark = stage_mark(row.status)
        diagnostics: Piece = NOTHING
        if row.diagnostics_status is not None:
            said = diagnostics_mark(row.diagnostics_status)
            diagnostics = Span(str(said), said.role)
        rows.append(
            [
                Span(row.stage.value, STAGE_ROLES[row.stage]),
                Span(str(mark), mark.role),
                duration(row.duration_us),
                Span(clock(row.started_at_us, now_us=moment.now_us), Role.DIM),
                diagnostics,
            ]
        )
        if row.diagnostics_status not in (None, DiagnosticsStatus.OK):
            remarks += _remarks(reader.run(stage_output(run.run_id, row.stage, run.pass_index)))
    if rows:
        columns = (
            Column("STAGE"),
            Column("STATUS"),
            Column("DURATION", right=True),
            Column("STARTED"),
            Column("DIAGNOSTICS"),
        )
        print_table(context.out, columns, rows)
    known = note(run)
    for remark in remarks:
        if not remark.text.endswith(f" {known}"):  # the first cause has been told already
            context.out.paragraph(remark.text, role=remark.role, indent="  ")


def _remarks(output: JsonObject | None) -> list[Span]:
    """The errors and warnings of a stage's diagnostics."""
    diagnostics = output.get("diagnostics") if output else None
    if not isinstance(diagnostics, dict):
        return []
    errors, warnings = diagnostics.get("errors"), diagnostics.get("warnings")
    return [
        *(Span(f"✗ {text}", Role.FAILED) for text in (errors if isinstance(errors, list) else [])),
        *(Span(f"! {text}", Role.WARNING) for text in (warnings if isinstance(warnings, list) else [])),
    ]


def _print_steps(context: Context, reader: Reader, run: RunRow, moment: Moment) -> None:
    steps = reader.run(steps_page(run.run_id, run.pass_index, with_items=False, limit=MOST_STEPS))
    if not steps:
        return
    children = {step_id: child for step_id, child in reader.run(children_of(run.run_id))}  # noqa: C416  the last one stays
    items = reader.run(item_numbers(run.run_id, [step.step_id for step in steps], run.pass_index))
    columns = (
        Column("STEP", flexible=True),
        Column("STATUS"),
        Column("GROUP", right=True, rank=3),
        Column("TRIES", right=True, rank=2),
        Column("DURATION", right=True),
        Column("STARTED", rank=1),
        Column("NOTE", flexible=True),
    )
    rows: list[list[Piece]] = []
    for step in steps:
        mark = step_mark(step.status)
        rows.append(
            [
                step.step_id,
                Span(str(mark), mark.role),
                str(step.group_index),
                str(step.attempts or NOTHING),
                duration(step.duration_us if step.started_at_us is not None else None),
                Span(clock(step.started_at_us, now_us=moment.now_us), Role.DIM),
                step_note(step, children.get(step.step_id), items_words(items.get(step.step_id, {}))),
            ]
        )
    context.out.line()
    print_table(context.out, columns, rows)
    if run.steps_total > len(steps):
        more = f"{steps_done(run)} steps are done; these are the first {count(len(steps))}, --json has all"
        context.out.line(Span(more, Role.DIM))


def _print_replans(context: Context, reader: Reader, run: RunRow) -> None:
    if not run.replans:
        return
    from tui.viewmodel.replans import replan_lines

    context.out.line()
    context.out.line(Span("replans", Role.DIM))
    events = reader.run(replan_events_of(run.run_id))
    for line in replan_lines(events):
        context.out.line(*line)


def _print_next(context: Context, reader: Reader, run: RunRow, *, engine_lost: bool) -> None:
    """What to type next, where something went wrong."""
    cause = run.first_cause or {}
    step_id = cause.get("step_id")
    if engine_lost:
        context.out.line()
        context.out.line(Span(f"next: opscope logs {short_id(run.run_id)}", Role.DIM))
    elif isinstance(step_id, str) and reader.run(step_by_id(run.run_id, step_id, run.pass_index)) is not None:
        context.out.line()
        context.out.line(Span(f"next: {_hint_for_step(run.run_id, step_id)}", Role.DIM))


def _hint_for_step(run_id: str, step_id: str) -> str:
    """The command that shows a step with everything it said."""
    return f"opscope show '{short_id(run_id)}/stage/execute?step={step_id}'"


def print_stage(context: Context, reader: Reader, run: RunRow, stage: Stage) -> None:
    """A stage's input and output."""
    rows = [row for row in reader.run(stages_of(run.run_id, run.pass_index)) if row.stage is stage]
    if not rows:
        context.out.line(f"the run has not come to {stage.value}")
        return
    row, mark = rows[0], stage_mark(rows[0].status)
    context.out.line(
        Span(stage.value, STAGE_ROLES[stage], bold=True),
        "  ",
        Span(str(mark), mark.role),
        f"  {duration(row.duration_us)}",
    )
    output = reader.run(stage_output(run.run_id, stage, run.pass_index))
    for remark in _remarks(output):
        context.out.paragraph(remark.text, role=remark.role, indent="  ")
    for title, value in (
        ("INPUT", reader.run(stage_input(run.run_id, stage, run.pass_index))),
        ("OUTPUT", output),
    ):
        context.out.line()
        context.out.line(Span(title, Role.DIM))
        context.out.json(value)

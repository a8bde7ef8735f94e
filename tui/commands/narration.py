"""A run, a stage and a step told as text: what `show` prints. Which run is meant and where it is read from is decided elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.event import EventKind
from engine.model.states import DiagnosticsStatus, Reason, Stage, StepStatus
from store.queries import (
    attempts_of,
    children_of,
    failed_items,
    happenings,
    item_numbers,
    item_values,
    items_page,
    run_by_id,
    stage_input,
    stage_output,
    stages_of,
    step_by_id,
    step_result,
    steps_page,
)
from tui.commands.blocks import blocks_of, print_blocks
from tui.commands.tables import Column, print_table
from tui.viewmodel.failures import value_words
from tui.viewmodel.palette import STAGE_ROLES, Role
from tui.viewmodel.runs import Moment, note, run_duration_us, steps_done
from tui.viewmodel.text import Span
from tui.viewmodel.tracebacks import error_lines, is_exception
from tui.viewmodel.words import (
    NOTHING,
    clock,
    count,
    diagnostics_mark,
    duration,
    items_words,
    run_mark,
    short_id,
    size,
    stage_mark,
    step_mark,
)

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from store.reader import Reader
    from store.rows import AttemptRow, RunRow, StepRow
    from tui.commands.context import Context
    from tui.commands.output import Output, Piece

MOST_STEPS: Final = 100
_MOST_TEXT: Final = 4000


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
    if run.params:
        out.line(
            Span("  params  ", Role.DIM), ", ".join(f"{name}={_brief(value)}" for name, value in run.params.items())
        )
    out.line(Span("  folder  ", Role.DIM), run.workdir)
    out.line()
    _print_stages(context, reader, run, moment)
    _print_steps(context, reader, run, moment)
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
                _step_note(step, children.get(step.step_id), items_words(items.get(step.step_id, {}))),
            ]
        )
    context.out.line()
    print_table(context.out, columns, rows)
    if run.steps_total > len(steps):
        more = f"{steps_done(run)} steps are done; these are the first {count(len(steps))}, --json has all"
        context.out.line(Span(more, Role.DIM))


def _step_note(step: StepRow, child: str | None, items: str = "") -> Piece:
    """What became of it in words. `child` is the run of a sub-plan, the last one if it was tried again."""
    run = f"run {short_id(child)}" if child is not None else ""
    if step.message:
        # What failed of its items is what the message of a step with items says.
        before = run or ("" if step.reason is Reason.ITEMS_FAILED else items)
        said = f"{before}: {step.message}" if before else step.message
        return Span(said, Role.TEXT if step.status is StepStatus.FAILED else Role.DIM)
    return Span(", ".join(filter(None, [run, items, step.reason.value if step.reason else ""])), Role.DIM)


def _print_next(context: Context, reader: Reader, run: RunRow, *, engine_lost: bool) -> None:
    """What to type next, where something went wrong."""
    cause = run.first_cause or {}
    step_id = cause.get("step_id")
    if engine_lost:
        context.out.line()
        context.out.line(Span(f"next: opscope logs {short_id(run.run_id)}", Role.DIM))
    elif isinstance(step_id, str) and reader.run(step_by_id(run.run_id, step_id, run.pass_index)) is not None:
        context.out.line()
        context.out.line(Span(f"next: {hint_for_step(run.run_id, step_id)}", Role.DIM))


def hint_for_step(run_id: str, step_id: str) -> str:
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


def print_step(context: Context, reader: Reader, run: RunRow, step_id: str) -> None:
    """A step with its attempts: what was run where, how it ended, what it said."""
    out = context.out
    step = reader.run(step_by_id(run.run_id, step_id, run.pass_index))
    if step is None:
        return
    mark = step_mark(step.status)
    out.line(
        Span(step.step_id, Role.TEXT, bold=True), "  ", Span(str(mark), mark.role), f"  {duration(step.duration_us)}"
    )
    if step.message:
        out.line("  ", Span(step.message, mark.role))
    if step.depends_on:
        out.line(Span("  after   ", Role.DIM), ", ".join(step.depends_on))
    for name, child in reader.run(children_of(run.run_id)):
        if name == step_id:
            _print_child(out, reader, child)
    _print_reuse(context, reader, run, step)
    _print_items(context, reader, run, step)
    for attempt in reader.run(attempts_of(run.run_id, step_id, run.pass_index)):
        out.line()
        _print_attempt(context, run, attempt)
    result = reader.run(step_result(run.run_id, step_id, run.pass_index))
    if result is None:
        return
    _print_text(out, "stdout", result.get("stdout"))
    _print_text(out, "stderr", result.get("stderr"))
    print_error(out, result.get("error"), folder_of(reader, run))
    data = result.get("data")
    if data is not None and data != result.get("stdout"):
        out.line()
        out.line(Span("data", Role.DIM))
        out.json(data)


def _print_child(out: Output, reader: Reader, child_id: str) -> None:
    """The run of a sub-plan: its whole id, how it stands, and what to type to see why."""
    child = reader.run(run_by_id(child_id))
    if child is None:
        out.line(Span("  run     ", Role.DIM), child_id)
        return
    mark = run_mark(child.status)
    hint = f"  opscope why {short_id(child_id)}" if child.first_cause else ""
    out.line(Span("  run     ", Role.DIM), child_id, "  ", Span(str(mark), mark.role), Span(hint, Role.DIM))


def _print_reuse(context: Context, reader: Reader, run: RunRow, step: StepRow) -> None:
    """Where a result came from that was not made by this run."""
    if step.reason is not Reason.CACHE_HIT:
        return
    ends = reader.run(happenings(run.run_id, [EventKind.STEP_FINISHED], step_id=step.step_id))
    cache = ends[0].data.get("cache") if ends else None
    origin = cache.get("from") if isinstance(cache, dict) else None
    if isinstance(origin, dict) and isinstance(at_us := origin.get("at_us"), int):
        made = clock(at_us, now_us=context.now_us())
        context.out.line(
            Span("  result  ", Role.DIM), f"kept from run {short_id(str(origin.get('run_id')))}, made at {made}"
        )


def _print_items(context: Context, reader: Reader, run: RunRow, step: StepRow) -> None:
    """What became of each item of a step that runs for each of a list; of the first that failed, all that it said."""
    items = reader.run(items_page(run.run_id, step.step_id, run.pass_index, limit=MOST_STEPS + 1))
    if not items:
        return
    numbers = reader.run(item_numbers(run.run_id, [step.step_id], run.pass_index))
    values = reader.run(item_values(run.run_id, step.step_id, run.pass_index))
    columns = (
        Column("ITEM", right=True),
        Column("VALUE", flexible=True),
        Column("STATUS"),
        Column("TRIES", right=True),
        Column("DURATION", right=True),
        Column("NOTE", flexible=True),
    )
    rows: list[list[Piece]] = []
    for item in items[:MOST_STEPS]:
        mark = step_mark(item.status)
        index = item.item_index if item.item_index is not None else -1
        took = duration(item.duration_us if item.started_at_us is not None else None)
        value = value_words(values[index]) if index in values else NOTHING
        tries = str(item.attempts or NOTHING)
        rows.append([f"#{index}", value, Span(str(mark), mark.role), tries, took, _step_note(item, None)])
    context.out.line(Span("  items   ", Role.DIM), items_words(numbers.get(step.step_id, {})))
    context.out.line()
    print_table(context.out, columns, rows)
    if len(items) > MOST_STEPS:
        context.out.line(Span(f"these are the first {count(MOST_STEPS)}, --json has all", Role.DIM))
    for index in reader.run(failed_items(run.run_id, step.step_id, run.pass_index, 1)):
        _print_item(context, reader, run, step.step_id, index)


def _print_item(context: Context, reader: Reader, run: RunRow, step_id: str, index: int) -> None:
    out = context.out
    out.line()
    out.line(Span(f"item #{index}, the first that failed", Role.DIM))
    for attempt in reader.run(attempts_of(run.run_id, step_id, run.pass_index, index)):
        _print_attempt(context, run, attempt)
    result = reader.run(step_result(run.run_id, step_id, run.pass_index, index)) or {}
    _print_text(out, "stdout", result.get("stdout"))
    _print_text(out, "stderr", result.get("stderr"))
    print_error(out, result.get("error"), folder_of(reader, run))


def _print_attempt(context: Context, run: RunRow, attempt: AttemptRow) -> None:
    out, mark = context.out, step_mark(attempt.status)
    took = attempt.finished_at_us - attempt.started_at_us if attempt.finished_at_us is not None else None
    out.line(
        f"attempt {attempt.attempt}  ",
        Span(str(mark), mark.role),
        f"  {duration(took)}",
        f"  exit code {attempt.exit_code}" if attempt.exit_code is not None else "",
        Span(f"  {clock(attempt.started_at_us, now_us=context.now_us())}", Role.DIM),
    )
    definition = attempt.starting.get("definition")
    if not isinstance(definition, dict):
        return
    if definition.get("type") == "sql":
        out.line(Span("  database  ", Role.DIM), str(definition.get("database")))
        out.text(str(definition.get("query", "")).rstrip("\n"), indent="    ")
        out.line(Span("  args      ", Role.DIM), _brief(definition.get("args")))
        return
    if definition.get("type") != "command":
        _print_definition(out, definition)
        return
    out.line(Span("  folder    ", Role.DIM), str(definition.get("cwd") or run.workdir))
    out.text(pasteable(definition), indent="    ")


def _print_definition(out: Output, definition: JsonObject) -> None:
    """What an attempt ran that is no command, field by field; those that say nothing are left out."""
    for name, value in definition.items():
        if value in (None, [], {}):
            continue
        if isinstance(value, str) and "\n" in value:
            out.line(Span(f"  {name}", Role.DIM))
            out.text(value.rstrip("\n"), indent="    ")
        else:
            out.line(Span(f"  {name:<9} ", Role.DIM), _brief(value))


def pasteable(definition: JsonObject) -> str:
    """A command's argument vector as a shell takes it."""
    import shlex

    arguments = definition.get("args")
    words = [str(definition.get("command")), *map(str, arguments if isinstance(arguments, list) else [])]
    return shlex.join(words)


def folder_of(reader: Reader, run: RunRow) -> str:
    """The folder of the plan, empty if it is not known."""
    created = reader.run(happenings(run.run_id, [EventKind.RUN_CREATED]))
    return str(created[0].data.get("plan_folder") or "") if created else ""


def print_error(out: Output, error: Json, folder: str) -> None:
    """What a program said of its own failure, the place first that it happened in."""
    if not isinstance(error, dict):
        return
    out.line()
    out.line(Span("error", Role.DIM))
    if is_exception(error):
        for line in error_lines(error, folder):
            out.text(line, indent="  ")
        return
    for name, value in error.items():
        if isinstance(value, str) and "\n" in value.strip():
            out.line(Span(f"  {name}", Role.DIM))
            out.text(value.strip("\n"), indent="    ")
        elif value not in (None, [], {}):
            out.line(Span(f"  {name:<9} ", Role.DIM), _brief(value))


def _print_text(out: Output, title: str, text: Json) -> None:
    if not isinstance(text, str) or not text:
        return
    out.line()
    kept = text[-_MOST_TEXT:]
    cut = f" (the last {size(len(kept))}; opscope logs has all)" if len(text) > len(kept) else ""
    out.line(Span(f"{title}{cut}", Role.DIM))
    out.text(kept.rstrip("\n"), indent="  ")


def _brief(value: Json) -> str:
    import json

    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else text[:200] + "…"

"""The end of `opscope run`: its answer, then one line that says how it went and what to type next. Read from the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import RunStatus, Stage
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import duration, plural, run_mark, short_id

if TYPE_CHECKING:
    from store.rankings import Ranked
    from store.rows import RunRow
    from tui.commands.context import Context


def print_outcome(context: Context, run_id: str, *, as_json: bool, closing_line: bool) -> None:
    """Write the run's trace, or its answer and the closing line."""
    from store.queries import run_by_id, stage_output
    from store.rankings import rankings_of
    from store.reader import Reader
    from tui.commands.blocks import blocks_of, print_blocks

    with Reader.open(context.database) as reader:
        run = reader.run(run_by_id(run_id))
        ranked = reader.run(rankings_of([run_id])).get(run_id)
        if as_json:
            from store.trace import trace_document

            context.out.json(trace_document(reader, run_id))
        else:
            blocks = blocks_of(reader.run(stage_output(run_id, Stage.PRESENT, run.pass_index if run else 0)))
            if blocks and context.err.is_terminal and context.out.is_terminal and closing_line:
                context.out.line()
            print_blocks(context.out, blocks)
    context.out.flush()
    if closing_line and run is not None:
        print_closing_line(context, run, ranked)


def print_closing_line(context: Context, run: RunRow, ranked: Ranked | None = None) -> None:
    """`✓ SUCCEEDED 7f3a91 host-triage 412ms   opscope show 7f3a91`, and what stands out of the run's baseline."""
    from tui.viewmodel.ranking_words import suspect_lines
    from tui.viewmodel.runs import note

    mark, err = run_mark(run.status), context.err
    said = note(run)
    steps = f"{plural(run.steps_total, 'step')}  " if run.has_plan else ""
    if context.out.is_terminal:
        err.line()
    err.line(
        Span(f"{mark}  ", mark.role),
        Span(short_id(run.run_id), Role.TEXT, bold=True),
        f"  {run.plan_id}  {steps}{duration(run.duration_us)}",
    )
    if said:
        err.paragraph(said, role=mark.role if run.status is not RunStatus.SUCCEEDED else Role.WARNING, indent="  ")
    for line in suspect_lines(ranked):
        err.line("  ", *line)
    err.line(Span(f"  next: {next_command(run)}", Role.DIM))


def next_command(run: RunRow) -> str:
    """What is worth typing now."""
    step_id = (run.first_cause or {}).get("step_id")
    if run.status is RunStatus.FAILED and isinstance(step_id, str):
        return f"opscope show '{short_id(run.run_id)}/stage/execute?step={step_id}'"
    return f"opscope show {short_id(run.run_id)}, or opscope for the inspector"

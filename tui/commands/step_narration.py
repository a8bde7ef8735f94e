"""A step told as text, with its items and the run that it is: what `show` prints of it. Attempts are in attempt_narration.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.event import EventKind
from engine.model.states import Reason, StepStatus
from store.queries import (
    attempts_of,
    children_of,
    failed_items,
    happenings,
    item_numbers,
    item_values,
    items_page,
    run_by_id,
    step_by_id,
    step_result,
)
from tui.commands.attempt_narration import print_attempt, print_error, print_text
from tui.commands.tables import Column, print_table
from tui.viewmodel.failures import value_words
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span
from tui.viewmodel.words import NOTHING, clock, count, duration, items_words, run_mark, short_id, step_mark

if TYPE_CHECKING:
    from store.reader import Reader
    from store.rows import RunRow, StepRow
    from tui.commands.context import Context
    from tui.commands.output import Output, Piece

MOST_STEPS: Final = 100


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
        print_attempt(context, run, attempt)
    result = reader.run(step_result(run.run_id, step_id, run.pass_index))
    if result is None:
        return
    print_text(out, "stdout", result.get("stdout"))
    print_text(out, "stderr", result.get("stderr"))
    print_error(out, result.get("error"), _folder_of(reader, run))
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
        rows.append([f"#{index}", value, Span(str(mark), mark.role), tries, took, step_note(item, None)])
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
        print_attempt(context, run, attempt)
    result = reader.run(step_result(run.run_id, step_id, run.pass_index, index)) or {}
    print_text(out, "stdout", result.get("stdout"))
    print_text(out, "stderr", result.get("stderr"))
    print_error(out, result.get("error"), _folder_of(reader, run))


def step_note(step: StepRow, child: str | None, items: str = "") -> Piece:
    """What became of it in words. `child` is the run of a sub-plan, the last one if it was tried again."""
    run = f"run {short_id(child)}" if child is not None else ""
    if step.message:
        # What failed of its items is what the message of a step with items says.
        before = run or ("" if step.reason is Reason.ITEMS_FAILED else items)
        said = f"{before}: {step.message}" if before else step.message
        return Span(said, Role.TEXT if step.status is StepStatus.FAILED else Role.DIM)
    return Span(", ".join(filter(None, [run, items, step.reason.value if step.reason else ""])), Role.DIM)


def _folder_of(reader: Reader, run: RunRow) -> str:
    """The folder of the plan, empty if it is not known."""
    created = reader.run(happenings(run.run_id, [EventKind.RUN_CREATED]))
    return str(created[0].data.get("plan_folder") or "") if created else ""

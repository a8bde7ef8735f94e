"""`opscope show RUN --explain STEP`: why a step was skipped, tried again, refused, or took a kept result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.model.states import StepStatus
from store.queries import children_of, step_by_id, step_events
from tui.commands.records import require_step
from tui.viewmodel.palette import Role
from tui.viewmodel.step_story import What, step_story
from tui.viewmodel.text import Span
from tui.viewmodel.words import step_mark, time_of_day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from store.reader import Reader
    from store.rows import EventRow, RunRow, StepRow
    from tui.commands.context import Context
    from tui.viewmodel.step_story import Chapter

_AT_ONCE: Final = 500
_ROLES: Final = {What.CACHE: Role.DIM, What.BREAKER: Role.WARNING, What.WAITED: Role.DIM}


def explain(context: Context, reader: Reader, run: RunRow, step_id: str, *, as_json: bool) -> None:
    """Print the story of the step. Raises InputError for a step that the run does not have."""
    step = require_step(reader, run, step_id)
    chapters = step_story(step, _events(reader, run, step_id), _unsettled(reader, run, step))
    if as_json:
        context.out.json(
            {
                "run_id": run.run_id,
                "step_id": step_id,
                "status": step.status.value,
                "reason": step.reason.value if step.reason else None,
                "message": step.message,
                "child_runs": [child for name, child in reader.run(children_of(run.run_id)) if name == step_id],
                "story": [chapter.to_json() for chapter in chapters],
            }
        )
        return
    mark = step_mark(step.status)
    context.out.line(
        Span(step_id, Role.TEXT, bold=True),
        "  ",
        Span(str(mark), mark.role),
        f"  {step.reason.value}" if step.reason else "",
    )
    for chapter in chapters:
        _print(context, chapter)


def _print(context: Context, chapter: Chapter) -> None:
    at = time_of_day(chapter.at_us, exact=True) if chapter.at_us is not None else ""
    item = f"#{chapter.item_index}  " if chapter.item_index is not None else ""
    context.out.line(
        Span(f"  {at}  " if at else "  ", Role.DIM),
        Span(item, Role.DIM),
        Span(chapter.text, _ROLES.get(chapter.what, Role.TEXT)),
    )


def _events(reader: Reader, run: RunRow, step_id: str) -> Iterator[EventRow]:
    seq = 0
    while rows := reader.run(step_events(run.run_id, step_id, run.pass_index, after_seq=seq, limit=_AT_ONCE)):
        seq = rows[-1].seq
        yield from rows


def _unsettled(reader: Reader, run: RunRow, step: StepRow) -> list[str]:
    """The steps that it still waits for."""
    if step.status is not StepStatus.PENDING:
        return []
    needed = (reader.run(step_by_id(run.run_id, name, run.pass_index)) for name in step.depends_on)
    return [row.step_id for row in needed if row is not None and not row.status.is_final]

"""Handmade passes for the views of groups: steps with the times, tries and items that a test needs, and the text of what is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.model.states import Reason, StepStatus, StepType
from store.queries import Shape
from store.rows import StepRow
from tests.tui.samples import NOW_US, SECOND
from tests.tui.viewmodel.rows import run_row
from tui.viewmodel.groups.layering import Wish, layered
from tui.viewmodel.groups.picture import GroupsPicture, as_measured
from tui.viewmodel.groups.relations import relate
from tui.viewmodel.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from store.queries import Source, Try
    from store.rows import RunRow
    from tui.viewmodel.groups.graph import Graph

START_US = NOW_US - 60 * SECOND
"""When the steps of these passes begin."""


@dataclass(frozen=True)
class Made:
    """A step: what it waits for, its state, and when it ran, in seconds from the beginning; `took` where that is another time."""

    id: str
    needs: tuple[str, ...] = ()
    status: StepStatus = StepStatus.SUCCEEDED
    ran: tuple[float, float | None] | None = (0, 1)
    attempts: int = 1
    reason: Reason | None = None
    took: float | None = None


def picture(
    steps: Sequence[Made],
    *,
    run: RunRow | None = None,
    fallback_of: Mapping[str, str] | None = None,
    at_the_end: Sequence[str] = (),
    items: Mapping[str, Mapping[StepStatus, int]] | None = None,
    tries: Mapping[str, Sequence[Try]] | None = None,
    reused: Mapping[str, Source] | None = None,
) -> GroupsPicture:
    """A pass of these steps, each in the group after the last step that it waits for."""
    group: dict[str, int] = {}
    for step in steps:
        group[step.id] = 1 + max((group[need] for need in step.needs), default=-1)
    last = max(group.values(), default=0)
    for step_id in at_the_end:
        group[step_id] = last + 1
    rows = [
        as_measured(_row(step, group[step.id], order), (tries or {}).get(step.id, ()))
        for order, step in enumerate(steps)
    ]
    return GroupsPicture(
        run or run_row(started_at_us=START_US),
        rows,
        len(rows),
        Shape(dict(fallback_of or {}), frozenset(at_the_end)),
        dict(tries or {}),
        dict(items or {}),
        "dag",
        since_us=START_US,
        reused=dict(reused or {}),
    )


def _row(step: Made, group: int, order: int) -> StepRow:
    started = None if step.ran is None else START_US + round(step.ran[0] * SECOND)
    ended = None if step.ran is None or step.ran[1] is None else START_US + round(step.ran[1] * SECOND)
    return StepRow(
        run_id="r" * 32,
        pass_index=0,
        step_id=step.id,
        item_index=None,
        status=step.status,
        reason=step.reason,
        message="",
        tool_type=StepType.COMMAND,
        group_index=group,
        execution_order=order,
        depends_on=step.needs,
        attempts=step.attempts,
        exit_code=None,
        started_at_us=started,
        finished_at_us=ended,
        duration_us=None
        if started is None or ended is None
        else ended - started
        if step.took is None
        else round(step.took * SECOND),
    )


def graph_of(found: GroupsPicture, cells: int = 78, lines: int = 40, **wish: frozenset[int]) -> Graph:
    """The graph of a pass."""
    return layered(found, relate(found.steps, found.shape.fallback_of), Wish(cells, lines, **wish))


def text_of(graph: Graph, found: GroupsPicture, chosen: int | str | None = None) -> str:
    """Everything that is drawn."""
    lit = graph.lit(chosen)
    lines = [plain(graph.line(n, found, NOW_US, chosen=chosen, lit=lit)).rstrip() for n in range(graph.line_count)]
    return "\n".join(lines)

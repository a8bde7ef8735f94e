"""What stands around the runs that go on: how many there are, and what ended last where there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import RunStatus
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import note, run_duration_us
from tui.viewmodel.text import Line, Span, fit, joined, span
from tui.viewmodel.words import clock, count, duration, run_mark, short_id

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from store.rows import RunRow
    from tui.viewmodel.runs import Moment

_PLAN = 20


def title_counts(runs: Sequence[RunRow], lost: Collection[str], *, follows: bool) -> Line:
    """`● live   12 running  2 wait`, and how many have lost their engine. Those that have just ended are none of them."""
    runs = [row for row in runs if not row.status.is_final]
    waiting = [r for r in runs if r.status in (RunStatus.PAUSED, RunStatus.QUARANTINED) or r.awaited_locks]
    gone = [row for row in runs if row.run_id in lost]
    running = len(runs) - len({row.run_id for row in (*waiting, *gone)})
    parts: list[Line] = []
    if follows:
        parts.append((Span("● live", Role.RUNNING if running else Role.DIM),))
    said = [Span(f"{count(running)} running", Role.RUNNING if running else Role.DIM)]
    still = [row for row in waiting if row.run_id not in lost]
    if still:
        said.append(Span(f"  {count(len(still))} {'waits' if len(still) == 1 else 'wait'}", Role.WARNING))
    if gone:
        said.append(Span(f"  {count(len(gone))} lost", Role.FAILED))
    return joined([*parts, tuple(said)], "   ")


def ended_lines(rows: Sequence[RunRow], moment: Moment) -> list[Line]:
    """What ended last, a line each."""
    lines: list[Line] = [(Span("ended last", Role.DIM),)] if rows else []
    for row in rows:
        mark = run_mark(row.status)
        at = clock(row.finished_at_us, now_us=moment.now_us, zone=moment.zone)
        took = duration(run_duration_us(row, moment))
        lines.append(
            (
                Span(fit(str(mark), 13), mark.role),
                Span(f"{short_id(row.run_id)}  ", bold=True),
                Span(fit(row.plan_id, _PLAN)),
                Span(f" {took:>8}  {at:>12}  ", Role.DIM),
                span(note(row), Role.DIM),
            )
        )
    return lines

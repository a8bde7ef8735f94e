"""What the title line says of the list of runs at its right end: the marks, whether it follows, the counts. No widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.viewmodel.palette import Role
from tui.viewmodel.runs import counts_line
from tui.viewmodel.runs_line import MARKED
from tui.viewmodel.text import Line, Span, joined
from tui.viewmodel.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.rows import RunCounts, RunRow


def title_right(
    counts: RunCounts, rows: Sequence[RunRow], *, lost: int, marks: int, follows: bool, goes_on: bool
) -> Line:
    """`rows` are those that are known, `lost` of them have no engine; `goes_on` says that an engine works on one of them."""
    live: Line = (Span("● live", Role.RUNNING if goes_on else Role.DIM),) if follows else ()
    marked: Line = (Span(f"{MARKED} {count(marks)} marked", Role.STRONG, bold=True),) if marks else ()
    still = sum(row.imported_at_us is not None and not row.status.is_final for row in rows)
    return joined((marked, live, counts_line(counts, lost=lost, still=still)), "   ")

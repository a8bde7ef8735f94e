"""Which columns the table of runs has at a width, how wide they are, and their titles. What stands in a cell is in runs_line.py."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.cells import cell_len

from store.queries import NEWEST, RunOrder, RunSort
from tui.terminal import visible
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import steps_done
from tui.viewmodel.text import Line, Span, fit
from tui.viewmodel.words import SHORT_ID, unique_length

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from store.rows import RunRow


class Column(Enum):
    """A column of the runs table: its title, its least width in cells, whether it is right-aligned, and its rank.

    The lower the rank, the longer a column stays when the terminal gets narrow.
    """

    STATUS = ("STATUS", 13, False, 0)
    RUN = ("RUN", SHORT_ID, False, 1)
    PLAN = ("PLAN", 10, False, 2)
    ROUTE = ("ROUTE", 6, False, 10)
    STAGE = ("STAGE", 10, False, 8)
    STEPS = ("STEPS", 5, True, 4)
    REPLANS = ("REPLANS", 7, True, 11)
    SCORE = ("SCORE", 5, True, 12)
    DURATION = ("DURATION", 8, True, 3)
    STARTED = ("STARTED", 8, True, 5)
    NOTE = ("NOTE", 24, False, 9)

    def __init__(self, title: str, least: int, right: bool, rank: int) -> None:
        self.title = title
        self.least = least
        self.right = right
        self.rank = rank


COLUMN_NAMES: Final = tuple(column.title.lower() for column in Column)
"""The names under which a person chooses columns."""
SORT_COLUMNS: Final = {
    RunSort.STARTED: Column.STARTED,
    RunSort.DURATION: Column.DURATION,
    RunSort.PLAN: Column.PLAN,
    RunSort.STATUS: Column.STATUS,
    RunSort.STEPS: Column.STEPS,
    RunSort.REPLANS: Column.REPLANS,
    RunSort.SCORE: Column.SCORE,
}
"""Where each sort is seen."""

GAP: Final = 2
_TOLD_RANKS: Final = {Column.SCORE: 6, Column.REPLANS: 7}
"""The ranks of columns that are mostly empty, once a run has something to say in them: more than the stage has."""
_SORTED_RANK: Final = 2.5
"""The rank of the column by which somebody sorts: only what a run is called comes before it."""
_NOTE_FROM: Final = 130
_PLAN_MOST: Final = 28
_ID_MOST: Final = 12
_WIDE: Final = 100
_BESIDE: Final = 90
"""What the table has beside a preview."""
_LONG_CLOCK: Final = 12
_DATE: Final = 10


class Layout(NamedTuple):
    """The columns that fit, in order, with their widths."""

    columns: tuple[tuple[Column, int], ...]
    cells: int


class Lengths(NamedTuple):
    """The longest texts of the columns whose width depends on what is in them, and which of the others say something.

    They only ever grow, so nothing jumps.
    """

    run: int = SHORT_ID
    plan: int = 0
    steps: int = 0
    told: frozenset[Column] = frozenset()

    def grown(self, rows: Sequence[RunRow]) -> Lengths:
        """With these rows seen too."""
        told = {Column.REPLANS} if any(row.replans for row in rows) else set()
        if any(row.score is not None for row in rows):
            told.add(Column.SCORE)
        return Lengths(
            max(self.run, min(_ID_MOST, unique_length(row.run_id for row in rows))),
            max([self.plan, *(cell_len(visible(row.plan_id)) for row in rows)]),
            max([self.steps, *(len(steps_done(row)) for row in rows)]),
            self.told | told,
        )


def columns_named(names: Collection[str]) -> tuple[Column, ...]:
    """The columns that a person chose, in the order chosen; names that are none are left out."""
    known = {column.title.lower(): column for column in Column}
    return tuple(dict.fromkeys(known[name.lower()] for name in names if name.lower() in known))


@lru_cache(16)
def layout(
    cells: int, *, lengths: Lengths | None = None, order: RunOrder = NEWEST, chosen: tuple[Column, ...] = ()
) -> Layout:
    """The columns for a table `cells` wide: a plan's name is shown whole before columns that tell less.

    A column that was asked to sort is always there, be it among those that were `chosen` or not.
    """
    available = cells - 2
    lengths = lengths or Lengths()
    least = _least(cells, lengths)
    ranks = _ranks(lengths, order, chosen)
    if Column.PLAN in ranks:
        needed = [column for column in ranks if ranks[column] <= ranks.get(Column.STARTED, ranks[Column.PLAN])]
        room = available - sum(least[column] + GAP for column in needed) + GAP
        least[Column.PLAN] += max(0, min(room, min(lengths.plan, _PLAN_MOST) - least[Column.PLAN]))
    fitting: set[Column] = set()
    taken = -GAP
    for column in sorted(ranks, key=lambda column: ranks[column]):
        if column is Column.NOTE and cells < _NOTE_FROM and not chosen:
            continue
        if fitting and taken + GAP + least[column] > available:
            # What tells less does not come instead only because it is narrow: a plan's name can use the room.
            break
        fitting.add(column)
        taken += GAP + least[column]
    _spend(max(0, available - taken), least, fitting)
    ordered = [column for column in (chosen or Column) if column in fitting]
    ordered += [column for column in ranks if column in fitting and column not in ordered]
    return Layout(tuple((column, min(least[column], max(1, available))) for column in ordered), cells)


def _least(cells: int, lengths: Lengths) -> dict[Column, int]:
    least = {column: column.least for column in Column}
    least[Column.RUN] = max(SHORT_ID, lengths.run)
    least[Column.STEPS] = max(Column.STEPS.least, lengths.steps)
    if cells >= _WIDE:
        least[Column.STARTED] = _LONG_CLOCK
    elif cells >= _BESIDE:
        # A year and a month alone say too little where there is room for columns that say less.
        least[Column.STARTED] = _DATE
    return least


def _ranks(lengths: Lengths, order: RunOrder, chosen: tuple[Column, ...]) -> dict[Column, float]:
    ranks = {
        column: float(_TOLD_RANKS[column] if column in lengths.told else column.rank)
        for column in (chosen or tuple(Column))
    }
    if order.by is not RunSort.STARTED:
        sorts = SORT_COLUMNS[order.by]
        ranks[sorts] = min(ranks.get(sorts, _SORTED_RANK), _SORTED_RANK)
    return ranks


def _spend(spare: int, least: dict[Column, int], fitting: set[Column]) -> None:
    """Give the columns that can use it the room that is left."""
    if Column.STARTED in fitting:
        grown = min(spare, max(0, _LONG_CLOCK - least[Column.STARTED]))
        least[Column.STARTED] += grown
        spare -= grown
        # A date needs one cell more than that: the one before the scrollbar.
        least[Column.STARTED] += least[Column.STARTED] == _DATE - 1
    if Column.PLAN in fitting:
        grown = min(spare, max(0, _PLAN_MOST - least[Column.PLAN]))
        least[Column.PLAN] += grown
        spare -= grown
    if Column.NOTE in fitting:
        least[Column.NOTE] += spare


def header(plan: Layout, order: RunOrder = NEWEST) -> Line:
    """The titles of the columns; an arrow shows by which they are sorted, down where the largest comes first."""
    out: list[Span] = []
    before = " "
    for column, cells in plan.columns:
        if column is not SORT_COLUMNS[order.by]:
            out += [Span(before), Span(fit(column.title, cells, right=column.right), Role.DIM)]
        else:
            arrow = "↓" if order.descends else "↑"
            if column.right and cell_len(column.title) >= cells:
                # There is no room for the arrow but in the gap before the title.
                out += [Span(before[:-1]), Span(arrow + column.title, Role.TEXT, bold=True)]
            else:
                apart = " " if cell_len(column.title) + 1 < cells else ""
                said = f"{arrow}{apart}{column.title}" if column.right else f"{column.title}{apart}{arrow}"
                out += [Span(before), Span(fit(said, cells, right=column.right), Role.TEXT, bold=True)]
        before = " " * GAP
    return tuple(out)

"""The tabs of a run: their names, their keys and the row they stand in. What is in one is up to its own view model."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, joined, spread, width


class Tab(Enum):
    """A tab: its key and its name. The keys leave room for the tabs that stand between these."""

    STAGES = (1, "Stages")
    GROUPS = (2, "Groups")
    REPLANS = (3, "Replans")
    LOGS = (4, "Logs")
    EVENTS = (5, "Events")
    ASSETS = (6, "Assets")
    ANSWER = (7, "Answer")

    def __init__(self, key: int, title: str) -> None:
        self.key = key
        self.title = title


_WIDE, _NAMES = 100, 66
"""Cells from which the tabs stand apart, and from which all of them have their names."""


class TabPlace(NamedTuple):
    """Where a tab stands in the row: the cells from `start` to `stop`."""

    tab: Tab
    start: int
    stop: int


def tab_row(chosen: Tab, facts: Line, cells: int) -> tuple[Line, list[TabPlace]]:
    """`[1 Stages]  4 Logs   5 Events`, what the chosen one says of itself at the right, and where each of them stands."""
    is_wide = cells >= _WIDE
    row: list[Span] = [Span(" ")] if is_wide else []
    places: list[TabPlace] = []
    for tab in Tab:
        here = tab is chosen
        # Where there is little room, two neighbours share the cell between them.
        is_shared = not is_wide and bool(row) and row[-1].text == "]"
        start = width(tuple(row)) - is_shared
        if not is_shared:
            row.append(Span("[" if here else " ", Role.TEXT, bold=here))
        row.append(Span(f"{tab.key}", Role.DIM))
        if here or cells >= _NAMES:
            row.append(Span(f" {tab.title}", Role.STRONG if here else Role.TEXT, bold=here))
        places.append(TabPlace(tab, start, width(tuple(row)) + is_wide))
        if here or is_wide:
            row.append(Span("]" if here else " ", Role.TEXT, bold=here))
        if is_wide:
            row.append(Span(" "))
    if not is_wide and width(tuple(row)) + width(facts) + 2 > cells:
        # Counts give way to what was chosen and to what goes on.
        facts = joined([(fact,) for fact in facts if fact.role is not Role.DIM]) or facts
    return spread(tuple(row), (*facts, Span(" ")) if facts else (), cells), places

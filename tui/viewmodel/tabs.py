"""The tabs of a run: their names, their keys and the row they stand in. What is in one is up to its own view model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, spread, width


class Tab(Enum):
    """A tab: its key and its name. The keys leave room for the tabs that stand between these."""

    STAGES = (1, "Stages")
    LOGS = (4, "Logs")
    EVENTS = (5, "Events")

    def __init__(self, key: int, title: str) -> None:
        self.key = key
        self.title = title


@dataclass(frozen=True, slots=True)
class TabPlace:
    """Where a tab stands in the row: the cells from `start` to `stop`."""

    tab: Tab
    start: int
    stop: int


def tab_row(chosen: Tab, facts: Line, cells: int) -> tuple[Line, list[TabPlace]]:
    """`[1 Stages]  4 Logs   5 Events`, what the chosen one says of itself at the right, and where each of them stands."""
    row: list[Span] = [Span(" ")]
    places: list[TabPlace] = []
    for tab in Tab:
        start = width(tuple(row))
        here = tab is chosen
        row.append(Span("[" if here else " ", Role.TEXT, bold=here))
        row.append(Span(f"{tab.key} ", Role.DIM))
        row.append(Span(tab.title, Role.STRONG if here else Role.TEXT, bold=here))
        row.append(Span("] " if here else "  ", Role.TEXT, bold=here))
        places.append(TabPlace(tab, start, width(tuple(row))))
    return spread(tuple(row), (*facts, Span(" ")) if facts else (), cells), places

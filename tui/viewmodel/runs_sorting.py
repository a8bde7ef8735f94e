"""By what runs can be sorted, as a person chooses it. How the file sorts is the store's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from store.queries import RunOrder, RunSort
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span

if TYPE_CHECKING:
    from tui.viewmodel.text import Line

SORTS: Final = (
    (RunSort.STARTED, "the newest first", "the oldest first"),
    (RunSort.DURATION, "the longest first", "the shortest first"),
    (RunSort.STATUS, "what failed first", "what went well first"),
    (RunSort.PLAN, "by the alphabet", "from Z to A"),
    (RunSort.STEPS, "the most first", "the fewest first"),
    (RunSort.REPLANS, "the most first", "the fewest first"),
    (RunSort.SCORE, "the lowest first", "the highest first"),
)
"""Each sort with what stands first, and what does the other way round; in the order in which they are offered."""


def sort_choices(order: RunOrder) -> list[tuple[Line, Line]]:
    """The sorts, the one that holds now said as it holds."""
    choices: list[tuple[Line, Line]] = []
    for by, first, turned in SORTS:
        is_now = by is order.by
        said = turned if is_now and order.reversed else first
        choices.append(((Span(by.value, bold=is_now),), (Span(said, Role.TEXT if is_now else Role.DIM),)))
    return choices


def turned_to(order: RunOrder, by: RunSort) -> RunOrder:
    """Sorted by something else; by the same once more, the other way round."""
    if by is order.by:
        return order._replace(reversed=not order.reversed)
    return RunOrder(by)

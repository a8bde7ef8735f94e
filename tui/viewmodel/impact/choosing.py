"""The lists that the Impact screen offers: the assets there are, and the runs that used a version. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.viewmodel.palette import Role
from tui.viewmodel.text import Line, Span, span
from tui.viewmodel.words import clock, count, duration, plural, run_mark, unique_length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.regression.impact import Use
    from store.assets.reading import AssetHistory
    from tui.viewmodel.runs import Moment


def asset_choices(histories: Sequence[AssetHistory]) -> list[tuple[Line, Line]]:
    """Each asset with its number of versions, and how many runs used it."""
    room = max((len(str(history.name)) for history in histories), default=0)
    return [
        (
            (span(str(history.name).ljust(room)), Span(f"  {plural(len(history.versions), 'version')}", Role.DIM)),
            (Span(count(history.runs), Role.TEXT if history.runs else Role.DIM),),
        )
        for history in histories
    ]


def run_choices(uses: Sequence[Use], moment: Moment) -> list[tuple[Line, Line]]:
    """Each run with how it ended and its plan, and when it was."""
    length = unique_length(use.run_id for use in uses)
    found: list[tuple[Line, Line]] = []
    for use in uses:
        mark = run_mark(use.status)
        left: Line = (
            Span(f"{mark!s:<14}", mark.role), Span(f"{use.run_id[:length]}  "), span(f"{use.plan_id}  "),
        )  # fmt: skip
        at = clock(use.created_at_us, now_us=moment.now_us, zone=moment.zone)
        found.append((left, (Span(f"{duration(use.duration_us):>8}  "), Span(f"{at:>12}", Role.DIM))))
    return found

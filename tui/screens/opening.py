"""Which screen shows a place. Those that are not opened every time are imported when they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from tui.places import ComparePlace, ImpactPlace, MonitorPlace, RunPlace

if TYPE_CHECKING:
    from textual.screen import Screen

    from tui.places import Place


def screen_of(place: Place) -> Screen[None]:
    """A new screen for a place."""
    match place:
        case RunPlace():
            from tui.screens.run import RunScreen

            return RunScreen(place)
        case ComparePlace(candidates=(), analysis_id=None):
            from tui.screens.comparing.kept import KeptScreen

            return KeptScreen(place)
        case ComparePlace():
            from tui.screens.compare import CompareScreen

            return CompareScreen(place)
        case ImpactPlace():
            from tui.screens.impact import ImpactScreen

            return ImpactScreen(place)
        case MonitorPlace():
            from tui.screens.monitor import MonitorScreen

            return MonitorScreen()
        case _:
            assert_never(place)

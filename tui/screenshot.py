"""Pictures of screens without a terminal: the same inspector, run headless, waited for until it rests. No layout of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from tui.app import Inspector, wall_clock
from tui.places import RunPlace
from tui.preferences import Preferences
from tui.screens.run import RunScreen
from tui.viewmodel.tabs import Tab

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo
    from pathlib import Path

    from tui.places import Place


Screen: TypeAlias = Literal[
    "runs",
    "monitor",
    "stages",
    "groups",
    "gantt",
    "replans",
    "logs",
    "events",
    "assets",
    "answer",
    "why",
    "override",
    "impact",
    "compare",
]
_TABS: Final = {
    "stages": Tab.STAGES,
    "groups": Tab.GROUPS,
    "gantt": Tab.GROUPS,
    "replans": Tab.REPLANS,
    "logs": Tab.LOGS,
    "events": Tab.EVENTS,
    "assets": Tab.ASSETS,
    "answer": Tab.ANSWER,
}


async def screenshot(
    db_path: Path,
    screen: Screen,
    place: Place | None = None,
    size: tuple[int, int] = (120, 40),
    format: Literal["svg", "text"] = "svg",  # noqa: A002  (the word of the command's option)
    *,
    clock: Callable[[], int] = wall_clock,
    zone: tzinfo | None = None,
    light: bool = False,
    ascii_only: bool = False,
    theme: str | None = None,
) -> str:
    """A screen at `size` (columns, rows) as SVG or as plain text, the same for the same file and clock.

    `place` is what the screen shows; on `runs` it is not needed. `theme` is one of `tui.preferences`; without it `light`
    says which of ours it is. Raises StoreError or InputError when the file or the run cannot be read.
    """
    run = place if isinstance(place, RunPlace) else None
    app = Inspector(
        db_path,
        place=run._replace(tab=_TABS.get(screen, Tab.STAGES)) if run is not None else place,
        clock=clock,
        zone=zone,
        light=light,
        ascii_only=ascii_only,
        follows=False,
        preferences=Preferences(theme=theme),
    )
    async with app.run_test(size=size) as pilot:
        await app.busy.settled()
        await pilot.pause()
        if screen == "why" and run is not None and app.last_error is None:
            app.show_why(run.run_id)
            await pilot.pause()
        if screen == "override" and run is not None and app.last_error is None:
            app.open_override(run.run_id, step_id=run.step_id)
            await pilot.pause()
        await app.busy.settled()
        await pilot.pause()
        if screen == "gantt" and isinstance(app.screen, RunScreen) and app.last_error is None:
            app.screen.groups.show_gantt()
            await app.busy.settled()
            await pilot.pause()
        if app.last_error is not None:
            raise app.last_error
        return app.export_screenshot() if format == "svg" else app.export_text()

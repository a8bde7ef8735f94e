"""Pictures of screens without a terminal: the same inspector, run headless, waited for until it rests. No layout of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from tui.app import Inspector, wall_clock
from tui.preferences import Preferences
from tui.screens.run import RunScreen
from tui.viewmodel.tabs import Tab

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo
    from pathlib import Path

    from engine.model.states import Stage
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
    run_id: str | None,
    screen: Screen,
    size: tuple[int, int] = (120, 40),
    format: Literal["svg", "text"] = "svg",  # noqa: A002  (the word of the command's option)
    *,
    stage: Stage | None = None,
    step_id: str | None = None,
    clock: Callable[[], int] = wall_clock,
    zone: tzinfo | None = None,
    light: bool = False,
    ascii_only: bool = False,
    place: Place | None = None,
    theme: str | None = None,
) -> str:
    """A screen at `size` (columns, rows) as SVG or as plain text, the same for the same file and clock.

    `place` is what a screen shows that is of no single run. `theme` is one of `tui.preferences`; without it `light` says
    which of ours it is.
    `run_id` is the whole id of the run; on `runs` it is not needed. Raises StoreError or InputError when
    the file or the run cannot be read.
    """
    app = Inspector(
        db_path,
        run_id=None if screen == "runs" else run_id,
        tab=_TABS.get(screen, Tab.STAGES),
        stage=stage,
        step_id=step_id,
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
        if place is not None and app.last_error is None:
            app.go(place)
            await pilot.pause()
        if screen == "why" and run_id is not None and app.last_error is None:
            app.show_why(run_id)
            await pilot.pause()
        if screen == "override" and run_id is not None and app.last_error is None:
            app.open_override(run_id, step_id=step_id)
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

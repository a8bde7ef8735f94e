"""The inspector with a clock and a zone that stand still."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from tests.tui.samples import NOW_US, run_id
from tui.app import Inspector
from tui.places import RunPlace
from tui.viewmodel.tabs import Tab

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.states import Stage
    from tui.preferences import Preferences


def inspector(
    path: Path,
    run: int | None = None,
    *,
    stage: Stage | None = None,
    light: bool = False,
    ascii_only: bool = False,
    follows: bool = False,
    tab: Tab = Tab.STAGES,
    watching: bool = False,
    read_only: bool = False,
    preferences: Preferences | None = None,
) -> Inspector:
    """Looks at `path` on the first of January 2026 at noon; `run` is the number of a sample to open."""
    return Inspector(
        path,
        place=None if run is None else RunPlace(run_id(run), stage, tab),
        clock=lambda: NOW_US,
        zone=UTC,
        light=light,
        ascii_only=ascii_only,
        follows=follows,
        watching=watching,
        read_only=read_only,
        preferences=preferences,
    )

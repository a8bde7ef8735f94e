"""The Why screen: the explanation of a run with its command to copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import Stage
from tests.tui.conftest import opened, press
from tests.tui.samples import run_id
from tests.tui.screens.inspectors import inspector
from tests.tui.screens.test_runs_screen import where
from tui.screens.run import RunScreen

if TYPE_CHECKING:
    from pathlib import Path


async def test_why_says_the_cause_and_copies_the_command(backup_database: Path) -> None:
    """From the list and from the run; escape goes back to where one was."""
    app = inspector(backup_database)
    async with opened(app) as pilot:
        await press(pilot, "w")
        assert where(app) == "WhyScreen"
        text = app.export_text()
        assert "✗ FAILED  upload: exit code 7" in text
        assert "what upload ran, to paste into a shell" in text
        await press(pilot, "y")
        assert "upload -h" in app.clipboard
        assert "command sent to the terminal's clipboard" in app.export_text()
        await press(pilot, "G", "g", "escape", "enter", "4", "w", "escape")
        assert where(app) == "RunScreen"
        assert "[4 Logs]" in app.export_text()


async def test_enter_opens_the_run_at_the_step_that_failed_first(backup_database: Path) -> None:
    """Among the stages, with the cursor on the step."""
    app = inspector(backup_database)
    async with opened(app) as pilot:
        await press(pilot, "w", "enter")
        assert where(app) == "RunScreen"
        assert isinstance(app.screen, RunScreen)
        assert app.screen.stage is Stage.EXECUTE
        await press(pilot, "Y")
        assert app.clipboard.startswith("upload")
        await press(pilot, "left_square_bracket")
        assert where(app) == "RunsScreen"


async def test_a_run_that_is_not_there_is_said_plainly(backup_database: Path) -> None:
    """With the way back; and where there is no command, copying says so."""
    app = inspector(backup_database)
    async with opened(app) as pilot:
        app.show_why(run_id(999))
        await press(pilot, "y")
        assert "there is no command to copy" in app.export_text()
        assert f"there is no run {run_id(999)}" in app.export_text().replace("\n", "")

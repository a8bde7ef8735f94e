"""`e` in a run: the trace goes to a file that is named, never over another one unasked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from textual.widgets import Input

from tests.tui.conftest import opened, press, rest
from tests.tui.samples import run_id
from tests.tui.screens.inspectors import inspector
from tui.screens.export import ExportScreen
from tui.screens.run import RunScreen

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def test_a_run_is_written_beside_one_and_said_where(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enter takes the name that is offered; what is said names path and size, and one is back in the run."""
    monkeypatch.chdir(tmp_path)
    app = inspector(database, 2)
    async with opened(app, (120, 40)) as pilot:
        await press(pilot, "e")
        assert isinstance(app.screen, ExportScreen)
        assert f"./opscope-{run_id(2)[:6]}.json" in app.export_text()
        await press(pilot, "enter")
        assert isinstance(app.screen, RunScreen)
        path = tmp_path / f"opscope-{run_id(2)[:6]}.json"
        assert json.loads(path.read_text())["run_id"] == run_id(2)
        assert "wrote" in app.export_text()
        assert list(tmp_path.glob(".*.part")) == []


async def test_a_file_is_replaced_only_when_that_is_said(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first enter asks, the second replaces; another name is asked about anew."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.json"
    path.write_text("mine")
    app = inspector(database, 2)
    async with opened(app, (80, 24)) as pilot:
        await press(pilot, "e")
        app.screen.query_one(Input).value = str(path)
        await press(pilot, "enter")
        assert path.read_text() == "mine"
        assert "is there already" in app.export_text()
        app.screen.query_one(Input).value = str(tmp_path / "other.json")
        await rest(pilot)
        assert "is there already" not in app.export_text()
        app.screen.query_one(Input).value = str(path)
        await press(pilot, "enter")
        assert path.read_text() == "mine"
        await press(pilot, "enter")
        assert json.loads(path.read_text())["run_id"] == run_id(2)


async def test_a_place_that_cannot_be_written_is_said_where_it_is_typed(database: Path, tmp_path: Path) -> None:
    """A folder, and a folder that is not there; escape leaves without a file."""
    app = inspector(database, 2)
    async with opened(app, (80, 24)) as pilot:
        await press(pilot, "e")
        for place in (tmp_path, tmp_path / "nowhere" / "run.json"):
            app.screen.query_one(Input).value = str(place)
            await press(pilot, "enter")
            assert isinstance(app.screen, ExportScreen)
            assert "✗" in app.export_text()
        await press(pilot, "escape")
        assert isinstance(app.screen, RunScreen)

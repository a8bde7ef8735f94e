"""How the inspector opens: with little imported, styled once, and not faster to the terminal than a line can carry it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from textual.css.query import NoMatches

from tests.tui.conftest import opened, rest
from tests.tui.screens.inspectors import inspector
from tui.screens.base import FOLLOW_BYTES_A_SECOND, LONGEST_PAUSE_SECONDS, LiveScreen, pause_after
from tui.screens.run import RunScreen
from tui.widgets.kinds import as_json_view
from tui.widgets.runs_table import RunsTable

if TYPE_CHECKING:
    from pathlib import Path

    from tui.app import Inspector

_NOT_WAITED_FOR = ("pydantic", "pydantic_core", "networkx", "yaml", "httpx")
_OUR_OWN = (
    "tui.widgets.json_view",
    "tui.screens.run",
    "store.queries.why",
    "store.blobs",
    "store.rows",
    "engine.ports",
)


def first_run(app: Inspector) -> str:
    """The id of the run under the cursor."""
    row = app.screen.query_one(RunsTable).chosen
    assert row is not None
    return row.run_id


def test_the_first_screen_waits_for_nothing_that_it_does_not_show(database: Path) -> None:
    """In a process of its own: here all of it has been imported."""
    script = f"""
import asyncio, sys
from pathlib import Path
from tui.app import Inspector
async def look():
    app = Inspector(Path({str(database)!r}), follows=False)
    async with app.run_test(size=(80, 24)):
        await app.busy.settled()
        loaded = [name for name in {(*_NOT_WAITED_FOR, *_OUR_OWN)!r} if name in sys.modules]
        assert not loaded, loaded
asyncio.run(look())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env=dict(os.environ), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


async def test_the_first_screen_is_there_with_its_runs(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is shown before there is something to show, however long a busy machine takes to read it here."""
    monkeypatch.setattr("tui.app._EMPTY_AFTER_SEC", 30)
    app = inspector(database)
    async with app.run_test(size=(80, 24)):
        assert isinstance(app.screen, LiveScreen)
        assert app.screen.answered.is_set()
        assert "reading" not in app.export_text()


@pytest.mark.parametrize(("size", "classes"), [((80, 24), {"-narrow", "-tall"}), ((120, 15), {"-wide", "-short"})])
async def test_a_screen_has_the_classes_of_its_size(database: Path, size: tuple[int, int], classes: set[str]) -> None:
    """From the beginning, and those of another size after it has changed."""
    app = inspector(database, 1)
    async with app.run_test(size=size) as pilot:
        await app.busy.settled()
        assert isinstance(app.screen, RunScreen)
        assert {name for name in app.screen.classes if name in ("-narrow", "-wide", "-short", "-tall")} == classes
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        assert {name for name in app.screen.classes if name in ("-narrow", "-wide", "-short", "-tall")} == {
            "-wide",
            "-tall",
        }


async def test_a_view_of_a_document_is_known_as_one(database: Path) -> None:
    """And nothing else is."""
    app = inspector(database, 1)
    async with app.run_test(size=(80, 24)):
        await app.busy.settled()
        assert as_json_view(app.focused) is app.focused is not None
        assert as_json_view(app.screen) is None
        assert as_json_view(None) is None


def test_the_more_was_painted_the_longer_it_stays() -> None:
    """Up to a second: what keys write must not keep what is new away."""
    assert pause_after(0) == 0
    assert pause_after(FOLLOW_BYTES_A_SECOND // 2) == pytest.approx(0.5)
    assert pause_after(100 * FOLLOW_BYTES_A_SECOND) == LONGEST_PAUSE_SECONDS


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 20])
async def test_who_quits_while_a_screen_is_opened_has_quit(database: Path, turns: int) -> None:
    """An app that ends takes in no widgets any more, and what misses one is no defect."""
    app = inspector(database)
    async with app.run_test(size=(100, 28)):
        await app.busy.settled()
        app.open_run(first_run(app))
        for _ in range(turns):
            await asyncio.sleep(0)
        app.exit(0)
    assert app.crash is None
    assert app.return_code == 0


async def test_what_misses_a_widget_otherwise_is_a_defect(database: Path) -> None:
    """It is not passed over in silence."""
    app = inspector(database)

    async def miss() -> None:
        async with app.run_test(size=(100, 28)):
            await app.busy.settled()
            app.call_later(lambda: app.query_one("#nowhere"))
            while app.crash is None:
                await asyncio.sleep(0)

    with pytest.raises(NoMatches):
        await miss()


async def test_a_key_that_is_typed_ahead_is_for_the_screen_that_is_being_opened(database: Path) -> None:
    """Before it has its widgets."""
    app = inspector(database)
    async with opened(app) as pilot:
        app.open_run(first_run(app))
        assert isinstance(app.screen, RunScreen)
        assert not app.screen.is_mounted
        app.screen.action_do("tab_logs")
        await rest(pilot)
        assert "[4 Logs]" in app.export_text()

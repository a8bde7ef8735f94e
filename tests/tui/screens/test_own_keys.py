"""A keymap in use: keys do what they were given, and everything that names a key names the new one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.command import CommandList

from tests.tui.conftest import opened, press, rest
from tests.tui.samples import BACKUP
from tests.tui.screens.inspectors import inspector
from tests.tui.screens.replayed import REPLAYED, replay
from tui.actions import Keymap
from tui.places import ComparePlace, ImpactPlace
from tui.preferences import Preferences
from tui.screens.help import HelpScreen
from tui.screens.run import RunScreen
from tui.screens.runs import RunsScreen
from tui.viewmodel.tabs import Tab
from tui.widgets.lines import KeyBar

if TYPE_CHECKING:
    from pathlib import Path

    from tui.app import Inspector

OWN = Preferences(
    keymap=Keymap(
        {
            "cursor_down": ("t",),
            "open_run": ("e", "enter"),
            "copy_id": (),
            "quit": ("ctrl+q",),
            "help": ("f1",),
            "search_logs": ("s",),
            "choose_step": ("slash",),
        }
    )
)


def own(path: Path, *args: object, **options: object) -> Inspector:
    return inspector(path, *args, preferences=OWN, **options)  # type: ignore[arg-type]


def last_line(app: Inspector) -> str:
    return app.export_text().rstrip("\n").split("\n")[-1]


async def test_keys_do_what_they_were_given_and_nothing_else(database: Path) -> None:
    app = own(database)
    async with opened(app) as pilot:
        screen = app.screen
        assert isinstance(screen, RunsScreen)
        await press(pilot, "j")
        assert screen.table.cursor == 0
        await press(pilot, "t", "t")
        assert screen.table.cursor == 2
        await press(pilot, "down")
        assert screen.table.cursor == 2
        await press(pilot, "y")
        assert not app._notifications
        await press(pilot, "q")
        assert app.is_running
        await press(pilot, "e")
        assert isinstance(app.screen, RunScreen)
        await pilot.press("ctrl+q")
        assert app._exit


async def test_keys_that_changed_places_each_do_what_the_other_did(backup_database: Path) -> None:
    """Also those that are done before the next key is looked at."""
    app = own(backup_database, BACKUP, tab=Tab.LOGS)
    async with opened(app) as pilot:
        assert isinstance(app.screen, RunScreen)
        await press(pilot, "s", *"check", "enter")
        assert app.screen.logs.query_one("Prompt Input").value == "check"  # type: ignore[attr-defined]
        await press(pilot, "slash")
        assert app.screen.logs.query_one("Chooser").display


async def test_the_footer_names_them_and_a_click_on_it_does_them(database: Path) -> None:
    app = own(database)
    async with opened(app, size=(120, 30)) as pilot:
        said = last_line(app)
        assert " e open" in said
        assert "copy id" not in said
        assert "ctrl+q quit  f1 help" in said
        await pilot.click(KeyBar, offset=(said.index("f1 help") + 1, 0))
        await rest(pilot)
        assert isinstance(app.screen, HelpScreen)


async def test_the_help_lists_them_and_closes_with_them(database: Path) -> None:
    app = own(database)
    async with opened(app, size=(100, 60)) as pilot:
        await press(pilot, "question_mark")
        assert isinstance(app.screen, RunsScreen)
        await press(pilot, "f1")
        text = app.export_text()
        assert " e enter           Open the run" in text
        assert " t                 Move down" in text
        assert " –                 Copy the whole id of the run" in text
        await press(pilot, "f1")
        assert isinstance(app.screen, RunsScreen)
        await press(pilot, "f1", "ctrl+q")
        assert isinstance(app.screen, RunsScreen)


async def test_the_palette_names_them(database: Path) -> None:
    """An action without a key is found by its name all the same."""
    app = own(database)
    async with opened(app, size=(100, 60)) as pilot:
        await press(pilot, "ctrl+p")
        await pilot.press(*"copy the whole")
        while not app.screen.query_one(CommandList).option_count:
            await pilot.pause(0.05)
        text = app.export_text()
        assert "Copy the whole id of the run" in text
        assert "no key" in text


async def test_sentences_on_screens_name_them(tmp_path: Path) -> None:
    """Where there is nothing yet, the way out is told with the key that it has."""
    app = own(tmp_path / "none.db")
    async with opened(app):
        assert "ctrl+q" in app.export_text().split("opscope run PLAN")[1].split("\n")[1]


async def test_sentences_of_kept_analyses_and_of_the_impact_name_them(database: Path) -> None:
    """The keys that lead back, that mark and compare, and that choose an asset."""
    keymap = Keymap(
        {"leave_kept": ("z",), "mark": ("m",), "compare": ("k",), "choose_asset": ("u",), "leave_impact": ()}
    )
    app = inspector(database, preferences=Preferences(keymap=keymap))
    async with opened(app) as pilot:
        app.go(ComparePlace())
        await rest(pilot)
        text = app.export_text()
        assert "mark several with m, and press k" in " ".join(text.split())
        assert "   z   back" in text
        app.go(ImpactPlace("query/none"))
        await rest(pilot)
        text = app.export_text()
        assert "   u   look at another asset" in text
        assert "esc" not in text


async def test_what_was_sought_in_vain_says_the_key_that_shows_all_again(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    await asyncio.create_task(replay(path, tmp_path))
    app = inspector(path, preferences=Preferences(keymap=Keymap({"leave_override": ("z",)})))
    async with opened(app) as pilot:
        app.open_override(REPLAYED)
        await rest(pilot)
        await press(pilot, "slash", *"xyz")
        async with asyncio.timeout(10):
            while "nothing like that; z shows everything again" not in app.export_text():
                await pilot.pause(0.05)

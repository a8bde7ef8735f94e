"""The Runs screen in use: filter, places that stay, more runs than fit, and what it says when there is nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from textual.command import CommandList
from textual.events import Click

from store.writer import open_writer
from tests.tui import samples
from tests.tui.conftest import opened, press, rest
from tests.tui.samples import BACKUP, SECOND, Sample, Step, run_id
from tests.tui.screens.inspectors import inspector
from tui.actions import Need
from tui.screens.runs import RunsScreen
from tui.screens.too_small import TooSmallScreen
from tui.widgets.prompt import Prompt
from tui.widgets.runs_table import WINDOW, RunsTable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from tui.app import Inspector


def table_of(app: Inspector) -> RunsTable:
    """The table of runs."""
    return app.screen.query_one(RunsTable)


def where(app: Inspector) -> str:
    """The kind of screen that is shown."""
    return type(app.screen).__name__


async def type_filter(pilot: Pilot[int], text: str) -> None:
    """Type into the filter and wait until the typing has had its effect."""
    await press(pilot, "slash")
    await pilot.press(*text)
    await press(pilot, "enter")


async def test_a_filter_shows_what_passes_and_escape_shows_all(database: Path) -> None:
    """Typed with /, kept with enter, cleared with escape."""
    app = inspector(database)
    async with opened(app) as pilot:
        await type_filter(pilot, "status:failed")
        assert [row.plan_id for row in table_of(app).rows] == ["test_gate"]
        assert "1 of 28" in app.export_text()
        assert app.focused is table_of(app)
        await press(pilot, "escape")
        assert table_of(app).total == 28
        assert not app.screen.query_one(Prompt).is_open


async def test_typing_alone_filters_when_it_rests(database: Path) -> None:
    """No enter needed: the debounced text is what counts."""
    app = inspector(database)
    async with opened(app) as pilot:
        await press(pilot, "slash")
        await pilot.press(*"plan:safe*")
        while table_of(app).total != 9:
            await rest(pilot)
        assert {row.plan_id for row in table_of(app).rows} == {"safe_merge"}


async def test_a_filter_that_nothing_passes_says_how_to_get_back(database: Path) -> None:
    """And one that is not understood says what there is."""
    app = inspector(database)
    async with opened(app) as pilot:
        await type_filter(pilot, "nosuchplan")
        text = app.export_text()
        assert "No run passes this filter" in text
        assert "esc   show all runs again" in text
        await press(pilot, "escape")
        await type_filter(pilot, "status:lost")
        assert "no status lost" in app.export_text()


async def test_the_choice_stays_on_its_run_while_runs_are_added(database: Path) -> None:
    """New runs come in above; what was chosen stays chosen and in view."""
    app = inspector(database)
    async with opened(app) as pilot:
        await press(pilot, "j", "j")
        chosen = table_of(app).chosen
        async with open_writer(database) as writer:
            for number in range(100, 105):
                await samples.write_run(writer, Sample(number, "newer", [Step("one")], ago_us=SECOND))
        app.screen.want()  # type: ignore[attr-defined]
        await rest(pilot)
        assert table_of(app).total == 33
        assert table_of(app).cursor == 7
        now = table_of(app).chosen
        assert chosen is not None
        assert now is not None
        assert now.run_id == chosen.run_id


async def test_only_a_window_of_many_runs_is_loaded(tmp_path: Path, scaled: Callable[[int], int]) -> None:
    """The end of a long list is one key away, and going back up is too."""
    many = scaled(8000)
    path = tmp_path / "many.db"
    async with open_writer(path) as writer:
        for base in range(0, many, 200):
            runs = [Sample(n, "many", [], ago_us=(many - n) * SECOND) for n in range(base, base + 200)]
            await asyncio.gather(*(samples.write_run(writer, run) for run in runs))
    app = inspector(path)
    async with opened(app) as pilot:
        assert table_of(app).total == many
        assert len(table_of(app).rows) == WINDOW
        await press(pilot, "G")
        last = table_of(app).chosen
        assert last is not None
        assert last.run_id == run_id(0)
        assert run_id(0)[:6] in app.export_text()
        await press(pilot, "g")
        first = table_of(app).chosen
        assert first is not None
        assert first.run_id == run_id(many - 1)
        await press(pilot, *["ctrl+d"] * 8)
        assert table_of(app).chosen is not None


async def test_opening_going_back_and_history(database: Path) -> None:
    """Enter opens, escape goes back, [ and ] go through where one was; a key that cannot says why."""
    app = inspector(database)
    async with opened(app) as pilot:
        await press(pilot, "j", "enter")
        assert where(app) == "RunScreen"
        assert run_id(2)[:6] in app.export_text()
        await press(pilot, "escape")
        assert where(app) == "RunsScreen"
        await press(pilot, "left_square_bracket")
        assert where(app) == "RunScreen"
        await press(pilot, "left_square_bracket")
        assert where(app) == "RunsScreen"
        await press(pilot, "left_square_bracket")
        assert "there is nothing before this" in app.export_text()
        await press(pilot, "right_square_bracket")
        assert where(app) == "RunScreen"


async def test_the_mouse_chooses_opens_and_presses_keys(database: Path) -> None:
    """A click on a row chooses it, a second one opens it; the key bar can be clicked."""
    app = inspector(database)
    async with opened(app) as pilot:
        await pilot.click(RunsTable, offset=(10, 2))
        await rest(pilot)
        assert table_of(app).cursor == 2
        await pilot.click(RunsTable, offset=(10, 2))
        await rest(pilot)
        assert where(app) == "RunScreen"
        await pilot.click("KeyBar", offset=(app.export_text().splitlines()[-1].index("esc"), 0))
        await rest(pilot)
        assert where(app) == "RunsScreen"


async def test_the_titles_stand_above_their_columns(backup_database: Path) -> None:
    """Also when a long name has made room for itself after they were drawn first."""
    app = inspector(backup_database)
    async with opened(app):
        _, titles, row, *_ = app.export_text().splitlines()
        for title, cell in (("RUN", run_id(BACKUP)[:6]), ("PLAN", "nightly-backup"), ("STAGE", "execute")):
            assert titles.index(title) == row.index(cell), f"{titles}\n{row}"
        assert len(titles) == len(row)


@pytest.mark.long
async def test_many_clicks_open_a_run_once(database: Path) -> None:
    """A double click, a triple click: the run is opened, and nothing in it is touched."""
    for times in (2, 3, 4):
        app = inspector(database)
        async with opened(app) as pilot:
            await pilot.click(RunsTable, offset=(10, 9), times=times)
            await rest(pilot)
            shown = app.export_text()
            assert where(app) == "RunScreen"
            assert app.given == {Need.PLACE_BEFORE}
            await press(pilot, "left_square_bracket")
            assert where(app) == "RunsScreen"
            assert "there is nothing before this" not in app.export_text()
            await press(pilot, "enter")
            assert app.export_text() == shown


async def test_a_second_click_that_comes_late_opens_nothing(database: Path) -> None:
    """Two clicks that waited together: the run has been left again before the second one is looked at."""
    app = inspector(database)
    async with opened(app) as pilot:
        table = table_of(app)
        for chain in (1, 2):
            table.post_message(
                Click(table, 10, 0, 0, 0, 1, shift=False, meta=False, ctrl=False, screen_x=10, screen_y=2, chain=chain)
            )
        await rest(pilot)
        assert where(app) == "RunScreen"
        assert app.given == {Need.PLACE_BEFORE}


async def test_no_file_yet_says_what_to_do_and_is_no_error(tmp_path: Path) -> None:
    """`opscope demo` is named; as soon as there is a file, its runs are shown."""
    path = tmp_path / "none.db"
    app = inspector(path)
    async with opened(app) as pilot:
        text = app.export_text()
        assert "No runs yet" in text
        assert "opscope demo" in text
        assert app.last_error is None
        await samples.write(path, [Sample(1, "first", [Step("one")])])
        app.screen.want()  # type: ignore[attr-defined]
        await rest(pilot)
        assert "first" in app.export_text()


async def test_a_file_that_is_no_database_is_said_plainly(tmp_path: Path) -> None:
    """One sentence, the place, a hint; the exit status is left to the command."""
    path = tmp_path / "photo.db"
    path.write_bytes(b"not a database at all" * 100)
    app = inspector(path)
    async with opened(app):
        text = app.export_text()
        assert "✗ NOT READABLE" in text
        assert "photo.db" in text.replace("\n", "").replace(" ", "")
        assert app.last_error is not None
        assert app.last_error.exit_code == 4


async def test_a_small_terminal_says_so_and_keeps_the_place(database: Path) -> None:
    """Below 40x10 there is a sentence; back at 80x24 the cursor is where it was."""
    app = inspector(database)
    async with opened(app) as pilot:
        await press(pilot, "j", "j", "j")
        await pilot.resize_terminal(30, 8)
        await rest(pilot)
        assert isinstance(app.screen, TooSmallScreen)
        assert "Too small" in app.export_text()
        await pilot.resize_terminal(80, 24)
        await rest(pilot)
        assert isinstance(app.screen, RunsScreen)
        assert table_of(app).cursor == 3


async def test_the_palette_has_the_commands_that_are_possible_now(database: Path) -> None:
    """By name; choosing one does it."""
    app = inspector(database)
    async with opened(app) as pilot:
        names = {action.id for action in app.possible_actions(app.screen)}
        assert {"open_run", "filter", "theme", "quit"} <= names
        assert "clear_filter" not in names
        assert app.theme == "opscope-dark"
        await press(pilot, "ctrl+p")
        await pilot.press(*"light theme")
        while app.screen.query_one(CommandList).option_count != 1:
            await pilot.pause()
        await press(pilot, "enter")
        assert app.theme == "opscope-light"

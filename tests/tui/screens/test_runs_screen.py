"""The Runs screen in use: filter, places that stay, more runs than fit, and what it says when there is nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from textual.command import CommandList
from textual.events import Click
from textual.widgets import Input

from engine.model.states import RunStatus
from store.queries import NEWEST
from store.writer import open_writer
from tests.tui import samples
from tests.tui.conftest import opened, press, rest
from tests.tui.samples import BACKUP, SECOND, Sample, Step, run_id
from tests.tui.screens.inspectors import inspector
from tui.actions import Need
from tui.early import WINDOW
from tui.preferences import Preferences
from tui.screens.runs import RunsScreen
from tui.screens.too_small import TooSmallScreen
from tui.widgets.lines import KeyBar
from tui.widgets.prompt import Prompt
from tui.widgets.runs_table import RunsTable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from store.queries import RunFilter, RunOrder
    from tui.app import Inspector
    from tui.source import RunWindow


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


@pytest.mark.parametrize("ways", [("enter", "escape"), ("escape",)])
async def test_the_chosen_run_stays_under_the_cursor_when_the_filter_goes(
    database: Path, ways: tuple[str, ...]
) -> None:
    """Whoever has looked for a run has found it, however the list is sorted, kept or still typed."""
    app = inspector(database)
    async with opened(app) as pilot:
        await press(pilot, "S", "slash")
        await pilot.press(*"plan:safe*")
        while table_of(app).total != 9:
            await rest(pilot)
        if ways[0] == "enter":
            await press(pilot, "enter", "j", "j", "j")
        found = table_of(app).chosen
        await press(pilot, ways[-1])
        assert table_of(app).total == 28
        assert table_of(app).chosen == found
        assert found is not None
        assert found.plan_id == "safe_merge"


async def test_a_run_far_from_the_top_stays_under_the_cursor_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not among what would be read first, and what is in sight before the list has moved is not read on the way."""
    path = tmp_path / "many.db"
    async with open_writer(path) as writer:
        for base in range(0, 450, 150):
            runs = [Sample(n, "many", [], ago_us=(450 - n) * SECOND) for n in range(base, base + 150)]
            await asyncio.gather(*(samples.write_run(writer, run) for run in runs))
    app = inspector(path)
    async with opened(app) as pilot:
        await press(pilot, "G")
        far = table_of(app).chosen
        assert far is not None
        await type_filter(pilot, f"id:{far.run_id}")
        assert table_of(app).total == 1
        read_runs, asked = app.source.runs, list[int]()

        async def noted(chosen: RunFilter, start: int, length: int, order: RunOrder = NEWEST) -> RunWindow:
            asked.append(start)
            return await read_runs(chosen, start, length, order)

        monkeypatch.setattr(app.source, "runs", noted)
        await press(pilot, "escape")
        assert asked == [449 - WINDOW // 2]
        assert table_of(app).total == 450
        assert table_of(app).chosen == far
        assert table_of(app).cursor == 449
        assert far.run_id[:6] in app.export_text()


async def test_while_one_types_the_last_line_names_the_keys_of_that(database: Path) -> None:
    """Enter opens nothing then. With the mouse they do the same."""
    app = inspector(database)
    async with opened(app) as pilot:
        await press(pilot, "slash", "x")
        last = app.export_text().splitlines()[-1]
        assert last.split() == ["enter", "keep", "tab", "complete", "esc", "clear"]
        await pilot.click(KeyBar, offset=(last.index("clear"), 0))
        await rest(pilot)
        assert not app.screen.query_one(Prompt).is_open
        assert "enter open" in app.export_text().splitlines()[-1]


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
        assert "status: there is no lost; there are pending" in app.export_text()


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
        await press(pilot, "4")
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
            assert app.given & {Need.PLACE_BEFORE, Need.PLACE_AFTER} == {Need.PLACE_BEFORE}
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
        assert app.given & {Need.PLACE_BEFORE, Need.PLACE_AFTER} == {Need.PLACE_BEFORE}


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


async def test_the_line_under_the_filter_says_what_can_be_typed(database: Path) -> None:
    """Fields, then values; tab takes the first. It goes away with the typing, unless something was not understood."""
    app = inspector(database)
    async with opened(app) as pilot:
        await press(pilot, "slash")
        assert "status  plan  dur" in app.export_text()
        await press(pilot, *"pl", "tab")
        assert app.screen.query_one(Prompt).text == "plan:"
        assert "ci_lookup  host_triage" in app.export_text()
        await press(pilot, "s", "tab")
        assert app.screen.query_one(Prompt).text == "plan:safe_merge "
        await press(pilot, "enter")
        assert {row.plan_id for row in table_of(app).rows} == {"safe_merge"}
        assert "tab completes" not in app.export_text()
        await press(pilot, "escape")
        await type_filter(pilot, "stauts:failed safe")
        assert "no field stauts; did you mean 'status'?   the rest applies" in app.export_text()
        assert table_of(app).total == 9


async def test_runs_are_sorted_by_what_is_chosen(database: Path) -> None:
    """`s` offers the sorts, the same one twice turns it, so does `S`; the title of the column has an arrow."""
    app = inspector(database)
    async with opened(app) as pilot:
        await press(pilot, "s", "j", "enter")
        assert "↓DURATION" in app.export_text()
        taken = [row.duration_us or 0 for row in table_of(app).rows if row.duration_us is not None]
        assert taken == sorted(taken, reverse=True)
        assert len(taken) == 27
        await press(pilot, "S")
        assert "↑DURATION" in app.export_text()
        assert [row.duration_us for row in table_of(app).rows if row.duration_us is not None] == taken[::-1]
        await press(pilot, "s", "enter")
        assert "↓DURATION" in app.export_text()
        await press(pilot, "s", "j", "j", "enter")
        assert [row.plan_id for row in table_of(app).rows] == sorted(row.plan_id for row in table_of(app).rows)
        assert "PLAN ↑" in app.export_text()


async def test_marks_survive_filters_and_updates_and_escape_takes_them_first(database: Path) -> None:
    """Their number is in the title, their sign before the run."""
    app = inspector(database)
    async with opened(app) as pilot:
        await press(pilot, "space", "space")
        screen = app.screen
        assert isinstance(screen, RunsScreen)
        assert set(screen.marks.rows) == {run_id(1), run_id(2)}
        assert table_of(app).cursor == 2
        assert "▌ 2 marked" in app.export_text()
        await type_filter(pilot, "status:failed")
        await press(pilot, "space", "S")
        assert "▌ 3 marked" in app.export_text()
        await press(pilot, "escape")
        assert "marked" not in app.export_text()
        assert table_of(app).total == 1
        await press(pilot, "escape")
        assert table_of(app).total == 28
        await press(pilot, "g", "space", "k", "space")
        assert len(screen.marks) == 0


async def test_all_that_pass_the_filter_are_marked_if_they_are_not_too_many(database: Path) -> None:
    """And unmarked by the same key."""
    app = inspector(database)
    async with opened(app) as pilot:
        await type_filter(pilot, "plan:safe")
        await press(pilot, "A")
        assert "▌ 9 marked" in app.export_text()
        await press(pilot, "c")
        assert "at most 8 can be set beside each other" in app.export_text()
        await press(pilot, "A")
        assert "marked" not in app.export_text().splitlines()[0]


async def test_marked_runs_are_compared_the_newest_against_the_others(database: Path) -> None:
    """One alone cannot be."""
    app = inspector(database)
    async with opened(app) as pilot:
        await press(pilot, "j", "space", "c")
        assert "mark another one to compare them" in app.export_text()
        await press(pilot, "j", "space", "k", "k", "k")
        screen = app.screen
        assert isinstance(screen, RunsScreen)
        place = screen.compared
        assert place is not None
        assert (place.candidates, place.baseline) == ((run_id(2),), (run_id(4),))


async def test_one_question_for_all_marked_runs(live_database: Path) -> None:
    """It names how many would be canceled and how many are left as they are; what cannot be done is said."""
    app = inspector(live_database)
    async with opened(app) as pilot:
        await press(pilot, "space", "space", "space", "x")
        text = app.export_text()
        assert f"Cancel run {run_id(1)[:6]} host_triage?" in text
        assert "2 runs are over" in text
        await press(pilot, "escape")
        await press(pilot, "escape", "j", "j", "space", "x")
        assert "this run is over" in app.export_text()
        await press(pilot, "p")
        assert "this run is over" in app.export_text()


async def test_the_chosen_run_is_shown_beside_the_list(database: Path) -> None:
    """From 120 columns by itself, else with `v`; it follows the cursor."""
    app = inspector(database)
    async with opened(app, (120, 35)) as pilot:
        await press(pilot, "j", "j")
        lines = app.export_text().splitlines()
        assert any("│ test_gate 1.2" in line for line in lines)
        assert any("lint: ruff ended with exit code 1" in line for line in lines)
        assert any("✗ execute" in line for line in lines)
        await press(pilot, "v")
        assert "│" not in app.export_text()
    app = inspector(database)
    async with opened(app) as pilot:
        assert "route_plan" not in app.export_text()
        await press(pilot, "v")
        assert "✓ route_plan 2ms" in app.export_text()
        await press(pilot, "v")
        assert "route_plan" not in app.export_text()


async def test_a_user_chooses_the_columns(database: Path) -> None:
    """In the order in which they are named."""
    app = inspector(database, preferences=Preferences(columns=("run", "status", "note")))
    async with opened(app):
        assert app.export_text().splitlines()[1].split() == ["RUN", "STATUS", "NOTE"]


async def test_what_runs_can_be_watched_and_else_runs_are_compared(live_database: Path) -> None:
    """The last line names the monitor while something runs, on whatever run the cursor is; nothing before it moves."""
    app = inspector(live_database)
    async with opened(app) as pilot:
        live = app.export_text().splitlines()[-1]
        assert "x cancel" in live
        assert "m monitor" in live
        await press(pilot, "j")
        over = app.export_text().splitlines()[-1]
        assert "r rerun" in over
        assert "m monitor" in over
        assert over.index("w why") == live.index("w why")
        await type_filter(pilot, "status:failed")
        assert "o override  c compare" in app.export_text().splitlines()[-1]


async def test_where_there_are_no_runs_the_keys_stay_with_the_screen(tmp_path: Path) -> None:
    """Neither help nor a filter that was typed and left makes them go into a line that nobody sees."""
    app = inspector(tmp_path / "none.db")
    async with opened(app) as pilot:
        await press(pilot, "question_mark", "escape")
        assert not isinstance(app.focused, Input)
        await press(pilot, "slash", "x", "escape", "question_mark", "escape")
        assert not isinstance(app.focused, Input)
        assert "? help" in app.export_text()


async def test_all_that_are_marked_pass_the_filter_that_was_just_typed(database: Path) -> None:
    """Typed fast: the key that marks them comes before the list that is meant."""
    app = inspector(database)
    async with opened(app) as pilot:
        await pilot.press("slash", *"status:failed", "enter", "A")
        await rest(pilot)
        assert isinstance(app.screen, RunsScreen)
        marked = list(app.screen.marks.rows.values())
        assert marked
        assert {row.status for row in marked} == {RunStatus.FAILED}


async def test_a_file_that_goes_away_is_missed(database: Path) -> None:
    """Whoever sees "no runs yet" a second after thirty of them would believe that nothing ever ran."""
    app = inspector(database, follows=True)
    async with opened(app) as pilot:
        database.rename(database.with_name("elsewhere.db"))
        async with asyncio.timeout(20):
            while "The file is gone" not in app.export_text():
                await pilot.pause()
        assert "No runs yet" not in app.export_text()
        database.with_name("elsewhere.db").rename(database)
        async with asyncio.timeout(20):
            while "The file is gone" in app.export_text():
                await pilot.pause()
        assert "28 runs" in app.export_text()


@pytest.mark.parametrize("key", ["enter", "w", "o"])
async def test_a_key_behind_a_filter_is_for_the_run_that_passes_it(database: Path, key: str) -> None:
    """Typed fast: the row under the cursor is still that of the list before."""
    app = inspector(database)
    async with opened(app) as pilot:
        await pilot.press("slash", *"status:failed", "enter", key)
        await rest(pilot)
        assert not isinstance(app.screen, RunsScreen)
        assert "runs › 7279f1" in app.export_text().splitlines()[0]


async def test_a_filter_of_blanks_holds_no_key_back(database: Path) -> None:
    """It is closed as none, and the list is what it was."""
    app = inspector(database)
    async with opened(app) as pilot:
        await press(pilot, "slash", "space", "space", "enter", "w")
        assert where(app) == "WhyScreen"


async def test_keys_on_a_list_that_cannot_be_read_are_for_nothing_later(database: Path) -> None:
    """What was pressed over an error is not done when the file is there again."""
    app = inspector(database)
    async with opened(app) as pilot:
        database.rename(database.with_name("elsewhere.db"))
        await app.source.close()
        await press(pilot, "slash", *"status:failed", "enter", "w", "o")
        assert "The file is gone" in app.export_text()
        database.with_name("elsewhere.db").rename(database)
        assert isinstance(app.screen, RunsScreen)
        app.screen.want()
        await rest(pilot)
        assert where(app) == "RunsScreen"
        assert "test_gate" in app.export_text()

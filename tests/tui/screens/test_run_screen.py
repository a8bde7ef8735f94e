"""The Stages tab in use: stages, panels, folding, searching, copying, and following a run that goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.model.event import Event, EventKind
from engine.model.states import Stage
from store.writer import open_writer
from tests.tui import samples
from tests.tui.conftest import opened, press, rest
from tests.tui.samples import BACKUP, NOW_US, Sample, Step, run_id
from tests.tui.screens.inspectors import inspector
from tui.screens.run import STEPS_AT_ONCE, RunScreen
from tui.screens.tabs.stages import StagesTab
from tui.viewmodel.tabs import Tab
from tui.widgets.json_view import JsonView

if TYPE_CHECKING:
    from pathlib import Path

    from tui.app import Inspector

pytestmark = pytest.mark.sampled(one_in=2)


def screen_of(app: Inspector) -> RunScreen:
    """The run screen."""
    assert isinstance(app.screen, RunScreen)
    return app.screen


async def test_stages_are_chosen_by_key_and_mouse(database: Path) -> None:
    """L and H step, a click on the strip chooses; the ends hold."""
    app = inspector(database, 2)
    async with opened(app) as pilot:
        assert screen_of(app).stage is Stage.EXECUTE
        await press(pilot, "L")
        assert screen_of(app).stage is Stage.COMPOSE
        assert "12 hosts at one site" in app.export_text()
        await press(pilot, "H", "H", "H", "H", "H")
        assert screen_of(app).stage is Stage.ROUTE_PLAN
        assert "a plan was given" in app.export_text()
        await press(pilot, *"LLLLL")
        assert screen_of(app).stage is Stage.PRESENT
        await pilot.click("#strip", offset=(18, 0))
        await rest(pilot)
        assert screen_of(app).stage is Stage.VALIDATE


async def test_a_steps_result_is_read_when_it_is_unfolded(database: Path) -> None:
    """Nothing of it before; then its data, its output and its attempts."""
    app = inspector(database, 2)
    async with opened(app, (120, 40)) as pilot:
        assert "db07" not in app.export_text()
        await press(pilot, "j", "enter")
        assert "attempts" in app.export_text()
        await press(pilot, "j", "enter", "j", "j", "enter", "j", "enter")
        assert '"db01"' in app.export_text()
        await press(pilot, *"hhhhhhhh")
        view = screen_of(app).stages.output.view
        assert view.document.rows[view.cursor].path == ("result",)


async def test_the_panels_take_turns_and_the_focused_one_grows(database: Path) -> None:
    """Tab goes through input, output and diagnostics; in 80 columns the focused panel is the larger one."""
    app = inspector(database, 2)
    async with opened(app) as pilot:
        screen = screen_of(app)
        assert screen.stages.output.size.height > screen.stages.input.size.height
        await press(pilot, "shift+tab")
        assert app.focused is screen.stages.input.view
        assert screen.stages.input.size.height > screen.stages.output.size.height
        await press(pilot, "tab", "tab")
        assert app.focused is screen.query_one("#diagnostics")
        await press(pilot, "tab", "z")
        assert screen.stages.input.display
        assert not screen.stages.output.display
        await press(pilot, "escape")
        assert screen.stages.output.display


async def test_searching_goes_to_matches_in_folded_parts(database: Path) -> None:
    """/ words enter, n and N; escape ends it without leaving the run."""
    app = inspector(database, 2, stage=Stage.COMPOSE)
    async with opened(app, (120, 40)) as pilot:
        screen = screen_of(app)
        screen.stages.input.view.focus()
        await press(pilot, "n")
        assert "nothing is searched for" in app.export_text()
        await press(pilot, "slash")
        await pilot.press(*"10.0.3.7")
        await press(pilot, "enter")
        view = screen.stages.input.view
        while not view.matches:
            await rest(pilot)
        assert app.focused is view
        assert view.document.rows[view.cursor].path[-3:] == ("rows", 6, "address")
        assert "1 of 1" in app.export_text()
        await press(pilot, "escape")
        assert screen_of(app) is screen
        assert view.needle == ""


async def test_copying_says_where_it_went(database: Path) -> None:
    """Value and path; what is too long goes to a file."""
    app = inspector(database, 2, stage=Stage.COMPOSE)
    async with opened(app, (120, 40)) as pilot:
        await press(pilot, "j", "y")
        assert app.clipboard == "12 hosts at one site"
        assert "sent to the terminal's clipboard" in app.export_text()
        await press(pilot, "Y")
        assert app.clipboard == "compose.summary"
        app.copy("x" * 100_000, "value")
        await rest(pilot)
        assert app.clipboard == "compose.summary"
        assert "written to" in app.export_text()


async def test_unfold_all_and_fold_all(database: Path) -> None:
    """The panel with the keys, whole and back."""
    app = inspector(database, 2, stage=Stage.COMPOSE)
    async with opened(app, (120, 40)) as pilot:
        view = screen_of(app).stages.output.view
        folded = len(view.document.rows)
        await press(pilot, "E")
        assert len(view.document.rows) > folded
        await press(pilot, "C")
        assert len(view.document.rows) == 5


async def test_unfolding_all_reads_what_it_needs(database: Path) -> None:
    """The steps' results are read from the file, and shown down to their last values."""
    app = inspector(database, 2)
    async with opened(app, (120, 60)) as pilot:
        view = screen_of(app).stages.output.view
        await press(pilot, "E")
        steps = {row.path[1] for row in view.document.rows if len(row.path) > 2 and row.path[0] == "result"}
        assert steps == {"primary", "dependents", "ping", "note", "summary"}
        assert max(row.depth for row in view.document.rows) >= 4
        assert not view.document.missing()
        await press(pilot, "C")
        assert all(row.depth == 0 for row in view.document.rows)


async def test_a_run_is_followed_while_it_goes_on(database: Path) -> None:
    """What another process commits is on the screen, folds and place stay, and the end is the end."""
    live = Sample(50, "live_plan", [Step("one"), Step("two", "running")], None, 5_000_000, stage=Stage.EXECUTE)
    async with open_writer(database) as writer:
        await samples.write_run(writer, live)
        app = inspector(database, 50)
        async with opened(app, (120, 40)) as pilot:
            assert "● RUNNING" in app.export_text()
            await press(pilot, "j", "enter")
            where = screen_of(app).stages.output.view.cursor
            finished = samples._step_finished(Step("two", data={"answer": 42}), NOW_US)
            await writer.append(live.run_id, [Event(EventKind.STEP_FINISHED, NOW_US, finished, step_id="two")])
            screen_of(app).want()
            await rest(pilot)
            text = app.export_text()
            assert text.count("✓ SUCCEEDED") == 3
            assert screen_of(app).stages.output.view.cursor == where
            assert ("result", "one") in screen_of(app).stages.output.view.document.unfolded


async def test_following_needs_no_key(database: Path) -> None:
    """With following on, a change of the file alone brings it onto the screen."""
    app = inspector(database, follows=True)
    async with opened(app) as pilot:
        async with open_writer(database) as writer:
            await samples.write_run(writer, Sample(77, "came_later", [Step("one")], ago_us=0))
        while "came_later" not in app.export_text():
            await pilot.pause()
        assert "29 runs" in app.export_text()


async def test_a_run_of_many_steps_is_read_in_parts(tmp_path: Path) -> None:
    """The first heads at once, more when they are unfolded."""
    path = tmp_path / "wide.db"
    await samples.write(path, [Sample(1, "wide", [Step(f"s{n}") for n in range(STEPS_AT_ONCE + 50)])])
    app = inspector(path, 1)
    async with opened(app) as pilot:
        view = screen_of(app).stages.output.view
        assert sum(1 for row in view.document.rows if row.depth == 1) == STEPS_AT_ONCE + 1
        await press(pilot, "slash")
        view.cursor = STEPS_AT_ONCE + 1
        view.focus()
        await rest(pilot)
        assert "50 more steps" in app.export_text()
        await press(pilot, "enter")
        assert sum(1 for row in view.document.rows if row.depth == 1) == STEPS_AT_ONCE + 50


async def test_a_run_that_is_not_there_is_said_plainly(database: Path) -> None:
    """With the way back."""
    app = inspector(database, 999)
    async with opened(app) as pilot:
        text = app.export_text()
        assert f"there is no run {run_id(999)}" in text.replace("\n", "")
        await press(pilot, "escape")
        assert "28 runs" in app.export_text()


async def test_resizing_keeps_the_place(database: Path) -> None:
    """From 80 to 160 columns and back: the same stage, row and focus."""
    app = inspector(database, 2)
    async with opened(app) as pilot:
        await press(pilot, "j", "j", "j")
        view = screen_of(app).stages.output.view
        place = view.document.rows[view.cursor].path
        for size in ((160, 45), (60, 20), (80, 24)):
            await pilot.resize_terminal(*size)
            await rest(pilot)
            assert view.document.rows[view.cursor].path == place
            assert app.focused is view
            assert str(place[-1]) in app.export_text()


async def test_both_panels_are_viewers_of_json(database: Path) -> None:
    """Input and output, nothing else has folds."""
    app = inspector(database, 2)
    async with opened(app):
        assert len(app.screen.query_one(StagesTab).query(JsonView)) == 2


@pytest.mark.parametrize("size", [(40, 10), (60, 11), (120, 10)])
@pytest.mark.parametrize("tab", list(Tab))
async def test_the_smallest_terminal_shows_at_least_a_row_of_everything(
    backup_database: Path, size: tuple[int, int], tab: Tab
) -> None:
    """Of the panel that has the keys, of the entry beside a list, and of the input when one goes to it."""
    app = inspector(backup_database, BACKUP, tab=tab)
    async with opened(app, size) as pilot:
        screen = screen_of(app)
        assert "nightly" in app.export_text() or size[0] < 60
        lists = [screen.tab.panels[0]]
        assert lists[0].size.height >= (2 if tab is Tab.STAGES else 3)
        await press(pilot, *(("enter",) if tab in (Tab.LOGS, Tab.EVENTS) else ()))
        lists += [screen.stages.output.view] if tab is Tab.STAGES else []
        lists += [screen.tab.panels[1]] if tab in (Tab.LOGS, Tab.EVENTS) else []
        assert all(panel.size.height >= 1 for panel in lists), app.export_text()
        if tab is Tab.STAGES:
            screen.set_focus(screen.stages.input.view)
            await rest(pilot)
            assert screen.stages.input.view.size.height >= 1
            assert screen.stages.output.view.size.height >= 1
            assert "params" in app.export_text()


async def test_the_last_line_names_what_somebody_new_has_to_find(database: Path) -> None:
    """In 80 columns: unfold, the way back, and what is done with a run that is over; also while something is open."""
    app = inspector(database, 2)
    async with opened(app) as pilot:
        keys = app.export_text().splitlines()[-1]
        for key in ("enter unfold", "esc back", "w why", "r rerun", "o override", "c compare", "q quit", "? help"):
            assert key in keys
        await press(pilot, "z")
        assert app.export_text().splitlines()[-1] == keys


@pytest.mark.parametrize("number", [1, 2, 4])
@pytest.mark.parametrize("tab", Tab)
async def test_every_tab_names_the_way_back(database: Path, number: int, tab: Tab) -> None:
    """In 80 columns, of a run that goes on, of one that is over and of one that was canceled."""
    app = inspector(database, number, tab=tab)
    async with opened(app):
        assert "esc back" in app.export_text().splitlines()[-1]


@pytest.mark.parametrize(("seen", "said"), [(2000, "1 of 5   n N"), (STEPS_AT_ONCE, "1 of 2 in 200 of 250 steps")])
async def test_searching_a_run_of_many_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: int, said: str
) -> None:
    """Steps that were not listed yet are read to be looked through, beside the trace; what is not looked through at all is said."""
    monkeypatch.setattr("tui.screens.tabs.stages.STEPS_SEARCHED", seen)
    path = tmp_path / "wide.db"
    await samples.write(path, [Sample(1, "wide", [Step(f"s{n}") for n in range(STEPS_AT_ONCE + 50)])])
    app = inspector(path, 1, stage=Stage.EXECUTE)
    async with opened(app) as pilot:
        await press(pilot, "slash")
        screen_of(app).stages.finder.prompt.typed.value = "s249"
        await press(pilot, "enter")
        assert said in app.export_text()
        path_now = screen_of(app).stages.output.view.path
        assert (path_now == ("result", "s249")) is (seen > STEPS_AT_ONCE)
        await press(pilot, "escape", "ampersand")
        screen_of(app).stages.finder.path_prompt.typed.value = "s2*"
        await press(pilot, "enter")
        places = "61 places   esc clears" if seen > STEPS_AT_ONCE else "11 places in 200 of 250 steps"
        assert places in app.export_text()

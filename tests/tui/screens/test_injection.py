"""Whatever a run contains, a terminal only ever gets text: on every surface of both screens, and nothing fires."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from textual.content import Content
from textual.widgets import Input, Static

from engine.errors import InputError
from tests.tui import samples
from tests.tui.conftest import opened, press, rest
from tests.tui.corpus import EVIL, evil_sample
from tests.tui.screens.inspectors import inspector
from tui.screens.run import RunScreen
from tui.screens.tabs.stages import StagesTab
from tui.screens.why import WhyScreen
from tui.terminal import is_clean, visible
from tui.viewmodel.tabs import Tab
from tui.widgets.dialogue import Question
from tui.widgets.json_view import JsonView

if TYPE_CHECKING:
    from pathlib import Path

    from tui.app import Inspector

pytestmark = pytest.mark.sampled(one_in=2, of_file=True)

_STYLES = re.compile(r"\x1b\[[0-9;]*m")


def assert_only_text(app: Inspector) -> None:
    """Every line in sight, as it would be written, is styles and clean text; and lines are as wide as the screen."""
    console = Console(force_terminal=True, color_system="truecolor")
    for strip in app._lines_in_sight():
        assert strip.cell_length == app.size.width
        written = _STYLES.sub("", strip.render(console))
        assert is_clean(written), written
        assert not any(style and style.link for _, style, _ in strip)
        metas = [style.meta for _, style, _ in strip if style and style.meta]
        assert not any("@click" in meta for meta in metas)


TOGETHER = tuple(" ".join(EVIL[part::2]) for part in range(2))
"""The corpus in few runs: each is in every place of one of them."""


@pytest.fixture(scope="module")
def evil_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run for each part of the corpus."""
    path = tmp_path_factory.mktemp("evil") / "runs.db"
    asyncio.run(samples.write(path, [evil_sample(number, evil) for number, evil in enumerate(TOGETHER)]))
    return path


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_the_runs_screen_shows_text_only(evil_database: Path, size: tuple[int, int]) -> None:
    """Plan names, notes and the line about the chosen run; clicking on them fires nothing."""
    app = inspector(evil_database)
    async with opened(app, size) as pilot:
        assert_only_text(app)
        for row in range(len(TOGETHER)):
            await pilot.click("RunsTable", offset=(25, row))
            await press(pilot, "escape" if isinstance(app.screen, RunScreen) else "y")
            assert_only_text(app)
        assert app.is_running
        assert app.return_code is None


@pytest.mark.parametrize("number", range(len(TOGETHER)))
async def test_the_stages_tab_shows_text_only(evil_database: Path, number: int) -> None:
    """Title, strip, keys and values of input and output, unfolded texts, diagnostics, search, messages."""
    app = inspector(evil_database, number)
    async with opened(app, (120, 40)) as pilot:
        assert_only_text(app)
        await press(pilot, "E", "j", "enter")
        assert_only_text(app)
        for view in app.screen.query_one(StagesTab).query(JsonView):
            view.unfold_all()
            await rest(pilot)
            assert_only_text(app)
            for y in range(0, view.size.height, 12):
                await pilot.click(view, offset=(12, y))
            await rest(pilot)
        await press(pilot, *"HHH", "y", "Y", "slash")
        app.screen.query_one("#search Input", Input).value = TOGETHER[number]
        await press(pilot, "enter")
        assert_only_text(app)
        assert app.is_running
        assert isinstance(app.screen, RunScreen)


@pytest.mark.parametrize("number", range(len(TOGETHER)))
@pytest.mark.sampled(one_in=2)
async def test_logs_events_and_why_show_text_only(evil_database: Path, number: int) -> None:
    """Lines cut, broken and whole, the list of steps, searching, events and their data, the explanation, replies."""
    app = inspector(evil_database, number, tab=Tab.LOGS)
    async with opened(app, (120, 40)) as pilot:
        for key in ("g", "enter", "j", "G", "tab", "W", "escape", "s", "j", "enter", "escape", "y"):
            await press(pilot, key)
            assert_only_text(app)
        assert all(is_clean(part) for part in app.clipboard.split("\t"))
        await press(pilot, "slash")
        app.screen.query_one("#log-search Input", Input).value = TOGETHER[number][:12]
        await press(pilot, "enter")
        assert_only_text(app)
        await press(pilot, "5", "g")
        for _ in range(4):
            await press(pilot, *"jjjj")
            assert_only_text(app)
        await press(pilot, "enter", "tab", "E", "y", "escape", "w")
        assert_only_text(app)
        assert isinstance(app.screen, WhyScreen)
        await press(pilot, "y", "ctrl+d", "x")
        assert_only_text(app)
        app.screen.reply(InputError(TOGETHER[number], hint=TOGETHER[number]))
        await rest(pilot)
        assert_only_text(app)
        app.screen.query_one(Question).ask("x", TOGETHER[number], "yes", "no")
        await rest(pilot)
        assert_only_text(app)
        assert app.is_running


async def test_messages_and_titles_show_text_only(evil_database: Path) -> None:
    """The surfaces that Textual draws itself, fed directly and not through our own wording."""
    app = inspector(evil_database)
    async with opened(app, (120, 40)) as pilot:
        for evil in EVIL:
            app.say(evil)
            app.notify(evil, title=evil, markup=False)
            app.title = evil
            app.sub_title = evil
            app.screen.query_one("RunsTable").border_title = evil.replace("[", "\\[")
            await pilot.pause()
            assert_only_text(app)
            app.clear_notifications()


async def test_widgets_that_take_plain_text_cannot_pass_it_on(evil_database: Path) -> None:
    """A widget that forgets to make its text safe is caught by the filter behind all of them."""
    app = inspector(evil_database)
    async with opened(app, (120, 40)) as pilot:
        careless = Static("", markup=False)
        await app.screen.mount(careless)
        for evil in EVIL:
            careless.update(evil)
            careless.tooltip = Content(evil)
            await pilot.pause()
            assert_only_text(app)


async def test_the_clipboard_gets_no_control_characters(evil_database: Path) -> None:
    """What is pasted later cannot run anything; newlines and tabs stay."""
    for number, evil in enumerate(TOGETHER):
        app = inspector(evil_database, number)
        async with opened(app, (120, 40)) as pilot:
            app.screen.query_one("#input JsonView").focus()
            await press(pilot, "g", "j", "y")
            assert all(is_clean(part) for part in re.split(r"[\n\t]", app.clipboard))
            assert app.clipboard == "\n".join(visible(line) for line in evil.split("\n"))

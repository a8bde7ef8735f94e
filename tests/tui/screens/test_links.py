"""Links that screens copy: they say what is shown, and lead back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tui.conftest import opened, press, rest
from tests.tui.replan_samples import DECIDED, write_replans
from tests.tui.samples import BACKUP, run_id
from tests.tui.screens.inspectors import inspector
from tests.tui.stories import id_of
from tui.app import Inspector
from tui.places import RunPlace
from tui.screens.run import RunScreen
from tui.viewmodel.links import parse_target
from tui.viewmodel.tabs import Tab

if TYPE_CHECKING:
    from pathlib import Path

ID = run_id(BACKUP)


async def link_at(app: Inspector, *keys: str) -> str:
    """What `Y` sends to the terminal after these keys."""
    async with opened(app) as pilot:
        await press(pilot, *keys, "Y")
        return app.clipboard


@pytest.mark.parametrize(
    ("tab", "link"),
    [
        (Tab.GROUPS, f"{ID}/groups"),
        (Tab.REPLANS, f"{ID}/replans"),
        (Tab.LOGS, f"{ID}/logs"),
        (Tab.EVENTS, f"{ID}/events"),
        (Tab.ANSWER, f"{ID}/answer"),
    ],
)
async def test_a_tab_has_a_link(backup_database: Path, tab: Tab, link: str) -> None:
    assert await link_at(inspector(backup_database, BACKUP, tab=tab)) == link
    assert parse_target(link).tab is tab


async def test_the_runs_link_to_the_chosen_one(backup_database: Path) -> None:
    assert await link_at(inspector(backup_database)) == ID


async def test_why_links_to_its_run(backup_database: Path) -> None:
    assert await link_at(inspector(backup_database, BACKUP), "w") == ID


async def test_nothing_is_linked_to_where_nothing_is(tmp_path: Path) -> None:
    app = inspector(tmp_path / "none.db")
    async with opened(app) as pilot:
        await press(pilot, "Y")
        assert app.clipboard == ""
        assert [note.message for note in app._notifications] == ["there is nothing here that a link could lead to"]


async def test_in_a_document_the_palette_copies_the_link_with_the_step(backup_database: Path) -> None:
    """There, Y copies a path; the link leads back to the very row."""
    app = inspector(backup_database, BACKUP)
    async with opened(app) as pilot:
        assert isinstance(app.screen, RunScreen)
        app.screen.stages.output.view.go_to(("result", "verify"))
        await rest(pilot)
        await press(pilot, "Y")
        path = app.clipboard
        app.perform_anywhere("copy_link")
        await rest(pilot)
        link = app.clipboard
    assert path != link
    assert link == f"'{ID}/stage/execute?step=verify'", "a shell is not to take it apart"
    target = parse_target(link.strip("'"))
    back = Inspector(backup_database, place=RunPlace(ID, target.stage, step_id=target.step_id), follows=False)
    async with opened(back):
        assert isinstance(back.screen, RunScreen)
        assert back.screen.link == link.strip("'")


async def test_a_link_leads_to_the_pass_that_is_looked_at(tmp_path: Path) -> None:
    """The last pass needs no name: whoever follows the link sees how the run stands then."""
    path = tmp_path / "runs.db"
    await write_replans(path)
    app = Inspector(path, place=RunPlace(id_of(DECIDED)), follows=False)
    async with opened(app) as pilot:
        assert isinstance(app.screen, RunScreen)
        assert "pass=" not in app.screen.link
        await press(pilot, "less_than_sign")
        link = app.screen.link
        assert link.endswith("pass=1")
        await press(pilot, "escape")
        app.action_do("history_back")
        await rest(pilot)
        assert isinstance(app.screen, RunScreen)
        assert app.screen.link == link
    target = parse_target(link)
    back = Inspector(path, place=RunPlace(target.run, target.stage, pass_index=target.pass_index), follows=False)
    async with opened(back):
        assert isinstance(back.screen, RunScreen)
        assert back.screen.link == link
        assert "pass 1, last 2" in back.export_text()

"""The tabs Assets and Answer by their keys."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from store.writer import open_writer
from tests.tui.conftest import opened, press
from tests.tui.corpus import EVIL
from tests.tui.replan_samples import DECIDED, GATES, LOOKUP, PLAIN, WAITING, add_assets, waiting
from tests.tui.screens.test_injection import assert_only_text
from tests.tui.screens.test_replans_tab import looking_at, replans_database
from tui.terminal import is_clean
from tui.viewmodel.tabs import Tab
from tui.widgets.json_view import JsonView

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["replans_database"]


async def test_enter_shows_what_is_in_an_asset_and_its_versions(replans_database: Path) -> None:
    """A text with its lines numbered, JSON in the viewer; the cursor leads on to the next; escape closes."""
    app = looking_at(replans_database, DECIDED, Tab.ASSETS)
    async with opened(app, (120, 40)) as pilot:
        assert "newest then, 3 is newer" in app.export_text()
        assert "1 newer" in app.export_text()
        await press(pilot, "Y")
        assert app.clipboard == "policy/gates@1"
        await press(pilot, "enter")
        assert "min_rows  1" in app.export_text()
        await press(pilot, "enter")
        assert isinstance(app.focused, JsonView)
        await press(pilot, "shift+tab", "j")
        text = app.export_text()
        assert "  1  SELECT name, address" in text
        assert "at most 20" in text
        assert "▸ @2   ✓ PUBLISHED  used here" in text
        await press(pilot, "Y")
        assert app.clipboard == LOOKUP
        await press(pilot, "k", "Y")
        assert app.clipboard == GATES
        await press(pilot, "escape")
        assert "min_rows" not in app.export_text()


async def test_the_answer_is_copied_whole_and_its_absence_is_explained(replans_database: Path) -> None:
    """As it stands on stdout; a run that failed or waits says so, with the key that leads on."""
    app = looking_at(replans_database, DECIDED, Tab.ANSWER)
    async with opened(app) as pilot:
        assert "db-03 is a database server in fra1." in app.export_text()
        await press(pilot, "y")
        assert "Whom to call\n  - platform\n  - payments\n" in app.clipboard
    for number, said in ((PLAIN, "no answer: the run failed at ci"), (WAITING, "the run waits for an approval")):
        app = looking_at(replans_database, number, Tab.ANSWER)
        async with opened(app) as pilot:
            assert said in app.export_text()
            await press(pilot, "y")
            assert "there is no answer" in app.export_text()


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_nothing_in_them_is_more_than_text(tmp_path: Path, size: tuple[int, int]) -> None:
    """Reasons of replans, contents and notes of assets, on the tabs and in the question."""
    path = tmp_path / "evil.db"
    evil = " ".join(EVIL).replace("\x00", "")
    assets = add_assets(
        path, (evil, f"{evil}\n{evil}", '{"a": ' + '"\\u001b]52;c;RVZJTA==\\u0007"' + "}"), note="[/nope][bold]EVIL"
    )

    async def written() -> None:
        async with open_writer(path) as writer:
            await waiting(assets, evil).write(writer)

    await asyncio.create_task(written())
    app = looking_at(path, WAITING)
    async with opened(app, size) as pilot:
        for key in ("y", "a", "escape", "6", "enter", "j", "enter", "shift+tab", "j", "Y", "7", "1"):
            await press(pilot, key)
            assert_only_text(app)
        assert all(is_clean(part) for line in app.clipboard.split("\n") for part in line.split("\t"))

"""--ascii on every screen: no cell that is not ASCII, whatever the data has in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tui.conftest import opened, press, rest
from tests.tui.releases import RELEASE
from tests.tui.screens.inspectors import inspector
from tests.tui.screens.test_readonly import PLACES

if TYPE_CHECKING:
    from pathlib import Path

    from tui.app import Inspector

pytestmark = pytest.mark.sampled(one_in=6, of_file=True)


def is_ascii(app: Inspector) -> bool:
    """The whole screen; a failure shows what is not."""
    text = app.export_text()
    return not [line for line in text.split("\n") if not line.isascii()]


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
@pytest.mark.parametrize("place", PLACES)
async def test_every_screen_is_drawn_with_ascii(place: str, size: tuple[int, int], database: Path) -> None:
    """Borders, scrollbars and marks too, and the help of each."""
    app = inspector(database, ascii_only=True)
    async with opened(app, size=size) as pilot:
        PLACES[place](app)
        await rest(pilot)
        assert is_ascii(app), app.export_text()
        await press(pilot, "question_mark")
        assert "help" in app.export_text()
        assert is_ascii(app)


@pytest.mark.parametrize(
    "keys", [("2",), ("2", "v"), ("2", "v", "b"), ("3",), ("ctrl+p",), ("slash", "é"), ("x",), ("r",)]
)
async def test_what_opens_on_a_run_is_too(release_database: Path, keys: tuple[str, ...]) -> None:
    app = inspector(release_database, RELEASE, ascii_only=True)
    async with opened(app, size=(120, 40)) as pilot:
        await press(pilot, *keys)
        assert is_ascii(app), app.export_text()
        app.say("sent → é 日本")
        await rest(pilot)
        assert is_ascii(app), app.export_text()


async def test_what_is_copied_is_whole(backup_database: Path) -> None:
    """Only what is drawn is another thing."""
    app = inspector(backup_database, ascii_only=True)
    async with opened(app) as pilot:
        app.copy("é 日本", "value")
        await rest(pilot)
        assert app.clipboard == "é 日本"

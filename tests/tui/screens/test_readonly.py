"""--readonly: whatever is pressed on whatever screen, nothing is written; what would write says why it does not."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.tui.conftest import opened, press, rest
from tests.tui.samples import run_id
from tests.tui.screens.inspectors import inspector
from tui.actions import ACTIONS, Need, Scope, in_scopes
from tui.places import ComparePlace, ImpactPlace, MonitorPlace, RunPlace
from tui.screens.base import LiveScreen
from tui.viewmodel.tabs import Tab

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from tui.app import Inspector

pytestmark = pytest.mark.sampled(one_in=11, of_file=True)

RUN = 2
_NOT_DONE = frozenset({"quit", "suspend"})
_OTHER_TABS = frozenset(tab.name.lower() for tab in Tab if tab is not Tab.STAGES)
PLACES: dict[str, Callable[[Inspector], None]] = {
    "runs": lambda app: None,
    **{tab.name.lower(): (lambda app, tab=tab: app.go(RunPlace(run_id(RUN), tab=tab))) for tab in Tab},  # type: ignore[misc]
    "why": lambda app: app.show_why(run_id(RUN)),
    "override": lambda app: app.open_override(run_id(RUN)),
    "compare": lambda app: app.go(ComparePlace((run_id(RUN),))),
    "impact": lambda app: app.go(ImpactPlace("query/ci-lookup")),
    "monitor": lambda app: app.go(MonitorPlace()),
}


def written(folder: Path) -> dict[str, str]:
    """Every file with what is in it, but for what SQLite lays beside a file that it reads: shared memory and an empty log."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
        and not path.name.endswith("-shm")
        and not (path.name.endswith("-wal") and not path.stat().st_size)
    }


async def at(place: str, app: Inspector, pilot: Pilot[int]) -> LiveScreen[Any]:
    """The screen that is asked for, at rest."""
    PLACES[place](app)
    await rest(pilot)
    assert isinstance(app.screen, LiveScreen)
    return app.screen


@pytest.mark.sampled(one_in=4)
@pytest.mark.parametrize("place", PLACES)
async def test_nothing_is_written_whatever_is_done(
    place: str, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every action of every screen, one after the other, with a look at all files before and after."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = written(tmp_path)
    app = inspector(database, read_only=True)
    async with opened(app, size=(120, 40)) as pilot:
        screen = await at(place, app, pilot)
        assert "READ ONLY" in app.export_text().split("\n")[0]
        offered = screen.scopes_now
        # What is the same on every tab of a run is done on one of them.
        scopes = offered if place not in _OTHER_TABS else offered[: offered.index(Scope.RUN)]
        for action in [action for action in in_scopes(*scopes, screen.moves) if action.id not in _NOT_DONE]:
            app.perform_anywhere(action.id)
            await rest(pilot)
            if app.screen is not screen or screen.scopes_now != offered:
                while len(app.screen_stack) > 1:
                    app.pop_screen()
                    await pilot.pause()
                screen = await at(place, app, pilot)
                offered = screen.scopes_now
    assert written(tmp_path) == before


@pytest.mark.parametrize("place", PLACES)
async def test_what_would_change_something_says_that_it_does_not(place: str, database: Path) -> None:
    """By its key, and in the help."""
    app = inspector(database, read_only=True)
    async with opened(app, size=(120, 80)) as pilot:
        screen = await at(place, app, pilot)
        assert Need.WRITABLE not in screen.given
        for action in in_scopes(*screen.scopes_now):
            if Need.WRITABLE in action.needs:
                assert action.why_not(set(Need) - {Need.WRITABLE}) == Need.WRITABLE.value
                assert action.why_not(screen.given) is not None
                app.clear_notifications()
                app.perform_anywhere(action.id)
                await rest(pilot)
                assert [note.message for note in app._notifications] == [action.why_not(screen.given)]
                assert app.screen is screen
        assert not any(Need.WRITABLE in action.needs for action in app.possible_actions(screen))


async def test_its_key_says_so_and_the_help_does(database: Path) -> None:
    app = inspector(database, read_only=True)
    async with opened(app, size=(120, 80)) as pilot:
        await press(pilot, "x")
        assert "opened with --readonly: nothing is changed from here" in app.export_text()
        await press(pilot, "question_mark")
        told = " ".join(app.export_text().split())
        assert told.count("(opened with --readonly: nothing is changed from here)") >= 3


async def test_what_is_too_long_to_copy_is_not_written_to_a_file(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = written(tmp_path)
    app = inspector(database, read_only=True)
    async with opened(app) as pilot:
        app.copy("x" * 2_000_000, "value")
        await rest(pilot)
        assert "nothing is written to a file with --readonly" in next(iter(app._notifications)).message
    assert written(tmp_path) == before


async def test_no_file_is_made_where_there_is_none(tmp_path: Path) -> None:
    app = inspector(tmp_path / "none.db", read_only=True)
    async with opened(app) as pilot:
        await press(pilot, "r", "x", "slash")
        assert "No runs yet" in app.export_text()
    assert list(tmp_path.iterdir()) == []


def test_every_action_that_writes_is_known_to() -> None:
    """Whoever adds one has to say which of the two it is."""
    harmless = {action.id for action in ACTIONS if Need.WRITABLE not in action.needs}
    for word in (
        "approve",
        "deny",
        "rerun",
        "override",
        "cancel",
        "pause",
        "export",
        "confirm",
        "put_back",
        "bisect",
        "run_it",
    ):
        assert not {name for name in harmless if name == word or name.startswith(f"{word}_")}, word
    assert {action.scope for action in ACTIONS if Need.WRITABLE in action.needs} >= {
        Scope.STEER,
        Scope.RUN,
        Scope.OVERRIDE,
    }

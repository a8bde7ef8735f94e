"""Pictures of the Override screen: each docstring says what a person should see."""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from tests.tui.conftest import press, rest
from tests.tui.screens.replayed import REPLAYED, replay
from tests.tui.screens.test_snapshots import LARGE, SMALL, keys
from tui.app import Inspector
from tui.places import RunPlace
from tui.widgets.edit_line import EditLine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from tests.tui.screens.test_snapshots import SnapCompare

NOW_US = 1_768_187_400_000_000
"""2026-01-12T03:10:00Z, minutes after the run."""


@pytest.fixture
def lookup(tmp_path: Path) -> Path:
    """The run to repeat."""
    path = tmp_path / "runs.db"
    asyncio.run(replay(path, tmp_path))
    return path


def looking_at(path: Path, *, light: bool = False, ascii_only: bool = False) -> Inspector:
    """The inspector on it, at ten past three."""
    return Inspector(
        path,
        place=RunPlace(REPLAYED),
        clock=lambda: NOW_US,
        zone=UTC,
        light=light,
        ascii_only=ascii_only,
        follows=False,
    )


def typing(text: str, *pressed: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    """Press keys, then put a text where something is typed."""

    async def run_before(pilot: Pilot[int]) -> None:
        await rest(pilot)
        await press(pilot, *pressed)
        pilot.app.screen.query_one(EditLine).query_one(Input).value = text
        await rest(pilot)

    return run_before


def test_nothing_changed_yet_at_80x24(lookup: Path, snap_compare: SnapCompare) -> None:
    """Five assets with version and why, two parameters, steps folded, what is said of the run, `run it` in bold;

    below a rule that all steps run again, when it would end, and why nothing is reused.
    """
    assert snap_compare(looking_at(lookup), terminal_size=SMALL, run_before=keys("o"))


def test_versions_and_their_difference_at_80x24(lookup: Path, snap_compare: SnapCompare) -> None:
    """Three versions, the draft under the cursor, the one that was used in bold; below, who made the draft and what for,

    then line by line what differs: what went in red (the comment of SQL too), what came in green, long lines whole.
    """
    assert snap_compare(looking_at(lookup), terminal_size=SMALL, run_before=keys("o", "enter"))


def test_versions_and_their_difference_at_160x45(lookup: Path, snap_compare: SnapCompare) -> None:
    """The same side by side, the notes in the list, the numbers of lines that came and went at the end of the heading."""
    assert snap_compare(looking_at(lookup), terminal_size=LARGE, run_before=keys("o", "enter"))


def test_an_override_and_what_it_comes_to_at_160x45(lookup: Path, snap_compare: SnapCompare) -> None:
    """`@2 → @3 OVERRIDE` in amber with a dot before it; beside it TEST RUN and each step that runs again with its reason."""
    assert snap_compare(looking_at(lookup), terminal_size=LARGE, run_before=keys("o", "enter", "enter"))


def test_the_question_at_80x24(lookup: Path, snap_compare: SnapCompare) -> None:
    """What would run in one sentence, `y run it` and `esc leave it` below it, and no other key."""
    assert snap_compare(looking_at(lookup), terminal_size=SMALL, run_before=keys("o", "enter", "enter", "r"))


def test_a_wrong_parameter_at_80x24(lookup: Path, snap_compare: SnapCompare) -> None:
    """The value as it is typed, under it in red what is expected; enter is not bold, since it would not take it."""
    typed = typing("many", "o", *"jjjjjj", "enter")
    assert snap_compare(looking_at(lookup), terminal_size=SMALL, run_before=typed)


def test_a_step_to_begin_from_in_light_at_160x45(lookup: Path, snap_compare: SnapCompare) -> None:
    """Dark on cream: the steps unfolded with how each ended, one of them to run again; six are reused, by name."""
    pressed = keys("o", *"jjjjjjj", "enter", "G", "k", "k", "k", "k", "k", "enter")
    assert snap_compare(looking_at(lookup, light=True), terminal_size=LARGE, run_before=pressed)


def test_an_override_in_ascii_at_80x24(lookup: Path, snap_compare: SnapCompare) -> None:
    """The same with ASCII characters only: `*` before what is set, `@2 > @3`, `@` before each step that runs again."""
    app = looking_at(lookup, ascii_only=True)
    assert snap_compare(app, terminal_size=SMALL, run_before=keys("o", "enter", "enter"))


def test_an_override_without_colour_at_80x24(
    lookup: Path, snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is coloured; the line under the cursor is reversed, what is set has its dot and its word."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(looking_at(lookup), terminal_size=SMALL, run_before=keys("o", "enter", "enter"))

"""Pictures of the Impact screen: each docstring says what a person should see."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.tui.conftest import press, rest
from tests.tui.impact_samples import ASSET, register, write_uses
from tests.tui.screens.inspectors import inspector
from tests.tui.screens.test_snapshots import LARGE, SMALL
from tui.places import ImpactPlace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from tests.tui.screens.test_snapshots import SnapCompare
    from tui.app import Inspector


@pytest.fixture(scope="module")
def uses_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("impact") / "runs.db"
    asyncio.run(write_uses(path))
    return path


def impact(*pressed: str, asset: str = ASSET) -> Callable[[Pilot[int]], Awaitable[None]]:
    """Go to the impact of the asset, then press."""

    async def run_before(pilot: Pilot[int]) -> None:
        app: Inspector = pilot.app  # type: ignore[assignment]
        await rest(pilot)
        app.go(ImpactPlace(asset))
        await rest(pilot)
        await press(pilot, *pressed)

    return run_before


def test_impact_at_80x24(uses_file: Path, snap_compare: SnapCompare) -> None:
    """✗ HIGH RISK in red at the right of the title. Four versions, the newest a draft that nobody used; @3 marked as after, @2 as

    before, each with its lane of the timeline under one axis of time, a red ✗ where a run failed. Below a rule that says how to
    read on: the risk with its points, and what to do with the commands.
    """
    assert snap_compare(inspector(uses_file), terminal_size=SMALL, run_before=impact())


def test_impact_at_160x45(uses_file: Path, snap_compare: SnapCompare) -> None:
    """The same with the slow runs, the last use and wide lanes; below two panels side by side.

    Left risk, advice, the figures of both versions as cards, the policy that changed at the same time in amber. Right the
    verdict with its evidence, the suspected causes, and the quality as pairs of thin bars.
    """
    assert snap_compare(inspector(uses_file), terminal_size=LARGE, run_before=impact())


def test_reading_on_at_80x24(uses_file: Path, snap_compare: SnapCompare) -> None:
    """The text scrolled to its end: the axes of quality, each with its formula, its two bars, n and where it may truly be."""
    assert snap_compare(inspector(uses_file), terminal_size=SMALL, run_before=impact("tab", "G"))


def test_the_other_way_round_in_light_at_160x45(uses_file: Path, snap_compare: SnapCompare) -> None:
    """Dark on cream. From @3 to @2: IMPROVED, a low risk in green, and nothing that has to be done in a hurry."""
    assert snap_compare(inspector(uses_file, light=True), terminal_size=LARGE, run_before=impact("s"))


def test_impact_in_ascii_at_80x24(uses_file: Path, snap_compare: SnapCompare) -> None:
    """The same as at 80x24, drawn with ASCII characters only: x HIGH RISK, lanes of _ and #."""
    assert snap_compare(inspector(uses_file, ascii_only=True), terminal_size=SMALL, run_before=impact())


def test_impact_without_colour_at_80x24(
    uses_file: Path, snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is coloured; the chosen version is reversed; risk and failures still have their sign and their word."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(inspector(uses_file), terminal_size=SMALL, run_before=impact())


def test_the_runs_of_a_version_at_80x24(uses_file: Path, snap_compare: SnapCompare) -> None:
    """A list at the right: nine runs with @3, the newest first, one FAILED in red; each with its plan, how long and when."""
    assert snap_compare(inspector(uses_file), terminal_size=SMALL, run_before=impact("enter"))


def test_too_few_runs_at_80x24(tmp_path: Path, snap_compare: SnapCompare) -> None:
    """? RISK NOT KNOWN in amber; how many more runs are needed after, and the command that makes them."""
    path = tmp_path / "few.db"
    asyncio.run(write_uses(path, after=1, gates_after=1))
    assert snap_compare(inspector(path), terminal_size=SMALL, run_before=impact())


def test_an_asset_that_nobody_used_at_80x24(tmp_path: Path, snap_compare: SnapCompare) -> None:
    """Its versions with dashes; what to do says how a plan uses it."""
    path = tmp_path / "unused.db"
    register(path)
    assert snap_compare(inspector(path), terminal_size=SMALL, run_before=impact())


def test_which_asset_at_80x24(uses_file: Path, snap_compare: SnapCompare) -> None:
    """Opened from the palette: a question, and at the right the list of assets, those that most runs used first."""
    assert snap_compare(inspector(uses_file), terminal_size=SMALL, run_before=impact(asset=""))


def test_no_such_asset_at_80x24(uses_file: Path, snap_compare: SnapCompare) -> None:
    """A red ✗ with what is wrong, the name that may have been meant, and the keys that help."""
    assert snap_compare(inspector(uses_file), terminal_size=SMALL, run_before=impact(asset="query/fnd"))

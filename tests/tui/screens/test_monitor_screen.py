"""The Monitor screen in use: what goes on, the cursor that stays on its run, and what it says when all is quiet."""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import TYPE_CHECKING

import pytest

from engine.model.event import Event, EventKind
from store.writer import open_writer
from tests.tui import samples
from tests.tui.conftest import living_engine, opened, press, rest
from tests.tui.monitoring_samples import FIRST, write_going_on
from tests.tui.samples import ENGINE, NOW_US, SECOND, Sample, Step, run_id
from tests.tui.screens.inspectors import inspector
from tui.app import Inspector
from tui.screens.monitor import MonitorScreen
from tui.widgets.block_list import BlockList

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from textual.pilot import Pilot


async def going_on(path: Path, many: int) -> Path:
    """A file with so many runs that go on."""
    async with open_writer(path, engine_id=ENGINE) as writer:
        await write_going_on(writer, many)
    return path


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Path]:
    """Twelve runs go on, their engine alive."""
    path = asyncio.run(going_on(tmp_path / "busy.db", 12))
    with living_engine(path):
        yield path


async def monitor(pilot: Pilot[int]) -> MonitorScreen:
    """From the runs to the monitor."""
    await press(pilot, "m")
    screen = pilot.app.screen
    assert isinstance(screen, MonitorScreen)
    return screen


def chosen(app: Inspector) -> str:
    """The id of the run under the cursor."""
    assert isinstance(app.screen, MonitorScreen)
    assert app.screen.steerable is not None
    return app.screen.steerable.run.run_id


async def test_all_that_goes_on_is_there(busy: Path) -> None:
    """Three lines a run, the counts in the title; the file is asked twice, however many there are."""
    app = inspector(busy)
    async with opened(app, (120, 50)) as pilot:
        screen = await monitor(pilot)
        text = app.export_text()
        assert screen.query_one(BlockList).blocks == 12
        assert "10 running  2 wait" in text
        assert "waits for an approval of another plan" in text
        assert "✓ route_plan  ✓ validate  ● execute" in text
        assert "checksums started" in text
        assert "4/30  2 running" in text


async def test_the_cursor_moves_by_runs_and_enter_opens(busy: Path) -> None:
    """A block is always seen whole; escape leads back to where one came from."""
    app = inspector(busy)
    async with opened(app) as pilot:
        screen = await monitor(pilot)
        await press(pilot, "j", "j")
        assert chosen(app) == run_id(FIRST + 2)
        await press(pilot, "G")
        assert chosen(app) == run_id(FIRST + 11)
        assert run_id(FIRST + 11)[:6] in app.export_text()
        assert "26/30" in app.export_text()
        await press(pilot, "g", "ctrl+d", "k")
        assert chosen(app) == run_id(FIRST + 1)
        await press(pilot, "enter")
        assert run_id(FIRST + 1)[:6] in app.export_text().splitlines()[0]
        await press(pilot, "escape")
        assert isinstance(app.screen, MonitorScreen)
        assert app.screen is not screen
        await press(pilot, "escape")
        assert type(app.screen).__name__ == "RunsScreen"


async def test_a_click_chooses_a_run_and_another_opens_it(busy: Path) -> None:
    """On any of its lines; between two runs nothing is chosen."""
    app = inspector(busy)
    async with opened(app) as pilot:
        await monitor(pilot)
        await pilot.click(BlockList, offset=(30, 6))
        await rest(pilot)
        assert chosen(app) == run_id(FIRST + 1)
        await pilot.click(BlockList, offset=(30, 3))
        await rest(pilot)
        assert chosen(app) == run_id(FIRST + 1)
        await pilot.click(BlockList, offset=(30, 5))
        await rest(pilot)
        assert type(app.screen).__name__ == "RunScreen"


async def test_the_cursor_stays_on_its_run_while_others_come_and_go(tmp_path: Path) -> None:
    """The one above it ends, another one starts."""
    path = await going_on(tmp_path / "runs.db", 3)
    later = [0]
    app = Inspector(path, clock=lambda: NOW_US + later[0], zone=UTC, follows=False)
    async with opened(app) as pilot:
        screen = await monitor(pilot)
        await press(pilot, "j")
        assert chosen(app) == run_id(FIRST + 1)
        async with open_writer(path, engine_id=ENGINE) as writer:
            await samples.write_run(writer, Sample(900, "new_one", [Step("one", "running")], None, 1_000_000))
            await samples.write_run(writer, Sample(901, "new_two", [Step("one", "running")], None, 500_000))
            screen.want()
            await rest(pilot)
            assert screen.query_one(BlockList).blocks == 5
            assert chosen(app) == run_id(FIRST + 1)
            ended = Event(EventKind.RUN_CANCELED, NOW_US - SECOND, {"duration_us": 1, "warnings": 0, "steps": {}})
            await writer.append(run_id(900), [ended])
        screen.want()
        await rest(pilot)
        # One sees how it ended, at the place where one watched it, and then it makes room.
        assert screen.query_one(BlockList).blocks == 5
        assert "⊘ CANCELED" in app.export_text()
        assert "4 lost" in app.export_text()
        assert chosen(app) == run_id(FIRST + 1)
        later[0] = 20 * SECOND
        screen.want()
        await rest(pilot)
        assert screen.query_one(BlockList).blocks == 4
        assert chosen(app) == run_id(FIRST + 1)


async def test_when_all_is_quiet_it_says_so_and_what_ended_last(tmp_path: Path) -> None:
    """And how to start something; before there is a file, too."""
    app = inspector(await going_on(tmp_path / "quiet.db", 0))
    async with opened(app) as pilot:
        await monitor(pilot)
        text = app.export_text()
        assert "All is quiet" in text
        assert "ended last" in text
        assert text.count("SUCCEEDED") == 5
        await press(pilot, "x")
        assert "no run is chosen" in app.export_text()
    app = inspector(tmp_path / "none.db")
    async with opened(app) as pilot:
        await monitor(pilot)
        assert "All is quiet" in app.export_text()
        assert app.last_error is None


async def test_a_run_is_steered_from_here(busy: Path) -> None:
    """Cancel asks first, as everywhere."""
    app = inspector(busy)
    async with opened(app) as pilot:
        await monitor(pilot)
        await press(pilot, "j", "x")
        assert f"Cancel {run_id(FIRST + 1)[:6]} nightly-backup?" in app.export_text()
        await press(pilot, "escape")
        assert "Cancel" not in app.export_text()

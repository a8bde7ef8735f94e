"""Pictures of the Monitor screen. Each docstring says what a person should see."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from store.writer import open_writer
from tests.tui.conftest import living_engine
from tests.tui.monitoring_samples import write_going_on
from tests.tui.samples import ENGINE
from tests.tui.screens.inspectors import inspector
from tests.tui.screens.test_snapshots import LARGE, SMALL, keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.tui.screens.test_snapshots import SnapCompare


@pytest.fixture
def going_on(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes a file in which so many runs go on, their engine alive as long as the test."""
    path = tmp_path / "runs.db"

    async def write(many: int) -> None:
        async with open_writer(path, engine_id=ENGINE) as writer:
            await write_going_on(writer, many)

    def make(many: int) -> Path:
        asyncio.run(write(many))
        engine.__enter__()
        return path

    engine = living_engine(path)
    yield make
    engine.__exit__(None, None, None)


def test_twelve_runs_at_80x24(going_on: Callable[[int], Path], snap_compare: SnapCompare) -> None:
    """Five runs, three lines each, the second chosen: state, id, plan, time; stages as signs; bar, steps, pace, what is left.

    One is paused by an operator, calm; one waits for an approval, in amber. Title: 10 running, 2 wait.
    """
    assert snap_compare(inspector(going_on(12)), terminal_size=SMALL, run_before=keys("m", "j"))


def test_twelve_runs_at_160x45(going_on: Callable[[int], Path], snap_compare: SnapCompare) -> None:
    """As at 80x24, with the names of the stages and longer bars; eleven runs are seen."""
    assert snap_compare(inspector(going_on(12)), terminal_size=LARGE, run_before=keys("m"))


def test_twelve_runs_in_ascii_at_80x24(going_on: Callable[[int], Path], snap_compare: SnapCompare) -> None:
    """Bars of #, x, % and :, signs of ASCII."""
    assert snap_compare(inspector(going_on(12), ascii_only=True), terminal_size=SMALL, run_before=keys("m"))


def test_twelve_runs_in_light_at_120x35(going_on: Callable[[int], Path], snap_compare: SnapCompare) -> None:
    """Dark on cream."""
    assert snap_compare(inspector(going_on(12), light=True), terminal_size=(120, 35), run_before=keys("m", "j", "j"))


def test_one_run_at_80x24(going_on: Callable[[int], Path], snap_compare: SnapCompare) -> None:
    """One run, chosen; the rest of the screen is empty and calm."""
    assert snap_compare(inspector(going_on(1)), terminal_size=SMALL, run_before=keys("m"))


def test_all_is_quiet_at_80x24(going_on: Callable[[int], Path], snap_compare: SnapCompare) -> None:
    """`All is quiet`, how to start a run, how to go back, and the five runs that ended last."""
    assert snap_compare(inspector(going_on(0)), terminal_size=SMALL, run_before=keys("m"))

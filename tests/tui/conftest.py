"""Files and applications for the tests of the screens: everything fixed, everything real."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import pytest

from store.writer import open_writer
from tests.tui import samples

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from textual.pilot import Pilot

    from tui.app import Inspector


@contextmanager
def living_engine(path: Path) -> Iterator[None]:
    """Keep the engine of the samples alive, as a process that runs the plan would."""
    ready, done = threading.Event(), threading.Event()

    async def hold() -> None:
        async with open_writer(path, engine_id=samples.ENGINE):
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=(hold(),))
    thread.start()
    assert ready.wait(20)
    try:
        yield
    finally:
        done.set()
        thread.join(20)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The sample runs in a file; the engine of the live one is dead."""
    path = tmp_path / "runs.db"
    asyncio.run(samples.write_samples(path))
    return path


@pytest.fixture
def live_database(database: Path) -> Iterator[Path]:
    """The sample runs in a file; the engine of the live one is alive."""
    with living_engine(database):
        yield database


@pytest.fixture
def backup_database(tmp_path: Path) -> Path:
    """One run that wrote much and failed."""
    path = tmp_path / "backup.db"
    asyncio.run(samples.write(path, [samples.backup()]))
    return path


async def rest(pilot: Pilot[int]) -> None:
    """Wait until everything that was asked for is on the screen."""
    app: Inspector = pilot.app  # type: ignore[assignment]
    await app.busy.settled()
    await pilot.pause()
    await app.busy.settled()


@asynccontextmanager
async def opened(app: Inspector, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[int]]:
    """The application at rest."""
    async with app.run_test(size=size, notifications=True) as pilot:
        await rest(pilot)
        yield pilot


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Press keys, waiting for rest after each."""
    for key in keys:
        await pilot.press(key)
        await rest(pilot)

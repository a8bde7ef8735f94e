"""Files and applications for the tests of the screens: everything fixed, everything real."""

from __future__ import annotations

import asyncio
import shutil
import threading
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual._context import active_app

from store.writer import open_writer
from tests.tui import samples
from tests.tui.releases import write_release

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from textual.pilot import Pilot

    from tui.app import Inspector


CALM_TURNS = 5
"""Turns of the event loop in which nothing waited to be handled: a message may still be on its way from one to the next."""


async def until_calm(min_sleep: float = 0, max_sleep: float = 0) -> None:
    """Return when no part of the application has a message left to handle. Textual's own helper looks at a clock instead."""
    app = active_app.get()
    calm = 0
    while calm < CALM_TURNS and app.is_running:
        await asyncio.sleep(0)
        pumps = (app, *(pump for screen in app.screen_stack for pump in screen.walk_children(with_self=True)))
        screen = app.screen
        if screen._layout_required or screen._repaint_required or screen._dirty_widgets or screen._callbacks:
            screen._on_timer_update()
            calm = 0
        else:
            has_rest = app._resize_event is None and all(pump._message_queue.empty() for pump in pumps)
            calm = calm + 1 if has_rest else 0


@pytest.fixture(autouse=True)
def _wait_for_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and pauses wait for a state, not for time: faster, and the same on a busy machine."""
    monkeypatch.setattr("textual.app.wait_for_idle", until_calm)
    monkeypatch.setattr("textual.pilot.wait_for_idle", until_calm)


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


@pytest.fixture(scope="session")
def sample_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample runs, to be copied: writing each of them durably takes as long as most tests."""
    path = tmp_path_factory.mktemp("samples") / "runs.db"
    asyncio.run(samples.write_samples(path))
    return path


@pytest.fixture(scope="session")
def backup_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of `backup_database`, to be copied."""
    path = tmp_path_factory.mktemp("samples") / "backup.db"
    asyncio.run(samples.write(path, [samples.backup()]))
    return path


def a_copy(path: Path, folder: Path) -> Path:
    """The same runs in a file of one's own. Nobody has the first one open, so all of it is in the one file."""
    assert not path.with_name(f"{path.name}-wal").exists()
    return Path(shutil.copy(path, folder))


@pytest.fixture
def database(sample_file: Path, tmp_path: Path) -> Path:
    """The sample runs in a file; the engine of the live one is dead."""
    return a_copy(sample_file, tmp_path)


@pytest.fixture
def live_database(database: Path) -> Iterator[Path]:
    """The sample runs in a file; the engine of the live one is alive."""
    with living_engine(database):
        yield database


@pytest.fixture
def backup_database(backup_file: Path, tmp_path: Path) -> Path:
    """One run that wrote much and failed."""
    return a_copy(backup_file, tmp_path)


async def rest(pilot: Pilot[int]) -> None:
    """Wait until everything that was asked for is on the screen."""
    app: Inspector = pilot.app  # type: ignore[assignment]
    is_laid_out = False
    while not is_laid_out:
        await app.busy.settled()
        await pilot.pause()
        # What a message has begun meanwhile is still to be shown, and what is shown is still to be laid out.
        is_laid_out = app.busy.is_idle


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


@pytest.fixture
def release_database(tmp_path: Path) -> Iterator[Path]:
    """A release that deploys just now, its engine alive, and the one before it."""
    path = tmp_path / "release.db"

    async def write() -> None:
        async with open_writer(path, engine_id=samples.ENGINE) as writer:
            await write_release(writer)

    asyncio.run(write())
    with living_engine(path):
        yield path

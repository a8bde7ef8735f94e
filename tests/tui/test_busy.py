"""Busy and idle: what everything that waits, waits for."""

from __future__ import annotations

import asyncio

from tui.busy import Busy


async def test_settled_returns_when_everything_has_ended() -> None:
    """Not before the last one."""
    busy = Busy()
    await busy.settled()
    busy.begin()
    waiting = asyncio.create_task(busy.settled())
    with busy.working():
        assert not busy.is_idle
    await asyncio.sleep(0)
    assert not waiting.done()
    busy.end()
    await waiting
    assert busy.is_idle


async def test_nobody_waits_for_an_application_that_has_ended() -> None:
    """Closing frees who waits."""
    busy = Busy()
    busy.begin()
    busy.close()
    await busy.settled()

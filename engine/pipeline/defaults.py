"""What a run is given where nothing better is at hand: nobody who interferes, no locks, no failure points. All do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from engine.ports import ControlRequest


class NoControl:
    """Nobody asks for anything. Implements `engine.ports.ControlSource`."""

    async def requests(self) -> AsyncIterator[ControlRequest]:
        """No request."""
        nothing: tuple[ControlRequest, ...] = ()
        for request in nothing:
            yield request


class NoLocks:
    """Every lock is free, for a program that runs one thing at a time. Implements `engine.ports.LockBroker`."""

    async def acquire(self, run_id: str, names: Sequence[str], on_wait: Callable[[str], None]) -> None:
        """Held at once."""

    async def release(self, run_id: str) -> None:
        """Given back at once."""


def pass_on(told: str) -> None:
    """Hear it and go on."""

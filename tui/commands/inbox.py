"""Where an operator's requests for a run come together, from signals and from the socket, on their way to the engine."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.pipeline.resume_point import RACED
from engine.ports import ControlVerb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine.ports import ControlRequest


class Inbox:
    """Implements `engine.ports.ControlSource`. To be used within one event loop.

    A second cancel means more than the first one if whoever sent it could know of the first: if it was asked for after
    the first was answered. Of several that race, all mean the same. `canceled_by` is a cancel from before this engine.
    """

    def __init__(self, canceled_by: ControlRequest | None = None) -> None:
        self.is_forced = canceled_by is not None and canceled_by.force
        """True once the run has been asked to end by force, or to end a second time, which is the same."""
        self.is_canceled = canceled_by is not None
        """True once it has been asked to end."""
        self._answered_at: float | None = None
        self._waiting: asyncio.Queue[tuple[ControlRequest, asyncio.Future[None]]] = asyncio.Queue()

    def put(self, request: ControlRequest, *, asked_at: float | None = None) -> asyncio.Future[None]:
        """Hand a request in. What comes back is done when the engine has acted on it, before it is recorded.

        `asked_at` is when the operator asked, by `time.monotonic`; now, if that is not known.
        """
        if request.verb is ControlVerb.CANCEL:
            if self.is_canceled and not request.force and not self._could_know(asked_at):
                request = replace(request, arguments={**request.arguments, RACED: True})
            elif self.is_canceled or request.force:
                self.is_forced = True
            self.is_canceled = True
        acted_on: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((request, acted_on))
        return acted_on

    def answered(self) -> None:
        """A cancel has been acted on, and whoever asked is told now."""
        if self._answered_at is None:
            self._answered_at = time.monotonic()

    def _could_know(self, asked_at: float | None) -> bool:
        return self._answered_at is not None and (asked_at is None or asked_at > self._answered_at)

    async def requests(self) -> AsyncIterator[ControlRequest]:
        """Every request, as it arrives."""
        while True:
            request, acted_on = await self._waiting.get()
            # Who waits for this goes on when the loop comes round again; the engine acts in the moment of the yield.
            if not acted_on.done():
                acted_on.set_result(None)
            yield request

"""Where an operator's requests for a run come together, from signals and from the socket, on their way to the engine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.ports import ControlVerb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engine.ports import ControlRequest


class Inbox:
    """Implements `engine.ports.ControlSource`. To be used within one event loop."""

    def __init__(self) -> None:
        self.is_forced = False
        """True once the run has been asked to end by force, or to end a second time, which is the same."""
        self.is_canceled = False
        """True once it has been asked to end."""
        self._waiting: asyncio.Queue[tuple[ControlRequest, asyncio.Future[None]]] = asyncio.Queue()

    def put(self, request: ControlRequest) -> asyncio.Future[None]:
        """Hand a request in. What comes back is done when the engine has acted on it, before it is recorded."""
        if request.verb is ControlVerb.CANCEL:
            self.is_forced = self.is_forced or request.force or self.is_canceled
            self.is_canceled = True
        acted_on: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((request, acted_on))
        return acted_on

    async def requests(self) -> AsyncIterator[ControlRequest]:
        """Every request, as it arrives."""
        while True:
            request, acted_on = await self._waiting.get()
            # Who waits for this goes on when the loop comes round again; the engine acts in the moment of the yield.
            if not acted_on.done():
                acted_on.set_result(None)
            yield request

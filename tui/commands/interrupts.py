"""Signals as an operator's requests: the first INT, HUP or TERM cancels the run, the second forces. No engine in here."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from engine.ports import ControlRequest, ControlVerb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_SIGNALS: Final = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)


class SignalControl:
    """Implements `engine.ports.ControlSource`. `received` is the first signal that asked for the end.

    A third signal meets its default again and ends the process, for the case that nothing else can.
    """

    def __init__(self, actor: str) -> None:
        self._actor = actor
        self._requests: asyncio.Queue[ControlRequest] = asyncio.Queue()
        self._taken: list[signal.Signals] = []
        self.received: signal.Signals | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals for as long as the block lasts. One that is ignored (nohup) stays ignored."""
        loop = asyncio.get_running_loop()
        self._taken = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        for number in self._taken:
            loop.add_signal_handler(number, self._on_signal, number)
        try:
            yield
        finally:
            self._let_go()

    def _let_go(self) -> None:
        loop = asyncio.get_running_loop()
        while self._taken:
            loop.remove_signal_handler(self._taken.pop())

    def _on_signal(self, number: signal.Signals) -> None:
        force = self.received is not None
        if force:
            self._let_go()
        else:
            self.received = number
        request = ControlRequest(
            verb=ControlVerb.CANCEL, actor=self._actor, force=force, arguments={"signal": number.name}
        )
        self._requests.put_nowait(request)

    async def requests(self) -> AsyncIterator[ControlRequest]:
        """Every request, as it arrives."""
        while True:
            yield await self._requests.get()

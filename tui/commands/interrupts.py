"""Signals as an operator's requests: the first one cancels the run, the second forces. No engine in here."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from engine.ports import ControlRequest, ControlVerb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tui.commands.inbox import Inbox

SIGNALS: Final = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)


class Interrupts:
    """Takes signals from the first moment on. `received` is the first that asked for the end.

    While there is no run yet, a signal cancels the task in whose name it listens; from `run_begins` on it is a request.
    A third signal meets its default again and ends the process, for the case that nothing else can.
    """

    def __init__(self, inbox: Inbox, actor: str, signals: Sequence[signal.Signals] = SIGNALS) -> None:
        self._inbox = inbox
        self._actor = actor
        self._signals = signals
        self._taken: list[signal.Signals] = []
        self._beginning: asyncio.Task[object] | None = None
        self.received: signal.Signals | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals for as long as the block lasts. One that is ignored (nohup) stays ignored."""
        loop = asyncio.get_running_loop()
        self._beginning = asyncio.current_task()
        self._taken = [number for number in self._signals if signal.getsignal(number) is not signal.SIG_IGN]
        for number in self._taken:
            loop.add_signal_handler(number, self._on_signal, number)
        try:
            yield
        finally:
            self._let_go()

    def run_begins(self) -> None:
        """From now on there is a run to cancel."""
        self._beginning = None

    @property
    def stopped_early(self) -> bool:
        """True if a signal came when there was nothing to cancel yet but the beginning itself."""
        return self.received is not None and self._beginning is not None

    def _let_go(self) -> None:
        loop = asyncio.get_running_loop()
        while self._taken:
            loop.remove_signal_handler(self._taken.pop())

    def _on_signal(self, number: signal.Signals) -> None:
        is_first = self.received is None
        if is_first:
            self.received = number
        else:
            self._let_go()
        if self._beginning is not None:
            self._beginning.cancel()
            return
        arguments = {"signal": number.name}
        acted_on = self._inbox.put(
            ControlRequest(verb=ControlVerb.CANCEL, actor=self._actor, force=not is_first, arguments={**arguments})
        )
        acted_on.add_done_callback(lambda _: self._inbox.answered())  # a signal has no other answer

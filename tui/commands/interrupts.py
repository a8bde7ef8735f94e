"""Signals as an operator's requests: the first one cancels the run, the second forces. No engine in here."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.pipeline.defaults import pass_on
from engine.ports import ControlRequest, ControlVerb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tui.commands.inbox import Inbox

SIGNALS: Final = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)

_STOPPED_WITHIN_SEC: Final = 7.0  # what ignores SIGTERM has five seconds, and then SIGKILL
_LOOK_EVERY_SEC: Final = 0.1


def has_children() -> bool:
    """True while a process that this one started has not ended."""
    return any(task.read_text() for task in Path("/proc/self/task").glob("*/children"))


class Interrupts:
    """Takes signals from the first moment on. `received` is the first that asked for the end.

    While there is no run yet, a signal cancels the task in whose name it listens; from `run_begins` on it is a request.
    While the file has no room, the end of the run cannot be recorded. The second signal then does not wait for it: when
    what runs is stopped, `leave` is told. A third signal meets its default again and ends the process, for the case that nothing else can.
    """

    def __init__(self, inbox: Inbox, actor: str, signals: Sequence[signal.Signals] = SIGNALS) -> None:
        self._inbox = inbox
        self._actor = actor
        self._signals = signals
        self._taken: list[signal.Signals] = []
        self._task: asyncio.Task[object] | None = None
        self._is_beginning = True
        self._lacks_room: Callable[[], bool] = lambda: False
        self._tell: Callable[[str], None] = pass_on
        self._leave: Callable[[signal.Signals], None] = lambda _: None
        self.received: signal.Signals | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals for as long as the block lasts. One that is ignored (nohup) stays ignored."""
        loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._taken = [number for number in self._signals if signal.getsignal(number) is not signal.SIG_IGN]
        for number in self._taken:
            loop.add_signal_handler(number, self._on_signal, number)
        try:
            yield
        finally:
            self._let_go()

    def run_begins(
        self, lacks_room: Callable[[], bool], tell: Callable[[str], None], leave: Callable[[signal.Signals], None]
    ) -> None:
        """From now on there is a run to cancel. `lacks_room` says whether what happens cannot be recorded just now."""
        self._is_beginning = False
        self._lacks_room = lacks_room
        self._tell = tell
        self._leave = leave

    @property
    def stopped_early(self) -> bool:
        """True if a signal came when there was nothing to cancel yet but the beginning itself."""
        return self.received is not None and self._is_beginning

    def _let_go(self) -> None:
        loop = asyncio.get_running_loop()
        while self._taken:
            loop.remove_signal_handler(self._taken.pop())

    def _leave_when_stopped(self, received: signal.Signals, latest: float) -> None:
        loop = asyncio.get_running_loop()
        if has_children() and loop.time() < latest:
            loop.call_later(_LOOK_EVERY_SEC, self._leave_when_stopped, received, latest)
        else:
            self._leave(received)

    def _on_signal(self, number: signal.Signals) -> None:
        is_first = self.received is None
        if is_first:
            self.received = number
        else:
            self._let_go()
        if self._task is not None and self._is_beginning:
            self._task.cancel()
            return
        if self._lacks_room():
            if is_first:
                self._tell(
                    "canceled: what runs is stopped, and recorded when there is room; a second signal leaves at once"
                )
            elif self.received is not None:
                self._leave_when_stopped(self.received, asyncio.get_running_loop().time() + _STOPPED_WITHIN_SEC)
        arguments = {"signal": number.name}
        acted_on = self._inbox.put(
            ControlRequest(verb=ControlVerb.CANCEL, actor=self._actor, force=not is_first, arguments={**arguments})
        )
        acted_on.add_done_callback(lambda _: self._inbox.answered())  # a signal has no other answer

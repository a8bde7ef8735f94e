"""What is recorded of a full disk: that runs are paused for it, and that they go on. Keeping events meanwhile is the thread's."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from engine.model.event import Event, EventKind
from engine.model.states import PauseReason
from store.batch import Entry
from store.encoding import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from store.batch import BatchWriter
    from store.reserve import Reserve

RETRY_EVERY_SEC: Final = 1.0

_MESSAGE: Final = "the disk is full; the run goes on when there is room"


class StorageState(StrEnum):
    """Whether what happens can be written."""

    OK = "ok"
    PAUSED = "paused: storage"


class StoragePause:
    """The state of the disk as one engine sees it. The write lock must be held by whoever calls.

    A pause begins with `run.paused` of every run that was going on, written into the room that the reserve gives. Where
    even that does not fit, it is written later, with the time at which it began. It ends with `run.resumed`, in one
    transaction with the first of the events that waited; before that the reserve is set aside again, so that the room
    it gave is not taken for the end of the trouble.
    """

    def __init__(self, writer: BatchWriter, reserve: Reserve, now_us: Callable[[], int]) -> None:
        self._writer = writer
        self._reserve = reserve
        self._now_us = now_us
        self._runs: tuple[str, ...] = ()
        self._untold: list[Entry] = []
        self.state = StorageState.OK

    @property
    def is_on(self) -> bool:
        """True while there is no room."""
        return self.state is StorageState.PAUSED

    def begin(self) -> None:
        """There is no room: say so of every run that was going on, if that can be written."""
        if self.is_on:
            return
        self.state = StorageState.PAUSED
        self._runs = self._writer.runs_going_on()
        at_us = self._now_us()
        data = {"reason": PauseReason.STORAGE.value, "message": _MESSAGE}
        self._untold = [_entry(run_id, Event(EventKind.RUN_PAUSED, at_us, {**data})) for run_id in self._runs]
        self._reserve.free()
        self._tell()

    def may_end(self) -> bool:
        """True if it is worth trying to go on."""
        if self._reserve.keep():
            return True
        self._tell()
        return False

    def closing(self) -> list[Entry]:
        """What has to be written before anything else, with the first of what waits; nothing if there is no pause."""
        now_us = self._now_us()
        return [*self._untold, *(_entry(run_id, Event(EventKind.RUN_RESUMED, now_us)) for run_id in self._runs)]

    def end(self) -> None:
        """What `closing` gave is written."""
        self.state = StorageState.OK
        self._runs, self._untold = (), []

    def _tell(self) -> None:
        if self._untold:
            self._untold = self._writer.write(self._untold).unwritten


def _entry(run_id: str, event: Event) -> Entry:
    return Entry(run_id, events=encode(run_id, [event]))

"""Reading one large value of a run: its text from the file, then the places in it, off the loop that draws. Nothing is shown here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.collector import collector_paused
from store.errors import DamagedDatabaseError
from tui.viewmodel.json_index import index

if TYPE_CHECKING:
    from tui.source import RunSource
    from tui.viewmodel.json_nodes import Node


class _StoppedError(Exception):
    """The place where the thread learns that nobody waits any more."""


class PayloadReading:
    """One reading; `percent` may be asked for while it goes on. Cancelling it ends the work soon."""

    def __init__(self) -> None:
        self._done = 0
        self._size = 0
        self._stopped = False

    @property
    def percent(self) -> int:
        """How much is done."""
        return 100 * self._done // self._size if self._size else 0

    async def read(self, source: RunSource, digest: str) -> Node:
        """The value, as places in its text where it is large. Raises StoreError."""
        data = await source.json_text(digest)
        self._size = len(data)
        try:
            return await asyncio.to_thread(self._index, data)
        except (ValueError, RecursionError) as error:
            raise DamagedDatabaseError(
                "a large value cannot be read as JSON", hint="opscope verify says what is damaged"
            ) from error
        finally:
            self._stopped = True

    def _index(self, data: bytes) -> Node:
        # What is parsed to be counted is gone at once; looking for cycles in it takes longer than all the rest.
        with collector_paused():
            return index(data, self._tell)

    def _tell(self, done: int) -> None:
        if self._stopped:
            raise _StoppedError
        self._done = done

"""Reading what is unfolded in a JSON viewer of a tab, large values so that they can be stopped. What stands behind a token is the tab's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from engine.errors import OpscopeError
from tui.payload import PayloadReading

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from tui.screens.tabs.base import RunTab
    from tui.viewmodel.json_nodes import Node
    from tui.widgets.json_folds import FoldedJson

PROGRESS_SECONDS: Final = 0.25
"""How often the row of something large says how far its reading has come."""
_LARGE: Final = "payloads"


class Loader:
    """What a tab's viewers ask for. `read` reads what only the tab knows, and raises StoreError where it cannot."""

    def __init__(self, tab: RunTab, read: Callable[[Hashable], Awaitable[Node]]) -> None:
        self._tab = tab
        self._read_own = read
        self._large: set[tuple[FoldedJson, Hashable]] = set()

    async def read(self, token: Hashable) -> Node:
        """What a token stands for. Raises StoreError."""
        return await self._read(token, PayloadReading())

    def load(self, view: FoldedJson, token: Hashable) -> None:
        """Read it and give it to the viewer; something large once only, however often it is asked for."""
        if not _is_large(token):
            self._tab.run_worker(self._load(view, token), group="loading")
        elif (view, token) not in self._large:
            self._large.add((view, token))
            self._tab.run_worker(self._load_large(view, token), group=_LARGE)
            self._tab.run_screen.keys_changed()

    @property
    def is_reading_large(self) -> bool:
        """True while `stop` would end something."""
        return bool(self._large)

    def stop(self) -> bool:
        """Read no more of what is large. False where nothing was being read."""
        if not self._large:
            return False
        self._tab.workers.cancel_group(self._tab, _LARGE)
        return True

    async def _load(self, view: FoldedJson, token: Hashable) -> None:
        with self._tab.inspector.busy.working():
            try:
                view.deliver(token, await self.read(token))
            except OpscopeError as error:
                view.cannot_load(token, str(error))

    async def _load_large(self, view: FoldedJson, token: Hashable) -> None:
        reading = PayloadReading()
        ticker = self._tab.set_interval(
            PROGRESS_SECONDS, lambda: view.tell_progress(token, f"reading {reading.percent}%, esc stops")
        )
        try:
            with self._tab.inspector.busy.working():
                view.deliver(token, await self._read(token, reading))
        except OpscopeError as error:
            view.cannot_load(token, str(error))
        except asyncio.CancelledError:
            view.give_up(token)
            raise
        finally:
            ticker.stop()
            self._large.discard((view, token))
            self._tab.run_screen.keys_changed()

    async def _read(self, token: Hashable, reading: PayloadReading) -> Node:
        match token:
            case ("payload", str(digest), int()):
                return await reading.read(self._tab.inspector.source, digest)
            case _:
                return await self._read_own(token)


def _is_large(token: Hashable) -> bool:
    return isinstance(token, tuple) and token[:1] == ("payload",)

"""How much the Runs screen reads at a time: the list with all around it, or only the run that the cursor has come to. No widgets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from store.queries import NEWEST, place_of
from tui.runs_reading import RunsPicture, read_marked, read_preview, read_runs
from tui.viewmodel.runs_filter import parse_filter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from store.queries import RunOrder
    from store.rows import RunRow
    from tui.source import RunSource
    from tui.viewmodel.runs import Moment

_REST_SECONDS: Final = 0.08
"""How long the cursor must rest before the chosen run is read."""
_RESTS_MOST: Final = 6


class RunsReader:
    """What is wanted: the filter as it was typed, the order, the part of the list from place `start` on, so many at a time."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.typed = ""
        self.order: RunOrder = NEWEST
        self.start = 0
        self.chosen: RunRow | None = None
        """The run under the cursor; the first one before there is any."""
        self.kept = ""
        """The id of a run that is to stay in sight although the list becomes another one, wherever it stands in that."""
        self.wants_all, self.wants_preview = True, False
        """What the next reading is for; neither is set where the file has changed, which is a reason to read all."""
        # What is on the screen may be older: a reading can begin before the one before it has been shown.
        self._last: RunsPicture | None = None
        self._has_read = False

    async def read(
        self,
        source: RunSource,
        moment: Callable[[], Moment],
        *,
        marked: Callable[[], Sequence[str]],
        with_preview: Callable[[], bool],
    ) -> RunsPicture:
        """What was asked for since the last time. Raises StoreError."""
        if self._last is not None and self._last.preview is not None and self._is_of_cursor:
            await self._cursor_rests()
        before = self._last if self._is_of_cursor else None
        self.wants_all = self.wants_preview = False
        # Where reading fails, there is nothing to go on from.
        self._last = None
        picture = before or await self._read_list(source, moment(), marked())
        if self._has_read:
            row = self.chosen or next(iter(picture.window.rows), None)
            preview = await read_preview(source, row) if row is not None and with_preview() else None
            picture = picture._replace(preview=preview)
        # The list first; what stands beside it follows.
        self._has_read, self._last = True, picture
        return picture

    @property
    def _is_of_cursor(self) -> bool:
        return self.wants_preview and not self.wants_all

    async def _read_list(self, source: RunSource, moment: Moment, marked: Sequence[str]) -> RunsPicture:
        order = self.order._replace(now_us=moment.now_us)
        kept, self.kept = self.kept, ""
        if kept:
            self.start = max(0, (await source.ask(place_of(kept, order)) or 0) - self.length // 2)
        typed = self.typed
        picture = await read_runs(source, parse_filter(typed, moment), order, self.start, self.length)
        rows = {row.run_id: row for row in await read_marked(source, marked)}
        return picture._replace(marked={run_id: rows.get(run_id) for run_id in marked}, typed=typed)

    async def _cursor_rests(self) -> None:
        """Return when the cursor stays where it is, or something else is asked for."""
        for _ in range(_RESTS_MOST):
            row = self.chosen
            await asyncio.sleep(_REST_SECONDS)
            if self.wants_all or row is self.chosen:
                return

"""What of a comparison is read only when it is looked at: data of two runs, contents behind differences. Reading it is documents.py's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.errors import OpscopeError
from tui.viewmodel.comparing.data import Compared, DataPart, DataRows, Flow, Pair
from tui.viewmodel.comparing.differing import Contents, DifferenceRows
from tui.viewmodel.comparing.rows import Rows, ToldRows

if TYPE_CHECKING:
    from pathlib import Path

    from engine.regression.verdict import Analysis


class Lazily:
    """Keeps what was read of one pair of runs. Of rows that are passed quickly only the one where the cursor rests is read."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._analysis: Analysis | None = None
        self.pair = Pair()
        self.flow = Flow.OUTPUT
        self.contents: dict[str, Contents] = {}
        self._parts: list[DataPart] | None = None
        self._found: dict[tuple[str, Flow], Compared] = {}
        self.is_fetching = False

    def about(self, analysis: Analysis, pair: Pair) -> None:
        """Forget what was read of other runs."""
        if (analysis, pair) != (self._analysis, self.pair):
            self._analysis, self.pair = analysis, pair
            self.contents.clear()
            self._parts = None
            self._found = {}

    def data_rows(self) -> Rows | None:
        """The parts of the two; None before they are read."""
        if not self.pair.is_whole:
            return ToldRows([], empty="data are compared between two runs, and one side has none in this file")
        return None if self._parts is None else DataRows(self._parts, self.pair, self.flow, self._found)

    async def read_parts(self) -> None:
        """Read which parts there are."""
        from tui.screens.comparing.documents import read_parts

        pair, analysis = self.pair, self._analysis
        also = None
        if analysis is not None:
            also = next((run_id for run_id in reversed(analysis.baseline) if run_id != pair.before), None)
        parts = await asyncio.to_thread(read_parts, self._database, pair, also)
        if self.pair == pair:
            self._parts = parts

    def compared(self, key: str) -> Compared | None:
        """What was found of a row of data."""
        return self._found.get((key, self.flow))

    def wants(self, rows: Rows | None, at: int | None) -> bool:
        """True where what is behind a row has not been read."""
        if at is None or not self.pair.is_whole:
            return False
        if isinstance(rows, DataRows):
            return (rows.key(at), self.flow) not in self._found
        if isinstance(rows, DifferenceRows):
            return rows.difference(at) is not None and rows.key(at) not in self.contents
        return False

    async def read(self, rows: Rows | None, at: int) -> None:
        """Read what is behind a row. What cannot be read says so in its place."""
        from tui.screens.comparing.documents import compare_part, read_contents

        pair, flow, found, analysis = self.pair, self.flow, self._found, self._analysis
        assert analysis is not None
        if isinstance(rows, DataRows):
            try:
                one = await asyncio.to_thread(
                    compare_part, self._database, rows.part(at), flow, pair, analysis.baseline
                )
            except OpscopeError as error:
                one = Compared(why=f"cannot be read: {error}")
            # Of another pair by now: that one has a dictionary of its own.
            found[rows.key(at), flow] = one
        elif isinstance(rows, DifferenceRows) and (difference := rows.difference(at)) is not None:
            try:
                contents = await asyncio.to_thread(read_contents, self._database, difference, pair)
            except OpscopeError as error:
                contents = Contents(why=f"cannot be read: {error}")
            self.contents[rows.key(at)] = contents or Contents()

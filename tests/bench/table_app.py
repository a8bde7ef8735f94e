"""What a plain Textual program costs: a table of so many rows in Textual's own widget. The yardstick of the screens.

`python -m tests.bench.table_app [--rows N] [--on-enter] [--refresh]`: rows at once or when enter is pressed; `--refresh`
writes one column anew four times a second.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")

from typing import TYPE_CHECKING

from textual.app import App
from textual.widgets import DataTable

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.events import Key

COLUMNS = ("STATUS", "RUN", "PLAN", "STARTED", "TOOK")


class TableApp(App[None]):
    """Five columns, a cursor over whole rows."""

    def __init__(self, rows: int, *, on_enter: bool, refreshes: bool) -> None:
        super().__init__()
        self._rows = rows
        self._on_enter = on_enter
        self._refreshes = refreshes
        self._beat = 0

    def compose(self) -> ComposeResult:
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        for column in COLUMNS:
            table.add_column(column, key=column, width=14)
        if not self._on_enter:
            self._fill()
        if self._refreshes:
            self.set_interval(0.25, self._beat_on)

    def on_key(self, event: Key) -> None:
        if event.key == "enter" and self._on_enter:
            self._fill()

    def _fill(self) -> None:
        table = self.query_one(DataTable)
        for number in range(self._rows):
            table.add_row("SUCCEEDED", f"run{number:06}", "ci_lookup", "10:42:10", "12.4s", key=str(number))

    def _beat_on(self) -> None:
        self._beat += 1
        table = self.query_one(DataTable)
        for number in range(self._rows):
            table.update_cell(str(number), "TOOK", f"{self._beat + number}s")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    rows = int(arguments[arguments.index("--rows") + 1]) if "--rows" in arguments else 50
    TableApp(rows, on_enter="--on-enter" in arguments, refreshes="--refresh" in arguments).run()

"""The newest runs, read in a thread of their own while the inspector is still being imported: the first paint waits for neither."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeAlias

from store import queries
from store.reader import Reader

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from store.rows import RunCounts, RunRow

WINDOW: Final = 200
"""How many rows the list of runs keeps; when the cursor leaves their middle half, others are asked for."""

Early: TypeAlias = "Future[tuple[RunCounts, list[RunRow]]]"


def read_early(path: Path) -> Early:
    """How many runs the file has, and the newest ones. Whoever asks for the result gets the StoreError as well."""
    executor = ThreadPoolExecutor(1, "early")
    reading = executor.submit(_newest, path)
    executor.shutdown(wait=False)  # the thread ends when it has read
    return reading


def _newest(path: Path) -> tuple[RunCounts, list[RunRow]]:
    with Reader.open(path) as reader:
        counts = reader.run(queries.run_counts())
        return counts, reader.run(queries.runs_page(limit=WINDOW, total=counts.total))

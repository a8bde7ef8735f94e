"""Waiting for what comes next in the file, for the commands that follow. Polls the file's version and keeps nothing open."""

from __future__ import annotations

import threading
from enum import Enum
from typing import TYPE_CHECKING, Final

from tui.commands.records import lost_runs
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from store.reader import Reader
    from tui.commands.output import Output

LOOK_SEC: Final = 0.2
_LOOKS_A_LIVENESS_CHECK: Final = 5


class Look(Enum):
    """Why it is time to read: more may have come, or nothing more can because the run is over or its engine is dead."""

    MORE = "more"
    OVER = "over"
    LOST = "lost"


def looks(reader: Reader, database: Path, run_id: str) -> Iterator[Look]:
    """Yields at once, after every change of the file, and a last time when nothing more can come for the run.

    Read everything there is at every yield: the run's state is looked at before, so nothing slips in between.
    """
    from store.queries import run_by_id

    pause = threading.Event()
    version, quiet = -1, 0
    while True:
        now = reader.data_version()
        quiet = 0 if now != version else quiet + 1
        if quiet == 0:
            version = now
            row = reader.run(run_by_id(run_id))
            yield (last := Look.OVER if row is None or row.status.is_final else Look.MORE)
            if last is Look.OVER:
                return
        elif quiet % _LOOKS_A_LIVENESS_CHECK == 0:
            row = reader.run(run_by_id(run_id))
            if row is not None and lost_runs(database, [row]):
                yield Look.LOST
                return
        pause.wait(LOOK_SEC)


def tell_lost(err: Output) -> None:
    """Say why a follower stops although the run has no end."""
    err.line(Span("✗ ENGINE LOST", Role.FAILED), "  the engine of this run is dead; nothing more will come")

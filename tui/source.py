"""The questions the inspector asks the file, on one kept read-only connection. SQL lives in the store, wording in the view models."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.errors import InputError
from engine.model.states import PauseReason, RunStatus, Stage
from store import queries
from store.errors import NoDatabaseError
from store.liveness import lost_engines
from store.reader import AsyncReader
from tui.viewmodel.stages import RunPicture, first_stage_to_show

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from engine.model.json import JsonObject
    from store.rows import AttemptRow, RunCounts, RunRow
    from tui.viewmodel.runs import RunFilter


class RunSource:
    """One file of runs. Opens it when it is first asked, so a file that appears later is found."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader: AsyncReader | None = None
        self._opening = asyncio.Lock()
        self._version: int | None = None


__all__ = ["RunSource"]

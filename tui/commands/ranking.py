"""Ranks a run that has just ended in its baseline, by itself. Whatever comes of it, the run is over and as it was."""

from __future__ import annotations

import asyncio
import time
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from store.writer import Writer

_PATIENCE_SEC: Final = 5.0

_NEEDED: Final = (
    "engine.regression.analysis",
    "engine.regression.document",
    "engine.regression.ranking",
    "numpy.linalg",
    "pydantic.dataclasses",
    "pydantic.type_adapter",
    "store.comparing",
)
"""What it needs, with what these import. It is not cheap, so a plan that has hardly ever run does not pay for it."""


def prepare_ranking(database: Path, plan_id: str) -> None:
    """Import what ranking a run of the plan will need, if it can be ranked at all. Raises StoreError."""
    from store.rankings import is_worth_ranking

    if is_worth_ranking(database, plan_id):
        for name in _NEEDED:
            import_module(name)


async def rank_finished(writer: Writer, database: Path, run_id: str, note: Callable[[str], None]) -> None:
    """Rank the run and keep that, if it has a baseline. `note` hears why it could not be done."""
    try:
        async with asyncio.timeout(_PATIENCE_SEC):
            keep = await asyncio.to_thread(_ranked, database, run_id)
            if keep is not None:
                await writer.perform(run_id, keep)
    except TimeoutError:
        note("the run was not ranked in its baseline: that took too long")
    except Exception as error:  # noqa: BLE001  (the run is over, and nothing may make another end of it)
        note(f"the run was not ranked in its baseline: {error}")


def _ranked(database: Path, run_id: str) -> Callable[[sqlite3.Connection], None] | None:
    from store.queries import run_by_id
    from store.rankings import is_worth_ranking, keeping, rank_run
    from store.reader import Reader

    with Reader.open(database) as reader:
        run = reader.run(run_by_id(run_id))
    if run is None or not is_worth_ranking(database, run.plan_id):
        return None
    found = rank_run(database, run_id)
    if found is None:
        return None
    analysis, ranking, plan_id = found
    return keeping(run_id, analysis, ranking, plan_id, at_us=time.time_ns() // 1000)

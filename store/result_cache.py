"""What a run may take from earlier runs of the file: kept results and the states of breakers. Nothing is written here.

What is kept is what events say: `step.finished` of a result that may be used again, and the attempts that moved a breaker.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from store.queries.reuse import breakers, kept_result, nearest_result
from store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.model.breaker import BreakerState
    from engine.ports import CachedResult, CacheQuestion


class EarlierRuns:
    """The memory of a file, read anew with each question. Implements `engine.ports.ResultCache` and `BreakerMemory`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def look_up(self, question: CacheQuestion) -> CachedResult | None:
        """See `ResultCache.look_up`."""
        return await asyncio.to_thread(self._look_up, question)

    async def load(self) -> Mapping[str, BreakerState]:
        """See `BreakerMemory.load`."""
        return await asyncio.to_thread(self._load)

    def _look_up(self, question: CacheQuestion) -> CachedResult | None:
        with Reader.open(self._path) as reader:
            found = reader.run(kept_result(question.key))
            return found or reader.run(nearest_result(question.plan_id, question.step_id))

    def _load(self) -> Mapping[str, BreakerState]:
        with Reader.open(self._path) as reader:
            return reader.run(breakers())

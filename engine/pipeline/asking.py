"""Asks for kept results on behalf of one execution, and remembers what came of it for the events that say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import StoreError
from engine.model.states import StepStatus
from engine.pipeline.caching import CacheMark, CacheState, cache_key, cache_parts, judge, kept_json
from engine.pipeline.defaults import NoCache
from engine.ports import CacheQuestion

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.model.bound import BoundText
    from engine.model.json import JsonObject
    from engine.model.result import AttemptOutcome, StepResult
    from engine.model.states import OutputFormat
    from engine.pipeline.units import Attempt, Unit
    from engine.ports import Clock, ResultCache
    from engine.schedule.instructions import AskCache


class CacheDesk:
    """What the units of one execution asked for. `asked` are the keys of those that had asked before the run was taken up."""

    def __init__(self, cache: ResultCache, clock: Clock, plan_id: str, asked: Mapping[Unit, str]) -> None:
        self._cache = cache
        self._clock = clock
        self._plan_id = plan_id
        self._keys: dict[Unit, str] = dict(asked)
        self._marks: dict[Unit, CacheMark] = {}

    async def ask(
        self,
        unit: Unit,
        question: AskCache,
        environment: Mapping[str, BoundText],
        *,
        output: OutputFormat,
        max_output_bytes: int | None,
        workdir: Path,
        plan_folder: Path,
    ) -> AttemptOutcome | None:
        """The outcome that was kept, if it may be used. A record that cannot be read is as good as none."""
        parts = cache_parts(
            question.bound,
            environment,
            output=output,
            max_output_bytes=max_output_bytes,
            workdir=workdir,
            plan_folder=plan_folder,
        )
        key = cache_key(parts)
        if isinstance(self._cache, NoCache):
            self._marks[unit] = CacheMark(CacheState.OFF, key, self._plan_id, parts)
            return None
        try:
            found = await self._cache.look_up(CacheQuestion(key, self._plan_id, unit.step_id))
        except StoreError as error:
            self._marks[unit] = CacheMark(CacheState.OFF, key, self._plan_id, parts, note=str(error))
            return None
        mark, outcome = judge(key, self._plan_id, parts, found, now_us=self._clock.now_us(), ttl_sec=question.ttl_sec)
        self._marks[unit] = mark
        self._keys[unit] = key
        return outcome

    def starting(self, attempt: Attempt) -> JsonObject | None:
        """What the start of an attempt says of it: the first attempt after the question does."""
        if not self._marks:
            return None
        mark = self._marks.pop(attempt.unit, None)
        return None if mark is None else mark.to_json()

    def settled(self, unit: Unit, result: StepResult) -> JsonObject | None:
        """What the end of a unit says of it: where its result came from, or that it may be used from now on."""
        if not self._keys:
            return None
        key = self._keys.pop(unit, None)
        mark = self._marks.pop(unit, None)
        if mark is not None:
            return mark.to_json()
        if key is None or result.status is not StepStatus.SUCCEEDED or result.reason is not None:
            return None
        return kept_json(key, self._plan_id)

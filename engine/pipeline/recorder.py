"""Turns what happens in a run into masked events and hands them to the sink. Decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.event import Event, LogChunk
from engine.model.states import Stage
from engine.pipeline.defaults import pass_on
from engine.ports import FailurePoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.model.event import EventKind
    from engine.model.json import JsonObject
    from engine.model.states import Stream
    from engine.ports import Clock, EventSink
    from engine.steps.secrets import SecretBox


class Recorder:
    """The one place where a run's events get their time and lose their secrets."""

    def __init__(
        self,
        run_id: str,
        *,
        sink: EventSink,
        clock: Clock,
        secrets: SecretBox,
        checkpoint: Callable[[FailurePoint], None] = pass_on,
    ) -> None:
        self.run_id = run_id
        self.pass_index = 0
        """The pass in which everything happens from now on."""
        self._checkpoint = checkpoint
        self._sink = sink
        self._clock = clock
        self._secrets = secrets

    def event(
        self,
        kind: EventKind,
        data: JsonObject | None = None,
        *,
        stage: Stage | None = None,
        step_id: str | None = None,
        item_index: int | None = None,
        attempt: int | None = None,
        actor: str = "engine",
    ) -> Event:
        """An event of now, with every secret masked. It is not recorded yet."""
        masked = self._secrets.mask_json(data or {})
        assert isinstance(masked, dict)
        return Event(
            kind=kind,
            at_us=self._clock.now_us(),
            data=masked,
            pass_index=self.pass_index,
            stage=stage,
            step_id=step_id,
            item_index=item_index,
            attempt=attempt,
            actor=actor,
        )

    def step_event(
        self,
        kind: EventKind,
        data: JsonObject,
        pass_index: int,
        step_id: str,
        item_index: int | None,
        attempt: int | None,
    ) -> Event:
        """The same for what happens to a step, as short as can be: there are several for each attempt."""
        masked = self._secrets.mask_json(data)
        assert isinstance(masked, dict)
        return Event(kind, self._clock.now_us(), masked, pass_index, Stage.EXECUTE, step_id, item_index, attempt)

    async def record(self, events: Sequence[Event]) -> None:
        """Make events durable, all or none."""
        if events:
            self._checkpoint(FailurePoint.BEFORE_COMMIT)
            await self._sink.append(self.run_id, events)
            self._checkpoint(FailurePoint.AFTER_COMMIT)

    async def record_output(
        self,
        *,
        pass_index: int,
        step_id: str,
        item_index: int | None,
        attempt: int,
        stream: Stream,
        offset: int,
        content: bytes,
    ) -> None:
        """Hand on a piece of a step's output; the executor has masked it already."""
        chunk = LogChunk(
            pass_index=pass_index,
            step_id=step_id,
            item_index=item_index,
            attempt=attempt,
            stream=stream,
            at_us=self._clock.now_us(),
            offset=offset,
            content=content,
        )
        await self._sink.append_logs(self.run_id, [chunk])

"""Looks over the shoulder of a run's events, once they are durable, on their way back from the file. It changes none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from engine.model.event import EventKind
from engine.model.states import PauseReason, RunStatus
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.model.event import Event, LogChunk
    from engine.model.json import JsonObject
    from engine.ports import EventSink, RunCreation

_LEADS_TO: Final = {
    EventKind.RUN_CREATED: RunStatus.PENDING,
    EventKind.RUN_STARTED: RunStatus.RUNNING,
    EventKind.RUN_RESUMED: RunStatus.RUNNING,
    EventKind.RUN_PAUSED: RunStatus.PAUSED,
    EventKind.RUN_QUARANTINED: RunStatus.QUARANTINED,
    EventKind.RUN_SUCCEEDED: RunStatus.SUCCEEDED,
    EventKind.RUN_FAILED: RunStatus.FAILED,
    EventKind.RUN_CANCELED: RunStatus.CANCELED,
}


class Observer(Protocol):
    """Who is told of states that a run has come to."""

    def came_to(self, status: RunStatus, event: Event) -> None:
        """The run is in this state, and the file says so. Returns at once."""
        ...


class ObservedSink:
    """An `engine.ports.EventSink` in front of another, which tells the observers what has become durable of one run."""

    def __init__(self, sink: EventSink, run_id: str, observers: Sequence[Observer]) -> None:
        self._sink = sink
        self._run_id = run_id
        self._observers = observers

    async def create_run(self, creation: RunCreation) -> None:
        """See `EventSink.create_run`."""
        await self._sink.create_run(creation)
        self._tell(creation.run_id, [creation.created])

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        """See `EventSink.append`."""
        await self._sink.append(run_id, events)
        self._tell(run_id, events)

    async def append_logs(self, run_id: str, chunks: Sequence[LogChunk]) -> None:
        """See `EventSink.append_logs`."""
        await self._sink.append_logs(run_id, chunks)

    def _tell(self, run_id: str, events: Sequence[Event]) -> None:
        if run_id != self._run_id:
            return  # a sub-plan has its own states
        for event in events:
            status = _LEADS_TO.get(event.kind)
            if status is not None:
                for observer in self._observers:
                    observer.came_to(status, event)


class RunWatch:
    """Knows the state of one run, and says once that the run is in the file and on its way. An `Observer`."""

    def __init__(self, run_id: str, exists: Callable[[str], None]) -> None:
        self.status = RunStatus.PENDING
        self._run_id = run_id
        self._exists: Callable[[str], None] | None = exists

    def came_to(self, status: RunStatus, event: Event) -> None:  # noqa: ARG002  (an Observer's signature)
        """Remember it."""
        self.status = status
        if self._exists is not None:
            exists, self._exists = self._exists, None
            exists(self._run_id)


class ApprovalWatch:
    """Says each time that the run waits for somebody's approval, of what, and with which commands. An `Observer`."""

    def __init__(self, run_id: str, waits: Callable[[str], None]) -> None:
        self._run_id = run_id
        self._waits = waits

    def came_to(self, status: RunStatus, event: Event) -> None:
        """Say it, if that is so."""
        if status is RunStatus.PAUSED and (said := approval_sentence(self._run_id, event.data)):
            self._waits(said)


def approval_sentence(run_id: str, data: JsonObject) -> str:
    """What a `run.paused` with this data says to whoever can approve; nothing where that is not what the run waits for."""
    if data.get("reason") != PauseReason.APPROVAL.value:
        return ""
    listed = data.get("replans")
    asked = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    said = "; ".join(
        f"{one.get('event_id')}: {one.get('trigger')} at {one.get('step_id') or 'the plan'}" for one in asked
    )
    which = short_id(run_id) if len(asked) < 2 else f"{short_id(run_id)} {asked[0].get('event_id')}"
    return f"waits for an approval of another plan ({said}): opscope approve {which}, or opscope deny {which}"

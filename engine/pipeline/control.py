"""An operator's requests for the length of a run: they act at once and are recorded after. What a cancel stops is phases.py's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, assert_never

from engine.errors import InputError
from engine.model.event import EventKind
from engine.model.states import PauseReason
from engine.pipeline.replan.patching import describe_fault
from engine.pipeline.resume_point import RACED
from engine.ports import ControlRequest, ControlVerb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from engine.model.event import Event
    from engine.model.json import JsonObject
    from engine.pipeline.recorder import Recorder
    from engine.ports import ControlSource


class Answering(Protocol):
    """Acts on what an operator says of replans."""

    def answer(self, request: ControlRequest) -> list[Event]:
        """Act on approve, deny or replan; its events. Raises InputError, with nothing changed, where it is about nothing."""
        ...


class NothingAsked:
    """No replan was asked for, and none can be."""

    def answer(self, request: ControlRequest) -> list[Event]:  # noqa: ARG002  (a port's signature)
        """There is nothing to say."""
        raise InputError("nothing in the run waits for an approval")


class Relay:
    """What is asked of a run, passed on to a run that is a step of it, beside what is asked of that one itself.

    Pausing and going on are passed on, and the order to stop `finally` too. The first cancel is not: it stops the step,
    and by that the run that it is. Implements `engine.ports.ControlSource`.
    """

    def __init__(self, relays: set[Relay]) -> None:
        self._relays = relays
        self._waiting: asyncio.Queue[ControlRequest] = asyncio.Queue()
        self._own: asyncio.Task[None] | None = None
        relays.add(self)

    def put(self, request: ControlRequest) -> None:
        """Pass a request on."""
        self._waiting.put_nowait(request)

    def join(self, source: ControlSource) -> None:
        """Pass on what comes from there as well, until this is closed."""

        async def listen() -> None:
            async for request in source.requests():
                self.put(request)

        self._own = asyncio.create_task(listen(), name="control of a sub-plan")

    async def requests(self) -> AsyncIterator[ControlRequest]:
        """Every request, as it arrives."""
        while True:
            yield await self._waiting.get()

    def close(self) -> None:
        """Pass nothing on any more."""
        self._relays.discard(self)
        if self._own is not None:
            self._own.cancel()


class Control:
    """What the operator wants of the run now. Implements `engine.pipeline.stages.context.ControlFeed`.

    The first cancel stops the steps of the plan and lets `finally` run; a second one that did not race the first, or one
    with force, stops `finally` too and sets `forced`. A pause holds back all that would start, of the next stage as well,
    until it is taken back; a cancel takes it back, and a run that is being canceled cannot be paused.

    A request acts in the moment in which it is taken. Its events are handed to the sink before anything that follows
    from it, and nobody waits for them, so that a file that is held up does not hold up a cancel.
    """

    def __init__(self, recorder: Recorder, *, canceled_by: str | None = None, forced: bool = False) -> None:
        self._recorder = recorder
        self._recordings: set[asyncio.Task[None]] = set()
        self._listener: Callable[[], None] | None = None
        self._changed = asyncio.Event()
        self._closed = False
        self._relays: set[Relay] = set()
        self.canceled_by = canceled_by
        self.forced = forced
        self.paused = False
        self.replans: Answering = NothingAsked()
        """Who knows what an operator may say of replans."""
        self._awaiting: JsonObject | None = None

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every change from now on; whoever listened before is told no more."""
        self._listener = listener

    def relay(self) -> Relay:
        """A source of what is asked of this run, for a run that is a step of it, until it is closed."""
        relay = Relay(self._relays)
        if self.paused:
            relay.put(ControlRequest(verb=ControlVerb.PAUSE, actor="engine"))
        return relay

    async def until_going(self) -> None:
        """Wait as long as the run is paused."""
        while self.paused:
            await self._change()

    async def until_canceled(self) -> None:
        """Wait for a cancel."""
        while self.canceled_by is None:
            await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def receive(self, source: ControlSource) -> None:
        """Take requests until no more can come."""
        async for request in source.requests():
            self.take(request)

    def take(self, request: ControlRequest) -> None:
        """Act on a request and have it recorded. After the run's end it is neither."""
        if self._closed:
            return
        data: JsonObject = {"verb": request.verb.value, "force": request.force, "arguments": request.arguments}
        events: list[Event] = []
        match request.verb:
            case ControlVerb.CANCEL:
                waited, self._awaiting = self._awaiting, None
                events += self._go_on(request.actor)
                if waited is not None and not events:
                    events.append(self._recorder.event(EventKind.RUN_RESUMED, actor=request.actor))
                again = self.canceled_by is not None and request.arguments.get(RACED) is not True
                self.forced = self.forced or request.force or again
                self.canceled_by = self.canceled_by or request.actor
            case ControlVerb.PAUSE:
                events += self._hold(request.actor)
            case ControlVerb.RESUME:
                events += self._go_on(request.actor)
            case ControlVerb.APPROVE | ControlVerb.DENY | ControlVerb.REPLAN:
                events += self._answer(request, data)
            case _:
                assert_never(request.verb)
        events.insert(0, self._recorder.event(EventKind.CONTROL_RECEIVED, data, actor=request.actor))
        # Tasks begin in the order in which they were made: this one reaches the sink before what the change leads to.
        recording = asyncio.create_task(self._recorder.record(events))
        self._recordings.add(recording)
        if request.verb in (ControlVerb.PAUSE, ControlVerb.RESUME) or self.forced:
            for relay in self._relays:
                relay.put(request)
        self._changed.set()
        if self._listener is not None:
            self._listener()

    def _hold(self, actor: str) -> list[Event]:
        if self.paused or self.canceled_by is not None:
            return []
        self.paused = True
        data: JsonObject = {"reason": PauseReason.OPERATOR.value, "message": f"paused by {actor}"}
        return [self._recorder.event(EventKind.RUN_PAUSED, data, actor=actor)]

    def _go_on(self, actor: str) -> list[Event]:
        if not self.paused:
            return []
        self.paused = False
        events = [self._recorder.event(EventKind.RUN_RESUMED, actor=actor)]
        if self._awaiting is not None:
            events.append(self._recorder.event(EventKind.RUN_PAUSED, self._awaiting))
        return events

    def _answer(self, request: ControlRequest, data: JsonObject) -> list[Event]:
        """What an operator says to a replan; `data` tells of it where it changes nothing."""
        try:
            events = self.replans.answer(request)
        except InputError as error:
            said = describe_fault(error)
            data["refused"] = said
            if request.on_refused is not None:
                request.on_refused(said, "" if said != error.cause else error.hint)
            return []
        if self._awaiting is not None:
            self._awaiting = None
            if not self.paused:
                events.append(self._recorder.event(EventKind.RUN_RESUMED, actor=request.actor))
        return events

    def await_approval(self, data: JsonObject) -> list[Event]:
        """Nothing can go on until somebody answers; `data` is what `run.paused` says of that. Its events."""
        if self.canceled_by is not None:
            return []
        self._awaiting = data
        return [] if self.paused else [self._recorder.event(EventKind.RUN_PAUSED, data)]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds, which it may after any request."""
        while not holds():
            await self._change()

    async def close(self) -> None:
        """Take nothing more. Returns when all that was taken is durable; raises InfrastructureError if it cannot be."""
        self._closed = True
        await asyncio.gather(*self._recordings)

    async def abandon(self) -> None:
        """Take nothing more and wait for nothing: what is not recorded by now will not be."""
        self._closed = True
        for recording in self._recordings:
            recording.cancel()
        await asyncio.gather(*self._recordings, return_exceptions=True)

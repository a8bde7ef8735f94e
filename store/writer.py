"""The EventSink of the file: takes events on the event loop, hands them to the writer thread, and acknowledges what is durable."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from store.batch import Entry
from store.encoding import encode, printable
from store.errors import BusyDatabaseError, RefusedEventError, WriterClosedError
from store.storage_pause import StorageState
from store.takeover import Takeover
from store.writer_thread import WriterThread

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from engine.errors import StoreError
    from engine.model.event import Event, LogChunk
    from engine.ports import Clock, RunCreation
    from store.batch import Claimed
    from store.takeover import TakenOver
    from store.writer_thread import Settled

MOST_WAITING_BYTES: Final = 32 * 1024 * 1024
"""What may wait to be written; beyond it callers wait for room."""

NOTICE_AFTER_SEC: Final = 2.0
GIVE_UP_AFTER_SEC: Final = 30.0
_SHORTEST_LOOK_SEC: Final = 0.01


@dataclass(slots=True, eq=False)
class _Call(Entry):
    """An entry with who waits for it: `durable` is set when it is written, `admitted` when it has its place in the queue."""

    size: int = 0
    durable: asyncio.Future[None] | None = None
    admitted: asyncio.Future[None] | None = None


class Writer:
    """Writes for one engine. Use `open_writer`. Implements `engine.ports.EventSink`.

    An append that is cancelled while it waits is written all the same: an event that was handed over is never half there.
    """

    def __init__(
        self,
        path: Path,
        engine_id: str,
        *,
        monotonic: Callable[[], float],
        now_us: Callable[[], int],
        on_wait: Callable[[str], None] | None,
        on_storage: Callable[[StorageState, str], None] | None,
        give_up_sec: float | None,
        alive_to_the_end: bool,
    ) -> None:
        self.engine_id = engine_id
        self.path = path
        self._monotonic = monotonic
        self._on_wait = on_wait
        self._storage_told = on_storage
        self._give_up_sec = give_up_sec
        self._loop = asyncio.get_running_loop()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._ended = asyncio.Event()
        self._waiting: set[_Call] = set()
        self._waiting_bytes = 0
        self._overflow: deque[_Call] = deque()
        self._lost_logs: dict[str, StoreError] = {}
        self._is_closing = False
        self._watch: asyncio.TimerHandle | None = None
        self._noticed: float | None = None
        self._thread = WriterThread(
            path,
            engine_id,
            ready=lambda error: self._tell(self._on_ready, error),
            settled=lambda settled: self._tell(self._on_settled, settled),
            storage_changed=lambda state: self._tell(self._on_storage, state),
            told=lambda sentence: self._tell(self._on_told, sentence),
            ended=lambda: self._tell(self._ended.set),
            monotonic=monotonic,
            now_us=now_us,
            alive_to_the_end=alive_to_the_end,
        )

    @property
    def storage_state(self) -> StorageState:
        """Whether what happens can be written, or waits for room on the disk."""
        return self._thread.storage_state

    async def create_run(self, creation: RunCreation) -> None:
        """Make a run, owned by this engine. See `EventSink.create_run`."""
        created = creation.created
        if created.data.get("engine_id") != self.engine_id:
            raise RefusedEventError(
                f"run {creation.run_id} must be created in the name of this engine", place=str(self.path)
            )
        events = encode(creation.run_id, [created])
        size = events[0].size_bytes + len(creation.plan.source) + len(creation.plan.document)
        await self._durable(_Call(creation.run_id, events=events, plan=creation.plan, size=size, is_patient=False))

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        """Add events, all or none; durable when it returns. See `EventSink.append`."""
        if not events:
            return
        encoded = encode(run_id, events)
        await self._durable(_Call(run_id, events=encoded, size=sum(one.size_bytes for one in encoded)))

    async def append_logs(self, run_id: str, chunks: Sequence[LogChunk]) -> None:
        """Add output; returns when there is room for it. Says here, one call late, if earlier output could not be kept."""
        if error := self._lost_logs.pop(run_id, None):
            raise error
        rows = [
            (
                run_id,
                chunk.pass_index,
                printable(chunk.step_id),
                chunk.item_index,
                chunk.attempt,
                chunk.stream.value,
                chunk.at_us,
                chunk.offset,
                chunk.content,
            )
            for chunk in chunks
            if chunk.content
        ]
        if not rows:
            return
        call = _Call(run_id, logs=rows, size=sum(len(chunk.content) + 256 for chunk in chunks))
        self._submit(call)
        if call.admitted is not None:
            await call.admitted

    async def take_over(self, run_id: str, *, expected_epoch: int, at_us: int) -> TakenOver:
        """Own a run whose engine is dead; the run goes on from here when it returns, and `run.taken_over` is durable.

        `expected_epoch` is the run's `owner_epoch` as it was when its owner was found dead. Raises TakeoverLostError if
        somebody else has taken it since, EngineAliveError if its engine lives, StoreError if the run is over or gone.
        """
        takeover = Takeover(self.path, run_id, self.engine_id, expected_epoch, at_us)
        await self._durable(_Call(run_id, claim=takeover, is_patient=False))
        assert takeover.taken is not None
        return takeover.taken

    async def add_afterwards(self, run_id: str, claim: Callable[[sqlite3.Connection], Claimed]) -> None:
        """Add one event to a run that is over and that nobody writes to any more; durable when it returns.

        `claim` says in the write transaction where the run's chain stands and what the event is, or refuses by raising
        StoreError; it may be called more than once. The run stays whose it was.
        """
        await self._durable(_Call(run_id, claim=claim, is_patient=False))

    async def perform(
        self, run_id: str, work: Callable[[sqlite3.Connection], None], events: Sequence[Event] = ()
    ) -> None:
        """Call `work` in a write transaction and add `events` of the run in the same; durable when it returns.

        `work` runs in the writer's thread, under the file's write lock, and changes primary tables only. It refuses by
        raising StoreError, and may be called more than once. The run must be this engine's.
        """
        encoded = encode(run_id, events)
        await self._durable(_Call(run_id, events=encoded, work=work, size=sum(one.size_bytes for one in encoded)))

    def perform_later(self, run_id: str, work: Callable[[sqlite3.Connection], None]) -> None:
        """The same without waiting for it, in its turn: for what must be done while a task is being cancelled."""
        self._submit(_Call(run_id, work=work))

    async def close(self) -> None:
        """Write what waits, checkpoint and close. Bounded: the lock is not waited for longer than for a write."""
        if not self._is_closing:
            self._is_closing = True
            self._admit(at_any_size=True)
            self._thread.finish()
        if self._ready.cancelled():
            # Whoever was opening it did not want to wait for the lock; nothing has been handed over, and the thread may
            # get it much later or never.
            self._thread.abandon()
            if self._watch is not None:
                self._watch.cancel()
            return
        try:
            async with asyncio.timeout(self._give_up_sec if self._give_up_sec is not None else GIVE_UP_AFTER_SEC):
                await self._ended.wait()
        except TimeoutError:
            self._thread.abandon()
        if self._watch is not None:
            self._watch.cancel()

    async def open(self) -> None:
        """Start the thread and wait until the file can be written. Raises StoreError if it cannot."""
        self._thread.start()
        self._watch = self._loop.call_later(NOTICE_AFTER_SEC, self._look)
        await self._ready

    # Called by the thread, run on the loop

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            self._loop.call_soon_threadsafe(callback, *arguments)

    def _on_ready(self, error: StoreError | None) -> None:
        if self._ready.done():
            return
        if error is None:
            self._ready.set_result(None)
        else:
            self._ready.set_exception(error)

    def _on_storage(self, state: StorageState) -> None:
        match state:
            case StorageState.PAUSED:
                told = f"waiting: the disk is full, there is no room on the file system of {self.path}; a megabyte is needed"
            case StorageState.OK:
                told = "there is room on the disk again, and what waited is written"
        if self._storage_told is not None:
            self._storage_told(state, told)
        elif self._on_wait is not None:
            self._on_wait(told)

    def _on_told(self, sentence: str) -> None:
        if self._on_wait is not None:
            self._on_wait(sentence)

    def _on_settled(self, settled: Settled) -> None:
        for entry, error in settled:
            if isinstance(entry, _Call):
                self._settle(entry, error)
        self._admit()

    def _settle(self, call: _Call, error: StoreError | None) -> None:
        self._waiting.discard(call)
        self._waiting_bytes -= call.size
        future = call.durable
        if future is None:
            if error is not None and call.logs:
                self._lost_logs[call.run_id] = error
        elif not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

    # The queue

    async def _durable(self, call: _Call) -> None:
        call.durable = self._loop.create_future()
        self._submit(call)
        await call.durable

    def _submit(self, call: _Call) -> None:
        call.is_patient = call.is_patient and self._give_up_sec is None
        if self._is_closing:
            raise WriterClosedError("the writer has been closed", place=str(self.path))
        if self._overflow or not self._has_room(call):
            call.admitted = self._loop.create_future()
            self._overflow.append(call)
            return
        self._pass_on(call)

    def _admit(self, *, at_any_size: bool = False) -> None:
        while self._overflow and (at_any_size or self._has_room(self._overflow[0])):
            call = self._overflow.popleft()
            self._pass_on(call)
            if call.admitted is not None and not call.admitted.done():
                call.admitted.set_result(None)

    def _has_room(self, call: _Call) -> bool:
        return not self._waiting or self._waiting_bytes + call.size <= MOST_WAITING_BYTES

    def _pass_on(self, call: _Call) -> None:
        self._waiting.add(call)
        self._waiting_bytes += call.size
        self._thread.put(call)
        if self._watch is None:
            self._watch = self._loop.call_later(NOTICE_AFTER_SEC, self._look)

    # Waiting for the file's write lock

    def _look(self) -> None:
        """While something waits: after two seconds say who holds the file, and give up where that was asked for."""
        self._watch = None
        since = self._thread.waiting_since
        waited = 0.0 if since is None else self._monotonic() - since
        if since is not None and waited >= NOTICE_AFTER_SEC and self._noticed != since:
            self._notice(since)
        if self._give_up_sec is not None and waited >= self._give_up_sec:
            self._give_up()
        if self._waiting or not self._ready.done():
            self._watch = self._loop.call_later(self._next_look(since, waited), self._look)

    def _next_look(self, since: float | None, waited: float) -> float:
        """Seconds until there may be something to say: the waiting may have begun after the last look."""
        after = NOTICE_AFTER_SEC if since is None or self._noticed == since else NOTICE_AFTER_SEC - waited
        if self._give_up_sec is not None:
            after = min(after, self._give_up_sec - waited)
        return max(after, _SHORTEST_LOOK_SEC)

    def _notice(self, since: float) -> None:
        if self._thread.holder() is None:
            return  # it is going from one to the next
        self._noticed = since
        if self._on_wait is not None:
            self._on_wait(f"waiting for the file, {self._held_by()}")

    def _give_up(self) -> None:
        error = BusyDatabaseError(
            f"gave up after {self._give_up_sec:g} s of waiting for the file, {self._held_by()}",
            place=str(self.path),
            hint="nothing was written; try again when that process has ended",
        )
        if not self._ready.done():
            self._thread.abandon()
            self._on_ready(error)
        for call in list(self._waiting):
            if self._thread.withdraw(call):
                self._settle(call, error)
        while self._overflow:
            call = self._overflow.popleft()
            self._waiting_bytes += call.size
            self._settle(call, error)
            if call.admitted is not None and not call.admitted.done():
                call.admitted.set_exception(error)

    def _held_by(self) -> str:
        match self._thread.holder():
            case None:
                return "held by nobody now"
            case 0:
                return "held by a process that cannot be seen from here"
            case pid:
                return f"held by pid {pid}"


@asynccontextmanager
async def open_writer(
    path: Path,
    *,
    engine_id: str | None = None,
    clock: Clock | None = None,
    on_wait: Callable[[str], None] | None = None,
    on_storage: Callable[[StorageState, str], None] | None = None,
    give_up_sec: float | None = None,
    alive_to_the_end: bool = False,
) -> AsyncIterator[Writer]:
    """Open the file at `path` for writing, made anew if there is none; closed when the block ends.

    `on_wait` is told, on the event loop, when an acknowledgement has waited two seconds for another process, and when a file
    of an older schema has been brought to this version's. When the disk
    is full, and when it is not any more, `on_storage` hears it with a sentence; `on_wait` where there is none.
    `give_up_sec` bounds the waiting for others, for commands that do one thing; with it a full disk is an error at once.
    An engine leaves it at None: then events wait, and with them who adds them, until they can be written.
    With `alive_to_the_end` the engine counts as alive until this process ends, not until the block does.
    Raises StoreError if the file cannot be written or is not ours.
    """
    writer = Writer(
        path,
        engine_id or secrets.token_hex(16),
        monotonic=clock.monotonic if clock is not None else time.monotonic,
        now_us=clock.now_us if clock is not None else lambda: time.time_ns() // 1000,
        on_wait=on_wait,
        on_storage=on_storage,
        give_up_sec=give_up_sec,
        alive_to_the_end=alive_to_the_end,
    )
    try:
        await writer.open()
        yield writer
    finally:
        await writer.close()

"""What the engine needs from outside, as small protocols. The store and the commands implement them; nothing here does anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from engine.model.states import ControlVerb as ControlVerb  # noqa: PLC0414, TC001  (what `ControlSource` hands over)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from engine.model.asset import AssetReference, ResolvedAsset
    from engine.model.bound import BoundDef, BoundText
    from engine.model.breaker import BreakerState
    from engine.model.event import Event, LogChunk
    from engine.model.json import JsonObject
    from engine.model.result import AttemptOutcome
    from engine.model.states import OutputFormat, Stream
    from engine.pipeline.resume_point import ResumePoint
    from engine.plan.compiled import CompiledPlan
    from engine.steps.secrets import SecretBox


class Clock(Protocol):
    """Time, passed in so that a test can hold it still."""

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC: for display, never for order."""
        ...

    def monotonic(self) -> float:
        """Seconds that only go forward: for durations and deadlines."""
        ...


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """A plan as the file keeps it, once per hash. `source` is the text that was read, `document` the canonical JSON."""

    plan_hash: str
    plan_id: str
    version: str
    source: str
    document: str


@dataclass(frozen=True, slots=True)
class RunCreation:
    """All that must be durable before a run exists. `created` is its `run.created` event."""

    run_id: str
    plan: PlanRecord
    created: Event


class EventSink(Protocol):
    """Where events go. The sink numbers and chains them; the order of calls is the order in the file."""

    async def create_run(self, creation: RunCreation) -> None:
        """Make the run exist, owned by this engine. Returns when durable; raises StoreError if it cannot be."""
        ...

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        """Add events, all or none. Returns when they are durable; raises StoreError if they cannot be."""
        ...

    async def append_logs(self, run_id: str, chunks: Sequence[LogChunk]) -> None:
        """Add output. Returns when the sink has room for more, which may be before it is durable."""
        ...


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """One request of an operator. `force` with cancel stops `finally` steps too.

    `on_refused` is told why it changes nothing, and a hint, in the moment in which that is seen.
    """

    verb: ControlVerb
    actor: str
    force: bool = False
    arguments: JsonObject = field(default_factory=dict)
    on_refused: Callable[[str, str], None] | None = field(default=None, compare=False, repr=False)


class ControlSource(Protocol):
    """Where an operator's requests come from: signals, a socket, a screen."""

    def requests(self) -> AsyncIterator[ControlRequest]:
        """Every request for the run, as it arrives; ends when no more can come."""
        ...


class LockBroker(Protocol):
    """Keeps runs that name the same lock apart. Locks belong to the run, not to its engine: they outlive a crash."""

    async def acquire(self, run_id: str, names: Sequence[str], on_wait: Callable[[str], None]) -> None:
        """Take all of `names` or none, first come first served. Returns when they are held.

        A run that holds them already, from before a crash, has them at once. While it has to wait, `on_wait` is told in
        a sentence who holds what, whenever that changes. A task that is cancelled in here gives up its place in the line.
        """
        ...

    async def release(self, run_id: str) -> None:
        """Give back all that the run holds. Called once its final event is durable; for a run that holds nothing it does nothing."""
        ...


class FailurePoint(StrEnum):
    """The moments at which a test may end the engine, to see what a crash there leaves behind."""

    BEFORE_COMMIT = "before_commit"  # events are about to be handed to the sink
    AFTER_COMMIT = "after_commit"  # they are durable, and nothing has acted on them yet
    BEFORE_SPAWN = "before_spawn"  # an attempt is about to be handed to the executor
    AFTER_SPAWN = "after_spawn"  # its process exists, and that is not recorded yet
    IN_FINALLY = "in_finally"  # a step of `finally` is about to be handed to the executor


@dataclass(frozen=True, slots=True)
class AttemptSpec:
    """One try of a step, ready to run: references resolved, secrets still by name.

    `environment` is complete: nothing else of the host reaches the process. `idempotency_key` is the same for every
    attempt of the step, or of its item, in this run; `cookie` is unique to the attempt and marks its processes.
    `child_run_id` is the id of the run that a sub-plan has, of a step of that kind. `max_output_bytes` is None where the
    executor's own cap counts.
    """

    run_id: str
    pass_index: int
    step_id: str
    item_index: int | None
    attempt: int
    definition: BoundDef
    environment: Mapping[str, BoundText]
    workdir: Path
    plan_folder: Path
    timeout_sec: float
    output: OutputFormat
    idempotency_key: str
    cookie: str
    child_run_id: str | None = None
    max_output_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process beyond doubt: pids come round again, a pid with its start time and boot does not."""

    pid: int
    start_ticks: int
    boot_id: str

    def to_json(self) -> JsonObject:
        """As `attempt.started` carries it."""
        return {"pid": self.pid, "start_ticks": self.start_ticks, "boot_id": self.boot_id}


class AttemptObserver(Protocol):
    """Who is told what an attempt does while it runs."""

    async def started(self, process: ProcessIdentity | None) -> None:
        """The attempt exists. Returns when that is durable; nothing of it counts before."""
        ...

    async def output(self, stream: Stream, offset: int, content: bytes) -> None:
        """A masked piece of output; waits while the sink is full, so that a flood slows the process, not the engine."""
        ...


class Executor(Protocol):
    """Runs single attempts. The engine keeps the graph, retries and state."""

    async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        """Run the attempt to its end and say how it ended; a failing step is an outcome, never an exception.

        Enforces `timeout_sec`. When the task is cancelled it stops everything the attempt started, by the ladder, and
        then lets CancelledError through.
        """
        ...


class AssetResolver(Protocol):
    """Finds the version of an asset that a run uses."""

    async def resolve(self, reference: AssetReference, *, override: AssetReference | None = None) -> ResolvedAsset:
        """The version that counts: the override, which may be a draft, else the one named, else the newest published.

        Raises InputError, with the versions that there are, if there is none; StoreError if it cannot be read.
        """
        ...

    async def exact(self, ref: str, sha256: str) -> ResolvedAsset:
        """The version that a run has used before. Raises StoreError if it is not there or is not the same any more."""
        ...


@dataclass(frozen=True, slots=True)
class Advice:
    """What somebody who was asked chose, and why; where `choice` is None, `failure` is a sentence that says what went wrong."""

    choice: str | None
    reason: str = ""
    failure: str = ""


class Advisor(Protocol):
    """Whom a decision step can ask."""

    async def choose(self, question: str, branches: Sequence[str]) -> Advice:
        """One of the branches, or why there is none. Never raises but when it is cancelled; it has a time limit of its own."""
        ...


@dataclass(frozen=True, slots=True)
class CacheQuestion:
    """What a kept result is looked for by: the hash of everything that the step depends on, and for which step it is asked."""

    key: str
    plan_id: str
    step_id: str


@dataclass(frozen=True, slots=True)
class CachedResult:
    """A result that was kept: whose it is, from when, and the hash of each thing that it depended on.

    `result` is what the step came to, as `StepResult.to_json` gives it; None where the key is another than the one asked for.
    """

    key: str
    run_id: str
    step_id: str
    at_us: int
    parts: Mapping[str, str]
    result: JsonObject | None


class ResultCache(Protocol):
    """Finds results of steps by the hash of their inputs. What is kept is what a `step.finished` says is kept."""

    async def look_up(self, question: CacheQuestion) -> CachedResult | None:
        """The newest result under the key, however old; else the newest of the same step of the same plan, without its result.

        Raises StoreError if the record of results cannot be read.
        """
        ...


class BreakerMemory(Protocol):
    """What earlier runs knew of the tools that kept failing."""

    async def load(self) -> Mapping[str, BreakerState]:
        """The newest state of every breaker that ever moved, by tool. Raises StoreError if it cannot be read."""
        ...


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """A plan that is about to run as a step of another, with what its own steps need."""

    plan: CompiledPlan
    folder: Path
    secrets: SecretBox
    executor: Executor
    control: ControlSource


class SubPlans(Protocol):
    """What running a plan as a step of another needs from outside."""

    async def find(self, plan: str, folder: Path, run_id: str, above: SecretBox) -> ChildPlan:
        """The plan that a step of a plan in `folder` names, for the child run `run_id`. Raises InputError or PlanError.

        The secrets of the run `above` may come to light in the child too, and are masked there.
        """
        ...

    async def recorded(self, run_id: str, folder: Path, above: SecretBox) -> tuple[ResumePoint, ChildPlan] | None:
        """Where the child run stands, which belongs to this engine from now on; None if it was never made.

        Raises StoreError if it cannot be had, InputError if its plan or a secret is not there any more.
        """
        ...

"""The event envelope and its closed list of kinds. How events are numbered, chained and stored lives in the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from engine.model.states import Stage, Stream


class EventKind(StrEnum):
    """Everything that can be said of a run. docs of each kind's `data`: ARCHITECTURE.md, "Events"."""

    RUN_CREATED = "run.created"
    RUN_STARTED = "run.started"
    RUN_PAUSED = "run.paused"
    RUN_RESUMED = "run.resumed"
    RUN_SUCCEEDED = "run.succeeded"
    RUN_FAILED = "run.failed"
    RUN_CANCELED = "run.canceled"
    RUN_QUARANTINED = "run.quarantined"
    RUN_TAKEN_OVER = "run.taken_over"
    STAGE_STARTED = "stage.started"
    STAGE_FINISHED = "stage.finished"
    ATTEMPT_STARTING = "attempt.starting"
    ATTEMPT_STARTED = "attempt.started"
    ATTEMPT_FINISHED = "attempt.finished"
    STEP_WAITING = "step.waiting"
    STEP_FINISHED = "step.finished"
    REPLAN_REQUESTED = "replan.requested"
    REPLAN_DECIDED = "replan.decided"
    ASSET_RESOLVED = "asset.resolved"
    LOCK_ACQUIRED = "lock.acquired"
    LOCK_RELEASED = "lock.released"
    CONTROL_RECEIVED = "control.received"
    ORCHESTRATION_DEPENDENCIES_EXTRACTED = "orchestration.dependencies_extracted"
    ORCHESTRATION_STRATEGY_DETERMINED = "orchestration.strategy_determined"
    ORCHESTRATION_TOOL_CHAIN_BUILT = "orchestration.tool_chain_built"
    ORCHESTRATION_EXECUTION_COMPLETED = "orchestration.execution_completed"
    ORCHESTRATION_EXECUTION_FAILED = "orchestration.execution_failed"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in a run, before it has a place in the file.

    `at_us` is microseconds since the epoch, UTC, for display; order comes from the place in the file alone.
    `actor` is who caused it: `engine`, or `operator:NAME`. `data` is JSON and already masked.
    """

    kind: EventKind
    at_us: int
    data: JsonObject = field(default_factory=dict)
    pass_index: int = 0
    stage: Stage | None = None
    step_id: str | None = None
    item_index: int | None = None
    attempt: int | None = None
    actor: str = "engine"


@dataclass(frozen=True, slots=True)
class LogChunk:
    """A piece of what an attempt wrote, already masked, bytes as they came. `offset` counts bytes from the stream's start."""

    pass_index: int
    step_id: str
    item_index: int | None
    attempt: int
    stream: Stream
    at_us: int
    offset: int
    content: bytes

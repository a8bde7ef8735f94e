"""What the reader returns: one frozen row a record, typed with the engine's own words. No SQL and no formatting here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from store.run_rows import RunCounts, RunRow

if TYPE_CHECKING:
    from engine.model.breaker import BreakerPhase
    from engine.model.event import EventKind
    from engine.model.json import JsonObject
    from engine.model.states import (
        DiagnosticsStatus,
        Reason,
        RunStatus,
        Stage,
        StageStatus,
        StepStatus,
        StepType,
        Stream,
    )


__all__ = [
    "AttemptRow",
    "BreakerRow",
    "EventRow",
    "LockBlock",
    "LockRow",
    "LogRow",
    "RunCounts",
    "RunRow",
    "StageRow",
    "StepRow",
]


class StageRow(NamedTuple):
    """One stage of one pass, without its input and output (see `queries.stage_input`, `queries.stage_output`)."""

    run_id: str
    pass_index: int
    stage: Stage
    status: StageStatus
    diagnostics_status: DiagnosticsStatus | None
    started_at_us: int | None
    finished_at_us: int | None
    duration_us: int | None


class StepRow(NamedTuple):
    """One step of one pass, without its result (see `queries.step_result`)."""

    run_id: str
    pass_index: int
    step_id: str
    item_index: int | None
    status: StepStatus
    reason: Reason | None
    message: str
    tool_type: StepType
    group_index: int
    execution_order: int
    depends_on: tuple[str, ...]
    attempts: int
    exit_code: int | None
    started_at_us: int | None
    finished_at_us: int | None
    duration_us: int | None


class AttemptRow(NamedTuple):
    """One try of a step. `starting` and `finished` are the data of its events, as stored."""

    run_id: str
    pass_index: int
    step_id: str
    item_index: int | None
    attempt: int
    status: StepStatus
    reason: Reason | None
    exit_code: int | None
    started_at_us: int
    finished_at_us: int | None
    starting: JsonObject
    finished: JsonObject | None


class EventRow(NamedTuple):
    """One event with its place in the file (`event_no`) and in its run (`seq`, from 1). `data` is the stored JSON text."""

    event_no: int
    v: int
    run_id: str
    seq: int
    at_us: int
    kind: EventKind
    pass_index: int
    stage: Stage | None
    step_id: str | None
    item_index: int | None
    attempt: int | None
    actor: str
    data: str
    prev_hash: str
    hash: str


class LogRow(NamedTuple):
    """A piece of an attempt's output; `log_id` is the order in the file and the cursor for following."""

    log_id: int
    run_id: str
    pass_index: int
    step_id: str
    item_index: int | None
    attempt: int
    stream: Stream
    at_us: int
    offset: int
    content: bytes


class BreakerRow(NamedTuple):
    """The breaker of a tool where the runs of the file left it, and the run that moved it last, at `at_us`.

    `opened_at_us` is 0 for one that never opened. `cooldown_sec` is that of the run's plan, None where it does not say.
    """

    tool: str
    phase: BreakerPhase
    failures: int
    opened_at_us: int
    at_us: int
    run_id: str
    plan_id: str
    status: RunStatus
    pass_index: int
    owner_engine: str
    owner_epoch: int
    cooldown_sec: float | None


class LockRow(NamedTuple):
    """A lock that a run holds, and the runs that wait for it, the next one first."""

    name: str
    run_id: str
    plan_id: str
    status: RunStatus
    acquired_at_us: int
    owner_engine: str
    owner_epoch: int
    waiting: tuple[str, ...]


class LockBlock(NamedTuple):
    """A run that stands before another at a lock: it holds it, or has asked for it earlier. `engine` is its owner."""

    name: str
    run_id: str
    plan_id: str
    engine: str
    is_held: bool

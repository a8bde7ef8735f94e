"""What the scheduler core says is to be done, in the order in which it is to be done. Plain data; the runner carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from engine.model.bound import BoundStep
    from engine.model.result import StepResult
    from engine.model.states import Reason, RunStatus


@dataclass(frozen=True, slots=True)
class StartAttempt:
    """Run this attempt, for at most `timeout_sec` seconds. Attempts count from 1. Answered by AttemptEnded."""

    step_id: str
    attempt: int
    bound: BoundStep
    timeout_sec: float


@dataclass(frozen=True, slots=True)
class StopAttempt:
    """End this attempt by the ladder. It still runs, and holds its slot, until its AttemptEnded."""

    step_id: str
    attempt: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class WaitForRetry:
    """Wait `delay_sec` seconds, then send DelayElapsed(step_id, next_attempt). If the step is settled first, forget it."""

    step_id: str
    next_attempt: int
    delay_sec: float


@dataclass(frozen=True, slots=True)
class SettleStep:
    """The step has reached its final state. Said once for every step."""

    result: StepResult


@dataclass(frozen=True, slots=True)
class FirstCause:
    """The failure that the run's failure began with; never one of its consequences."""

    step_id: str
    reason: Reason | None
    message: str


@dataclass(frozen=True, slots=True)
class FinishExecution:
    """Every step is settled and nothing runs. Said once, last.

    `status` is succeeded, failed or canceled. `warnings` are the failures that their steps' `on_failure: continue`
    let pass, one sentence each, in the order in which they happened.
    """

    status: RunStatus
    first_cause: FirstCause | None
    warnings: tuple[str, ...] = ()


Instruction: TypeAlias = StartAttempt | StopAttempt | WaitForRetry | SettleStep | FinishExecution

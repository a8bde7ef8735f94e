"""What the scheduler core says is to be done, in the order in which it is to be done. Plain data; the runner carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from engine.model.bound import BoundStep
    from engine.model.breaker import BreakerState
    from engine.model.result import StepResult
    from engine.model.states import Reason, RunStatus
    from engine.schedule.replans import ReplanAsk


@dataclass(frozen=True, slots=True)
class StartAttempt:
    """Run this attempt, for at most `timeout_sec` seconds. Attempts count from 1. Answered by AttemptEnded."""

    step_id: str
    attempt: int
    bound: BoundStep
    timeout_sec: float
    item_index: int | None = None


@dataclass(frozen=True, slots=True)
class StopAttempt:
    """End this attempt by the ladder. It still runs, and holds its slot, until its AttemptEnded."""

    step_id: str
    attempt: int
    reason: Reason
    item_index: int | None = None


class WaitReason(StrEnum):
    """Why there is a delay before the next attempt."""

    RETRY = "retry"
    REPEAT = "repeat"
    BREAKER_OPEN = "breaker_open"


@dataclass(frozen=True, slots=True)
class WaitForRetry:
    """Wait `delay_sec` seconds, then send DelayElapsed(step_id, next_attempt). If the step is settled first, forget it.

    Nothing waits for the delay of a step that Replace touches; to tell of its end all the same is no fault.
    `tool` is the one whose breaker is waited for.
    """

    step_id: str
    next_attempt: int
    delay_sec: float
    reason: WaitReason = WaitReason.RETRY
    item_index: int | None = None
    tool: str = ""


@dataclass(frozen=True, slots=True)
class AwaitFallback:
    """The step has failed for good, as `failure` says, and waits for its fallback. To be recorded with what it failed of.

    Followed by SettleStep when the fallback has ended, whichever way.
    """

    step_id: str
    fallback_step: str
    failure: StepResult


@dataclass(frozen=True, slots=True)
class AskCache:
    """Look for a kept result of what `bound` describes, at most `ttl_sec` seconds old. Answered by CacheAnswered.

    The step, or its item, holds its slot meanwhile and has not begun: this is before its first attempt only.
    """

    step_id: str
    bound: BoundStep
    ttl_sec: float
    item_index: int | None = None


@dataclass(frozen=True, slots=True)
class SetAlarm:
    """Send AlarmRang in `delay_sec` seconds, instead of an earlier SetAlarm: then a rate limit lets something start."""

    delay_sec: float


@dataclass(frozen=True, slots=True)
class MoveBreaker:
    """The breaker of a tool changed: to be recorded with whatever changed it.

    One that became half-open stands right before the StartAttempt of its probe; any other is the first thing that is said
    of an AttemptEnded.
    """

    tool: str
    state: BreakerState


@dataclass(frozen=True, slots=True)
class SettleItem:
    """One item of a step has reached its final state. Said once for every item, before the step's own SettleStep.

    The items of a step that is quarantined are settled when somebody has decided about it.
    """

    item_index: int
    result: StepResult


@dataclass(frozen=True, slots=True)
class SettleStep:
    """The step has reached its final state. Said once for every step."""

    result: StepResult


@dataclass(frozen=True, slots=True)
class QuarantineStep:
    """Somebody has to decide about the step; it has no end until then, and its dependents wait. `result` says why."""

    result: StepResult


@dataclass(frozen=True, slots=True)
class RequestReplan:
    """The step that was settled right before this asks for another plan. To be recorded with that end.

    Nothing follows from how the step ended until ReplanDecided says what became of it.
    """

    step_id: str
    ask: ReplanAsk


@dataclass(frozen=True, slots=True)
class AwaitDecision:
    """Nothing else can go on until it is decided about the replans of these steps, in the order in which they were settled.

    Said once each time it comes to that, and anew when one of several is decided. A decision may be on its way already:
    what is decided without a person is among these as well, unless its mode is `auto`.
    """

    step_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FirstCause:
    """The failure that the run's failure began with; never one of its consequences.

    `path` are the steps of sub-plans down to the one that failed, where that is below `step_id`, which is its first;
    `message` begins with the others then.
    """

    step_id: str
    reason: Reason | None
    message: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FinishExecution:
    """Nothing runs and nothing can go on. Said once, last.

    `status` is succeeded, failed, canceled or quarantined. Every step is settled, or else it is quarantined or waits for
    one of those in `quarantined`. `warnings` are the failures that were let pass, by `on_failure: continue` or a fallback,
    one sentence each, in the order in which they happened.

    With a `replan` this is the end of a pass and not of the run, and `status` says nothing: those of its steps are named
    because of which another plan follows, first those whose replan was approved, then those of Replace. What is not
    settled by then has no end in this pass.
    """

    status: RunStatus
    first_cause: FirstCause | None
    warnings: tuple[str, ...] = ()
    quarantined: tuple[str, ...] = ()
    replan: tuple[str, ...] = ()


Instruction: TypeAlias = (
    StartAttempt
    | StopAttempt
    | WaitForRetry
    | AwaitFallback
    | AskCache
    | SetAlarm
    | MoveBreaker
    | SettleItem
    | SettleStep
    | QuarantineStep
    | RequestReplan
    | AwaitDecision
    | FinishExecution
)

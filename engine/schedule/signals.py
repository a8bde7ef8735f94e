"""What the scheduler core is told. Plain data; what each signal causes lives in core.py and transitions.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from engine.model.result import AttemptOutcome


@dataclass(frozen=True, slots=True)
class Moment:
    """When a signal is handled: `monotonic` in seconds measures, `at_us` in microseconds UTC is written down."""

    monotonic: float
    at_us: int


@dataclass(frozen=True, slots=True)
class Begin:
    """Start the work. Told once."""


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """An attempt that was asked for is over, of itself or because it was stopped: succeeded, failed or canceled.

    `began` is when it was launched, which may be long after it was asked for, since that has to be on record first; None
    stands for at once.
    """

    step_id: str
    attempt: int
    outcome: AttemptOutcome
    item_index: int | None = None
    began: Moment | None = None


@dataclass(frozen=True, slots=True)
class DelayElapsed:
    """The wait before `attempt` is over."""

    step_id: str
    attempt: int
    item_index: int | None = None


@dataclass(frozen=True, slots=True)
class CacheAnswered:
    """The answer to AskCache: the outcome that was kept, or None where there is none that may be used."""

    step_id: str
    outcome: AttemptOutcome | None
    item_index: int | None = None


@dataclass(frozen=True, slots=True)
class AlarmRang:
    """The time that SetAlarm asked for has passed."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop everything. A second one changes nothing; `force` matters to steps that run in spite of a cancel."""

    actor: str
    force: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Start nothing new until Resume. What runs goes on, delays go on."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on after Pause."""


@dataclass(frozen=True, slots=True)
class ReplanDecided:
    """What became of the replan that RequestReplan asked for: the plan is to be changed, or goes on as it is."""

    step_id: str
    approved: bool


@dataclass(frozen=True, slots=True)
class Replace:
    """Another plan is to follow in which these steps are changed, added or gone; what they do not concern goes on to its end.

    Those that the plan does not have are only remembered. May be said again: then these are added. None means nothing.
    """

    touched: frozenset[str]


Signal: TypeAlias = (
    Begin | AttemptEnded | DelayElapsed | CacheAnswered | AlarmRang | Cancel | Pause | Resume | ReplanDecided | Replace
)

"""The score of a comparison, from 100 (as the baseline) down, with every lost point accounted for. Pure arithmetic on evidence.

R = max(P, Q, 0.4 P + 0.6 Q), and the score is 100 - R. P counts seconds that the critical path lost, against half of the
baseline's own length; Q counts drops in rates of success, against a quarter. Both take the end of the interval that is nearer
to no change, and both only what counts. A critical issue costs at least 75. The laws that this obeys are in the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

CRITICAL_LOSS: Final = 75.0
_TIME_SHARE: Final = 0.5
_RATE_SHARE: Final = 0.25
_WEIGHT_OF_TIME: Final = 0.4


class Severity(StrEnum):
    """How bad it is, by the points that were lost."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"

    @classmethod
    def of(cls, lost: float) -> Severity:
        """Below 10 points nothing, below 30 minor, below 60 major."""
        if lost < 10:
            return cls.NONE
        if lost < 30:
            return cls.MINOR
        return cls.MAJOR if lost < 60 else cls.CRITICAL


@dataclass(frozen=True, slots=True)
class Slowdown:
    """A stage that became slower, where that counts: seconds for sure (`low_sec`), and what it can cost the run (`drag_sec`)."""

    name: str
    low_sec: float
    drag_sec: float

    @property
    def cost_sec(self) -> float:
        """What the run loses: nothing, where others take longer anyway."""
        return max(0.0, min(self.low_sec, self.drag_sec))


@dataclass(frozen=True, slots=True)
class Drop:
    """A rate of success that fell, where that counts: how far for sure, and its weight among the rates (they add up to 1)."""

    name: str
    low: float
    weight: float


@dataclass(frozen=True, slots=True)
class Loss:
    """Points that one thing costs, alone; `why` says of what, with its figures."""

    name: str
    points: float
    why: str


@dataclass(frozen=True, slots=True)
class Score:
    """The verdict in figures. `losses` are the largest first; together they can come to more than `lost`, which is capped."""

    lost: float
    time_points: float
    rate_points: float
    losses: tuple[Loss, ...]

    @property
    def value(self) -> int:
        """0 to 100."""
        return round(100 - self.lost)

    @property
    def severity(self) -> Severity:
        """By the lost points."""
        return Severity.of(self.lost)


def score(
    slowdowns: Sequence[Slowdown], drops: Sequence[Drop], critical: Sequence[str], *, baseline_sec: float
) -> Score:
    """The score of what counts; `critical` are the critical issues, a sentence each; `baseline_sec` is how long a run takes."""
    allowed_sec = _TIME_SHARE * max(baseline_sec, 1e-9)
    times = [(one, 100 * one.cost_sec / allowed_sec) for one in slowdowns]
    rates = [(one, 100 * one.weight * max(0.0, one.low) / _RATE_SHARE) for one in drops]
    time_points = min(100.0, sum(points for _, points in times))
    rate_points = min(100.0, sum(points for _, points in rates))
    mixed = _WEIGHT_OF_TIME * time_points + (1 - _WEIGHT_OF_TIME) * rate_points
    lost = max(time_points, rate_points, mixed, CRITICAL_LOSS if critical else 0.0)
    losses = [
        *(Loss(f"critical issue {number}", CRITICAL_LOSS, issue) for number, issue in enumerate(critical, start=1)),
        *(Loss(one.name, min(100.0, points), _slower(one, allowed_sec)) for one, points in times),
        *(Loss(one.name, min(100.0, points), f"succeeds {one.low:.0%} less often, at least") for one, points in rates),
    ]
    return Score(lost, time_points, rate_points, tuple(sorted(losses, key=lambda loss: -loss.points)))


def _slower(one: Slowdown, allowed_sec: float) -> str:
    allowed = f"{_length(allowed_sec)} slower would cost all points"
    if one.cost_sec >= one.low_sec:
        return f"at least {_length(one.low_sec)} slower on the way to the end; {allowed}"
    slower = f"at least {_length(one.low_sec)} slower, but the end"
    if not one.cost_sec:
        return f"{slower} does not wait for it, as others take longer anyway"
    return f"{slower} waits only {_length(one.cost_sec)} longer for it, as others take longer anyway; {allowed}"


def _length(sec: float) -> str:
    if sec < 0.9995:
        return f"{sec * 1000:.3g}ms"
    return f"{sec:.3g}s" if sec < 100 else f"{sec:.0f}s"

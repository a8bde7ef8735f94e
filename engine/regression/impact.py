"""What the versions of an asset did to the runs that used them: counts, rates and durations by version, and which runs to compare. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.states import RunStatus
from engine.regression.evidence import median
from engine.regression.statistics.rates import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_COMPARED: Final = 30
"""Runs of each version that are compared, the newest."""


@dataclass(frozen=True, slots=True)
class Use:
    """A run that used a version. Times are microseconds since the epoch; `duration_us` is None where it has not ended."""

    version: int
    run_id: str
    plan_id: str
    status: RunStatus
    created_at_us: int
    duration_us: int | None

    @property
    def has_outcome(self) -> bool:
        """True where it succeeded or failed by itself."""
        return self.status in (RunStatus.SUCCEEDED, RunStatus.FAILED)


@dataclass(frozen=True, slots=True)
class VersionUse:
    """One version: in how many runs and plans it was used, how often these succeeded, how long the good ones took."""

    version: int
    runs: int
    succeeded: int
    failed: int
    rate_low: float
    rate_high: float
    typical_us: int | None
    plans: tuple[str, ...]
    first_us: int
    last_us: int

    @property
    def rate(self) -> float | None:
        """The share that succeeded of those that ended in one or the other way; None without one."""
        ended = self.succeeded + self.failed
        return self.succeeded / ended if ended else None


def by_version(uses: Sequence[Use]) -> list[VersionUse]:
    """The versions that were used, the newest first."""
    groups: dict[int, list[Use]] = defaultdict(list)
    for use in uses:
        groups[use.version].append(use)
    return [_summary(version, groups[version]) for version in sorted(groups, reverse=True)]


def _summary(version: int, uses: Sequence[Use]) -> VersionUse:
    good = [use for use in uses if use.status is RunStatus.SUCCEEDED]
    ended = sum(use.has_outcome for use in uses)
    lasted = [use.duration_us for use in good if use.duration_us is not None]
    low, high = wilson_interval(len(good), ended)
    plans = Counter(use.plan_id for use in uses)
    return VersionUse(
        version=version,
        runs=len(uses),
        succeeded=len(good),
        failed=ended - len(good),
        rate_low=low,
        rate_high=high,
        typical_us=round(median(lasted)) if lasted else None,
        plans=tuple(sorted(plans, key=lambda plan: (-plans[plan], plan))),
        first_us=min(use.created_at_us for use in uses),
        last_us=max(use.created_at_us for use in uses),
    )


@dataclass(frozen=True, slots=True)
class Sides:
    """The runs of one plan that used the one and the other version, the oldest first."""

    plan_id: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def sides_of(uses: Sequence[Use], before: int, after: int) -> Sides | None:
    """What to compare: the newest runs of each version that ended, of the plan with most of them on its poorer side.

    None where no plan was run with both.
    """
    found: dict[str, tuple[list[Use], list[Use]]] = defaultdict(lambda: ([], []))
    for use in uses:
        if use.has_outcome and use.version in (before, after):
            found[use.plan_id][use.version == after].append(use)
    plans = [plan for plan, (first, second) in found.items() if first and second]
    if not plans:
        return None
    plan_id = min(plans, key=lambda plan: (-min(map(len, found[plan])), -sum(map(len, found[plan])), plan))
    first, second = (tuple(use.run_id for use in _newest(side)) for side in found[plan_id])
    return Sides(plan_id, first, second)


def _newest(uses: Sequence[Use]) -> list[Use]:
    return sorted(uses, key=lambda use: (use.created_at_us, use.run_id))[-MOST_COMPARED:]

"""What the versions of an asset did to the runs that used them: counts, rates and durations by version, and which runs to compare. Pure.

Counts are of all runs, since a file can add them up cheaply; durations, retries and empty results are of the newest of them.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.states import RunStatus
from engine.regression.evidence import median
from engine.regression.statistics.rates import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MOST_COMPARED: Final = 30
"""Runs of each version that are compared, the newest. As many on either side, so that a comparison can be turned round."""

LEAST_FOR_P90: Final = 10
"""Of fewer runs the slowest tenth is not known, and the slowest of all is told instead."""


@dataclass(frozen=True, slots=True)
class Tally:
    """All runs of a plan that used a version, counted. Times are microseconds since the epoch.

    `recent` is how many of them are of late, `replanned` and `warned` how many had a replan or a warning.
    """

    version: int
    plan_id: str
    runs: int
    succeeded: int
    failed: int
    replanned: int
    warned: int
    recent: int
    first_us: int
    last_us: int


@dataclass(frozen=True, slots=True)
class Use:
    """A run that used a version. Times are microseconds since the epoch; `duration_us` is None where it has not ended.

    `retries` is how many tries its steps needed beyond the first; `is_empty` says that a step's result was empty, and is
    None where that was not recorded.
    """

    version: int
    run_id: str
    plan_id: str
    status: RunStatus
    created_at_us: int
    duration_us: int | None
    replans: int = 0
    retries: int = 0
    is_empty: bool | None = None

    @property
    def has_outcome(self) -> bool:
        """True where it succeeded or failed by itself."""
        return self.status in (RunStatus.SUCCEEDED, RunStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int
    of: int

    @property
    def rate(self) -> float | None:
        """The share; None of nothing."""
        return self.part / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Where the true share may be."""
        return wilson_interval(self.part, self.of)


NONE_OF_NONE: Final = Share(0, 0)


@dataclass(frozen=True, slots=True)
class Durations:
    """How long the runs took that succeeded, in microseconds. `slow_us` is the 90th percentile, or with `is_p90` False the longest."""

    n: int
    typical_us: int | None
    slow_us: int | None
    is_p90: bool


@dataclass(frozen=True, slots=True)
class VersionUse:
    """One version: in how many runs and plans it was used, how often these succeeded, how long the good ones took.

    `first_us` and `last_us` are None where no run used it. `looked_at` is of how many runs, the newest, the durations, the
    retries and the empty results are.
    """

    version: int
    runs: int
    success: Share
    replanned: Share
    warned: Share
    retried: Share
    empty: Share
    durations: Durations
    plans: tuple[str, ...]
    recent: int
    looked_at: int
    first_us: int | None
    last_us: int | None


def by_version(
    tallies: Sequence[Tally], uses: Sequence[Use], *, plan_id: str | None = None, known: Iterable[int] = ()
) -> list[VersionUse]:
    """The versions, the newest first; with `plan_id` only what the runs of that plan say. `known` ones may never have been used.

    The order of tallies and of uses changes nothing.
    """
    counted: dict[int, list[Tally]] = defaultdict(list)
    for tally in tallies:
        if plan_id in (None, tally.plan_id):
            counted[tally.version].append(tally)
    seen: dict[int, list[Use]] = defaultdict(list)
    for use in uses:
        if plan_id in (None, use.plan_id):
            seen[use.version].append(use)
    versions = sorted({*counted, *known}, reverse=True)
    return [_summary(version, counted[version], seen[version]) for version in versions]


def _summary(version: int, tallies: Sequence[Tally], uses: Sequence[Use]) -> VersionUse:
    def summed(what: Callable[[Tally], int]) -> int:
        return sum(map(what, tallies))

    runs, succeeded, failed = summed(lambda t: t.runs), summed(lambda t: t.succeeded), summed(lambda t: t.failed)
    ended = [use for use in uses if use.has_outcome]
    told = [use.is_empty for use in ended if use.is_empty is not None]
    plans: Counter[str] = Counter()
    for tally in tallies:
        plans[tally.plan_id] += tally.runs
    return VersionUse(
        version=version,
        runs=runs,
        success=Share(succeeded, succeeded + failed),
        replanned=Share(summed(lambda t: t.replanned), runs),
        warned=Share(summed(lambda t: t.warned), runs),
        retried=Share(sum(use.retries > 0 for use in ended), len(ended)),
        empty=Share(sum(told), len(told)),
        durations=durations_of(uses),
        plans=tuple(sorted(plans, key=lambda plan: (-plans[plan], plan))),
        recent=summed(lambda t: t.recent),
        looked_at=len(uses),
        first_us=min((tally.first_us for tally in tallies), default=None),
        last_us=max((tally.last_us for tally in tallies), default=None),
    )


def durations_of(uses: Iterable[Use]) -> Durations:
    """How long those took that succeeded."""
    lasted = sorted(good_durations(uses))
    if not lasted:
        return Durations(0, None, None, is_p90=False)
    is_p90 = len(lasted) >= LEAST_FOR_P90
    slow = lasted[math.ceil(0.9 * len(lasted)) - 1] if is_p90 else lasted[-1]
    return Durations(len(lasted), round(median(lasted)), slow, is_p90)


def good_durations(uses: Iterable[Use]) -> list[int]:
    """The durations of those that succeeded, in microseconds."""
    return [use.duration_us for use in uses if use.status is RunStatus.SUCCEEDED and use.duration_us is not None]


@dataclass(frozen=True, slots=True)
class Sides:
    """The runs of one plan that used the one and the other version, the oldest first."""

    plan_id: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def sides_of(uses: Sequence[Use], before: int, after: int) -> Sides | None:
    """What to compare: the newest runs of each version that ended, of the plan with most of them on its poorer side.

    A run that used both says nothing about either. None where no plan was run with both.
    """
    versions: dict[str, set[int]] = defaultdict(set)
    for use in uses:
        versions[use.run_id].add(use.version)
    found: dict[str, tuple[list[Use], list[Use]]] = defaultdict(lambda: ([], []))
    for use in uses:
        if use.has_outcome and versions[use.run_id] & {before, after} == {use.version}:
            found[use.plan_id][use.version == after].append(use)
    plans = [plan for plan, (first, second) in found.items() if first and second]
    if not plans:
        return None
    plan_id = min(plans, key=lambda plan: (-min(map(len, found[plan])), -sum(map(len, found[plan])), plan))
    first, second = (tuple(use.run_id for use in _newest(side)) for side in found[plan_id])
    return Sides(plan_id, first, second)


def _newest(uses: Sequence[Use]) -> list[Use]:
    return sorted(uses, key=lambda use: (use.created_at_us, use.run_id))[-MOST_COMPARED:]

"""How good a version of an asset is, over several axes from 0 to 100. Each says its formula and on how many runs it rests. Pure.

An axis with too few runs has no value: a short bar would be read as a bad one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, assert_never

from engine.model.states import RunStatus
from engine.regression.evidence import median, relative_noise
from engine.regression.impact import Share
from engine.regression.verdict import Confidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.regression.impact import Use, VersionUse

LEAST_RUNS: Final = 3
"""From how many runs on an axis has a value."""
LEAST_FOR_NOISE: Final = 5
"""The same for how far runs are apart."""

_KNOWN: Final = ((30, Confidence.HIGH), (10, Confidence.MEDIUM), (LEAST_RUNS, Confidence.LOW))


class Axis(StrEnum):
    """In what a version is good."""

    SUCCESS = "success"
    SPEED = "speed"
    STEADINESS = "steadiness"
    COMPLETENESS = "completeness"
    SMOOTHNESS = "smoothness"


@dataclass(frozen=True, slots=True)
class Rating:
    """A version on one axis. `value` is 0 to 100, None where too few runs tell; `low` and `high` are where it may truly be."""

    axis: Axis
    value: float | None
    n: int
    low: float | None = None
    high: float | None = None

    @property
    def confidence(self) -> Confidence:
        """How much it rests on: low from 3 runs on, medium from 10, high from 30."""
        return confidence_of(self.n)


def confidence_of(n: int) -> Confidence:
    """How much so many runs tell. More of them never tell less."""
    return next((confidence for least, confidence in _KNOWN if n >= least), Confidence.NONE)


def formula(axis: Axis) -> str:
    """How the value of an axis comes about, in words."""
    match axis:
        case Axis.SUCCESS:
            return "runs that succeeded ÷ runs that succeeded or failed"
        case Axis.SPEED:
            return "the fastest version's typical duration ÷ this one's, plan by plan"
        case Axis.STEADINESS:
            return "1 ÷ (1 + how far a run is typically from the middle)"
        case Axis.COMPLETENESS:
            return "runs in which no step's result was empty ÷ runs that ended"
        case Axis.SMOOTHNESS:
            return "runs without replan and second try ÷ runs that ended"
        case _:
            assert_never(axis)


def profile_of(one: VersionUse, uses: Sequence[Use]) -> tuple[Rating, ...]:
    """The version on every axis. `uses` are those of all versions: the fastest one sets the measure. Their order changes nothing."""
    own = [use for use in uses if use.version == one.version and use.has_outcome]
    smooth = Share(sum(not use.replans and not use.retries for use in own), len(own))
    return (
        _share(Axis.SUCCESS, one.success),
        _speed(one.version, uses),
        _steadiness(own),
        _share(Axis.COMPLETENESS, Share(one.empty.of - one.empty.part, one.empty.of)),
        _share(Axis.SMOOTHNESS, smooth),
    )


def _share(axis: Axis, share: Share) -> Rating:
    rate = share.rate
    if rate is None or share.of < LEAST_RUNS:
        return Rating(axis, None, share.of)
    low, high = share.interval
    return Rating(axis, 100 * rate, share.of, 100 * low, 100 * high)


def _by_plan(uses: Iterable[Use]) -> Mapping[str, Mapping[int, list[float]]]:
    """Seconds of those that succeeded, by plan and version."""
    found: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for use in uses:
        if use.status is RunStatus.SUCCEEDED and use.duration_us is not None:
            found[use.plan_id][use.version].append(max(use.duration_us, 1) / 1_000_000)
    return found


def _speed(version: int, uses: Sequence[Use]) -> Rating:
    """Plans count by their runs with this version; one that no other version tells enough of says nothing about speed."""
    total, weighed = 0, 0.0
    n = 0
    for versions in _by_plan(uses).values():
        own = versions.get(version, [])
        n += len(own)
        others = {other: median(values) for other, values in versions.items() if len(values) >= LEAST_RUNS}
        if version in others and len(others) > 1:
            weighed += len(own) * math.log(min(others.values()) / others[version])
            total += len(own)
    if not total:
        return Rating(Axis.SPEED, None, n)
    return Rating(Axis.SPEED, 100 * math.exp(weighed / total), total)


def _steadiness(own: Sequence[Use]) -> Rating:
    total, weighed, n = 0, 0.0, 0
    for versions in _by_plan(own).values():
        for values in versions.values():
            n += len(values)
            if len(values) >= LEAST_FOR_NOISE:
                weighed += len(values) * relative_noise(values)
                total += len(values)
    if not total:
        return Rating(Axis.STEADINESS, None, n)
    return Rating(Axis.STEADINESS, 100 / (1 + weighed / total), total)

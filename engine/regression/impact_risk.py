"""How risky it is to go from one version of an asset to another, by what is on record. Every point says what it is for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, assert_never

from engine.model.asset import AssetStatus
from engine.regression.score import Severity
from engine.regression.verdict import Confidence, DifferenceKind, Verdict

if TYPE_CHECKING:
    from engine.regression.impact import VersionUse
    from engine.regression.verdict import Analysis, Difference

MEDIUM_FROM: Final = 25
HIGH_FROM: Final = 50
"""Points from which a risk is medium, and high; below it is low, and none without a point."""

_REGRESSED: Final = {Severity.NONE: 25, Severity.MINOR: 25, Severity.MAJOR: 50, Severity.CRITICAL: 75}
_SUSPECTED: Final = 20
_CONFOUNDED: Final = 5
_UNTRIED_PLAN: Final = 5
_UNTRIED_MOST: Final = 15
_MUCH_USED: Final = ((100, 10), (10, 5))
_THIN: Final = {Confidence.HIGH: 0, Confidence.MEDIUM: 5, Confidence.LOW: 10, Confidence.NONE: 10}


class RiskLevel(StrEnum):
    """What is said of it."""

    NOT_KNOWN = "not_known"
    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """A reason; with 0 points it speaks for the version, or says what was looked at."""

    points: int
    text: str


@dataclass(frozen=True, slots=True)
class Risk:
    """Of going from one version to another. `runs_needed` is how many runs are missing on each side before it is known."""

    level: RiskLevel
    points: int
    reasons: tuple[RiskPoint, ...]
    runs_needed: tuple[int, int] = (0, 0)


def risk_of(
    before: VersionUse,
    after: VersionUse,
    analysis: Analysis | None,
    *,
    asset: str,
    status: AssetStatus | None = None,
) -> Risk:
    """The risk of going from `before` to `after`, which stand for all plans. `analysis` compares runs of one plan that used both.

    `status` is that of the version gone to. Without enough runs the level is not known, whatever speaks for or against it.
    """
    reasons: list[RiskPoint] = []
    if analysis is None:
        reasons.append(RiskPoint(0, f"no plan has run with both @{before.version} and @{after.version}"))
    else:
        reasons += _compared(analysis)
        reasons += _confounded(asset, analysis)
    reasons += _reach(before, after)
    if status in (AssetStatus.DRAFT, AssetStatus.DEPRECATED):
        said = "a draft: nobody has published it" if status is AssetStatus.DRAFT else "deprecated"
        reasons.append(RiskPoint(10, f"@{after.version} is {said}"))
    points = min(100, sum(reason.points for reason in reasons))
    reasons.sort(key=lambda reason: -reason.points)
    needed = (0, 0) if analysis is None else analysis.runs_needed
    if analysis is None or any(needed):
        return Risk(RiskLevel.NOT_KNOWN, points, tuple(reasons), needed)
    return Risk(_level(points), points, tuple(reasons))


def _level(points: int) -> RiskLevel:
    if points >= HIGH_FROM:
        return RiskLevel.HIGH
    if points >= MEDIUM_FROM:
        return RiskLevel.MEDIUM
    return RiskLevel.LOW if points else RiskLevel.NONE


def _compared(analysis: Analysis) -> list[RiskPoint]:
    runs = f"{len(analysis.baseline)} v {len(analysis.candidates)} runs"
    score = "" if analysis.score is None else f", score {analysis.score} of 100"
    match analysis.verdict:
        case Verdict.TOO_FEW:
            return [RiskPoint(0, f"{runs} are too few for a verdict")]
        case Verdict.SUSPECT:
            few = ", too few for a verdict" if any(analysis.runs_needed) else ""
            return [RiskPoint(_SUSPECTED, f"it looks worse, which is not proved: {runs}{few}")]
        case Verdict.REGRESSED:
            points = _REGRESSED[analysis.severity]
            found = [RiskPoint(points, f"runs got worse with it, {analysis.severity.value}: {runs}{score}")]
        case Verdict.IMPROVED:
            found = [RiskPoint(0, f"runs got better with it: {runs}{score}")]
        case Verdict.UNCHANGED:
            found = [RiskPoint(0, f"nothing got worse: {runs}{score}")]
        case _:
            assert_never(analysis.verdict)
    thin = _THIN[analysis.confidence]
    if thin:
        found.append(RiskPoint(thin, f"the evidence is thin, confidence {analysis.confidence.value}: {runs}"))
    return found


def confounders(asset: str, analysis: Analysis) -> list[Difference]:
    """What else is not the same on both sides, so that it may be the cause as well: everything that separates them but the asset.

    A replan is what came of it, and no cause.
    """
    return [
        one
        for one in analysis.differences
        if one.separates
        and one.kind is not DifferenceKind.REPLAN
        and not (one.kind is DifferenceKind.ASSET and any(value.startswith(f"{asset}@") for value, _ in one.baseline))
    ]


def _confounded(asset: str, analysis: Analysis) -> list[RiskPoint]:
    names = [f"{one.kind.value.replace('_', ' ')} {one.name}" for one in confounders(asset, analysis)]
    if not names:
        return []
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [RiskPoint(_CONFOUNDED, f"it was not the only change: {', '.join(names[:3])}{more} changed too")]


def _reach(before: VersionUse, after: VersionUse) -> list[RiskPoint]:
    found: list[RiskPoint] = []
    untried = sorted(set(before.plans) - set(after.plans))
    if untried:
        named = ", ".join(untried[:3]) + (", …" if len(untried) > 3 else "")
        plans = "1 plan has" if len(untried) == 1 else f"{len(untried)} plans have"
        points = min(_UNTRIED_MOST, _UNTRIED_PLAN * len(untried))
        found.append(RiskPoint(points, f"{plans} used @{before.version} and never @{after.version}: {named}"))
    recent = before.recent + after.recent
    points = next((points for least, points in _MUCH_USED if recent >= least), 0)
    if points:
        found.append(RiskPoint(points, f"much depends on it: {recent:,} runs used these two in the last 30 days"))
    return found

"""What to do about an asset version, as sentences with the command that does it. Which key does the same is the screen's to say. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from engine.model.asset import AssetStatus
from engine.regression.impact_risk import RiskLevel, confounders
from engine.regression.verdict import Confidence, DifferenceKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.regression.impact_risk import Risk
    from engine.regression.verdict import Analysis

_SHORT: Final = 12

SURER_FROM: Final = 10
"""From how many runs before on the confidence of a comparison is no longer low."""


class AdviceKind(StrEnum):
    """What is recommended."""

    KEEP = "keep"
    PUBLISH = "publish"
    DEPRECATE = "deprecate"
    PIN = "pin"
    RUN_MORE = "run_more"
    COMPARE = "compare"
    RERUN = "rerun"
    SEPARATE = "separate"
    USE = "use"


@dataclass(frozen=True, slots=True)
class Advice:
    """A recommendation: why and what, and the command ready to be pasted; empty where there is nothing to type.

    `repeat` is how often the command is to be given.
    """

    kind: AdviceKind
    text: str
    command: str = ""
    repeat: int = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """What advice is given about: the asset, the two versions, their status where it is known, and the newest run of each."""

    asset: str
    before: int
    after: int
    statuses: Mapping[int, AssetStatus]
    last_before: str
    last_after: str

    def ref(self, version: int) -> str:
        """`query/ci-lookup@3`."""
        return f"{self.asset}@{version}"


def advise(standing: Standing, analysis: Analysis | None, risk: Risk, *, alias: str = "") -> list[Advice]:
    """What to do, the most urgent first; never nothing. `alias` is the name under which plans use the asset."""
    before, after = standing.before, standing.after
    if analysis is None:
        text = f"No plan has run with both. Run with @{after} what last ran with @{before}."
        return [Advice(AdviceKind.RERUN, text, _rerun(standing.last_before, standing.ref(after)))]
    found: list[Advice] = []
    if risk.level is RiskLevel.NOT_KNOWN:
        found += _more_runs(standing, analysis)
    found += _by_verdict(standing, analysis, alias)
    # Before a version is given up for it, it has to be known that it was the version.
    found[1:1] = _apart(standing, analysis)
    return found


def _more_runs(standing: Standing, analysis: Analysis) -> list[Advice]:
    versions = (standing.before, standing.after)
    sides = (analysis.baseline, analysis.candidates)
    found: list[Advice] = []
    for missing, version, runs in zip(analysis.runs_needed, versions, sides, strict=True):
        if missing:
            are = "is" if len(runs) == 1 else "are"
            text = f"Run {missing} more with @{version}: {len(runs)} {are} too few for a verdict."
            command = _rerun(runs[-1], standing.ref(version))
            found.append(Advice(AdviceKind.RUN_MORE, text, command, missing))
    return found


def _by_verdict(standing: Standing, analysis: Analysis, alias: str) -> list[Advice]:
    before, after = standing.before, standing.after
    new, old = standing.statuses.get(after), standing.statuses.get(before)
    match analysis.verdict:
        case Verdict.REGRESSED:
            return _against(standing, analysis, alias)
        case Verdict.SUSPECT:
            text = f"@{after} looks worse than @{before}. Compare them and confirm it with fresh runs before anybody relies on it."
            return [Advice(AdviceKind.COMPARE, text, _compare(analysis))]
        case Verdict.IMPROVED | Verdict.UNCHANGED:
            said = "better than" if analysis.verdict is Verdict.IMPROVED else "no worse than"
            if new is AssetStatus.DRAFT:
                text = f"Publish @{after}: it is {said} @{before}."
                command = f"opscope asset publish {standing.ref(after)}"
                return [Advice(AdviceKind.PUBLISH, text, command)]
            if after < before and analysis.verdict is Verdict.IMPROVED:
                return _back(standing, alias)
            if after > before and old is AssetStatus.PUBLISHED and analysis.verdict is Verdict.IMPROVED:
                text = f"Stay with @{after}: it is better. @{before} can be deprecated once no plan names it."
                command = f"opscope asset deprecate {standing.ref(before)}"
                return [Advice(AdviceKind.DEPRECATE, text, command)]
            return [
                Advice(AdviceKind.KEEP, f"Nothing needs doing: @{after} is {said} @{before}."),
                *_surer(standing, analysis),
            ]
        case Verdict.TOO_FEW:
            return []


def _surer(standing: Standing, analysis: Analysis) -> list[Advice]:
    """Few runs show no small change, which is not to say that there is none."""
    n, m = len(analysis.baseline), len(analysis.candidates)
    if analysis.confidence is not Confidence.LOW or n >= SURER_FROM:
        return []
    text = f"{n} v {m} runs show large changes only. Run {SURER_FROM - n} more with @{standing.before} to see smaller ones."
    command = _rerun(standing.last_before, standing.ref(standing.before))
    return [Advice(AdviceKind.RUN_MORE, text, command, SURER_FROM - n)]


def _pin(standing: Standing, version: int, alias: str, text: str) -> Advice:
    name = alias or standing.asset.rpartition("/")[2]
    return Advice(AdviceKind.PIN, text, f"assets: {{{name}: {standing.ref(version)}}}")


def _back(standing: Standing, alias: str) -> list[Advice]:
    """The older one is the better one."""
    before, after = standing.before, standing.after
    found = [
        _pin(
            standing,
            after,
            alias,
            f"@{after} is better than @{before}, though it is older: pin it in plans that cannot wait.",
        )
    ]
    if standing.statuses.get(before) is AssetStatus.PUBLISHED:
        text = f"Deprecate @{before}, so that runs that name no version use another."
        found.append(Advice(AdviceKind.DEPRECATE, text, f"opscope asset deprecate {standing.ref(before)}"))
    return found


def _against(standing: Standing, analysis: Analysis, alias: str) -> list[Advice]:
    before, after = standing.before, standing.after
    found = [
        Advice(
            AdviceKind.RERUN,
            f"Run the last one with @{after} again with @{before}: if it is well then, @{after} did it.",
            _rerun(standing.last_after, standing.ref(before)),
        )
    ]
    found.append(_pin(standing, before, alias, f"Pin @{before} in plans that cannot wait."))
    if standing.statuses.get(after) is AssetStatus.PUBLISHED:
        text = f"Deprecate @{after} if it was that, so that runs that name no version use another."
        found.append(Advice(AdviceKind.DEPRECATE, text, f"opscope asset deprecate {standing.ref(after)}"))
    if standing.statuses.get(after) is AssetStatus.DRAFT:
        found.append(Advice(AdviceKind.KEEP, f"Do not publish @{after} as it is."))
    found.append(Advice(AdviceKind.COMPARE, "See the evidence step by step.", _compare(analysis)))
    return found


def _apart(standing: Standing, analysis: Analysis) -> list[Advice]:
    """What else changed has to be told apart before anything is put down to the asset."""
    if analysis.verdict not in (Verdict.REGRESSED, Verdict.SUSPECT, Verdict.IMPROVED):
        return []
    found: list[Advice] = []
    for one in confounders(standing.asset, analysis)[:2]:
        if one.kind is not DifferenceKind.ASSET:
            text = f"The {one.kind.value.replace('_', ' ')} {one.name} changed as well: compare runs in which it is the same."
            found.append(Advice(AdviceKind.SEPARATE, text))
            continue
        was = one.baseline[0][0]
        text = (
            f"{was.partition('@')[0]} changed as well. Run the last one again with {was} alone, to tell the two apart."
        )
        found.append(Advice(AdviceKind.SEPARATE, text, _rerun(standing.last_after, was)))
    return found


def _rerun(run_id: str, ref: str) -> str:
    # A reference of an imported run can be any text, and this is to be pasted into a shell.
    return f"opscope rerun {shlex.quote(run_id[:_SHORT])} --override {shlex.quote(ref)}"


def _compare(analysis: Analysis) -> str:
    def short(runs: Sequence[str]) -> str:
        return " ".join(run[:_SHORT] for run in runs)

    return f"opscope compare {short(analysis.baseline)} --with {short(analysis.candidates)}"

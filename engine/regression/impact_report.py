"""All that is told of an asset's impact, brought together: versions, timeline, the two compared, risk, related assets, advice. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.model.asset import AssetStatus
from engine.regression.impact import Sides, VersionUse, by_version, durations_of, sides_of
from engine.regression.impact_advice import Advice, AdviceKind, Standing, advise
from engine.regression.impact_profile import Rating, profile_of
from engine.regression.impact_related import Related, Together, related_assets, shared_steps
from engine.regression.impact_risk import Risk, risk_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.regression.facts import RunFacts
    from engine.regression.impact import Tally, Use
    from engine.regression.verdict import Analysis


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of the timeline in which a version was used, by number from the left: how its runs ended."""

    version: int
    place: int
    succeeded: int
    failed: int
    others: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """When each version was used: `places` stretches of equal length from `first_us` to `last_us`."""

    first_us: int
    last_us: int
    places: int
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """What a file says of an asset and its runs, before two versions are compared. `statuses` are those of the registry.

    Several contents under one version number come from imported runs: `ambiguous` are such versions.
    """

    asset: str
    tallies: tuple[Tally, ...]
    uses: tuple[Use, ...]
    together: tuple[Together, ...]
    timeline: Timeline | None
    statuses: Mapping[int, AssetStatus] = field(default_factory=dict)
    ambiguous: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions side by side, in the plan that ran with both, else in all. `profiles` are in the order of the axes."""

    before: VersionUse
    after: VersionUse
    sides: Sides | None
    profiles: tuple[tuple[Rating, ...], tuple[Rating, ...]]
    analysis: Analysis | None
    risk: Risk
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Impact:
    """The whole. `pair` is None where fewer than two versions were used; `versions` are the newest first.

    Their durations are those of one plan, `measured`: of several they would say which plan was run more often.
    """

    record: Record
    measured: str
    versions: tuple[VersionUse, ...]
    pair: Pair | None
    related: tuple[Related, ...]
    advice: tuple[Advice, ...]


def newest_pair(record: Record) -> tuple[int, int] | None:
    """The two newest versions that were used, the older one first; None where there are no two."""
    used = sorted({tally.version for tally in record.tallies})
    return (used[-2], used[-1]) if len(used) > 1 else None


def sides_in(record: Record, pair: tuple[int, int] | None) -> Sides | None:
    """The runs to compare."""
    return None if pair is None else sides_of(record.uses, *pair)


def report(
    record: Record,
    pair: tuple[int, int] | None,
    sides: Sides | None = None,
    analysis: Analysis | None = None,
    runs: Sequence[RunFacts] = (),
) -> Impact:
    """Bring it together. `sides` are those of `sides_in`, `analysis` compares them, and `runs` are some of their facts."""
    measured = _most_run(record) if sides is None else sides.plan_id
    versions = _measured(record, measured)
    alias = next((alias for run in runs for alias, said in run.assets.items() if _is_of(said, record.asset)), "")
    before, after = pair or (None, None)
    related = related_assets(record.together, before, after, shared_steps(record.asset, runs))
    if pair is None:
        return Impact(record, measured, tuple(versions), None, tuple(related), tuple(_of_one(record, versions)))
    compared = _pair(record, versions, pair, sides, analysis, alias)
    newest = {version: _newest_run(record, version) for version in pair}
    standing = Standing(record.asset, *pair, record.statuses, newest[pair[0]], newest[pair[1]])
    advice = advise(standing, compared.analysis, compared.risk, alias=alias)
    return Impact(record, measured, tuple(versions), compared, tuple(related), tuple(advice))


def _most_run(record: Record) -> str:
    runs: Counter[str] = Counter()
    for tally in record.tallies:
        runs[tally.plan_id] += tally.runs
    return min(runs, key=lambda plan: (-runs[plan], plan), default="")


def _measured(record: Record, plan_id: str) -> list[VersionUse]:
    """All versions by all of their runs, with the durations of those of one plan."""
    of_plan = {one.version: one for one in by_version(record.tallies, record.uses, plan_id=plan_id)}
    whole = by_version(record.tallies, record.uses, known=record.statuses)
    return [
        replace(one, durations=of_plan[one.version].durations if one.version in of_plan else durations_of(()))
        for one in whole
    ]


def _pair(
    record: Record,
    versions: Sequence[VersionUse],
    pair: tuple[int, int],
    sides: Sides | None,
    analysis: Analysis | None,
    alias: str,
) -> Pair:
    plan_id = None if sides is None else sides.plan_id
    uses = [use for use in record.uses if plan_id in (None, use.plan_id)]
    of_plan = {one.version: one for one in by_version(record.tallies, uses, plan_id=plan_id, known=pair)}
    whole = {one.version: one for one in versions}
    first, second = (of_plan[version] for version in pair)
    risk = risk_of(whole[pair[0]], whole[pair[1]], analysis, asset=record.asset, status=record.statuses.get(pair[1]))
    return Pair(first, second, sides, (profile_of(first, uses), profile_of(second, uses)), analysis, risk, alias)


def _is_of(said: object, asset: str) -> bool:
    return isinstance(said, dict) and str(said.get("ref")).startswith(f"{asset}@")


def _newest_run(record: Record, version: int) -> str:
    runs = [use for use in record.uses if use.version == version]
    return max(runs, key=lambda use: (use.created_at_us, use.run_id)).run_id if runs else "last"


def _of_unused(record: Record) -> Advice:
    """How it comes to be used. Without a version a plan gets the newest published one; a deprecated one it names; a draft never."""
    text = "No run has used it. A plan uses it when it names it among its assets."
    statuses = record.statuses
    if not statuses or AssetStatus.PUBLISHED in statuses.values():
        return Advice(AdviceKind.USE, text, f"assets: {{NAME: {record.asset}}}")
    deprecated = [version for version, status in statuses.items() if status is AssetStatus.DEPRECATED]
    if deprecated:
        return Advice(AdviceKind.USE, text, f"assets: {{NAME: {record.asset}@{max(deprecated)}}}")
    text = "No run has used it, and there are only drafts, which no plan can name. Publish one."
    return Advice(AdviceKind.USE, text, f"opscope asset publish {record.asset}@{max(statuses)}")


def _of_one(record: Record, versions: Sequence[VersionUse]) -> list[Advice]:
    """With one version used or none there is nothing to compare: say how there would be."""
    used = [one.version for one in versions if one.runs]
    unused = [one.version for one in versions if not one.runs]
    if not used:
        return [_of_unused(record)]
    if unused:
        text = f"Only @{used[0]} was used. Run the last one again with @{unused[0]}, and there are two to compare."
        command = f"opscope rerun {_newest_run(record, used[0])[:12]} --override {record.asset}@{unused[0]}"
        return [Advice(AdviceKind.RERUN, text, command)]
    text = f"Only @{used[0]} was used, and there is no other. Add a version, and run it by override."
    return [Advice(AdviceKind.USE, text, f"opscope asset add FILE --as {record.asset}")]

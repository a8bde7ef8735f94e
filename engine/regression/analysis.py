"""From the facts of baseline and candidate runs to an Analysis: every figure with its evidence, every lost point listed. Pure.

What the durations say is evidence.py's, of rates quality.py's, of issues issues.py's; here they come together to one verdict.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.collector import collector_paused
from engine.regression.attribution import advice_for, suspects_of, uses_of
from engine.regression.confirmation import CONFIRM_LEVEL, outcome_of, suspected_parts
from engine.regression.differences import differences_of, one_sided_parts
from engine.regression.evidence import Bar, Finding, compare_durations
from engine.regression.grouping import Moved, one_line_each
from engine.regression.issues import critical_issues
from engine.regression.parts import drags_of, sample_parts
from engine.regression.quality import compare_rates
from engine.regression.score import Severity
from engine.regression.scoring import score_of, typical_run_sec
from engine.regression.statistics.corrections import benjamini_hochberg
from engine.regression.statistics.ranks import rank_test
from engine.regression.verdict import (
    Analysis,
    AttemptRow,
    Cause,
    Confidence,
    CountRow,
    RateFinding,
    TimeRow,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from engine.model.states import Stage
    from engine.regression.evidence import Evidence
    from engine.regression.facts import RunFacts
    from engine.regression.parts import PartKey, PartSample
    from engine.regression.verdict import Difference, Issue, RateRow

_USUAL: Final = Bar()
_RANKED: Final = "rank in the baseline"
_WELL_KNOWN: Final = (20, 5)
_KNOWN: Final = (10, 3)


@collector_paused()
def analyse(
    baseline: Sequence[RunFacts],
    candidates: Sequence[RunFacts],
    *,
    bar: Bar = _USUAL,
    stage: Stage | None = None,
    only: Collection[PartKey] | None = None,
    notes: Sequence[str] = (),
    failed: Sequence[RunFacts] = (),
) -> Analysis:
    """Compare candidates with a baseline. The order of runs on either side changes nothing.

    `stage` leaves all others out; `only` looks at the durations of these parts alone, as a confirmation does. `notes` are
    kept with the analysis. `failed` are runs of the baseline's time that failed, with which rates are compared and durations
    are not: a baseline of successes alone would make a drop of every failure. Both sides may be empty: then it says how many
    runs are needed.
    """
    runs = ([*baseline, *failed], candidates)
    before, after = (_in_order(sample_parts(side, stage=stage)) for side in (baseline, candidates))
    ended = _in_order(sample_parts(runs[0], stage=stage)) if failed else before
    times = _times(before, after, candidates, bar, only)
    rates = compare_rates(ended, after, runs, bar)
    issues = critical_issues(ended, after, runs, bar)
    differences = differences_of(baseline, candidates)
    needed = _runs_needed(times, rates, issues, (len(baseline), len(candidates)), bar)
    typical_sec = typical_run_sec(baseline, before)
    points = None if any(needed) else score_of(times, rates, issues, baseline_sec=typical_sec)
    verdict = _verdict(times, rates, issues, is_enough=not any(needed))
    return Analysis(
        baseline=tuple(run.run_id for run in baseline),
        candidates=tuple(run.run_id for run in candidates),
        stage="" if stage is None else stage.value,
        verdict=verdict,
        score=None if points is None else points.value,
        severity=Severity.NONE if points is None else points.severity,
        confidence=_confidence(verdict, len(baseline), len(candidates), times, rates),
        runs_needed=needed,
        baseline_sec=typical_sec,
        losses=() if points is None else points.losses,
        times=tuple(times),
        rates=tuple(rates),
        attempts=tuple(_attempts(before, after, bar)),
        issues=tuple(issues),
        one_sided=tuple(one_sided_parts(ended, after)),
        differences=tuple(differences),
        causes=tuple(_causes(times, issues, differences, [*candidates, *baseline])),
        notes=tuple(notes),
        baseline_failed=tuple(run.run_id for run in failed),
        counts=tuple(_counts(before, after, bar)),
    )


def confirm(
    suspicion: Analysis,
    baseline: Sequence[RunFacts],
    fresh: Sequence[RunFacts],
    *,
    bar: Bar = _USUAL,
    failed: Sequence[RunFacts] = (),
) -> Analysis:
    """Test what a suspicion is about, and nothing else, on fresh runs: those that raised it would only say it again.

    What it named is the same on another day or it is not; at .01, since one looks a second time. Raises ValueError where
    one of the suspicion's own runs is among the fresh ones.
    """
    if {run.run_id for run in fresh} & {*suspicion.candidates}:
        raise ValueError("a run that raised the suspicion cannot confirm it")
    suspects = suspected_parts(suspicion)
    found = analyse(baseline, fresh, bar=replace(bar, q=CONFIRM_LEVEL), only=suspects, failed=failed)
    return replace(found, notes=tuple(outcome_of(found, suspects)))


def _in_order(samples: Mapping[PartKey, PartSample]) -> dict[PartKey, PartSample]:
    return {key: samples[key] for key in sorted(samples, key=lambda key: key.order)}


def _times(
    before: Mapping[PartKey, PartSample],
    after: Mapping[PartKey, PartSample],
    candidates: Sequence[RunFacts],
    bar: Bar,
    only: Collection[PartKey] | None,
) -> list[TimeRow]:
    first, second = (
        {key: sample.seconds for key, sample in side.items() if only is None or key in only} for side in (before, after)
    )
    found = compare_durations(first, second, bar)
    # What a change costs is asked of the path that the candidates took.
    moved = [one.key for one in found if one.counts or one.finding is Finding.SUSPECT]
    drags = drags_of(candidates, moved)
    return [_time_row(one, drags.get(one.key), _rank(first[one.key], second[one.key])) for one in found]


def _rank(first: Sequence[float], second: Sequence[float]) -> int | None:
    """Where a single candidate stands; after those of the baseline that are as long."""
    return None if len(second) != 1 else 1 + sum(value <= second[0] for value in first)


def _method(evidence: Evidence[PartKey], rank: int | None) -> str:
    """With the rank of a single candidate that has one."""
    if rank is None or not evidence.method.startswith(_RANKED):
        return evidence.method
    return f"rank {rank} of {evidence.baseline_n + 1}{evidence.method.removeprefix(_RANKED)}"


def _time_row(evidence: Evidence[PartKey], drag_sec: float | None, rank: int | None) -> TimeRow:
    return TimeRow(
        part=evidence.key,
        finding=evidence.finding,
        baseline_n=evidence.baseline_n,
        candidate_n=evidence.candidate_n,
        baseline_sec=evidence.baseline_sec,
        candidate_sec=evidence.candidate_sec,
        delta_sec=evidence.delta_sec,
        delta_low_sec=evidence.delta_low_sec,
        effect=evidence.effect,
        low=evidence.low,
        high=evidence.high,
        level=evidence.level,
        noise=evidence.noise,
        p=evidence.p,
        q=evidence.q,
        method=_method(evidence, rank),
        drag_sec=drag_sec,
        rank=rank,
    )


def _attempts(before: Mapping[PartKey, PartSample], after: Mapping[PartKey, PartSample], bar: Bar) -> list[AttemptRow]:
    """Parts that take more tries or fewer, surely. Parts that never took another number cannot be among them."""
    sides = {
        key: (sample.attempts, after[key].attempts)
        for key, sample in before.items()
        if key in after and len(sample.attempts) >= bar.baseline and len(after[key].attempts) >= bar.candidates
        if len({*sample.attempts, *after[key].attempts}) > 1
    }
    ps = [rank_test(*attempts).p for attempts in sides.values()]
    return [
        AttemptRow(key, sum(first) / len(first), sum(second) / len(second), p, q)
        for (key, (first, second)), p, q in zip(sides.items(), ps, benjamini_hochberg(ps), strict=True)
        if q <= bar.q
    ]


def _counts(before: Mapping[PartKey, PartSample], after: Mapping[PartKey, PartSample], bar: Bar) -> list[CountRow]:
    """What stages count otherwise than before, surely. What never varied cannot be among them."""
    sides = {
        (key, name): (values, after[key].counts[name])
        for key, sample in before.items()
        for name, values in sample.counts.items()
        if key in after and len(values) >= bar.baseline and len(after[key].counts.get(name, ())) >= bar.candidates
        if len({*values, *after[key].counts[name]}) > 1
    }
    ps = [rank_test(*counts).p for counts in sides.values()]
    return [
        CountRow(key, name, sum(first) / len(first), sum(second) / len(second), p, q)
        for ((key, name), (first, second)), p, q in zip(sides.items(), ps, benjamini_hochberg(ps), strict=True)
        if q <= bar.q
    ]


def _runs_needed(
    times: Sequence[TimeRow], rates: Sequence[RateRow], issues: Sequence[Issue], runs: tuple[int, int], bar: Bar
) -> tuple[int, int]:
    """How many more runs on each side a verdict needs: at least the bar's, and where nothing was found, so many that it could be.

    What is missing in the baseline is taken as made up for, so that the number does not grow while runs are made.
    """
    n, m = runs
    before, wanted = max(n, bar.baseline), bar.candidates
    is_found = (
        any(row.counts for row in times)
        or any(row.finding in (RateFinding.DROPPED, RateFinding.ROSE) for row in rates)
        or any(issue.is_certain for issue in issues)
    )
    if not is_found:
        tests = sum(
            row.baseline_n + before - n >= bar.baseline and row.candidate_n + max(0, wanted - m) >= wanted
            for row in times
        )
        wanted = max(wanted, bar.candidates_needed(before, tests))
    return before - n, max(0, wanted - m)


def _verdict(
    times: Iterable[TimeRow], rates: Iterable[RateRow], issues: Iterable[Issue], *, is_enough: bool
) -> Verdict:
    said = {*(row.finding for row in times), *(row.finding for row in rates)}
    if not is_enough:
        return Verdict.SUSPECT if Finding.SUSPECT in said or any(issues) else Verdict.TOO_FEW
    if {Finding.SLOWER, RateFinding.DROPPED} & said or any(issue.is_certain for issue in issues):
        return Verdict.REGRESSED
    if {Finding.FASTER, RateFinding.ROSE} & said:
        return Verdict.IMPROVED
    return Verdict.SUSPECT if Finding.SUSPECT in said else Verdict.UNCHANGED


def _confidence(verdict: Verdict, n: int, m: int, times: Iterable[TimeRow], rates: Iterable[RateRow]) -> Confidence:
    """High from 20 runs against 5 on, with a q of .01 where something is claimed; medium from 10 against 3."""
    match verdict:
        case Verdict.TOO_FEW | Verdict.SUSPECT:
            return Confidence.NONE
        case Verdict.UNCHANGED:
            best = 0.0
        case Verdict.REGRESSED | Verdict.IMPROVED:
            claims = (RateFinding.DROPPED, RateFinding.ROSE)
            qs = [row.q for row in times if row.counts] + [row.q for row in rates if row.finding in claims]
            best = min((q for q in qs if q is not None), default=0.0)
    if n >= _WELL_KNOWN[0] and m >= _WELL_KNOWN[1] and best <= CONFIRM_LEVEL:
        return Confidence.HIGH
    return Confidence.MEDIUM if n >= _KNOWN[0] and m >= _KNOWN[1] else Confidence.LOW


def _causes(
    times: Sequence[TimeRow], issues: Sequence[Issue], differences: Sequence[Difference], runs: Sequence[RunFacts]
) -> list[Cause]:
    """A line for what changed together, each with its suspects. `runs` tell which step depends on which, the first ones first."""
    moved = [_moved(row) for row in times if row.counts or row.finding is Finding.SUSPECT]
    if not moved and not issues:
        return []
    depends_on: dict[str, tuple[str, ...]] = {}
    definitions = {name: definition for run in reversed(runs) for name, definition in run.definitions.items()}
    for run in runs:
        for key, step in run.steps.items():
            if key.item_index is None:
                depends_on.setdefault(key.step_id, step.depends_on)
    uses = {name: uses_of(definition) for name, definition in definitions.items()}
    lines = one_line_each(moved, looked_at=len({row.part.step_id for row in times} - {""}))
    found = [(line.text, tuple(one.key for one in line.moved), line.is_slower) for line in lines]
    of_steps = any(issue.part is not None and issue.part.step_id for issue in issues)
    found += [
        (issue.text, (issue.part,), True)
        for issue in issues
        if issue.part is not None and (issue.part.step_id or not of_steps)
    ]
    causes: list[Cause] = []
    for text, parts, is_slower in found:
        suspects = suspects_of(parts, differences, depends_on, uses)
        causes.append(Cause(text, parts, is_slower, tuple(suspects), advice_for(suspects)))
    return causes


def _moved(row: TimeRow) -> Moved[PartKey]:
    stage = f"the stage {row.part.stage.value}"
    inside = bool(row.part.step_id)
    return Moved(
        row.part, row.part.step_id if inside else stage, row.effect > 0, row.delta_sec, stage if inside else ""
    )

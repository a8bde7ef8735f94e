"""Critical issues: what newly fails, whose output's shape broke, which replan is newly denied, which references were lost. Pure.

Each is a count of runs on both sides, tested one-sided; Holm's correction holds over all that could have been an issue, so
that one false claim among all of them stays as rare as said. One run alone makes a suspicion at most.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.replan import ReplanDecision
from engine.regression.shapes import shape_break
from engine.regression.statistics.corrections import holm
from engine.regression.statistics.rates import fisher_exact
from engine.regression.verdict import Issue, IssueKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.regression.evidence import Bar
    from engine.regression.facts import RunFacts
    from engine.regression.parts import PartKey, PartSample

_HARDLY_EVER: Final = 0.1


@dataclass(frozen=True, slots=True)
class _Possible:
    """Something that could be an issue: runs with it and all that could have it, on both sides."""

    kind: IssueKind
    part: PartKey | None
    text: str
    baseline: tuple[int, int]
    candidates: tuple[int, int]
    p: float

    @property
    def is_worse(self) -> bool:
        """More often than before."""
        before, of_before = self.baseline
        now, of_now = self.candidates
        return now * of_before > before * of_now

    @property
    def is_new(self) -> bool:
        """Hardly ever before: what was common has a rate, and that has its own evidence."""
        return self.baseline[0] <= _HARDLY_EVER * self.baseline[1]


def critical_issues(
    baseline: Mapping[PartKey, PartSample],
    candidates: Mapping[PartKey, PartSample],
    runs: tuple[Sequence[RunFacts], Sequence[RunFacts]],
    bar: Bar,
) -> list[Issue]:
    """All of them, the surest first: certain ones, and suspicions where too few runs were seen.

    What happened in neither side's runs is not among what is corrected for: no split of them could have made it an issue.
    """
    shared = {key: (sample, candidates[key]) for key, sample in baseline.items() if key in candidates}
    possible = [*_failing(shared), *_shapes(shared), *_references(shared), *_denied(*runs)]
    corrected = holm([one.p for one in possible])
    found: list[Issue] = []
    for one, p in zip(possible, corrected, strict=True):
        enough = one.candidates[1] >= bar.candidates and one.baseline[1] >= bar.baseline
        if one.is_worse and one.is_new and (p <= bar.q if enough else not one.baseline[0]):
            found.append(Issue(one.kind, one.part, one.text, one.baseline, one.candidates, p, enough))
    return sorted(found, key=lambda issue: (not issue.is_certain, issue.p, issue.text))


def _possible(
    kind: IssueKind, part: PartKey | None, text: str, baseline: tuple[int, int], candidates: tuple[int, int]
) -> _Possible:
    p = fisher_exact(baseline[1] - baseline[0], baseline[0], candidates[1] - candidates[0], candidates[0], side="worse")
    return _Possible(kind, part, text, baseline, candidates, p)


def _failing(shared: Mapping[PartKey, tuple[PartSample, PartSample]]) -> Iterator[_Possible]:
    for key, (first, second) in shared.items():
        # An item that fails is its step's failure; the stage fails with any of them, so it is the least telling.
        before, now = len(first.outcomes) - first.good, len(second.outcomes) - second.good
        if (before or now) and key.item_index is None and first.outcomes and second.outcomes:
            text = f"{key} fails in {now} of {len(second.outcomes)} runs, before in {before} of {len(first.outcomes)}"
            yield _possible(
                IssueKind.NEWLY_FAILS, key, text, (before, len(first.outcomes)), (now, len(second.outcomes))
            )


def _shapes(shared: Mapping[PartKey, tuple[PartSample, PartSample]]) -> Iterator[_Possible]:
    for key, (first, second) in shared.items():
        found = shape_break(first.shapes, second.shapes)
        if found is not None:
            now, of_now = found.candidates
            before, of_before = found.baseline
            text = f"{key}: {found.place} {found.what} in {now} of {of_now} results, before in {before} of {of_before}"
            yield _Possible(IssueKind.SHAPE_BROKE, key, text, found.baseline, found.candidates, found.p)


def _references(shared: Mapping[PartKey, tuple[PartSample, PartSample]]) -> Iterator[_Possible]:
    for key, (first, second) in shared.items():
        if not first.references or not second.references:
            continue
        had = Counter(one for references in first.references for one in references)
        has = Counter(one for references in second.references for one in references)
        of_before, of_now = len(first.references), len(second.references)
        for (kind, name), number in sorted(had.items()):
            without, now = of_before - number, of_now - has[kind, name]
            if without or now:
                text = f"{key} lacks the reference to {kind} {name} in {now} of {of_now} runs"
                yield _possible(IssueKind.REFERENCES_LOST, key, text, (without, of_before), (now, of_now))


def _denied(baseline: Sequence[RunFacts], candidates: Sequence[RunFacts]) -> Iterator[_Possible]:
    sides = [Counter(name for run in runs for name in _denials(run)) for runs in (baseline, candidates)]
    for name in sorted(sides[0] | sides[1]):
        before, now = sides[0][name], sides[1][name]
        text = f"a replan is denied ({name}) in {now} of {len(candidates)} runs, before in {before} of {len(baseline)}"
        yield _possible(IssueKind.REPLAN_DENIED, None, text, (before, len(baseline)), (now, len(candidates)))


def _denials(run: RunFacts) -> set[str]:
    return {
        str(key)
        for key, event in run.replans.items()
        if isinstance(event, dict) and event.get("decision") == ReplanDecision.DENIED.value
    }

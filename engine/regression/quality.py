"""How often parts succeed, before and after: rates with their intervals, tested, corrected, and held against what would matter. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.model.states import RunStatus
from engine.regression.statistics.corrections import benjamini_hochberg
from engine.regression.statistics.rates import drop_interval, fisher_exact, mcnemar
from engine.regression.verdict import RateFinding, RateRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.regression.evidence import Bar
    from engine.regression.facts import RunFacts
    from engine.regression.parts import PartKey, PartSample

FEWEST_PAIRS: Final = 6
"""McNemar's test cannot come below .05 with fewer."""

Outcomes = dict[int, bool]
Pairs = tuple[tuple[int, int], ...]


def compare_rates(
    baseline: Mapping[PartKey, PartSample],
    candidates: Mapping[PartKey, PartSample],
    runs: tuple[Sequence[RunFacts], Sequence[RunFacts]],
    bar: Bar,
) -> list[RateRow]:
    """The rates of the whole runs, then of every part that both sides have and that has failed on one of them.

    What never failed on either side has no row, and is not among what q corrects for: no split of its runs could differ.
    """
    pairs = pairs_by_params(*runs)
    sides: list[tuple[PartKey | None, Outcomes, Outcomes]] = [(None, _of_runs(runs[0]), _of_runs(runs[1]))]
    sides += [(key, sample.outcomes, candidates[key].outcomes) for key, sample in baseline.items() if key in candidates]
    failing = [one for one in sides if one[1] and one[2] and not all((*one[1].values(), *one[2].values()))]
    rows = [_row(*one, pairs, bar) for one in failing]
    tested = [number for number, row in enumerate(rows) if row.p is not None]
    qs = dict(zip(tested, benjamini_hochberg([rows[number].p or 0.0 for number in tested]), strict=True))
    return [_judged(row, qs.get(number), bar) for number, row in enumerate(rows)]


def _of_runs(runs: Sequence[RunFacts]) -> Outcomes:
    ends = (RunStatus.SUCCEEDED.value, RunStatus.FAILED.value, RunStatus.QUARANTINED.value)
    return {
        number: run.outcome.get("status") == RunStatus.SUCCEEDED.value
        for number, run in enumerate(runs)
        if run.outcome.get("status") in ends
    }


def pairs_by_params(baseline: Sequence[RunFacts], candidates: Sequence[RunFacts]) -> Pairs:
    """Runs of both sides that were asked the same, one with one; none where all runs were asked the same anyway.

    Within the same parameters they go by their ids, so that the order in which runs are given changes nothing.
    """
    asked: list[dict[str, list[int]]] = []
    for side in (baseline, candidates):
        numbers: dict[str, list[int]] = defaultdict(list)
        for number, run in sorted(enumerate(side), key=lambda one: one[1].run_id):
            numbers[json.dumps(run.params, sort_keys=True)].append(number)
        asked.append(numbers)
    if len({*asked[0], *asked[1]}) < 2:
        return ()
    return tuple(
        pair
        for params in sorted(asked[0].keys() & asked[1].keys())
        for pair in zip(asked[0][params], asked[1][params], strict=False)
    )


def _row(key: PartKey | None, first: Outcomes, second: Outcomes, pairs: Pairs, bar: Bar) -> RateRow:
    good, other = sum(first.values()), sum(second.values())
    low, high = drop_interval(good, len(first), other, len(second))
    p: float | None = None
    method = "too few runs for a verdict"
    if len(second) >= bar.candidates and len(first) >= bar.baseline:
        paired = [(first[one], second[two]) for one, two in pairs if one in first and two in second]
        if len(paired) >= FEWEST_PAIRS:
            p = mcnemar(paired.count((True, False)), paired.count((False, True)))
            method = f"McNemar's exact test, {len(paired)} pairs"
        else:
            p = fisher_exact(good, len(first) - good, other, len(second) - other)
            method = "Fisher's exact test"
    return RateRow(
        part=key,
        finding=RateFinding.TOO_FEW if p is None else RateFinding.NOTHING,
        baseline_good=good,
        baseline_n=len(first),
        candidate_good=other,
        candidate_n=len(second),
        drop=good / len(first) - other / len(second),
        low=low,
        high=high,
        p=p,
        q=None,
        method=method,
    )


def _judged(row: RateRow, q: float | None, bar: Bar) -> RateRow:
    if q is None:
        return row
    finding = RateFinding.NOTHING
    if q <= bar.q and abs(row.drop) >= bar.effect:
        if row.low > 0:
            finding = RateFinding.DROPPED
        elif row.high < 0:
            finding = RateFinding.ROSE
    return replace(row, q=q, finding=finding)

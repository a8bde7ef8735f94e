"""What the score is made of: which rows of an analysis cost points, each second counted once. The arithmetic is score.py's. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from engine.model.states import Stage
from engine.regression.evidence import Finding, median
from engine.regression.score import Drop, Score, Slowdown, score
from engine.regression.verdict import RateFinding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.regression.facts import RunFacts
    from engine.regression.parts import PartKey, PartSample
    from engine.regression.verdict import Issue, RateRow, TimeRow

_WEIGHT_OF_THE_RUN: Final = 0.5
"""Of the rates of success; the parts share the rest."""


def score_of(
    times: Sequence[TimeRow], rates: Sequence[RateRow], issues: Sequence[Issue], *, baseline_sec: float
) -> Score:
    """The score of what counts. `times` are all rows: their steps share the weight of rates that is not the run's."""
    parts = {row.part for row in times if row.part.item_index is None} | {
        row.part for row in rates if row.part is not None and row.part.item_index is None
    }
    return score(
        slowdowns_of(times),
        drops_of(rates, len(parts)),
        [issue.text for issue in issues if issue.is_certain],
        baseline_sec=baseline_sec,
    )


def slowdowns_of(times: Sequence[TimeRow]) -> list[Slowdown]:
    """What became slower, each second once.

    Items cost points only where their step as a whole did not become slower, and then the slowest alone, as they run beside
    each other. The stage `execute` costs what its steps do not explain.
    """
    slower = [row for row in times if row.finding is Finding.SLOWER]
    steps = {(row.part.pass_index, row.part.step_id) for row in slower if row.part.item_index is None}
    largest: dict[tuple[int, str], TimeRow] = {}
    found: list[Slowdown] = []
    explained: dict[int, float] = defaultdict(float)
    for row in slower:
        place = (row.part.pass_index, row.part.step_id)
        if row.part.item_index is not None:
            if place not in steps and (place not in largest or _cost(row) > _cost(largest[place])):
                largest[place] = row
        elif row.part.step_id:
            found.append(Slowdown(str(row.part), row.delta_low_sec, _drag(row)))
            explained[row.part.pass_index] += _cost(row)
    for row in largest.values():
        found.append(Slowdown(str(row.part), row.delta_low_sec, _drag(row)))
        explained[row.part.pass_index] += _cost(row)
    for row in slower:
        if not row.part.step_id:
            rest = row.delta_low_sec - (explained[row.part.pass_index] if row.part.stage is Stage.EXECUTE else 0.0)
            if rest > 0:
                found.append(Slowdown(str(row.part), rest, _drag(row)))
    return found


def _cost(row: TimeRow) -> float:
    return max(0.0, min(row.delta_low_sec, _drag(row)))


def _drag(row: TimeRow) -> float:
    """Of a run that does not say when its steps ran, all of it."""
    return row.delta_low_sec if row.drag_sec is None else row.drag_sec


def drops_of(rates: Sequence[RateRow], parts: int) -> list[Drop]:
    """What succeeds less often: half the weight is the run's, the other half is shared evenly by all parts, failing or not."""
    share = (1 - _WEIGHT_OF_THE_RUN) / max(1, parts)
    return [
        Drop(row.name, row.low, _WEIGHT_OF_THE_RUN if row.part is None else share)
        for row in rates
        if row.finding is RateFinding.DROPPED and (row.part is None or row.part.item_index is None)
    ]


def typical_run_sec(runs: Sequence[RunFacts], parts: Mapping[PartKey, PartSample]) -> float:
    """How long a run of the baseline takes: the middle one, or where that is not recorded, its stages one after the other."""
    lasted = [run.duration_ms / 1000 for run in runs if run.duration_ms is not None]
    if lasted:
        return median(lasted)
    return sum(median(sample.seconds) for key, sample in parts.items() if not key.step_id and sample.seconds)

"""Where a single run stands in its baseline: its rank part by part, what is suspect, and what that would cost. Pure.

One run proves nothing, so this is no verdict: nothing of it counts, its severity is none, and its score says how far the run
stands out, by the same arithmetic as a verdict's. 100 is a run of which nothing stands out; what is lost is listed, and is what
the suspects would cost for sure if they are no chance. Three fresh runs tell. That a run failed is no suspicion: it has none of
what the runs of its baseline have, so it keeps no points, however often runs fail.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from engine.regression.evidence import Bar, Finding
from engine.regression.score import Loss, score
from engine.regression.scoring import drops_of, slowdowns_of
from engine.regression.standing import Standing
from engine.regression.verdict import RateFinding

if TYPE_CHECKING:
    from engine.regression.verdict import Analysis, TimeRow

ENOUGH: Final = Bar().baseline
"""Of fewer runs there is no baseline to rank a run in."""

NOTICED_SEC: Final = 0.05
"""A single run that is slower by less is not worth a word, however seldom that is: a stage of a millisecond may take ten."""

_MOST: Final = 20


@dataclass(frozen=True, slots=True)
class Ranking:
    """A finished run in its baseline. `issues` are suspicions of critical issues, a sentence each."""

    score: int
    losses: tuple[Loss, ...]
    suspects: tuple[Standing, ...]
    issues: tuple[str, ...]


def rank(analysis: Analysis) -> Ranking | None:
    """What an analysis of one run comes to; None where its baseline is too short or there are several runs in question.

    What is suspected to be a critical issue costs what one costs.
    """
    if len(analysis.candidates) != 1 or len(analysis.baseline) < ENOUGH:
        return None
    beyond = [row for row in analysis.times if row.finding is Finding.SUSPECT and row.delta_sec >= NOTICED_SEC]
    parts_beyond = {row.part for row in beyond}
    times = [replace(row, finding=Finding.SLOWER) if row.part in parts_beyond else row for row in analysis.times]
    rates = [replace(row, finding=RateFinding.DROPPED) if row.low > 0 else row for row in analysis.rates]
    parts = {row.part for row in times if row.part.item_index is None}
    parts |= {row.part for row in rates if row.part is not None and row.part.item_index is None}
    issues = tuple(one.text for one in analysis.issues)
    points = score(slowdowns_of(times), drops_of(rates, len(parts)), issues, baseline_sec=analysis.baseline_sec)
    failure = _failure(analysis)
    told = {(row.part.pass_index, row.part.stage) for row in beyond if row.part.step_id}
    # A step says more than the stage that it makes longer.
    suspects = sorted(
        (row for row in beyond if row.part.step_id or (row.part.pass_index, row.part.stage) not in told),
        key=lambda row: -row.delta_sec,
    )
    return Ranking(
        points.value if failure is None else 0,
        points.losses if failure is None else (failure, *points.losses),
        tuple(map(_standing, suspects[:_MOST])),
        issues,
    )


def _failure(analysis: Analysis) -> Loss | None:
    whole = next((row for row in analysis.rates if row.part is None), None)
    if whole is None or whole.candidate_good or not whole.candidate_n:
        return None
    failed = whole.baseline_n - whole.baseline_good
    return Loss(whole.name, 100.0, f"it failed, as {failed} of {whole.baseline_n} did before")


def _standing(row: TimeRow) -> Standing:
    of = row.baseline_n + 1
    return Standing(str(row.part), row.delta_sec, of if row.rank is None else row.rank, of)

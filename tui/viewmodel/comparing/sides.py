"""Which runs stand on which side, and moving one: what a new comparison is asked for with. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from engine.model.states import RunStatus
from tui.viewmodel.comparing.data import Pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.regression.verdict import Analysis
    from store.rows import RunRow

NOBODY_IN_QUESTION: Final = "one run at least has to be in question"
EMPTY_BASELINE: Final = "one run at least has to be in the baseline"


@dataclass(frozen=True, slots=True)
class Standing:
    """The runs of both sides, those that are left out, and others that could be taken in."""

    candidates: tuple[str, ...]
    baseline: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @classmethod
    def of(cls, analysis: Analysis, left_out: tuple[str, ...] = (), others: Iterable[str] = ()) -> Standing:
        """As they were compared. Of the others those remain that stand nowhere else."""
        known = {*analysis.candidates, *analysis.baseline, *left_out}
        return cls(analysis.candidates, analysis.baseline, left_out, tuple(one for one in others if one not in known))

    def switched(self, run_id: str) -> Standing:
        """The run on the other side; what was on neither is in question."""
        without = self._without(run_id)
        if run_id in self.candidates:
            return replace(without, baseline=(*without.baseline, run_id))
        return replace(without, candidates=(*without.candidates, run_id))

    def left(self, run_id: str) -> Standing:
        """The run left out; one that was on neither side is of the baseline."""
        without = self._without(run_id)
        if run_id in (*self.left_out, *self.others):
            return replace(without, baseline=(*without.baseline, run_id))
        return replace(without, left_out=(*without.left_out, run_id))

    def in_time(self, runs: Mapping[str, RunRow]) -> Standing:
        """Each side in the order in which its runs were made."""

        def ordered(side: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(sorted(side, key=lambda one: (runs[one].created_at_us if one in runs else 0, one)))

        return Standing(ordered(self.candidates), ordered(self.baseline), ordered(self.left_out), self.others)

    @property
    def swapped(self) -> Standing:
        """Both sides changed about."""
        return replace(self, candidates=self.baseline, baseline=self.candidates)

    @property
    def why_not(self) -> str:
        """Why this cannot be compared; empty where it can."""
        if not self.candidates:
            return NOBODY_IN_QUESTION
        return "" if self.baseline else EMPTY_BASELINE

    def _without(self, run_id: str) -> Standing:
        return Standing(
            *(
                tuple(one for one in side if one != run_id)
                for side in (self.candidates, self.baseline, self.left_out, self.others)
            )
        )


def chosen_pair(analysis: Analysis, runs: Mapping[str, RunRow], before: Pair) -> Pair:
    """The two whose data are shown: those of before where they still stand, else the last good run before, and the candidate
    that failed, or the last one. Empty where a side has no run in the file."""
    candidates = [run_id for run_id in analysis.candidates if run_id in runs]
    baseline = [run_id for run_id in analysis.baseline if run_id in runs]
    candidate, against = before.after, before.before
    if candidate not in candidates:
        bad = [run_id for run_id in candidates if runs[run_id].status is not RunStatus.SUCCEEDED]
        candidate = next(iter([*bad, *reversed(candidates)]), "")
    if against not in baseline:
        good = [run_id for run_id in baseline if runs[run_id].status is RunStatus.SUCCEEDED]
        against = next(iter([*reversed(good), *baseline]), "")
    return Pair(against, candidate)

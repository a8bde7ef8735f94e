"""Which of several suspects it was: what to put back in the next rerun, and what follows from it. Pure; runs nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.regression.verdict import Outcome, Tried

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.regression.verdict import Analysis, Suspect


_SHORTEST_SEC: Final = 1e-6


def suspects_in(analysis: Analysis) -> tuple[Suspect, ...]:
    """The suspects of all causes, each once, in their order: the first is number 0."""
    found: dict[tuple[str, str], Suspect] = {}
    for cause in analysis.causes:
        for suspect in cause.suspects:
            found.setdefault((suspect.kind.value, suspect.name), suspect)
    return tuple(found.values())


def is_still_there(suspicion: Analysis, fresh: Analysis) -> bool:
    """Whether what a suspicion is about shows in an analysis of another run: the part that lost most is nearer to what it
    took then than to what it takes usually, or what failed then fails again.

    One run cannot prove more than that, and need not: it is either as slow as it was or it is not.
    """
    was = {row.part: row.candidate_sec for row in suspicion.times}
    slower = [cause for cause in suspicion.causes if cause.is_slower and cause.parts[:1] and cause.parts[0] in was]
    if slower:
        part = slower[0].parts[0]
        for row in fresh.times:
            middle = math.sqrt(max(row.baseline_sec, _SHORTEST_SEC) * max(was[part], _SHORTEST_SEC))
            if row.part == part and row.candidate_sec > middle:
                return True
    issues = {(issue.kind, issue.part) for issue in suspicion.issues}
    return any((issue.kind, issue.part) in issues for issue in fresh.issues)


class Bisection:
    """Finds the one suspect that explains a change, by halves.

    `next_back` says which suspects to put back as they were in the next rerun, together; `told` is given what came of it.
    At the end `culprit` is the one that alone, put back, undoes the change; None where none of them does so alone.
    """

    def __init__(self, suspects: Sequence[Suspect]) -> None:
        self._group = tuple(suspects)
        self._proven: bool | None = None
        self._asked: tuple[Suspect, ...] = ()

    @property
    def next_back(self) -> tuple[Suspect, ...]:
        """What to put back next; nothing when the answer is there."""
        if self._proven is not None or not self._group:
            return ()
        self._asked = self._group[: (len(self._group) + 1) // 2]
        return self._asked

    def told(self, *, is_gone: bool) -> None:
        """Whether the change was gone with those put back."""
        if len(self._asked) == 1 and is_gone:
            self._group, self._proven = self._asked, True
        elif is_gone:
            self._group = self._asked
        elif len(self._group) == 1:
            self._proven = False
        else:
            self._group = self._group[len(self._asked) :]

    @property
    def culprit(self) -> Suspect | None:
        """The one that it was."""
        return self._group[0] if self._proven else None

    @property
    def at_most(self) -> int:
        """How many reruns it can still take."""
        if self._proven is not None or not self._group:
            return 0
        return max(1, (len(self._group) - 1).bit_length() + 1)


def with_culprit(analysis: Analysis, culprit: Suspect, notes: Sequence[str]) -> Analysis:
    """The analysis again, with the one suspect that was found out for the causes that named it, and what was tried."""
    advice = f"{culprit.name} explains it: with {culprit.baseline} it was gone"
    tried = Tried(Outcome.FOUND, advice)
    causes = tuple(
        replace(cause, suspects=(culprit,), advice=advice)
        if any((one.kind, one.name) == (culprit.kind, culprit.name) for one in cause.suspects)
        else cause
        for cause in analysis.causes
    )
    return replace(analysis, causes=causes, notes=(*analysis.notes, *notes), tried=tried)

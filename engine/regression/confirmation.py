"""What a confirmation of a suspicion takes and what came of it: the parts, how many fresh runs, the words. Pure; runs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.regression.evidence import Bar, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.regression.parts import PartKey
    from engine.regression.verdict import Analysis

CONFIRM_LEVEL: Final = 0.01
"""At which q a suspicion is confirmed on fresh runs, which look at nothing but the suspects."""

CONFIRM_RUNS: Final = 3
"""Fewer fresh runs never confirm anything."""

_BAR: Final = Bar(q=CONFIRM_LEVEL)
_MOST_NAMED: Final = 5


def suspected_parts(suspicion: Analysis) -> list[PartKey]:
    """The parts whose durations a confirmation tests."""
    return [row.part for row in suspicion.times if row.finding is Finding.SUSPECT or row.counts]


def fresh_runs_needed(suspicion: Analysis) -> int:
    """With how many fresh runs each of the suspects can be confirmed.

    Against a baseline that is too small for any verdict no number of them can, and this is the least there are.
    """
    n, parts = len(suspicion.baseline), len(suspected_parts(suspicion))
    return CONFIRM_RUNS if n < _BAR.baseline else max(CONFIRM_RUNS, _BAR.candidates_needed(n, parts))


def outcome_of(found: Analysis, suspects: Sequence[PartKey]) -> Iterator[str]:
    """What became of the suspects on fresh runs, and where so few could not have confirmed them, how many more could."""
    n, m = len(found.baseline), len(found.candidates)
    if suspects:
        yield f"tested {_some(suspects)} alone, on fresh runs, at {CONFIRM_LEVEL}"
    confirmed = [row.part for row in found.times if row.counts]
    said = [*([_some(confirmed)] if confirmed else []), *(issue.text for issue in found.issues if issue.is_certain)]
    if said:
        yield f"confirmed: {'; '.join(said)}"
    if rest := [part for part in suspects if part not in confirmed]:
        yield f"not confirmed: {_some(rest)}"
        if n < _BAR.baseline:
            yield f"a baseline of {n} cannot confirm anything: it needs {_BAR.baseline} runs"
        elif m < _BAR.candidates_needed(n, 1):
            more = _BAR.candidates_needed(n, len(suspects)) - m
            yield f"{n} v {m} runs cannot confirm anything at that level; {more} more fresh ones can"


def _some(parts: Sequence[PartKey]) -> str:
    more = len(parts) - _MOST_NAMED
    return ", ".join(map(str, parts[:_MOST_NAMED])) + (f" and {more} more" if more > 0 else "")

"""What a rerun of an experiment says of itself, and how far an experiment came by what its reruns say. Starts nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from store.rows import RunRow


class Kind(Enum):
    """What is run, and why: as a rerun says it."""

    CONFIRM = "confirms"
    MORE = "adds to"
    PUT_BACK = "puts back for"
    BISECT = "bisects"


_WORDS: Final = re.compile(r"(?P<verb>[a-z ]+) analysis (?P<id>[0-9a-f]{6}): (?P<number>\d+) of (?P<of>\d+)(?:$|, )")


@dataclass(frozen=True, slots=True)
class Part:
    """One rerun of an experiment, the `number`th of (at most) `of`; `back` names what it puts back."""

    kind: Kind
    number: int
    of: int
    back: tuple[str, ...] = ()

    def reason(self, analysis_id: str) -> str:
        """`confirms analysis 1f2e3d: 2 of 6`: the reason that is kept with the run."""
        back = f", with {' and '.join(self.back)} put back" if self.back else ""
        return f"{self.kind.value} analysis {short_id(analysis_id)}: {self.number} of {self.of}{back}"


_WANTED: Final = {Kind.CONFIRM: "were to confirm it", Kind.MORE: "were to be added to it"}
"""Of the others it is not known beforehand how many there will be."""


def parts_made(runs: Iterable[RunRow], analysis_id: str) -> list[str]:
    """How far experiments of an analysis came that were cut off, or go on, a sentence each; `runs` are the newest first."""
    newest: dict[Kind, list[tuple[int, int, str]]] = {}
    for run in runs:
        found = _WORDS.match(run.reason or "")
        kind = next((kind for kind in _WANTED if found is not None and kind.value == found["verb"]), None)
        if found is None or kind is None or found["id"] != short_id(analysis_id):
            continue
        made, number = newest.setdefault(kind, []), int(found["number"])
        # The newest one alone, which counts down to its first: what was made before that is another one's.
        if not made or number == made[-1][0] - 1:
            made.append((number, int(found["of"]), short_id(run.run_id)))
    return [
        f"of {made[0][1]} reruns that {_WANTED[kind]} {_are(made[0][0])} there: "
        f"{', '.join(run_id for _, _, run_id in reversed(made))}"
        for kind, made in newest.items()
        if made[0][0] < made[0][1]
    ]


def _are(number: int) -> str:
    return "1 is" if number == 1 else f"{number} are"

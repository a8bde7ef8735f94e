"""How long the parts of a plan took over its runs, and where the level changed: a series a part, with what else changed there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.regression.evidence import median

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.regression.baseline import RunHead
    from engine.regression.parts import PartKey

MOST_PARTS: Final = 60
"""The longest ones: finding changes of level takes a hundredth of a second each."""


@dataclass(frozen=True, slots=True)
class Change:
    """From run `at` of a series on another level holds: seconds before and after, and what else is another from there on."""

    at: int
    run_id: str
    before_sec: float
    after_sec: float
    also: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One part over the runs in which it succeeded, the oldest first. `changes` are found by two methods that agree."""

    part: PartKey
    runs: tuple[str, ...]
    seconds: tuple[float, ...]
    changes: tuple[Change, ...]

    @property
    def level_sec(self) -> float:
        """The middle of what it takes since the last change."""
        return median(self.seconds[self.changes[-1].at :] if self.changes else self.seconds)


def series_of(durations: Mapping[PartKey, Mapping[str, float]], runs: Sequence[RunHead]) -> list[Series]:
    """The series of the longest parts, in the order of parts. `durations` are seconds by run; `runs` are the oldest first."""
    lengths = {part: median(list(seconds.values())) for part, seconds in durations.items() if seconds}
    longest = sorted(lengths, key=lambda part: (-lengths[part], part.order))[:MOST_PARTS]
    return [_series(part, durations[part], runs) for part in sorted(longest, key=lambda part: part.order)]


def _series(part: PartKey, seconds: Mapping[str, float], runs: Sequence[RunHead]) -> Series:
    from engine.regression.statistics.history import change_points

    met = [run for run in runs if run.run_id in seconds]
    values = [seconds[run.run_id] for run in met]
    points = change_points(values)
    changes = [
        Change(
            at,
            met[at].run_id,
            median(values[start:at]),
            median(values[at:end]),
            tuple(_also(met[start:at], met[at:end])),
        )
        for start, at, end in zip([0, *points], points, [*points[1:], len(met)], strict=False)
    ]
    return Series(part, tuple(run.run_id for run in met), tuple(values), tuple(changes))


def _also(before: Sequence[RunHead], after: Sequence[RunHead]) -> Iterable[str]:
    """What no run before the change has in common with one after it."""
    if not {run.plan_hash for run in before} & {run.plan_hash for run in after}:
        yield "another plan"
    if not {run.environment for run in before} & {run.environment for run in after}:
        yield "another environment"
    for alias in sorted({alias for run in (*before, *after) for alias in run.assets}):
        sides = [[run.assets.get(alias, "") for run in side] for side in (before, after)]
        if not set(sides[0]) & set(sides[1]):
            yield f"{alias} {_reference(sides[0][-1])} → {_reference(sides[1][0])}"


def _reference(asset: str) -> str:
    """Without its hash."""
    return asset.partition(" ")[0] or "–"

"""How often a comparison claims what is not there, and how often it finds what is: measured on shuffled real runs. Prints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.regression.evidence import Bar, Finding, compare_durations, relative_noise
from engine.regression.grouping import Moved, one_line_each
from engine.regression.statistics.rates import wilson_interval
from tests.bench.ci_history import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.regression.evidence import Evidence
    from engine.regression.grouping import Line
    from tests.bench.ci_history import History

STAGES_AT_ONCE: Final = 42
CHANGED: Final = 2
_NAIVE: Final = 0.10
_USUAL: Final = Bar()


@dataclass(frozen=True, slots=True)
class Share:
    """How often something happened of how often it could; with the interval that holds the true share, at .95."""

    hits: int
    tries: int

    @property
    def value(self) -> float:
        """0 to 1; 0 without a try."""
        return self.hits / self.tries if self.tries else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's."""
        return wilson_interval(self.hits, self.tries)


@dataclass(frozen=True, slots=True)
class Alarms:
    """What comparing a window with itself claimed: `ours` and the naive rule, that a middle 10% higher is a regression."""

    stages: int
    ours: Share
    naive: Share


def false_alarms(
    history: History,
    *,
    baseline: int,
    candidates: int,
    tries: int,
    seed: int,
    least_sec: float = 0.0,
    bar: Bar = _USUAL,
) -> Alarms:
    """In how many comparisons of the window with itself any stage is said to have become slower or faster."""
    random = Random(seed)
    stages = history.stages(runs=baseline + candidates, least_sec=least_sec)
    ours = naive = 0
    for _ in range(tries):
        first, second = history.split(random, stages, baseline, candidates)
        ours += any(evidence.counts for evidence in compare_durations(first, second, bar))
        naive += any(_is_higher(first[stage], second[stage]) for stage in stages)
    return Alarms(len(stages), Share(ours, tries), Share(naive, tries))


def _is_higher(first: Sequence[float], second: Sequence[float]) -> bool:
    before, after = float(np.median(first)), float(np.median(second))
    return after > before and after >= (1 + _NAIVE) * before


@dataclass(frozen=True, slots=True)
class Power:
    """How many of the changes that were put in were found, among how many stages they could be put into."""

    stages: int
    eligible: int
    found: Share


def power(
    history: History,
    *,
    baseline: int,
    candidates: int,
    times: float,
    tries: int,
    seed: int,
    least_sec: float = 0.0,
    only_what_counts: bool = False,
    bar: Bar = _USUAL,
) -> Power:
    """Make 2 of 42 stages so many times longer in the candidates, in whole seconds as recorded, and look whether both are found.

    `only_what_counts` puts changes only where the rule itself would count them if it knew all runs of the window: where
    they are beyond the absolute floor and beyond the stage's own noise.
    """
    random = Random(seed)
    stages = history.stages(runs=baseline + candidates, least_sec=least_sec)
    known = history.seconds()
    eligible = [stage for stage in stages if not only_what_counts or _would_count(known[stage], times, bar)]
    found = changes = 0
    for _ in range(tries if len(eligible) >= CHANGED else 0):
        changed = random.sample(eligible, CHANGED)
        others = [stage for stage in stages if stage not in changed]
        at_once = [*changed, *random.sample(others, min(STAGES_AT_ONCE - CHANGED, len(others)))]
        first, second = history.split(random, at_once, baseline, candidates)
        for stage in changed:
            second[stage] = [float(round(value * times)) for value in second[stage]]
        slower = {one.key for one in compare_durations(first, second, bar) if one.finding is Finding.SLOWER}
        found += len(slower.intersection(changed))
        changes += CHANGED
    return Power(len(stages), len(eligible), Share(found, changes))


def _would_count(values: Sequence[float], times: float, bar: Bar) -> bool:
    middle = float(np.median(values))
    longer = times - 1
    return middle > 0 and middle * longer >= bar.floor(middle) and longer >= max(bar.effect, relative_noise(values))


def changes_between(
    before: History, after: History, *, last: int = 30, bar: Bar = _USUAL
) -> tuple[list[Evidence[Stage]], list[Line[Stage]]]:
    """The stages that changed from one window to the next, by the last runs of each, and the lines in which they are told."""
    sides = [
        {stage: values[-last:] for stage, values in sorted(history.seconds().items())} for history in (before, after)
    ]
    found = [one for one in compare_durations(sides[0], sides[1], bar) if one.counts]
    moved = [_moved(one) for one in found]
    shared = sides[0].keys() & sides[1].keys()
    steps = {stage.step for stage in shared if stage.step}
    # A window may have been recorded without the steps; then the jobs are all there is.
    looked_at = len(steps or {stage.job for stage in shared})
    return found, one_line_each(moved, looked_at=looked_at)


def _moved(one: Evidence[Stage]) -> Moved[Stage]:
    """A step is known by its name, in whichever job it is; a job gets longer because its steps do."""
    job = str(Stage(one.key.workflow, one.key.job))
    within = job if one.key.step else one.key.workflow
    return Moved(one.key, one.key.step or job, one.effect > 0, one.delta_sec, within)

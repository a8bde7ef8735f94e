"""What the durations of two groups of runs say about each stage: tested, corrected, and held against what would matter. Pure.

A change counts only where three things hold: it is hardly chance (q), it is larger than what the stage does anyway, and it is
long enough for somebody to notice. What is smaller but steady is drift, which is listed and never alarms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from engine.regression.statistics.corrections import benjamini_hochberg

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from engine.regression.statistics.ranks import Shift

Key = TypeVar("Key", bound="Hashable")

_NORMAL_MAD: Final = (
    1.4826  # the median absolute deviation of a normal distribution, in standard deviations, turned round
)


class Finding(StrEnum):
    """What is said of one stage."""

    NOTHING = "nothing"
    DRIFT = "drift"
    SUSPECT = "suspect"
    SLOWER = "slower"
    FASTER = "faster"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True)
class Bar:
    """What has to be cleared before a change counts.

    `q` is the share of false discoveries, `effect` the least relative change, `floor_sec` the least absolute one for stages
    of a second and longer; a shorter stage has the same share of its own length as its floor, but not less than
    `least_floor_sec`: below it what is measured is the host. `candidates` is from how many runs on there is a verdict,
    `baseline` from how many runs on there is anything to compare with.
    """

    q: float = 0.05
    effect: float = 0.05
    floor_sec: float = 1.0
    least_floor_sec: float = 0.02
    candidates: int = 3
    baseline: int = 5
    suspect_rank: float = 1.0

    def floor(self, typical_sec: float) -> float:
        """The least absolute change that counts for a stage that takes this long."""
        least = min(self.least_floor_sec, self.floor_sec)
        return max(least, self.floor_sec * min(1.0, typical_sec))

    def candidates_needed(self, baseline_n: int, tests: int) -> int:
        """From how many candidates on a change of one stage among `tests` can be found at all.

        The least p of a rank test is that of the one way of all to choose the candidates, on either side, and all tests
        together make q of it. With fewer runs no figure could say that anything changed, nor that nothing did. It is 0 where
        nothing was tested.
        """
        if not tests:
            return 0
        runs = self.candidates
        while 2 * tests / math.comb(baseline_n + runs, runs) > self.q:
            runs += 1
        return runs


@dataclass(frozen=True, slots=True)
class Evidence(Generic[Key]):
    """All that is known of one stage's durations. Times are seconds; `effect` and its interval are relative to the baseline.

    `noise` is how far a run of the baseline is from its middle, relative. `p` and `q` are None where nothing was tested.
    """

    key: Key
    finding: Finding
    baseline_n: int
    candidate_n: int
    baseline_sec: float
    candidate_sec: float
    effect: float
    low: float
    high: float
    level: float
    noise: float
    p: float | None
    q: float | None
    method: str

    @property
    def delta_sec(self) -> float:
        """By how much the typical candidate takes longer."""
        return self.baseline_sec * self.effect

    @property
    def delta_low_sec(self) -> float:
        """The end of the interval nearer to no change, 0 if that is inside."""
        if self.low <= 0 <= self.high:
            return 0.0
        return self.baseline_sec * (self.low if self.low > 0 else self.high)

    @property
    def counts(self) -> bool:
        """True where the change counts."""
        return self.finding in (Finding.SLOWER, Finding.FASTER)


def compare_durations(
    baseline: Mapping[Key, Sequence[float]], candidates: Mapping[Key, Sequence[float]], bar: Bar = Bar()
) -> list[Evidence[Key]]:
    """The evidence of every stage that both sides have, in the baseline's order. Stages of one side only are not looked at."""
    # Late, here and below: it needs numpy, and who only asks for a median or a bar does not.
    from engine.regression.statistics.ranks import rank_test

    shared = [key for key in baseline if len(baseline[key]) and len(candidates.get(key, ()))]
    tests = {
        key: rank_test(baseline[key], candidates[key])
        for key in shared
        if len(candidates[key]) >= bar.candidates and len(baseline[key]) >= bar.baseline
    }
    qs = dict(zip(tests, benjamini_hochberg([test.p for test in tests.values()]), strict=True))
    found: list[Evidence[Key]] = []
    for key in shared:
        first, second = baseline[key], candidates[key]
        test, q = tests.get(key), qs.get(key)
        moved = _relative(first, second)
        typical, now, noise = median(first), median(second), relative_noise(first)
        if test is None or q is None:
            finding, method = _from_few(first, second, moved, noise, bar)
        else:
            finding, method = _judge(typical, moved, noise, q, bar), test.method
            if finding is Finding.NOTHING and len(second) < bar.candidates_needed(len(first), len(tests)):
                finding = _from_no_power(first, second, typical, moved, noise, bar)
        found.append(
            Evidence(
                key=key,
                finding=finding,
                baseline_n=len(first),
                candidate_n=len(second),
                baseline_sec=typical,
                candidate_sec=now,
                effect=moved.estimate,
                low=moved.low,
                high=moved.high,
                level=moved.level,
                noise=noise,
                p=None if test is None else test.p,
                q=q,
                method=method,
            )
        )
    return found


def relative_noise(values: Sequence[float]) -> float:
    """How far a value is typically from the middle, relative to it: the median absolute deviation of the logarithms."""
    if len(values) == 1:
        return 0.0
    logs = _logs(values)
    middle = median(logs)
    deviation = median([abs(one - middle) for one in logs]) * _NORMAL_MAD
    return math.expm1(min(deviation, 50.0))


def _judge(typical_sec: float, moved: Shift, noise: float, q: float, bar: Bar) -> Finding:
    if q > bar.q:
        return Finding.NOTHING
    if abs(moved.estimate) < max(bar.effect, noise_as_drop(moved.estimate, noise)):
        return Finding.DRIFT
    if abs(moved.estimate * typical_sec) < bar.floor(typical_sec):
        return Finding.DRIFT
    return Finding.SLOWER if moved.estimate > 0 else Finding.FASTER


def _from_no_power(
    first: Sequence[float], second: Sequence[float], typical_sec: float, moved: Shift, noise: float, bar: Bar
) -> Finding:
    """Where so many stages and so few runs leave no change to be found: every candidate beyond the whole baseline is a suspicion."""
    beyond = min(second) > max(first)
    return Finding.SUSPECT if beyond and _is_large(typical_sec, moved, noise, bar) else Finding.NOTHING


def _is_large(typical_sec: float, moved: Shift, noise: float, bar: Bar) -> bool:
    """Longer by more than the bar and the stage's own noise."""
    return moved.estimate >= max(bar.effect, noise) and moved.estimate * typical_sec >= bar.floor(typical_sec)


def noise_as_drop(effect: float, noise: float) -> float:
    """The noise on the scale of the effect: twice as long and half as long are equally far, and read +100% and -50%."""
    return noise if effect >= 0 else noise / (1 + noise)


def _from_few(
    first: Sequence[float], second: Sequence[float], moved: Shift, noise: float, bar: Bar
) -> tuple[Finding, str]:
    """Fewer candidates than a verdict needs: each is ranked in the baseline, and all beyond it is a suspicion at most."""
    from engine.regression.statistics.ranks import rank_within

    if len(first) < bar.baseline:
        return Finding.TOO_FEW, f"{bar.baseline - len(first)} more baseline runs are needed"
    missing = bar.candidates - len(second)
    method = f"rank in the baseline; {missing} more run{'' if missing == 1 else 's'} for a verdict"
    ranks = [rank_within(first, value) for value in second]
    beyond = all(rank >= bar.suspect_rank for rank in ranks)
    large = _is_large(median(first), moved, noise, bar)
    return (Finding.SUSPECT if beyond and large else Finding.NOTHING), method


def _relative(first: Sequence[float], second: Sequence[float]) -> Shift:
    """The shift of the logarithms, as a relative change."""
    from engine.regression.statistics.ranks import Shift, shift

    if len(first) == len(second) == 1:  # as two runs of thousands of steps are compared
        only = max(second[0], _SHORTEST_SEC) / max(first[0], _SHORTEST_SEC) - 1
        return Shift(only, only, only, 0.0)
    moved = shift(_logs(first), _logs(second))
    return Shift(math.expm1(moved.estimate), math.expm1(moved.low), math.expm1(moved.high), moved.level)


_SHORTEST_SEC: Final = 1e-6  # nothing is shorter, and 0 has no logarithm


def _logs(values: Sequence[float]) -> list[float]:
    return [math.log(max(value, _SHORTEST_SEC)) for value in values]


def median(values: Sequence[float]) -> float:
    """The middle value, or the middle of the two. For the few values of a stage, in which numpy would cost several times as much."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return float(ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2)

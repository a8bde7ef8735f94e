"""Which runs are the baseline of some candidates: a rule over the heads of runs. Pure; reading them is the store's."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.model.states import RunMode, RunStatus
from engine.regression.evidence import Bar, median
from engine.regression.statistics.history import change_points

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LAST: Final = 30
"""How many runs a baseline has at most."""

ENOUGH: Final = 5
"""From how many runs on a set of asset versions is a baseline of its own; of fewer only where there is no larger one."""


_FAILED: Final = "failed"
_MOST_FAILED: Final = 60
_BAR: Final = Bar()


@dataclass(frozen=True, slots=True)
class RunHead:
    """What the rule looks at. `assets` are references by alias; `environment` is a hash of the host; times are microseconds.

    `reuses` says that it took results over from another run, `was_taken_over` that another engine went on with it: either
    way it is no measure of how long the plan takes.
    """

    run_id: str
    plan_hash: str
    environment: str
    assets: Mapping[str, str]
    status: RunStatus
    mode: RunMode
    created_at_us: int
    duration_us: int | None
    reuses: bool = False
    plan_id: str = ""
    was_taken_over: bool = False


@dataclass(frozen=True, slots=True)
class Baseline:
    """The chosen runs, the oldest first, and why others were not: reasons with the number of runs.

    `under_test` are the aliases whose versions are not the candidates'. `cut_at` is the first run after the last change
    point, empty where the level of durations did not change. `failed` are the runs of the same stretch that would do but
    for their end: durations are compared with those that succeeded, rates of success with all. Where there is no baseline,
    `nearest` is the run that it could be compared with all the same, and `nearest_has` what is not the same of it.
    """

    runs: tuple[str, ...]
    under_test: tuple[str, ...] = ()
    cut_at: str = ""
    left_out: tuple[tuple[str, int], ...] = ()
    failed: tuple[str, ...] = ()
    nearest: str = ""
    nearest_has: tuple[str, ...] = ()


def choose_baseline(candidates: Sequence[RunHead], history: Sequence[RunHead], *, last: int = LAST) -> Baseline:
    """The last runs before the candidates that succeeded with the same plan, environment and asset versions.

    One alias may have another version: the one under test. Where several sets of versions would do, the newest that has
    enough runs is taken. What remains is cut where the level of the runs' durations last changed. Those that failed since
    the first of them are named beside them. Raises ValueError without a candidate. `history` may hold anything, in any order.
    """
    if not candidates:
        raise ValueError("a baseline is that of a candidate")
    first = min(candidates, key=_place)
    own = {head.run_id for head in candidates}
    left_out: Counter[str] = Counter()
    groups: dict[tuple[tuple[str, str], ...], list[RunHead]] = defaultdict(list)
    failed: list[RunHead] = []
    newest_first = sorted(history, key=_place, reverse=True)
    for head in newest_first:
        if head.run_id in own:
            continue
        reason = _unfit(head, first)
        if reason == _FAILED:
            failed.append(head)
        elif reason:
            left_out[reason] += 1
        else:
            groups[tuple(sorted(head.assets.items()))].append(head)
    if not groups:
        left_out[_FAILED] += len(failed)
        nearest = _nearest([head for head in newest_first if head.run_id not in own], first)
        return Baseline(
            (),
            left_out=tuple(sorted((reason, number) for reason, number in left_out.items() if number)),
            nearest="" if nearest is None else nearest.run_id,
            nearest_has=() if nearest is None else unlike_in(nearest, first),
        )
    enough = [group for group in groups.values() if len(group) >= ENOUGH]
    chosen = enough[0] if enough else max(groups.values(), key=len)
    left_out["has other asset versions"] += sum(map(len, groups.values())) - len(chosen)
    left_out["is older"] += max(0, len(chosen) - last)
    kept = chosen[:last][::-1]
    cut = _last_change(kept)
    left_out["is from before the last change of level"] += cut
    beside = [head for head in failed if _place(head) > _place(kept[cut]) and head.assets == kept[0].assets][
        :_MOST_FAILED
    ]
    left_out[_FAILED] += len(failed) - len(beside)
    return Baseline(
        tuple(head.run_id for head in kept[cut:]),
        _unlike(kept[0], first),
        kept[cut].run_id if cut else "",
        tuple(sorted((reason, number) for reason, number in left_out.items() if number)),
        tuple(head.run_id for head in reversed(beside)),
    )


def _unfit(head: RunHead, first: RunHead) -> str:
    """Why a run cannot be a baseline, empty if it can."""
    if _place(head) >= _place(first):
        return "is later than a candidate"
    if head.mode is not RunMode.NORMAL:
        return "is a test run"
    if head.plan_hash != first.plan_hash:
        return "has another plan"
    if head.environment != first.environment:
        return "ran in another environment"
    if head.reuses:
        return "took results over from another run"
    if head.was_taken_over:
        return "stood still until another engine took it over"
    if len(_unlike(head, first)) > 1:
        return "has other asset versions"
    match head.status:
        case RunStatus.SUCCEEDED:
            return ""
        case RunStatus.FAILED:
            return _FAILED
        case _:
            return "did not come to its end"


def unlike_in(head: RunHead, other: RunHead) -> tuple[str, ...]:
    """What two runs do not share of all that those of a baseline share, in words; nothing where either is as the other."""
    found: list[str] = []
    if head.plan_hash != other.plan_hash:
        found.append("another version of the plan")
    if head.environment != other.environment:
        found.append("another environment")
    return (*found, *(f"another {alias}" for alias in _unlike(head, other)))


def _nearest(newest_first: Sequence[RunHead], first: RunHead) -> RunHead | None:
    """Of the runs before that came to a good end by themselves the one that shares most, the newest of these."""
    whole = [
        head
        for head in newest_first
        if head.status is RunStatus.SUCCEEDED and head.mode is RunMode.NORMAL and not head.reuses
        if _place(head) < _place(first)
    ]
    return min(whole, key=lambda head: len(unlike_in(head, first)), default=None)


def _place(head: RunHead) -> tuple[int, str]:
    """When it was made; runs of the same moment have an order too."""
    return head.created_at_us, head.run_id


def _unlike(head: RunHead, other: RunHead) -> tuple[str, ...]:
    aliases = sorted({*head.assets, *other.assets})
    return tuple(alias for alias in aliases if head.assets.get(alias) != other.assets.get(alias))


def _last_change(heads: Sequence[RunHead]) -> int:
    """From which run on the last level of durations holds; 0 where it never changed by as much as would count.

    Levels that are nearer to each other are those of a busy host, and a baseline cut there would only be short.
    """
    if any(head.duration_us is None for head in heads):
        return 0
    seconds = [(head.duration_us or 0) / 1_000_000 for head in heads]
    points = change_points(seconds)
    if not points:
        return 0
    for before, point, after in zip([0, *points][-2::-1], points[::-1], [*points[1:], len(seconds)][::-1], strict=True):
        level, other = median(seconds[before:point]), median(seconds[point:after])
        if abs(other - level) >= max(_BAR.floor(level), _BAR.effect * level):
            return point
    return 0

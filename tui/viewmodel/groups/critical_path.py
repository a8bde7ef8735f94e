"""The chain of steps that decided when a pass ended, and what a pass has cost altogether. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui.viewmodel.groups.picture import GroupsPicture
    from tui.viewmodel.groups.relations import Relations


_WAIT_SHARE: Final = 0.01
_WAIT_LEAST_US: Final = 20_000
"""What is shorter is no wait for a slot: until its start is in the file, no step begins."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a pass took: `total_us` from the first start to the last end, `busy_us` of all steps together, `path_us` of the
    steps on the critical path. `slowest` is the place of the step that took longest, None while none has begun."""

    total_us: int
    busy_us: int
    path_us: int
    slowest: int | None
    slowest_us: int

    @property
    def parallelism(self) -> float:
        """How many steps ran at once on average."""
        return self.busy_us / self.total_us if self.total_us else 0.0


def critical_path(picture: GroupsPicture, relations: Relations, now_us: int) -> list[int]:
    """The places of the steps that decided the end: back from the one that ended last, always to the one waited for longest.

    The same path as `engine.regression.critical_path` has without slack. That one also says what each step would have saved,
    at thirty times the price, and this is asked for with every move of a bar. As there: where a step began well after its
    dependencies had ended, it waited for a slot, or its turn, and so for what ended last before it.
    """
    ends = [picture.ended_us(step, now_us) for step in picture.steps]
    by_end = sorted((end, at) for at, end in enumerate(ends) if end is not None)
    if not by_end:
        return []
    begun = min(step.started_at_us for step in picture.steps if step.started_at_us is not None)
    total = by_end[-1][0] - begun
    least_us = max(_WAIT_LEAST_US, int(total * _WAIT_SHARE)) if total > _WAIT_LEAST_US else total + 1
    path: dict[int, None] = {}
    at: int | None = max((at for end, at in by_end if end == by_end[-1][0]), key=lambda place: -place)
    while at is not None and at not in path:
        path[at] = None
        awaited = _last_awaited(relations.parents, ends, at)
        begin = picture.steps[at].started_at_us or begun
        since = begin if awaited is None else ends[awaited] or begin
        if begin - since > least_us or (awaited is None and begin > begun):
            before = bisect_right(by_end, (begin, len(ends))) - 1
            while before >= 0 and by_end[before][1] in path:
                before -= 1
            if before >= 0 and (awaited is None or by_end[before][0] > since):
                awaited = by_end[before][1]
        at = awaited
    return list(path)[::-1]


def _last_awaited(parents: Sequence[Sequence[int]], ends: Sequence[int | None], at: int) -> int | None:
    best: int | None = None
    seen: set[int] = set()
    waiting = list(parents[at])
    while waiting:
        parent = waiting.pop()
        if parent in seen:
            continue
        seen.add(parent)
        end = ends[parent]
        if end is None:
            waiting.extend(parents[parent])
        elif best is None or (end, -parent) > (ends[best] or 0, -best):
            best = parent
    return best


def figures(picture: GroupsPicture, path: Sequence[int], now_us: int) -> Figures:
    """What the pass has taken so far."""
    busy, slowest, slowest_us, first, last = 0, None, 0, None, None
    for at, step in enumerate(picture.steps):
        end = picture.ended_us(step, now_us)
        if step.started_at_us is None or end is None:
            continue
        taken = end - step.started_at_us
        busy += taken
        if slowest is None or taken > slowest_us:
            slowest, slowest_us = at, taken
        first = step.started_at_us if first is None else min(first, step.started_at_us)
        last = end if last is None else max(last, end)
    total = 0 if first is None or last is None else last - first
    on_path = 0
    for at in path:
        step = picture.steps[at]
        end = picture.ended_us(step, now_us)
        on_path += 0 if end is None or step.started_at_us is None else end - step.started_at_us
    return Figures(total, busy, on_path, slowest, slowest_us)

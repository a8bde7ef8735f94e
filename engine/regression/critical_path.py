"""Which steps the end of a recorded run waited for: slack and drag of each, from begin, end and dependencies alone. Pure.

The path is found as CRISP does it (Zhang et al., USENIX ATC 2022): from what was recorded, back from the end, over what
each step waited for. Slack is how much longer a step could have taken; drag, after Devaux (1999), is how much earlier the
run would have ended had the step taken no time. Only steps without slack have drag, and never more than their duration.

What held a step back without being a dependency (a slot, the order of a serial plan, `finally`) is not recorded: where a
step began later than its dependencies ended, it is taken to have waited for what ended last before it.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

Key = TypeVar("Key", bound="Hashable")

_WAIT_SHARE: Final = 0.01
_WAIT_LEAST_US: Final = 1000


@dataclass(frozen=True, slots=True)
class Ran(Generic[Key]):
    """When something ran, in microseconds on any one clock, and what it depended on."""

    begin_us: int
    end_us: int
    depends_on: Sequence[Key] = ()

    @property
    def duration_us(self) -> int:
        """Never below 0, whatever a clock did."""
        return max(0, self.end_us - self.begin_us)


@dataclass(frozen=True, slots=True)
class Standing:
    """Microseconds: how much longer it could have taken for nothing, and what the run's end waited for it."""

    slack_us: int
    drag_us: int


def critical_path(ran: Mapping[Key, Ran[Key]]) -> dict[Key, Standing]:
    """Slack and drag of everything that ran. Dependencies on what did not run, and circles, are left out.

    In time with the number of steps and dependencies, but for a logarithm.
    """
    if not ran:
        return {}
    order = _order(ran)
    place = {key: index for index, key in enumerate(order)}
    begun = min(one.begin_us for one in ran.values())
    needs = _needs(ran, order, place, begun)
    ends = [ran[key].begin_us - begun + ran[key].duration_us for key in order]
    waits = [
        ran[key].begin_us - begun - max((ends[other] for other in needs[index]), default=0)
        for index, key in enumerate(order)
    ]
    slack = _slack(needs, ends)
    others = _longest_without(needs, ends, waits, [ran[key].duration_us for key in order], slack)
    total = max(ends)
    return {
        key: Standing(slack[index], max(0, min(ran[key].duration_us, total - others[index])) if not slack[index] else 0)
        for index, key in enumerate(order)
    }


def _order(ran: Mapping[Key, Ran[Key]]) -> list[Key]:
    """Each after its dependencies, the earlier ones first; those in circles at the end."""
    number = {key: index for index, key in enumerate(ran)}
    keys = list(ran)
    waiting = {key: sum(1 for other in set(one.depends_on) if other in ran) for key, one in ran.items()}
    dependents: dict[Key, list[Key]] = {}
    for key, one in ran.items():
        for other in set(one.depends_on):
            if other in ran:
                dependents.setdefault(other, []).append(key)
    ready = [(ran[key].begin_us, number[key]) for key, count in waiting.items() if not count]
    heapq.heapify(ready)
    order: list[Key] = []
    while ready:
        key = keys[heapq.heappop(ready)[1]]
        order.append(key)
        for other in dependents.get(key, ()):
            waiting[other] -= 1
            if not waiting[other]:
                heapq.heappush(ready, (ran[other].begin_us, number[other]))
    met = set(order)
    return [*order, *sorted((key for key in keys if key not in met), key=lambda key: ran[key].begin_us)]


def _needs(ran: Mapping[Key, Ran[Key]], order: list[Key], place: Mapping[Key, int], begun: int) -> list[list[int]]:
    """What each waited for, by its place in the order: only what comes before it there."""
    total = max(one.end_us for one in ran.values()) - begun
    least_us = max(_WAIT_LEAST_US, int(total * _WAIT_SHARE)) if total > _WAIT_LEAST_US else total + 1
    by_end = sorted(range(len(order)), key=lambda index: (ran[order[index]].end_us, index))
    ended = [ran[order[index]].end_us for index in by_end]
    needs: list[list[int]] = []
    for index, key in enumerate(order):
        found = sorted({place[other] for other in ran[key].depends_on if other in place and place[other] < index})
        begin = ran[key].begin_us
        since = max((ran[order[other]].end_us for other in found), default=begun)
        if begin - since > least_us or (not found and begin > begun):
            at = bisect_right(ended, begin) - 1
            while at >= 0 and by_end[at] >= index:
                at -= 1
            if at >= 0 and ended[at] > since and by_end[at] not in found:
                found.append(by_end[at])
        needs.append(found)
    return needs


def _slack(needs: list[list[int]], ends: list[int]) -> list[int]:
    """From the end back: what comes later may be put off by its own slack, and by what it waited for others meanwhile."""
    total = max(ends)
    slack = [total - end for end in ends]
    for index in range(len(needs) - 1, -1, -1):
        last = max((ends[other] for other in needs[index]), default=0)
        for other in needs[index]:
            slack[other] = min(slack[other], slack[index] + last - ends[other])
    return slack


def _longest_without(
    needs: list[list[int]], ends: list[int], waits: list[int], durations: list[int], slack: list[int]
) -> list[int]:
    """How long the longest path is that leaves each step out.

    Places only grow along a path, so a path leaves a step out exactly if one of its edges passes over the step's place.
    """
    total = max(ends)
    edges: list[tuple[int, int, int]] = []  # from, to, length of the longest path over it
    for index, found in enumerate(needs):
        after = total - slack[index] - ends[index]
        own = waits[index] + durations[index] + after
        edges += [(other, index, ends[other] + own) for other in found] or [(-1, index, own)]
        edges.append((index, len(needs), ends[index]))
    edges.sort()
    longest: list[int] = []
    open_edges: list[tuple[int, int]] = []
    at = 0
    for index in range(len(needs)):
        while at < len(edges) and edges[at][0] < index:
            heapq.heappush(open_edges, (-edges[at][2], edges[at][1]))
            at += 1
        while open_edges and open_edges[0][1] <= index:
            heapq.heappop(open_edges)
        longest.append(-open_edges[0][0] if open_edges else 0)
    return longest

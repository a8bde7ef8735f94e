"""Who starts next: what is ready, in execution order, the slots and the pools. Why a step is ready is core.py's."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

from engine.plan.items import MAX_ITEMS
from engine.schedule.pools import Gauge

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from engine.model.plan import Pool
    from engine.schedule.progress import Progress
    from engine.schedule.signals import Moment

_STRIDE: Final = MAX_ITEMS + 1  # a step's own place in the queue, and one for each of its items behind it


class Lineup:
    """Hands out steps and items while there are slots; the first in execution order goes first, items in their order.

    What waits for a pool without room holds up nobody else.
    """

    def __init__(self, line: Sequence[Progress], *, slots: int, pools: Mapping[str, Pool]) -> None:
        self._line = line
        self._slots = slots
        self._ready: list[int] = []
        self._pooled: dict[str, list[int]] = {}
        self._gauges = {name: Gauge(pool) for name, pool in pools.items()}
        self.has_rates = any(pool.rate is not None for pool in pools.values())
        self.running = 0

    def gauge(self, pool: str) -> Gauge:
        """The gauge of this pool. Raises KeyError for one that the plan does not have."""
        return self._gauges[pool]

    def gauges(self) -> Iterator[tuple[str, Gauge]]:
        """All pools."""
        return iter(self._gauges.items())

    def add(self, unit: Progress) -> None:
        """Let it start as soon as it is its turn."""
        pool = unit.compiled.step.pool
        queue = self._ready if pool is None else self._pooled.setdefault(pool, [])
        heapq.heappush(queue, _place(unit))

    def take(self, now: Moment) -> Progress | None:
        """Who is to start now, taken out; None if no slot is free or nobody may go. Whoever starts it says `start`."""
        if self.running >= self._slots:
            return None
        queue = self._ready
        if self._pooled:
            queue = self._first_open(now)
        return self._at(heapq.heappop(queue)) if queue else None

    def alarm(self, now: Moment) -> float | None:
        """Seconds until a rate lets something start that nothing else holds up; None if no rate does."""
        if self.running >= self._slots:
            return None
        opening = (self._opens_in(pool, now) for pool, queue in self._pooled.items() if queue)
        return min((delay for delay in opening if delay is not None), default=None)

    def hold(self, unit: Progress) -> None:
        """Take a slot for something that may not begin after all."""
        self.running += 1
        if (pool := unit.compiled.step.pool) is not None:
            self._gauges[pool].hold()

    def occupy(self, unit: Progress, now: Moment) -> None:
        """Take a slot for an attempt that begins."""
        self.running += 1
        if (pool := unit.compiled.step.pool) is not None:
            self._gauges[pool].hold()
            self._gauges[pool].begin(now)

    def release(self, unit: Progress, *, held: bool = False) -> None:
        """Give the slot back; `held` if nothing began in it."""
        self.running -= 1
        if (pool := unit.compiled.step.pool) is not None:
            self._gauges[pool].release(held=held)

    def clear(self) -> None:
        """Forget who is ready: nothing starts any more."""
        self._ready.clear()
        self._pooled.clear()

    def withdraw(self, step_ids: Container[str]) -> None:
        """Forget those of these steps and their items that are ready."""
        for queue in (self._ready, *self._pooled.values()):
            queue[:] = [place for place in queue if self._step_at(place).step_id not in step_ids]
            heapq.heapify(queue)

    def _first_open(self, now: Moment) -> list[int]:
        first = self._ready
        for pool, queue in self._pooled.items():
            if queue and (not first or queue[0] < first[0]) and self._opens_in(pool, now) == 0:
                first = queue
        return first

    def _opens_in(self, pool: str, now: Moment) -> float | None:
        gauge = self._gauges[pool]
        return gauge.opens_in(now) if gauge.has_room else None

    def _step_at(self, place: int) -> Progress:
        return self._line[place // _STRIDE]

    def _at(self, place: int) -> Progress:
        order, behind = divmod(place, _STRIDE)
        step = self._line[order]
        if behind == 0:
            return step
        assert step.items is not None, "only the items of a divided step have places behind it"
        return step.items.units[behind - 1]


class SerialLineup(Lineup):
    """Hands out one at a time, and only who has the turn: the first in the line that has no end yet.

    So the delay of a retry holds the line. A step that waits for its fallback gives its turn to that. While what it
    waits for depends on steps further down the line, so does it, and those go first.
    """

    def __init__(self, line: Sequence[Progress], *, pools: Mapping[str, Pool]) -> None:
        super().__init__(line, slots=1, pools=pools)
        self._front = 0  # all of the line before this are settled
        self._may_go: set[int] = set()
        self._by_id = {step.step_id: step for step in line}

    def add(self, unit: Progress) -> None:
        self._may_go.add(_place(unit))

    def take(self, now: Moment) -> Progress | None:
        unit = self._next()
        if unit is None or self._opening(unit, now) != 0:
            return None
        self._may_go.discard(_place(unit))
        return unit

    def alarm(self, now: Moment) -> float | None:
        unit = self._next()
        return None if unit is None else self._opening(unit, now)

    def clear(self) -> None:
        self._may_go.clear()

    def withdraw(self, step_ids: Container[str]) -> None:
        self._may_go = {place for place in self._may_go if self._step_at(place).step_id not in step_ids}

    def _opening(self, unit: Progress, now: Moment) -> float | None:
        pool = unit.compiled.step.pool
        return 0.0 if pool is None else self._opens_in(pool, now)

    def _next(self) -> Progress | None:
        """Who has the turn, if it may go."""
        if self.running or not self._may_go:
            return None
        step = self._turn()
        if step is not None and step.items is not None:
            step = step.items.next_open()
        return step if step is not None and _place(step) in self._may_go else None

    def _turn(self) -> Progress | None:
        line = self._line
        while self._front < len(line) and line[self._front].status.is_final:
            self._front += 1
        for place in range(self._front, len(line)):
            step = line[place]
            if step.status.is_final or step.compiled.is_fallback_for is not None:
                continue  # a fallback has its turn in the place of its step
            while step.awaiting is not None and step.compiled.step.fallback_step is not None:
                step = self._by_id[step.compiled.step.fallback_step]
            if step.unmet == 0:
                return step
        return None


def _place(unit: Progress) -> int:
    index = unit.item_index
    return unit.order * _STRIDE + (0 if index is None else index + 1)

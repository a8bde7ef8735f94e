"""What a pool still has room for: attempts at once, and a sliding window of those that began. Knows no steps; time is told to it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.model.plan import Pool
    from engine.schedule.signals import Moment


class _Begun(NamedTuple):
    leaves_at: float  # monotonic seconds: when the beginning leaves the window
    at_us: int


class Gauge:
    """One pool. The rate is kept exactly: every beginning stays in the window until `per_sec` seconds have passed.

    A place that is only held, for an attempt that may be spared by the cache, counts in the window too until it begins or
    is given back, so that what was let through can never be too much.
    """

    __slots__ = ("_held", "_limit", "_rate", "_under_way", "_window")

    def __init__(self, pool: Pool) -> None:
        self._limit = pool.max_concurrency
        self._rate = pool.rate
        self._under_way = 0
        self._held = 0
        self._window: deque[_Begun] = deque()

    @property
    def under_way(self) -> int:
        """How many places are taken."""
        return self._under_way

    @property
    def has_room(self) -> bool:
        """False while as many attempts run as may at once."""
        return self._limit is None or self._under_way < self._limit

    def opens_in(self, now: Moment) -> float | None:
        """Seconds until the rate lets another attempt begin: 0 if it does, None if that depends on a place that is held."""
        if self._rate is None:
            return 0.0
        window = self._window
        while window and window[0].leaves_at <= now.monotonic:
            window.popleft()
        if len(window) + self._held < self._rate.count:
            return 0.0
        return window[0].leaves_at - now.monotonic if window else None

    def hold(self) -> None:
        """Take a place."""
        self._under_way += 1
        self._held += 1

    def begin(self, now: Moment) -> None:
        """The attempt for which a place is held begins."""
        self._held -= 1
        if self._rate is not None:
            self._window.append(_Begun(now.monotonic + self._rate.per_sec, now.at_us))

    def release(self, *, held: bool) -> None:
        """Give a place back; `held` if nothing has begun in it."""
        self._under_way -= 1
        if held:
            self._held -= 1

    def recall(self, begun_us: Iterable[int], now: Moment) -> None:
        """Take over what began before this gauge was made, by the wall clock."""
        if self._rate is None:
            return
        for at_us in sorted(begun_us):
            ago = max(0.0, (now.at_us - at_us) / 1e6)
            if ago < self._rate.per_sec:
                self._window.append(_Begun(now.monotonic - ago + self._rate.per_sec, at_us))

    def begun_us(self) -> tuple[int, ...]:
        """When those in the window began (UTC, microseconds)."""
        return tuple(begun.at_us for begun in self._window)

"""The books of what steps share: the windows of pools, and breakers with their probes. Checks; decides nothing."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from engine.model.breaker import BreakerPhase, BreakerState
from engine.schedule.instructions import StartAttempt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.bound import BoundStep
    from engine.model.plan import Pool
    from engine.plan.compiled import CompiledStep
    from engine.schedule.instructions import Instruction
    from engine.schedule.signals import Moment

ROUNDING = 1e-6


class PoolBooks:
    """When attempts of every pool began."""

    def __init__(self, pools: Mapping[str, Pool]) -> None:
        self._pools = pools
        self.times: dict[str, list[float]] = {name: [] for name in pools}

    def began(self, pool: str, now: Moment) -> None:
        """An attempt begins: in the time that ends now there are not more than the rate allows."""
        self.times[pool].append(now.monotonic)
        rate = self._pools[pool].rate
        assert rate is None or self.in_window(pool, now, slack=-ROUNDING) <= rate.count, "more than the rate allows"

    def in_window(self, pool: str, now: Moment, *, slack: float = 0.0) -> int:
        """How many began less than the rate's time, and `slack` seconds, ago."""
        rate = self._pools[pool].rate
        if rate is None:
            return 0
        return sum(now.monotonic - begun < rate.per_sec + slack for begun in self.times[pool])

    def opens_at(self, pool: str, now: Moment) -> float:
        """When the first of those in the window leaves it."""
        rate = self._pools[pool].rate
        assert rate is not None, "asked of pools with a rate only"
        leaving = [begun + rate.per_sec for begun in self.times[pool]]
        return min((moment for moment in leaving if moment > now.monotonic + ROUNDING), default=inf)


class BreakerBooks:
    """The phase of every breaker, and whose attempts are under way in it."""

    def __init__(self, states: Mapping[str, BreakerState]) -> None:
        self.states: dict[str, BreakerState] = dict(states)
        self.probes: dict[str, str] = {}
        self._tools: dict[str, str] = {}

    def move(self, tool: str, state: BreakerState, now: Moment, follows: Instruction | None) -> None:
        """A breaker changed: only as it can, and half-open only for the probe that follows at once."""
        before = self.states.get(tool, BreakerState())
        assert state != before
        match before.phase, state.phase:
            case BreakerPhase.CLOSED, BreakerPhase.CLOSED:
                assert state.failures in (0, before.failures + 1)
            case ((BreakerPhase.CLOSED | BreakerPhase.HALF_OPEN), BreakerPhase.OPEN):
                assert state.failures == before.failures + 1
                assert state.opened_at_us == now.at_us
            case BreakerPhase.HALF_OPEN, BreakerPhase.CLOSED:
                assert state.failures == 0
            case BreakerPhase.OPEN, BreakerPhase.HALF_OPEN:
                assert isinstance(follows, StartAttempt), "half-open, but nothing probes"
                assert state.failures == before.failures
            case _:
                raise AssertionError(f"{tool}: from {before} to {state}")
        self.states[tool] = state

    def began(self, unit: str, compiled: CompiledStep, bound: BoundStep) -> None:
        """An attempt begins: not with an open breaker, and with a half-open one it is the only one."""
        tool = compiled.breaker_key(bound)
        if tool is None:
            return
        self._tools[unit] = tool
        phase = self.states.get(tool, BreakerState()).phase
        assert phase is not BreakerPhase.OPEN, "started although the breaker is open"
        if phase is BreakerPhase.HALF_OPEN:
            assert tool not in self.probes, "two probes"
            self.probes[tool] = unit

    def ended(self, unit: str) -> None:
        """Its attempt is over."""
        tool = self._tools.pop(unit, None)
        if tool is not None and self.probes.get(tool) == unit:
            del self.probes[tool]

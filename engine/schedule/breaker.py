"""Circuit breakers: which tool is left alone, until when, and who may probe it. Pure; which failures count is attempts.py's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model.breaker import BreakerPhase, BreakerState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.plan import Breaker
    from engine.schedule.signals import Moment

EARLY_SEC: Final = 0.001  # a timer may ring this much early; a refusal for it would cost a try


class Ticket(NamedTuple):
    """The right to make one attempt. What comes of it counts only while the breaker has not changed its phase since."""

    tool: str
    policy: Breaker
    generation: int


class Admitted(NamedTuple):
    """The attempt may begin; `moved` is the new state if the breaker changed for it."""

    ticket: Ticket
    moved: BreakerState | None = None


class Refused(NamedTuple):
    """The attempt may not begin. The breaker lets a probe through in `opens_in_sec`; 0 while a probe is under way."""

    state: BreakerState
    opens_in_sec: float


@dataclass(slots=True)
class _Circuit:
    state: BreakerState
    generation: int = 0
    is_probed: bool = False
    cools_at: float | None = None  # monotonic seconds; not known yet for one that another run opened

    def move(self, phase: BreakerPhase, failures: int, opened_at_us: int) -> BreakerState:
        if phase is not self.state.phase:
            self.generation += 1
        self.state = BreakerState(phase, failures, opened_at_us)
        return self.state


class Breakers:
    """The breakers of all tools, from the states in which they were left.

    An attempt needs a ticket. When a phase ends, so does what the tickets given out in it are worth: the late failure of
    an attempt from before the opening says nothing of the probe. An open breaker cools by the wall clock across runs and
    by the monotonic one within a run; an opening that lies in the future, by a clock that was set back, has cooled.
    """

    def __init__(self, states: Mapping[str, BreakerState]) -> None:
        self._circuits = {tool: _Circuit(state) for tool, state in states.items()}

    @property
    def states(self) -> dict[str, BreakerState]:
        """The state of every tool that is known, now."""
        return {tool: circuit.state for tool, circuit in self._circuits.items()}

    def admit(self, tool: str, policy: Breaker, now: Moment) -> Admitted | Refused:
        """Ask to begin an attempt of a step that this policy holds for. A half-open breaker admits one, its probe, until that has ended."""
        circuit = self._circuits.get(tool)
        if circuit is None:
            circuit = self._circuits[tool] = _Circuit(BreakerState())
        moved = None
        if circuit.state.phase is BreakerPhase.OPEN:
            left = _cools_at(circuit, policy, now) - now.monotonic
            if left > EARLY_SEC:
                return Refused(circuit.state, left)
            circuit.is_probed = False
            moved = circuit.move(BreakerPhase.HALF_OPEN, circuit.state.failures, circuit.state.opened_at_us)
        if circuit.state.phase is BreakerPhase.HALF_OPEN:
            if circuit.is_probed:
                return Refused(circuit.state, 0.0)
            circuit.is_probed = True
        return Admitted(Ticket(tool, policy, circuit.generation), moved)

    def ended(self, ticket: Ticket, is_good: bool | None, now: Moment) -> BreakerState | None:
        """An admitted attempt is over: good, bad, or None if it says nothing of the tool. The new state, if it changed."""
        circuit = self._circuits[ticket.tool]
        if ticket.generation != circuit.generation:
            return None
        was_probe, circuit.is_probed = circuit.is_probed, False
        if is_good is None:
            return None
        state = circuit.state
        if is_good:
            return circuit.move(BreakerPhase.CLOSED, 0, state.opened_at_us) if was_probe or state.failures else None
        failures = state.failures + 1
        if not was_probe and failures < ticket.policy.failures:
            return circuit.move(BreakerPhase.CLOSED, failures, state.opened_at_us)
        circuit.cools_at = now.monotonic + ticket.policy.cooldown_sec
        return circuit.move(BreakerPhase.OPEN, failures, now.at_us)


def _cools_at(circuit: _Circuit, policy: Breaker, now: Moment) -> float:
    if circuit.cools_at is None:
        elapsed = (now.at_us - circuit.state.opened_at_us) / 1e6
        circuit.cools_at = now.monotonic + (policy.cooldown_sec - elapsed if elapsed >= 0 else 0.0)
    return circuit.cools_at

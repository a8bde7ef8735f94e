"""The state of a tool's circuit breaker, as data that is recorded and read back. What moves it lives in engine.schedule.breaker."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.model.json import JsonObject


class BreakerPhase(StrEnum):
    """Closed lets attempts through, open refuses them, half_open lets one probe through and refuses the rest."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerState:
    """`failures` are those in a row. `opened_at_us` (UTC, microseconds) is when it opened last; 0 for one that never did."""

    phase: BreakerPhase = BreakerPhase.CLOSED
    failures: int = 0
    opened_at_us: int = 0

    def to_json(self) -> JsonObject:
        """As the event that changed it carries it."""
        return {"phase": self.phase.value, "failures": self.failures, "opened_at_us": self.opened_at_us}

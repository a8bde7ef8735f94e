"""The real clock. Tests bring their own."""

from __future__ import annotations

import time


class SystemClock:
    """`engine.ports.Clock` on the host's clocks."""

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()

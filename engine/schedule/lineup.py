"""Who starts next: the steps whose dependencies are settled, in execution order, and the slots. Why a step is ready is core.py's."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.schedule.progress import StepProgress


class Lineup:
    """Hands out steps while there are slots; the first in execution order goes first.

    With `serial` a step may go only when all before it in `line` are settled, so one runs at a time, and a step that
    waits for its next attempt holds up those behind it; otherwise nobody but its dependents notices.
    """

    def __init__(self, line: Sequence[StepProgress], *, slots: int, serial: bool) -> None:
        self._line = line
        self._slots = slots
        self._serial = serial
        self._front = 0  # serial only: all of the line before this are settled
        self._ready: list[int] = []
        self.running = 0

    def add(self, progress: StepProgress) -> None:
        """Let the step start as soon as it is its turn."""
        heapq.heappush(self._ready, progress.order)

    def take(self) -> StepProgress | None:
        """The step to start now, taken out; None if no slot is free or nobody may go. Whoever starts it counts it in `running`."""
        if not self._ready or self.running >= self._slots:
            return None
        if self._serial and self._ready[0] != self._first_unsettled():
            return None
        return self._line[heapq.heappop(self._ready)]

    def clear(self) -> None:
        """Forget who is ready: nothing starts any more."""
        self._ready.clear()

    def _first_unsettled(self) -> int:
        while self._line[self._front].status.is_final:
            self._front += 1
        return self._front

"""The steps of a long plan, checked while it is read, so that nobody waits for the end of one that is refused anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.plan.document import StoppedError
from engine.plan.faults import Faults
from engine.plan.schema import check_steps

if TYPE_CHECKING:
    from engine.model.plan import Step
    from engine.plan.document import Document


class StepWatch:
    """Implements `engine.plan.document.Watch`. `steps` are those that were found to be right, the first ones of the plan."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def look(self, document: Document) -> None:
        """Check the steps that came since the last time. The last one is left for the end, as no plan is without one."""
        value = document.value
        listed = value.get("steps") if isinstance(value, dict) else None
        if not isinstance(listed, list):
            return
        done = len(self.steps)
        faults = Faults(document)
        found = check_steps(listed[done:-1], done, faults)
        if faults:
            raise StoppedError((*document.faults, *faults.listed()))
        self.steps += found

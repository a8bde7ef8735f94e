"""What runs as one: a step, or one item of a step that runs for each item of a list. Names only."""

from __future__ import annotations

from typing import NamedTuple


class Unit(NamedTuple):
    """A step, or one of its items."""

    step_id: str
    item_index: int | None = None

    def __str__(self) -> str:
        return self.step_id if self.item_index is None else f"{self.step_id}[{self.item_index}]"


class Attempt(NamedTuple):
    """Which try of which unit; the key of everything that is under way."""

    step_id: str
    item_index: int | None
    number: int

    @property
    def unit(self) -> Unit:
        """What is tried."""
        return Unit(self.step_id, self.item_index)

"""What an answer of `opscope doctor` is. The questions are in checkup.py and terminal_checks.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.model.json import JsonObject


class State(StrEnum):
    """What an answer means: `note` is worth knowing, `failed` keeps plans from running."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One question and its answer."""

    name: str
    state: State
    finding: str
    advice: str = ""

    def to_json(self) -> JsonObject:
        """As `doctor --json` prints it."""
        return {"name": self.name, "state": self.state.value, "finding": self.finding, "advice": self.advice}

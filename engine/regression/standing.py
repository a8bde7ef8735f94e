"""A part of a run that stands out of its baseline, as it is kept and read again. Light: lists of runs need nothing else of comparing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Standing:
    """A part that is beyond all runs of the baseline, and by more than it varies: `rank` of `of`, itself included."""

    part: str
    delta_sec: float
    rank: int
    of: int

    def to_json(self) -> JsonObject:
        """As `runs --json` and `show --json` have it."""
        return {"part": self.part, "delta_ms": round(self.delta_sec * 1000, 3), "rank": self.rank, "of": self.of}

    @classmethod
    def from_json(cls, document: Json) -> Standing | None:
        """What `to_json` made; None for what it did not."""
        if not isinstance(document, dict):
            return None
        part, delta, rank, of = (document.get(name) for name in ("part", "delta_ms", "rank", "of"))
        if not (isinstance(delta, int | float) and isinstance(rank, int) and isinstance(of, int)):
            return None
        return cls(str(part), delta / 1000, rank, of)

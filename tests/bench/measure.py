"""What every measurement shares: medians, ratios and how they are written down. No measurement of its own."""

from __future__ import annotations

import json
import platform
import sqlite3
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One budget: what was measured and its yardstick, in `unit`, as medians of `rounds` alternating rounds."""

    name: str
    unit: str
    measured: float
    yardstick: float
    yardstick_is: str
    budget: str
    within_budget: bool
    rounds: int

    @property
    def ratio(self) -> float:
        """Measured over yardstick."""
        return self.measured / self.yardstick if self.yardstick else float("nan")


def alternating(rounds: int, measured: Callable[[], float], yardstick: Callable[[], float]) -> tuple[float, float]:
    """Medians of both, taken by turns so that a noisy minute falls on both alike."""
    pairs = [(measured(), yardstick()) for _ in range(rounds)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes once."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def show(figures: Sequence[Figure]) -> str:
    """The figures as a table for a person."""
    lines = [f"{'what':44} {'measured':>12} {'yardstick':>12} {'ratio':>7}  budget"]
    for f in figures:
        mark = "ok  " if f.within_budget else "OVER"
        lines.append(
            f"{f.name:44} {f.measured:>9.1f} {f.unit:2} {f.yardstick:>9.1f} {f.unit:2} {f.ratio:>7.2f}  {mark} {f.budget}"
        )
        lines.append(f"  yardstick: {f.yardstick_is}")
    return "\n".join(lines)


def write(figures: Sequence[Figure], target: Path) -> None:
    """The figures as JSON, with what they were measured on."""
    document = {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "platform": sys.platform,
        "figures": [{**asdict(f), "ratio": round(f.ratio, 4)} for f in figures],
    }
    target.write_text(json.dumps(document, indent=1) + "\n")

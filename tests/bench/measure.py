"""What every measurement shares: rounds by turns, medians and spread, the machine, how all of it is written. Measures nothing itself."""

from __future__ import annotations

import gc
import json
import math
import os
import platform
import sqlite3
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Facts: TypeAlias = "dict[str, str | int | float | None]"


@dataclass(frozen=True, slots=True)
class Rounds:
    """What alternating rounds gave: the n-th of both was measured in the same moment, more or less."""

    measured: tuple[float, ...]
    yardstick: tuple[float, ...]

    @property
    def median(self) -> float:
        """Of what was measured."""
        return statistics.median(self.measured)

    @property
    def ratio(self) -> float:
        """Measured over yardstick, pair by pair and then the median: a slow minute falls on both of a pair."""
        pairs = zip(self.measured, self.yardstick, strict=True)
        # Nothing beside nothing is the same; something beside nothing has no ratio.
        return statistics.median(a / b if b else (math.inf if a else 1.0) for a, b in pairs)

    @property
    def beyond(self) -> float:
        """What was measured less its yardstick, likewise."""
        return statistics.median(a - b for a, b in zip(self.measured, self.yardstick, strict=True))


@dataclass(frozen=True, slots=True)
class Figure:
    """One budget: what was measured and its yardstick, both in `unit`. `within_budget` is None where there is no budget.

    `also` are medians of what else was seen in the same rounds, each with its unit in its name.
    """

    name: str
    unit: str
    rounds: Rounds
    yardstick_is: str
    budget: str
    within_budget: bool | None
    also: Mapping[str, float] = field(default_factory=dict)


def alternating(rounds: int, measured: Callable[[], float], yardstick: Callable[[], float]) -> Rounds:
    """Both by turns, after one round that does not count: it fills caches and imports what is imported late.

    Before each the collector is run, so that none pays for what another has left behind.
    """

    def tidily(work: Callable[[], float]) -> float:
        gc.collect()
        return work()

    tidily(measured)
    tidily(yardstick)
    pairs = [(tidily(measured), tidily(yardstick)) for _ in range(rounds)]
    return Rounds(tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs))


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes once."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def medians(seen: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of several rounds, name by name."""
    return {name: round(statistics.median(one[name] for one in seen), 3) for name in seen[0]}


def show(figures: Sequence[Figure]) -> str:
    """The figures as a table for a person: medians, and from the least to the most that was measured."""
    lines = [f"{'what':44} {'measured':>12}  {'(spread)':19} {'yardstick':>12} {'ratio':>7}  budget"]
    for f in figures:
        mark = {True: "ok  ", False: "OVER", None: "    "}[f.within_budget]
        spread = f"({min(f.rounds.measured):.1f} to {max(f.rounds.measured):.1f})"
        measured = f"{f.rounds.median:>9.1f} {f.unit:4} {spread:18}"
        yardstick = f"{statistics.median(f.rounds.yardstick):>9.1f} {f.unit:4}"
        lines.append(f"{f.name:44} {measured} {yardstick} {f.rounds.ratio:>5.2f}  {mark} {f.budget}")
        lines.append(f"  yardstick: {f.yardstick_is}")
        if f.also:
            lines.append("  also: " + ", ".join(f"{name} {value:,g}" for name, value in f.also.items()))
    return "\n".join(lines)


def write(figures: Sequence[Figure], machine: Facts, target: Path) -> None:
    """The figures as JSON, with what they were measured on."""
    document = {"format": 2, "machine": machine, "figures": [_as_json(figure) for figure in figures]}
    target.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def machine_facts() -> Facts:
    """What the figures depend on, as far as it can be known, and how busy it is at this moment."""
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "processor": _processor(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_mb": pages * page // 2**20,
        "load_1_min_before": round(os.getloadavg()[0], 2),
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _processor() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _as_json(figure: Figure) -> dict[str, object]:
    return {
        "name": figure.name,
        "unit": figure.unit,
        "measured": _spread(figure.rounds.measured),
        "yardstick": _spread(figure.rounds.yardstick),
        "yardstick_is": figure.yardstick_is,
        "ratio": round(figure.rounds.ratio, 4) if math.isfinite(figure.rounds.ratio) else None,
        "budget": figure.budget,
        "within_budget": figure.within_budget,
        "also": dict(figure.also),
    }


def _spread(values: Sequence[float]) -> dict[str, object]:
    return {
        "median": round(statistics.median(values), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
        "rounds": len(values),
    }

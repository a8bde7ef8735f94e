"""A CI history made up with a seed, in the shape of a recorded one: for tests where no recorded history is at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping


def made_up(
    *, runs: int = 60, jobs: int = 6, steps: int = 7, seed: int = 1, times: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """Runs of one workflow. Whole seconds, long tails, and a host that is now and then slow in all of its steps.

    `times` makes all steps of a name so many times longer.
    """
    random = np.random.default_rng(seed)
    # Which step takes how long belongs to the workflow and not to the window, so that windows can be compared.
    middles = np.random.default_rng(7).choice([1, 2, 4, 6, 9, 14, 25, 60], size=(jobs, steps))
    found: list[dict[str, Any]] = []
    for number in range(runs):
        host = float(np.exp(random.normal(0, 0.08)))
        entries: list[dict[str, Any]] = []
        for job in range(jobs):
            lasts: list[dict[str, Any]] = []
            for step in range(steps):
                noise = float(np.exp(random.normal(0, 0.15) + (random.random() < 0.04) * random.exponential(0.8)))
                name = f"step {step}"
                lasts.append(
                    {
                        "name": name,
                        "seconds": float(round(middles[job][step] * host * noise * (times or {}).get(name, 1.0))),
                    }
                )
            entries.append(
                {
                    "name": f"job {job}",
                    "conclusion": "success",
                    "exec_seconds": sum(one["seconds"] for one in lasts),
                    "steps": lasts,
                }
            )
        found.append(
            {"name": "Build", "run_started_at": f"2026-01-01T{number // 60:02}:{number % 60:02}:00Z", "jobs": entries}
        )
    return found

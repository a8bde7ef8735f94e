"""A recorded CI history as durations of stages: workflows, their jobs, the jobs' steps. Reading and shuffling; nothing is judged here."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from random import Random


class Stage(NamedTuple):
    """A job of a workflow or, with a name, a step of it; `occurrence` counts steps of the same name in a job."""

    workflow: str
    job: str
    step: str = ""
    occurrence: int = 0

    def __str__(self) -> str:
        again = f" ({self.occurrence + 1})" if self.occurrence else ""
        return " / ".join(part for part in (self.workflow, self.job, self.step) if part) + again


@dataclass(frozen=True, slots=True)
class History:
    """Runs by workflow, the oldest first, each as seconds by stage. Only what succeeded has a duration."""

    runs: Mapping[str, Sequence[Mapping[Stage, float]]]

    def seconds(self) -> dict[Stage, list[float]]:
        """All durations of every stage, the oldest first."""
        found: dict[Stage, list[float]] = defaultdict(list)
        for runs in self.runs.values():
            for run in runs:
                for stage, value in run.items():
                    found[stage].append(value)
        return dict(found)

    def stages(self, *, runs: int, least_sec: float = 0.0) -> list[Stage]:
        """Those with enough durations, whose middle one is long enough, in a fixed order."""
        return sorted(
            stage
            for stage, values in self.seconds().items()
            if len(values) >= runs and float(np.median(values)) >= least_sec
        )

    def split(
        self, random: Random, stages: Iterable[Stage], baseline: int, candidates: int
    ) -> tuple[dict[Stage, list[float]], dict[Stage, list[float]]]:
        """So many runs for the baseline and then so many candidates, of runs that are shuffled within their workflow.

        Whole runs are shuffled, so what belongs together in a run stays together: a slow host is slow in all of its steps.
        """
        wanted = set(stages)
        first: dict[Stage, list[float]] = {stage: [] for stage in wanted}
        second: dict[Stage, list[float]] = {stage: [] for stage in wanted}
        for workflow in sorted(self.runs):
            for run in random.sample(list(self.runs[workflow]), len(self.runs[workflow])):
                for stage in run.keys() & wanted:
                    if len(first[stage]) < baseline:
                        first[stage].append(run[stage])
                    elif len(second[stage]) < candidates:
                        second[stage].append(run[stage])
        return first, second


def read_history(path: Path) -> History:
    """The history of a file. Raises ValueError for another document."""
    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict) or not isinstance(document.get("runs"), list):
        raise ValueError(f"{path} is no CI history: an object with `runs` is expected")  # noqa: TRY004
    return history_of(document["runs"])


def history_of(runs: Iterable[Mapping[str, Any]]) -> History:
    """The same from its runs, in any order."""
    found: dict[str, list[Mapping[Stage, float]]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: str(run.get("run_started_at"))):
        found[str(run["name"])].append(dict(_stages(run)))
    return History(dict(found))


def _stages(run: Mapping[str, Any]) -> Iterable[tuple[Stage, float]]:
    workflow = str(run["name"])
    for job in run.get("jobs", ()):
        if job.get("conclusion") != "success":
            continue
        if job.get("exec_seconds") is not None:
            yield Stage(workflow, str(job["name"])), float(job["exec_seconds"])
        met: Counter[str] = Counter()
        for step in job.get("steps", ()):
            name = str(step["name"])
            if step.get("seconds") is not None:
                yield Stage(workflow, str(job["name"]), name, met[name]), float(step["seconds"])
            met[name] += 1

"""What a plan costs before its steps run: memory of a step that waits, a very long plan, the trace of its orchestration."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import tempfile
import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.model.result import AttemptOutcome
from engine.model.states import StepStatus
from engine.plan.load import load_plan
from engine.plan.orchestration import orchestration_trace
from tests.bench.measure import Figure, Rounds, alternating, medians, seconds
from tests.bench.runs import Nowhere, layered_text, run_once

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from engine.ports import AttemptObserver, AttemptSpec

PENDING: Final = 10_000
LONG_PLAN: Final = 100_000
TRACES_A_ROUND: Final = 200

_TEN_STEPS: Final = b"""plan_id: ten
steps:
  - {id: fetch, command: 'true', output: json}
  - {id: names, command: 'echo {fetch.data}', output_mapping: {all: '{fetch.data}'}}
  - {id: sizes, command: 'echo {fetch.data}', output_mapping: {all: '{fetch.data}'}}
  - {id: merge, command: 'echo {names.stdout} {sizes.stdout}', output_mapping: {one: '{names.stdout}'}}
  - {id: left, command: 'true', depends_on: [merge]}
  - {id: right, command: 'true', depends_on: [merge]}
  - {id: upper, command: 'true', depends_on: [left, right]}
  - {id: lower, command: 'true', depends_on: [left]}
  - {id: report, command: 'echo {merge.stdout}', depends_on: [upper, lower]}
  - {id: close, command: 'true', depends_on: [report]}
"""


@dataclass(slots=True)
class _Weighed:
    """Looks at the memory in use when the first step of a run begins: all others are pending then."""

    at_first: int = field(default=0, init=False)

    async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        if not self.at_first:
            gc.collect()
            self.at_first = tracemalloc.get_traced_memory()[0]
        return AttemptOutcome(status=StepStatus.SUCCEEDED)


def figures(rounds: int) -> list[Figure]:
    """Memory, a long plan, the trace."""
    return [_pending(), _long_plan(rounds), _trace(rounds)]


def _pending() -> Figure:
    """Once: bytes are counted, and the count is the same every time."""
    text = layered_text(PENDING // 50, 50, at_once=1)
    load_plan(text, name="layered.yaml")  # whatever is made once and kept is there from now on
    gc.collect()
    tracemalloc.start()
    try:
        plan = load_plan(text, name="layered.yaml")
        gc.collect()
        with_plan = tracemalloc.get_traced_memory()[0]
        weighed = _Weighed()
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(run_once(plan, Path(folder), Nowhere(), weighed, "engine-bench"))
    finally:
        tracemalloc.stop()
    beyond = (weighed.at_first - with_plan) / PENDING
    return Figure(
        "a pending step beyond its plan",
        "B",
        Rounds((beyond,), (with_plan / PENDING,)),
        f"the same step in the plan itself, of {PENDING:,} steps",
        "≤2,048 B",
        beyond <= 2048,
    )


def _long_plan(rounds: int) -> Figure:
    """In a process of its own, whose greatest size is that of the plan; it takes seconds, so there are three rounds at most."""
    seen: list[dict[str, float]] = []
    plain: list[dict[str, float]] = []

    def measure(how: str, into: list[dict[str, float]]) -> float:
        command = [sys.executable, "-m", "tests.bench.long_plan", how, str(LONG_PLAN)]
        said = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        into.append({"peak_mb": said["peak_mb"], "steps": said["steps"]})
        return float(said["seconds"])

    found = [(measure("opscope", seen), measure("yaml", plain)) for _ in range(min(rounds, 3))]
    also = medians(seen)
    return Figure(
        f"a plan of {LONG_PLAN:,} steps is accepted",
        "s",
        Rounds(tuple(one for one, _ in found), tuple(other for _, other in found)),
        "yaml.CSafeLoader on the same text, which checks nothing",
        f"accepted, all {LONG_PLAN:,} steps",
        also["steps"] == LONG_PLAN,
        {**also, "yardstick_peak_mb": medians(plain)["peak_mb"]},
    )


def _trace(rounds: int) -> Figure:
    plan = load_plan(_TEN_STEPS, name="ten.yaml")
    as_json: JsonObject = orchestration_trace(plan).model_dump(mode="json")
    text = json.dumps(as_json, separators=(",", ":"))

    def made() -> None:
        for _ in range(TRACES_A_ROUND):
            orchestration_trace(plan).model_dump(mode="json")

    def read() -> None:
        for _ in range(TRACES_A_ROUND):
            json.loads(text)

    found = alternating(
        rounds, lambda: seconds(made) / TRACES_A_ROUND * 1e6, lambda: seconds(read) / TRACES_A_ROUND * 1e6
    )
    bytes_a_step = len(text.encode()) / len(plan.steps)
    return Figure(
        "the orchestration trace of 10 steps",
        "µs",
        found,
        "json.loads of the same trace",
        "<1,000 µs, about 500 B a step",
        found.median < 1000 and bytes_a_step <= 500,
        {"bytes_a_step": bytes_a_step},
    )

"""Files of runs to be compared: a baseline, candidates with another version of an asset and one slow step. Everything is known."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.model.event import Event, EventKind
from engine.model.json import canonical_json
from engine.model.states import Stage
from engine.ports import PlanRecord, RunCreation
from store.writer import open_writer
from tests.tui import samples
from tests.tui.samples import SECOND, Sample, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from engine.model.json import Json, JsonObject
    from store.writer import Writer

PLAN = "nightly_report"
STEPS = {"fetch": 4.0, "clean": 1.2, "rank": 6.0, "render": 2.4, "send": 0.8}
BASELINE = 12
"""Runs of the baseline: numbers 1 to 12. The candidates follow."""


@dataclass
class Recorded(Sample):
    """A sample with a plan that is at hand, and the versions of its assets."""

    refs: dict[str, str] = field(default_factory=dict)
    version: str = "1.2"

    @property
    def document(self) -> JsonObject:
        """Its plan."""
        steps: list[Json] = []
        for step in self.steps:
            definition: JsonObject = {"type": "command", "command": step.id, "args": ["-h"]}
            if step.id == "rank":
                definition = {"type": "sql", "query": "{assets.weights}"}
            steps.append({"id": step.id, "depends_on": [*step.depends_on], "step_def": definition})
        return {"plan_id": self.plan_id, "version": self.version, "strategy": "dag", "steps": steps}


async def record(writer: Writer, sample: Recorded) -> None:
    """Write one run."""
    document = canonical_json(sample.document)
    plan_hash = hashlib.sha256(document.encode()).hexdigest()
    plan = PlanRecord(plan_hash, sample.plan_id, sample.version, f"plan_id: {sample.plan_id}\n", document)
    events = [*_events(sample, plan_hash, writer.engine_id)]
    await writer.create_run(RunCreation(sample.run_id, plan, events[0]))
    await writer.append(sample.run_id, events[1:])


def _events(sample: Recorded, plan_hash: str, engine_id: str) -> Iterable[Event]:
    assets: JsonObject = {
        alias: {"ref": ref, "sha256": hashlib.sha256(ref.encode()).hexdigest(), "source": "pin"}
        for alias, ref in sample.refs.items()
    }
    for event in samples._events(sample, engine_id):
        data = dict(event.data)
        if event.kind is EventKind.RUN_CREATED:
            data |= {"plan_hash": plan_hash, "plan_version": sample.version}
        if event.kind is EventKind.STAGE_STARTED and event.stage is Stage.EXECUTE:
            given = data["input"]
            assert isinstance(given, dict)
            data["input"] = {**given, "applied_assets": assets}
        yield replace(event, data=data)
        if event.kind is EventKind.RUN_STARTED:
            for alias, said in assets.items():
                assert isinstance(said, dict)
                yield replace(event, kind=EventKind.ASSET_RESOLVED, data={"alias": alias, **said})


def report_run(
    number: int,
    *,
    slow: float = 1.0,
    weights: str = "query/weights@2",
    params: JsonObject | None = None,
    failed: str = "",
    spread: float = 0.04,
) -> Recorded:
    """A nightly report; `slow` makes its step `rank` that much longer."""
    chance = random.Random(number)
    steps: list[Step] = []
    before: tuple[str, ...] = ()
    for name, seconds in STEPS.items():
        took = seconds * (slow if name == "rank" else 1.0) * (1 + chance.uniform(-spread, spread))
        data: Json = {"rows": 1200 + number, "made_at": f"2026-01-01T0{number % 9}:00:00Z"}
        if name == "rank":
            data = {"rows": [{"id": n, "weight": n * (2 if slow > 1 else 1)} for n in range(4)], "made_at": number}
        if name == "render" and slow > 1:
            data = "# Nightly report\n\nAll hosts answered.\nThe slowest took 9 s.\n"
        elif name == "render":
            data = "# Nightly report\n\nAll hosts answered.\nThe slowest took 4 s.\n"
        ends = "failed" if name == failed else "succeeded"
        message = "exit code 2: no route to the mail host" if name == failed else ""
        steps.append(Step(name, ends, data=data, depends_on=before, took_us=round(took * SECOND), message=message))
        before = (name,)
    return Recorded(
        number,
        PLAN,
        steps,
        "failed" if failed else "succeeded",
        ago_us=(200 - number) * 600 * SECOND,
        params=params if params is not None else {"region": "north", "top": 20},
        stage=Stage.EXECUTE if failed else Stage.PRESENT,
        refs={"weights": weights, "page": "template/page@1"},
    )


def slower(candidates: int = 3, baseline: int = BASELINE) -> list[Recorded]:
    """A baseline, then candidates with version 3 of the weights, which is slow."""
    first = [report_run(number) for number in range(1, baseline + 1)]
    return first + [
        report_run(number, slow=2.2, weights="query/weights@3")
        for number in range(baseline + 1, baseline + 1 + candidates)
    ]


def confounded() -> list[Recorded]:
    """Two things changed together: the weights, and a parameter."""
    return [
        *(report_run(number) for number in range(1, BASELINE + 1)),
        *(
            report_run(number, slow=2.2, weights="query/weights@3", params={"region": "south", "top": 20})
            for number in range(BASELINE + 1, BASELINE + 4)
        ),
    ]


async def write(path: Path, recorded: Sequence[Recorded]) -> None:
    """A file with these runs."""
    async with open_writer(path, engine_id=samples.ENGINE) as writer:
        for sample in recorded:
            await record(writer, sample)

"""Cut anywhere, a run that is taken up ends as if nothing had happened: random plans, every prefix of what they recorded."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from engine.model.bound import BoundDecision
from engine.model.event import Event, EventKind
from engine.model.states import Reason
from engine.pipeline.clock import SystemClock
from engine.pipeline.request import RunRequest, Services
from engine.pipeline.runner import run_plan
from engine.pipeline.units import Unit
from engine.plan.load import load_plan
from engine.steps.decision import run_decision
from engine.steps.secrets import SecretBox
from tests.engine.pipeline.recording import RUN_ID, MemorySink, Recorded, resume_events
from tests.engine.schedule.random_plans import DrawnPlan, draw_plan, outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.model.json import Json
    from engine.model.result import AttemptOutcome
    from engine.plan.compiled import CompiledPlan
    from engine.ports import AttemptObserver, AttemptSpec


class Fates:
    """Ends every try of a step as it is written, after a random while. A try that an engine took with it is tried again.

    Fails on a step that runs though its end is on record. Implements `engine.ports.Executor`.
    """

    def __init__(self, drawn: DrawnPlan, sink: MemorySink) -> None:
        self._fates = drawn.fates
        self._sink = sink
        self._while = Random(drawn.fates)

    async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        if isinstance(spec.definition, BoundDecision):
            return await run_decision(spec.definition, spec, observer, SecretBox())
        unit = Unit(spec.step_id, spec.item_index)
        mine = [event for event in self._sink.events if (event.step_id, event.item_index) == unit]
        assert all(event.kind is not EventKind.STEP_FINISHED for event in mine), f"{unit} runs after its end"
        tries = 1 + sum(event.kind is EventKind.STEP_WAITING for event in mine)
        for _ in range(self._while.randint(0, 5)):
            await asyncio.sleep(0)
        return outcome(Random(f"{self._fates}/{unit}/{tries}"))


def draw(seed: int, *, breakers: bool = False) -> tuple[DrawnPlan, CompiledPlan]:
    """A plan of idempotent steps with `finally`. A failure aborts only where one step runs at a time.

    Otherwise chance decides which of the others had already begun, and no two runs are alike.
    """
    random = Random(seed)
    aborts = random.random() < 0.4
    drawn = draw_plan(random, most=6, aborts=aborts, breakers=breakers)
    document = json.loads(drawn.compiled().document)
    if aborts or any(step.fallback for step in drawn.steps):  # a fallback that fails aborts, too
        document["globals"]["max_concurrency"] = 1
        document["strategy"] = "serial"
    document["finally"] = [
        {"id": f"f{n}", "step_def": {"type": "command", "command": "true"}, "retries": n} for n in range(random.randint(0, 2))
    ]  # fmt: skip
    for step in (*document["steps"], *document["finally"]):
        step |= {"idempotent": True, "backoff": {"initial_sec": 0, "jitter": False}}
        if "repeat" in step:
            step["repeat"]["delay_sec"] = 0
    for pool in document["globals"]["pools"].values():
        if "rate" in pool:
            pool["rate"]["per_sec"] = 0.001
    if breakers:
        document["globals"]["breaker"]["cooldown_sec"] = 0.002
    stand_ins = {step.fallback for step in drawn.steps}  # their results are seen under the names of others
    named = [step["id"] for step in document["finally"] + document["steps"] if step["id"] not in stand_ins]
    document["compose"] = {step_id: f"{{{step_id}.status}}" for step_id in named}
    return drawn, load_plan(json.dumps(document).encode(), name="drawn.json")


async def undisturbed(drawn: DrawnPlan, compiled: CompiledPlan) -> Recorded:
    """The run as it goes when nothing happens to its engine."""
    sink, secrets = MemorySink(), SecretBox()
    request = RunRequest(compiled, {}, RUN_ID, Path(), Path(), {}, "operator:test", "engine-test")
    services = Services(sink, secrets, Fates(drawn, sink), SystemClock(), lambda: 0.0)
    return Recorded(await run_plan(request, services), sink)


def stored(events: Sequence[Event]) -> list[Event]:
    """The events as they come back out of a file."""
    return [replace(event, data=json.loads(json.dumps(event.data))) for event in events]


def ending(recorded: Recorded) -> dict[str, Json]:
    """All that the end of a run is, but for times, how many attempts were lost on the way, and the order of failures."""
    final = recorded.sink.events[-1]
    steps: dict[str, Json] = {}
    for event in recorded.sink.of(EventKind.STEP_FINISHED):
        unit = f"{event.step_id}[{event.item_index}]"
        assert unit not in steps, f"{unit} is settled twice"
        steps[unit] = _without_accidents(event.data)
    stages: dict[str, Json] = {}
    for event in recorded.sink.of(EventKind.STAGE_FINISHED):
        stages[str(event.stage)] = [event.data["status"], _without_accidents(event.data["output"])]
    return {"kind": final.kind.value, "counts": final.data["steps"], "steps": steps, "stages": stages}


def _without_accidents(value: Json) -> Json:
    """Without what another order or a lost attempt may change."""
    if isinstance(value, dict):
        left_out = ("attempts", "started_at_us", "duration_us", "duration_ms")
        return {name: _without_accidents(one) for name, one in value.items() if name not in left_out}
    if isinstance(value, list):
        return [_without_accidents(one) for one in value]
    return value


async def take_up(drawn: DrawnPlan, compiled: CompiledPlan, events: Sequence[Event]) -> Recorded:
    """The rest of the run, with another engine."""
    sink = MemorySink()
    recorded = await resume_events(compiled, stored(events), sink=sink, executor=Fates(drawn, sink))
    numbers = [(event.step_id, event.item_index, event.attempt) for event in sink.of(EventKind.ATTEMPT_STARTING)]
    assert len(numbers) == len(set(numbers)), "attempts count on"
    return recorded


async def test_a_run_that_is_cut_anywhere_ends_as_if_it_had_not_been(scaled: Callable[[int], int]) -> None:
    """Every prefix of what is recorded, and a second cut somewhere in what followed; no settled step runs again."""
    for seed in range(scaled(120)):
        drawn, compiled = draw(seed)
        whole = await undisturbed(drawn, compiled)
        expected = ending(whole)
        for length in range(1, len(whole.sink.events)):
            recorded = await take_up(drawn, compiled, whole.sink.events[:length])
            assert ending(recorded) == expected, f"seed {seed}, cut after {length} events"
            second = Random(f"{seed}/{length}").randrange(length, len(recorded.sink.events))
            twice = await take_up(drawn, compiled, recorded.sink.events[:second])
            assert ending(twice) == expected, f"seed {seed}, cut after {length} and then {second} events"


async def test_the_plans_that_are_cut_are_of_every_kind(scaled: Callable[[int], int]) -> None:
    """Retries, skips, failures, aborts and `finally` all stand in what is cut."""
    seen: set[str] = set()
    for seed in range(max(60, scaled(120))):
        whole = await undisturbed(*draw(seed))
        seen |= {str(event.data["status"]) for event in whole.sink.of(EventKind.STEP_FINISHED)}
        seen |= {str(event.data["reason"]) for event in whole.sink.of(EventKind.STEP_FINISHED)}
        seen |= {
            whole.sink.events[-1].kind.value,
            *(event.kind.value for event in whole.sink.of(EventKind.STEP_WAITING)),
        }
    wanted = {"succeeded", "failed", "skipped", "canceled", "run.succeeded", "run.failed", "step.waiting"}
    reasons = {Reason.ABORTED, Reason.DEPENDENCY_FAILED, Reason.CONDITION_FALSE, Reason.SKIP_IF, Reason.FALLBACK}
    assert wanted | reasons | {Reason.ITEMS_FAILED, Reason.REPEAT_EXHAUSTED, Reason.BRANCH_NOT_CHOSEN} <= seen

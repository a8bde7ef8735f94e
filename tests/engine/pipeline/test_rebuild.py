"""Cut anywhere, a run that is taken up ends as if nothing had happened: random plans, every prefix of what they recorded."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from engine.model.event import Event, EventKind
from engine.model.states import Reason
from engine.pipeline.clock import SystemClock
from engine.pipeline.request import RunRequest, Services
from engine.pipeline.runner import run_plan
from engine.plan.load import load_plan
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
        self.ran: list[str] = []

    async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        assert not self._sink.of(EventKind.STEP_FINISHED, spec.step_id), f"{spec.step_id} runs after its end"
        self.ran.append(spec.step_id)
        tries = 1 + len(self._sink.of(EventKind.STEP_WAITING, spec.step_id))
        for _ in range(self._while.randint(0, 5)):
            await asyncio.sleep(0)
        return outcome(Random(f"{self._fates}/{spec.step_id}/{tries}"))


def draw(seed: int) -> tuple[DrawnPlan, CompiledPlan]:
    """A plan of idempotent steps with `finally`. A failure aborts only where one step runs at a time.

    Otherwise chance decides which of the others had already begun, and no two runs are alike.
    """
    random = Random(seed)
    aborts = random.random() < 0.4
    drawn = draw_plan(random, most=6, aborts=aborts)
    document = json.loads(drawn.compiled().document)
    if aborts:
        document["globals"]["max_concurrency"] = 1
        document["strategy"] = "serial"
    document["finally"] = [
        {"id": f"f{n}", "step_def": {"type": "command", "command": "true"}, "retries": n} for n in range(random.randint(0, 2))
    ]  # fmt: skip
    for step in (*document["steps"], *document["finally"]):
        step |= {"idempotent": True, "backoff": {"initial_sec": 0, "jitter": False}}
    document["compose"] = {step["id"]: f"{{{step['id']}.status}}" for step in document["finally"] + document["steps"]}
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
    """All that the end of a run is, but for times and how many attempts were lost on the way."""
    final = recorded.sink.events[-1]
    steps: dict[str, Json] = {}
    for event in recorded.sink.of(EventKind.STEP_FINISHED):
        assert event.step_id not in steps, "settled twice"
        left_out = ("attempts", "started_at_us", "duration_us")
        steps[str(event.step_id)] = {name: value for name, value in event.data.items() if name not in left_out}
    stages: dict[str, Json] = {
        str(event.stage): [event.data["status"], _without_duration(event.data["output"])]
        for event in recorded.sink.of(EventKind.STAGE_FINISHED)
    }
    cause, counts = final.data["first_cause"], final.data["steps"]
    return {"kind": final.kind.value, "cause": cause, "counts": counts, "steps": steps, "stages": stages}


def _without_duration(output: Json) -> Json:
    assert isinstance(output, dict)
    return {name: value for name, value in output.items() if name != "duration_ms"}


async def take_up(drawn: DrawnPlan, compiled: CompiledPlan, events: Sequence[Event]) -> Recorded:
    """The rest of the run, with another engine."""
    sink = MemorySink()
    recorded = await resume_events(compiled, stored(events), sink=sink, executor=Fates(drawn, sink))
    numbers = [(event.step_id, event.attempt) for event in sink.of(EventKind.ATTEMPT_STARTING)]
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
    assert wanted | {Reason.ABORTED, Reason.DEPENDENCY_FAILED, Reason.CONDITION_FALSE, Reason.SKIP_IF} <= seen

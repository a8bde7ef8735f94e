"""Items, iterations and fallbacks, cut anywhere: what is taken up ends as if nothing had happened, and nothing is done twice."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from engine.model.event import EventKind
from engine.model.result import AttemptOutcome
from engine.model.states import Reason, StepStatus
from engine.pipeline.clock import SystemClock
from engine.pipeline.request import RunRequest, Services
from engine.pipeline.runner import run_plan
from engine.plan.load import load_plan
from engine.steps.secrets import SecretBox
from tests.engine.pipeline.recording import RUN_ID, MemorySink, Recorded, resume_events
from tests.engine.pipeline.test_rebuild import stored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.model.event import Event
    from engine.model.json import Json, JsonObject
    from engine.plan.compiled import CompiledPlan
    from engine.ports import AttemptObserver, AttemptSpec

Key = tuple[str, int | None]


class Fates:
    """Ends every try of a step or an item as chance has it, which is asked by its name and number alone.

    Fails on a unit that runs though its end is on record. Implements `engine.ports.Executor`.
    """

    def __init__(self, seed: int, sink: MemorySink) -> None:
        self._seed = seed
        self._sink = sink
        self._while = Random(seed)

    async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        mine = [e for e in self._sink.events if (e.step_id, e.item_index) == (spec.step_id, spec.item_index)]
        assert all(e.kind is not EventKind.STEP_FINISHED for e in mine), f"{spec.step_id} runs after its end"
        tries = 1 + sum(e.kind is EventKind.STEP_WAITING for e in mine)
        for _ in range(self._while.randint(0, 4)):
            await asyncio.sleep(0)
        random = Random(f"{self._seed}/{spec.step_id}/{spec.item_index}/{tries}")
        if random.random() < 0.65:
            data: Json = {"n": random.randint(0, 3), "list": [*range(random.randint(0, 3))]}
            return AttemptOutcome(StepStatus.SUCCEEDED, exit_code=0, data=data)
        reason = random.choice([Reason.EXIT_CODE, Reason.EXCEPTION, Reason.HTTP_STATUS])
        error: JsonObject | None = {"type": "E", "message": "m"} if reason is Reason.EXCEPTION else None
        return AttemptOutcome(StepStatus.FAILED, reason, "it went wrong", exit_code=1, error=error)


def draw(seed: int) -> CompiledPlan:
    """A plan of idempotent steps that loop, repeat, stand in for each other and go on after failures."""
    random = Random(seed)
    steps: list[JsonObject] = []
    extra: list[JsonObject] = []
    for number in range(random.randint(2, 5)):
        before = [str(step["id"]) for step in steps]
        depends: list[Json] = [*random.sample(before, min(len(before), random.randint(0, 2)))]
        step: JsonObject = {
            "id": f"s{number}",
            "depends_on": depends,
            "retries": random.randint(0, 2),
            "on_failure": random.choice(["continue", "skip_dependents"]),
            "critical": random.random() < 0.2,
        }
        if random.random() < 0.5:
            field = "list" if random.random() < 0.6 else "n"
            found = f"{{{depends[0]}.data.{field} ?? [7]}}" if depends and random.random() < 0.6 else None
            step["for_each"] = found or [1, "b", None]
        if random.random() < 0.4:
            step["repeat"] = {"until": "item.data.n >= 2", "max": random.randint(1, 3), "delay_sec": 0}
        if random.random() < 0.4:
            step |= {"on_failure": "fallback_step", "fallback_step": f"fb{number}"}
            fallback: JsonObject = {"id": f"fb{number}", "retries": random.randint(0, 1)}
            if random.random() < 0.4:
                fallback["for_each"] = [1, 2]
            extra.append(fallback)
        steps.append(step)
    last: list[JsonObject] = [{"id": "f0", "for_each": [1, 2], "on_failure": "continue"}] if seed % 3 == 0 else []
    for step in (*steps, *extra, *last):
        step |= {
            "step_def": {"type": "command", "command": "true"},
            "idempotent": True,
            "backoff": {"initial_sec": 0, "jitter": False},
        }
    document = {
        "plan_id": "drawn",
        # A fallback that fails aborts the run, and then chance decides which of the others had begun already.
        "strategy": "serial" if extra else "auto",
        "globals": {"max_concurrency": 3},
        "steps": random.sample([*steps, *extra], len(steps) + len(extra)),
        **({"finally": last} if last else {}),
        "compose": {str(step["id"]): f"{{{step['id']}.status}}" for step in steps},
    }
    return load_plan(json.dumps(document).encode(), name="drawn.json")


async def undisturbed(seed: int, compiled: CompiledPlan) -> Recorded:
    """The run as it goes when nothing happens to its engine."""
    sink, secrets = MemorySink(), SecretBox()
    request = RunRequest(compiled, {}, RUN_ID, Path(), Path(), {}, "operator:test", "engine-test")
    services = Services(sink, secrets, Fates(seed, sink), SystemClock(), lambda: 0.0)
    return Recorded(await run_plan(request, services), sink)


def ending(recorded: Recorded) -> dict[str, Json]:
    """What became of every step and item, but for times, lost attempts and the order in which failures came."""
    ends: dict[str, Json] = {}
    for event in recorded.sink.of(EventKind.STEP_FINISHED):
        key = f"{event.step_id}[{event.item_index}]"
        assert key not in ends, f"{key} is settled twice"
        left_out = ("attempts", "started_at_us", "duration_us", "message")
        ends[key] = _untimed({name: value for name, value in event.data.items() if name not in left_out})
    return {"kind": recorded.sink.events[-1].kind.value, "ends": ends, "composed": recorded.outcome.composed}


def _untimed(value: Json) -> Json:
    if isinstance(value, dict):
        return {
            name: _untimed(one) for name, one in value.items() if name not in ("duration_us", "attempts", "message")
        }
    return [_untimed(one) for one in value] if isinstance(value, list) else value


async def take_up(seed: int, compiled: CompiledPlan, events: Sequence[Event]) -> Recorded:
    """The rest of the run, with another engine."""
    sink = MemorySink()
    recorded = await resume_events(compiled, stored(events), sink=sink, executor=Fates(seed, sink))
    numbers = [(e.step_id, e.item_index, e.attempt) for e in sink.of(EventKind.ATTEMPT_STARTING)]
    assert len(numbers) == len(set(numbers)), "attempts count on"
    return recorded


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_what_is_cut_anywhere_ends_as_if_it_had_not_been(scaled: Callable[[int], int]) -> None:
    for seed in range(scaled(150)):
        compiled = draw(seed)
        whole = await undisturbed(seed, compiled)
        expected = ending(whole)
        for length in range(1, len(whole.sink.events)):
            recorded = await take_up(seed, compiled, whole.sink.events[:length])
            assert ending(recorded) == expected, f"seed {seed}, cut after {length} events"
            second = Random(f"{seed}/{length}").randrange(length, len(recorded.sink.events))
            twice = await take_up(seed, compiled, recorded.sink.events[:second])
            assert ending(twice) == expected, f"seed {seed}, cut after {length} and then {second} events"


async def test_the_plans_that_are_cut_are_of_every_kind() -> None:
    seen: set[str] = set()
    for seed in range(60):
        whole = await undisturbed(seed, draw(seed))
        for event in whole.sink.events:
            if event.kind is EventKind.STEP_FINISHED:
                seen |= {str(event.data["status"]), str(event.data["reason"]), f"item {event.item_index is not None}"}
            if event.kind is EventKind.STEP_WAITING:
                seen |= {f"waits {event.data['reason']}"}
        seen |= {whole.sink.events[-1].kind.value}
    wanted = {"fallback", "not_needed", "items_failed", "repeat_exhausted", "bad_items", "item True", "run.failed"}
    assert wanted | {"waits retry", "waits repeat", "waits fallback", "run.succeeded", "dependency_failed"} <= seen

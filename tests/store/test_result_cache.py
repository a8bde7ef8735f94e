"""Results that are kept: used again while nothing that they depend on changes, and never when they failed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from engine.model.event import EventKind
from engine.model.states import Reason, StepStatus
from store import queries
from store.integrity.verify import rebuild, verify
from tests.store.programs import EngineDiedError, Program

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.json import Json, JsonObject
    from store.rows import StepRow

PLAN = """
plan_id: kept
params: {word: {type: string, default: one}, fail: {type: boolean, default: false}}
steps:
  - id: count
    cache: {ttl_sec: 600}
    idempotent: true
    step_def: {type: tool, tool: count, args: {word: "{params.word}", fail: "{params.fail}"}}
    on_failure: continue
compose: {n: "{count.data.n}"}
"""


class Counter:
    """A tool that says how often it was called."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, word: str, fail: bool = False) -> JsonObject:
        self.calls += 1
        if fail:
            raise ValueError("told to fail")
        return {"n": self.calls, "word": word}


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def program(tmp_path: Path, counter: Counter) -> Program:
    program = Program(tmp_path, {"count": counter})
    program.write("kept.yaml", PLAN)
    return program


def step_of(program: Program, run_id: str) -> StepRow:
    with program.reader() as reader:
        step = reader.run(queries.step_by_id(run_id, "count"))
    assert step is not None
    return step


def cache_of(program: Program, run_id: str, kind: EventKind) -> JsonObject:
    """What the event says of the cache."""
    with program.reader() as reader:
        (event,) = [e for e in reader.run(queries.step_events(run_id, "count")) if e.kind is kind]
    cache = json.loads(event.data)["cache"]
    assert isinstance(cache, dict)
    return cache


async def test_the_same_inputs_find_the_result(program: Program, counter: Counter) -> None:
    first, second = await program.run("kept.yaml"), await program.run("kept.yaml")
    assert (counter.calls, first.composed, second.composed) == (1, {"n": 1}, {"n": 1})
    step = step_of(program, second.run_id)
    assert (step.status, step.reason, step.attempts) == (StepStatus.SUCCEEDED, Reason.CACHE_HIT, 0)
    said = cache_of(program, second.run_id, EventKind.STEP_FINISHED)
    assert said["state"] == "hit"
    assert isinstance(found := said["from"], dict)
    assert found["run_id"] == first.run_id
    third = await program.run("kept.yaml")
    said = cache_of(program, third.run_id, EventKind.STEP_FINISHED)
    assert isinstance(found := said["from"], dict)
    assert found["run_id"] == first.run_id, "a result that was found does not become newer by that"


async def test_another_input_is_named(program: Program, counter: Counter) -> None:
    first, second = await program.run("kept.yaml"), await program.run("kept.yaml", {"word": "two"})
    assert counter.calls == 2
    missed = cache_of(program, first.run_id, EventKind.ATTEMPT_STARTING)
    assert (missed["state"], missed["from"], missed["differs"]) == ("miss", None, [])
    missed = cache_of(program, second.run_id, EventKind.ATTEMPT_STARTING)
    assert (missed["state"], missed["differs"]) == ("miss", ["definition.calls"])


async def test_a_failure_is_not_kept(program: Program, counter: Counter) -> None:
    for _ in range(2):
        await program.run("kept.yaml", {"fail": True})
    assert counter.calls == 2
    with closing(sqlite3.connect(program.path)) as connection:
        assert connection.execute("SELECT count(*) FROM result_cache").fetchone() == (0,)


async def test_a_result_that_is_too_old_is_made_anew(program: Program, counter: Counter) -> None:
    await program.run("kept.yaml")
    program.write("kept.yaml", PLAN.replace("ttl_sec: 600", "ttl_sec: 0.000001"))
    second = await program.run("kept.yaml")
    assert (counter.calls, second.composed) == (2, {"n": 2})
    assert cache_of(program, second.run_id, EventKind.ATTEMPT_STARTING)["state"] == "expired"


async def test_a_result_is_kept_though_its_engine_died_before(program: Program, counter: Counter) -> None:
    """The key that was asked for is read back from the lost attempt."""
    with pytest.raises(EngineDiedError):
        await program.run("kept.yaml", dies=lambda event: event.kind is EventKind.ATTEMPT_FINISHED)
    with program.reader() as reader:
        (run,) = reader.run(queries.runs_page())
    resumed = await program.resume(run.run_id)
    assert (resumed.composed, counter.calls) == ({"n": 2}, 2)
    again = await program.run("kept.yaml")
    assert (again.composed, counter.calls) == ({"n": 2}, 2)


async def test_each_item_has_a_result_of_its_own(program: Program, counter: Counter) -> None:
    program.write(
        "items.yaml",
        """
plan_id: items
params: {words: {type: array, default: [a, b]}}
steps:
  - id: count
    for_each: "{params.words}"
    cache: {ttl_sec: 600}
    step_def: {type: tool, tool: count, args: {word: "{item}"}}
compose: {words: "{count.data}"}
""",
    )
    first = await program.run("items.yaml")
    assert counter.calls == 2
    assert isinstance(first.composed, dict)
    kept = first.composed["words"]  # either item may have been called first
    assert isinstance(kept, list)
    again = await program.run("items.yaml", {"words": ["b", "c", "a"]})
    assert counter.calls == 3
    new: Json = {"n": 3, "word": "c"}
    assert again.composed == {"words": [kept[1], new, kept[0]]}


async def test_what_is_kept_can_be_made_anew_from_the_events(program: Program) -> None:
    await program.run("kept.yaml")
    assert verify(program.path).findings == ()
    with closing(sqlite3.connect(program.path)) as connection, connection:
        connection.execute("DELETE FROM result_cache")
    assert [finding.message[:12] for finding in verify(program.path).findings] == ["result_cache"]
    rebuild(program.path)
    assert verify(program.path).findings == ()

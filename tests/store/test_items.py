"""Items in the file: their rows, what a dead engine leaves of them, and what somebody decides about those in doubt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from engine.errors import WaitingError
from engine.model.event import EventKind
from engine.model.states import RunStatus, StepStatus
from engine.pipeline.decisions import Decision
from store import queries
from store.integrity.verify import verify
from tests.store.programs import EngineDiedError, Program

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.event import Event

PLAN = """
plan_id: items
strategy: dag
steps:
  - id: each
    for_each: [a, b, c, d]
    idempotent: IDEMPOTENT
    step_def: {type: tool, tool: note, args: {what: "{item}"}}
    on_failure: continue
compose: {data: "{each.data}", status: "{each.status}"}
"""


class Notes:
    """A tool that remembers what it was told. It answers the first two at once, the others when those are on record."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.two_are_done = asyncio.Event()
        self.is_calm = False

    async def __call__(self, what: str) -> str:
        self.taken.append(what)
        if what in "cd" and not self.is_calm:
            async with asyncio.timeout(30):
                await self.two_are_done.wait()
        return what.upper()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def program(tmp_path: Path, notes: Notes) -> Program:
    return Program(tmp_path, {"note": notes})


async def lost(program: Program, notes: Notes, *, idempotent: bool) -> str:
    """A run whose engine died with two items done and two under way."""
    program.write("items.yaml", PLAN.replace("IDEMPOTENT", str(idempotent).lower()))

    done: set[int | None] = set()

    def dies(event: Event) -> bool:
        if event.kind is EventKind.STEP_FINISHED:
            done.add(event.item_index)
        if done == {0, 1}:
            notes.two_are_done.set()
        return event.kind is EventKind.ATTEMPT_FINISHED and event.item_index in (2, 3)

    with pytest.raises(EngineDiedError):
        await program.run("items.yaml", dies=dies)
    notes.is_calm = True
    with program.reader() as reader:
        (run,) = reader.run(queries.runs_page())
    return run.run_id


def statuses(program: Program, run_id: str) -> list[str]:
    """Of the step, then of its items."""
    with program.reader() as reader:
        return [row.status.value for row in reader.run(queries.steps_page(run_id))]


async def test_every_item_has_a_row_and_a_result(program: Program, notes: Notes) -> None:
    notes.is_calm = True
    program.write("items.yaml", PLAN.replace("IDEMPOTENT", "false"))
    outcome = await program.run("items.yaml")
    assert outcome.composed == {"data": ["A", "B", "C", "D"], "status": "succeeded"}
    assert statuses(program, outcome.run_id) == ["succeeded"] * 5
    with program.reader() as reader:
        items = reader.run(queries.items_page(outcome.run_id, "each"))
        one = reader.run(queries.step_result(outcome.run_id, "each", item_index=2))
        whole = reader.run(queries.step_result(outcome.run_id, "each"))
        run = reader.run(queries.run_by_id(outcome.run_id))
        keys = [reader.run(queries.attempts_of(outcome.run_id, "each", item_index=n))[0].starting for n in range(4)]
    assert [item.item_index for item in items] == [0, 1, 2, 3]
    assert one is not None
    assert one["data"] == "C"
    assert whole is not None
    assert isinstance(heads := whole["items"], list)
    assert len(heads) == 4
    assert run is not None
    assert (run.steps_done, run.steps_total) == (1, 1), "an item is no step"
    assert len({str(starting["idempotency_key"]) for starting in keys}) == 4
    assert verify(program.path).findings == ()


async def test_the_step_runs_while_its_items_do(program: Program, notes: Notes) -> None:
    run_id = await lost(program, notes, idempotent=False)
    assert statuses(program, run_id) == ["running", "succeeded", "succeeded", "running", "running"]
    assert await program.recover(run_id) is EventKind.RUN_QUARANTINED
    assert statuses(program, run_id) == ["quarantined", "succeeded", "succeeded", "quarantined", "quarantined"]
    assert verify(program.path).findings == ()


async def test_items_that_may_be_run_again_are(program: Program, notes: Notes) -> None:
    run_id = await lost(program, notes, idempotent=True)
    assert await program.recover(run_id) is EventKind.RUN_PAUSED
    assert statuses(program, run_id)[0] == "waiting"
    outcome = await program.resume(run_id)
    assert outcome.composed == {"data": ["A", "B", "C", "D"], "status": "succeeded"}
    assert sorted(notes.taken) == ["a", "b", "c", "c", "d", "d"]
    assert verify(program.path).findings == ()


@pytest.mark.parametrize(
    ("decision", "composed", "taken"),
    [
        (Decision.RETRY, {"data": ["A", "B", "C", "D"], "status": "succeeded"}, 6),
        (Decision.SUCCEEDED, {"data": ["A", "B", None, None], "status": "succeeded"}, 4),
        (Decision.SKIP, {"data": ["A", "B", None, None], "status": "succeeded"}, 4),
    ],
)
async def test_a_decision_is_about_all_items_in_doubt(
    program: Program, notes: Notes, decision: Decision, composed: dict[str, object], taken: int
) -> None:
    run_id = await lost(program, notes, idempotent=False)
    await program.recover(run_id)
    with pytest.raises(WaitingError):
        await program.resume(run_id)
    outcome = await program.resume(run_id, {"each": decision})
    assert (outcome.status, outcome.composed, len(notes.taken)) == (RunStatus.SUCCEEDED, composed, taken)
    assert StepStatus.QUARANTINED.value not in statuses(program, run_id)
    assert verify(program.path).findings == ()

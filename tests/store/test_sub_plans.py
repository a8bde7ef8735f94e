"""Plans that run plans: child runs in the same file, canceled with their parent, taken up with it, never run twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from engine.model.event import EventKind
from engine.model.states import Reason, RunStatus, StepStatus
from store import queries
from store.integrity.verify import verify
from tests.store.programs import EngineDiedError, Program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engine.model.event import Event
    from store.rows import RunRow, StepRow

PARENT = """
plan_id: parent
params: {word: {type: string, default: hi}}
steps:
  - {id: before, step_def: {type: tool, tool: note, args: {what: before}}}
  - {id: sub, depends_on: [before], step_def: {type: plan, plan: ./child.yaml, params: {word: "{params.word}"}}}
  - {id: after, depends_on: [sub], step_def: {type: tool, tool: note, args: {what: after}}}
compose: {said: "{sub.data.said}"}
"""
CHILD = """
plan_id: child
params: {word: {type: string}}
steps:
  - {id: one, idempotent: true, step_def: {type: tool, tool: note, args: {what: "{params.word}"}}}
  - {id: two, idempotent: true, depends_on: [one], step_def: {type: tool, tool: note, args: {what: two}}}
finally: [{id: tidy, step_def: {type: tool, tool: note, args: {what: tidy}}}]
compose: {said: "{one.data}"}
"""


class Notes:
    """A tool that remembers what it was told; it hangs at `hang`, fails at `fail`."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.hanging = asyncio.Event()

    async def __call__(self, what: str) -> str:
        self.taken.append(what)
        if what == "hang":
            self.hanging.set()
            await asyncio.Event().wait()
        if what == "fail":
            raise ValueError("told to fail")
        return what


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def program(tmp_path: Path, notes: Notes) -> Program:
    program = Program(tmp_path, {"note": notes})
    program.write("parent.yaml", PARENT)
    program.write("child.yaml", CHILD)
    return program


def runs(program: Program) -> dict[str, RunRow]:
    """Every run by its plan; the newest where there are several."""
    with program.reader() as reader:
        found = reader.run(queries.runs_page())
    return {run.plan_id: run for run in found[::-1]}


def step_of(program: Program, run_id: str, step_id: str = "sub") -> StepRow:
    with program.reader() as reader:
        step = reader.run(queries.step_by_id(run_id, step_id))
    assert step is not None
    return step


def ends(step_id: str) -> Callable[[Event], bool]:
    """The engine dies before the end of an attempt of the step is recorded."""

    def dies(event: Event) -> bool:
        return event.kind is EventKind.ATTEMPT_FINISHED and event.step_id == step_id

    return dies


async def test_a_plan_as_a_step(program: Program, notes: Notes) -> None:
    outcome = await program.run("parent.yaml")
    assert (outcome.status, outcome.composed) == (RunStatus.SUCCEEDED, {"said": "hi"})
    assert notes.taken == ["before", "hi", "two", "tidy", "after"]
    child = runs(program)["child"]
    assert (child.parent_run_id, child.parent_step_id, child.status) == (outcome.run_id, "sub", RunStatus.SUCCEEDED)
    with program.reader() as reader:
        assert reader.run(queries.children_of(outcome.run_id)) == [("sub", child.run_id)]
        last = reader.run(queries.last_run())
    assert last is not None
    assert last.run_id == outcome.run_id, "the newest run is the one that somebody asked for"
    assert verify(program.path).findings == ()


async def test_its_failure_is_the_step_s_and_says_of_what(program: Program, notes: Notes) -> None:
    outcome = await program.run("parent.yaml", {"word": "fail"})
    assert outcome.status is RunStatus.FAILED
    step = step_of(program, outcome.run_id)
    assert (step.status, step.reason) == (StepStatus.FAILED, Reason.SUB_PLAN_FAILED)
    assert "one: " in step.message
    assert "told to fail" in step.message
    assert runs(program)["child"].run_id in step.message
    assert notes.taken == ["before", "fail", "tidy"]


async def test_a_cancel_goes_down(program: Program, notes: Notes) -> None:
    """The child is canceled and cleans up, then its parent is."""
    task = asyncio.create_task(program.run("parent.yaml", {"word": "hang"}))
    await notes.hanging.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert notes.taken == ["before", "hang", "tidy"]
    assert [run.status for run in runs(program).values()] == [RunStatus.CANCELED] * 2
    assert verify(program.path).findings == ()


async def test_its_time_is_limited(program: Program, notes: Notes) -> None:
    program.write("parent.yaml", PARENT.replace("step_def: {type: plan", "timeout_sec: 0.2, step_def: {type: plan"))
    outcome = await program.run("parent.yaml", {"word": "hang"})
    step = step_of(program, outcome.run_id)
    assert (step.status, step.reason) == (StepStatus.FAILED, Reason.TIMED_OUT)
    assert notes.taken == ["before", "hang", "tidy"]
    assert runs(program)["child"].status is RunStatus.CANCELED


@pytest.mark.parametrize(
    ("step_id", "taken"),
    [
        ("one", ["before", "hi", "hi", "two", "tidy", "after"]),
        ("two", ["before", "hi", "two", "two", "tidy", "after"]),
    ],
)
async def test_an_unfinished_child_is_taken_up_with_its_parent(
    program: Program, notes: Notes, step_id: str, taken: list[str]
) -> None:
    """No second run of it, and what it had finished is not done again."""
    with pytest.raises(EngineDiedError):
        await program.run("parent.yaml", dies=ends(step_id))
    before = runs(program)
    assert {run.status for run in before.values()} == {RunStatus.RUNNING}
    outcome = await program.resume(before["parent"].run_id)
    assert (outcome.status, outcome.composed) == (RunStatus.SUCCEEDED, {"said": "hi"})
    assert notes.taken == taken
    with program.reader() as reader:
        assert len(reader.run(queries.runs_page())) == 2
    child = runs(program)["child"]
    assert (child.run_id, child.status) == (before["child"].run_id, RunStatus.SUCCEEDED)
    assert step_of(program, outcome.run_id).attempts == 2
    assert verify(program.path).findings == ()


async def test_a_child_that_had_its_end_is_not_run_again(program: Program, notes: Notes) -> None:
    """The engine dies between the end of the child and that of the step."""
    with pytest.raises(EngineDiedError):
        await program.run("parent.yaml", dies=ends("sub"))
    assert runs(program)["child"].status is RunStatus.SUCCEEDED
    outcome = await program.resume(runs(program)["parent"].run_id)
    assert outcome.composed == {"said": "hi"}
    assert notes.taken == ["before", "hi", "two", "tidy", "after"]


async def test_a_child_that_was_never_made_is_made_on_resume(program: Program, notes: Notes) -> None:
    """The engine dies when the child is about to exist."""
    with pytest.raises(EngineDiedError):
        await program.run(
            "parent.yaml", dies=lambda e: e.kind is EventKind.RUN_CREATED and e.data["plan_id"] == "child"
        )
    assert list(runs(program)) == ["parent"]
    outcome = await program.resume(runs(program)["parent"].run_id)
    assert outcome.composed == {"said": "hi"}
    assert notes.taken == ["before", "hi", "two", "tidy", "after"]


async def test_a_child_that_somebody_has_to_decide_about(program: Program, notes: Notes) -> None:
    """The step says which run waits; nothing of it is done twice on a guess."""
    program.write("child.yaml", CHILD.replace("{id: one, idempotent: true", "{id: one, idempotent: false"))
    with pytest.raises(EngineDiedError):
        await program.run("parent.yaml", dies=ends("one"))
    outcome = await program.resume(runs(program)["parent"].run_id)
    step = step_of(program, outcome.run_id)
    assert (step.status, step.reason) == (StepStatus.FAILED, Reason.SUB_PLAN_FAILED)
    assert "waits for a decision" in step.message
    assert notes.taken == ["before", "hi"]


async def test_plans_that_run_each_other_come_to_an_end(program: Program) -> None:
    program.write("loop.yaml", "plan_id: loop\nsteps: [{id: again, step_def: {type: plan, plan: ./loop.yaml}}]")
    outcome = await program.run("loop.yaml")
    assert outcome.status is RunStatus.FAILED
    with program.reader() as reader:
        assert len(reader.run(queries.runs_page())) == 9
    assert "more than 8 plans" in step_of(program, outcome.run_id, "again").message


async def test_a_lock_that_its_parent_holds_is_no_deadlock(program: Program) -> None:
    program.write("parent.yaml", PARENT + "locks: [stock]\n")
    program.write("child.yaml", CHILD + "locks: [stock]\n")
    outcome = await program.run("parent.yaml")
    assert outcome.status is RunStatus.FAILED
    assert "stock, which this run holds" in step_of(program, outcome.run_id).message


async def test_a_plan_that_is_not_there(program: Program) -> None:
    (program.folder / "child.yaml").unlink()
    outcome = await program.run("parent.yaml")
    assert "cannot be run: there is no such file" in step_of(program, outcome.run_id).message


async def test_the_failure_of_a_plan_below_a_plan_is_told_once(program: Program) -> None:
    """The way down to the step that failed, then what it said: in the first cause, and at each step on the way."""
    program.write("top.yaml", "plan_id: top\nsteps: [{id: outer, step_def: {type: plan, plan: ./middle.yaml}}]")
    program.write(
        "middle.yaml",
        "plan_id: middle\nsteps: [{id: inner, step_def: {type: plan, plan: ./child.yaml, params: {word: fail}}}]",
    )
    outcome = await program.run("top.yaml")
    found = runs(program)
    first = found["child"].first_cause
    assert first is not None
    assert ("path" in first, "told to fail" in str(first["message"])) == (False, True)
    told = f"one: {first['message']} (in run {found['child'].run_id})"
    assert step_of(program, outcome.run_id, "outer").message == f"inner > {told}"
    assert step_of(program, found["middle"].run_id, "inner").message == told
    cause = found["top"].first_cause
    assert cause == outcome.first_cause
    assert cause is not None
    assert (cause["step_id"], cause["message"]) == ("outer", f"inner > {told}")
    assert cause["path"] == ["outer", "inner", "one"]
    with program.reader() as reader:
        (said,) = reader.run(queries.stage_remarks(outcome.run_id))[-1].errors
    assert said == f"outer > inner > {told}"

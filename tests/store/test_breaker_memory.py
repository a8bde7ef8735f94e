"""Breakers across runs: what one run learned of a tool, the next one heeds; critical steps wait for somebody."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from engine.errors import WaitingError
from engine.model.breaker import BreakerPhase
from engine.model.event import EventKind
from engine.model.states import Reason, RunMode, RunStatus, StepStatus
from engine.pipeline.decisions import Decision
from engine.ports import ControlRequest, ControlVerb
from store import queries
from store.integrity.verify import verify
from tests.store.programs import EngineDiedError, Program

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.breaker import BreakerState
    from store.rows import StepRow

PLAN = """
plan_id: fragile
globals: {breaker: {failures: 2, cooldown_sec: COOLDOWN}}
steps:
  - {id: ask, step_def: {type: tool, tool: ask}, retries: RETRIES, backoff: {initial_sec: 0}, critical: CRITICAL, on_failure: continue}
  - {id: after, depends_on: [ask], command: echo, args: ["{ask.status}"]}
finally: [{id: tidy, command: touch, args: [tidied]}]
compose: {ask: "{ask.status}", said: "{after.data}"}
"""


def plan(*, cooldown: str = "3600", critical: bool = False, retries: int = 1) -> str:
    """A critical step has no second try: with one it would wait for the breaker."""
    tries = 0 if critical else retries
    text = PLAN.replace("COOLDOWN", cooldown).replace("RETRIES", str(tries))
    return text.replace("CRITICAL", str(critical).lower())


class Fragile:
    """A tool that fails until it is mended."""

    def __init__(self) -> None:
        self.calls = 0
        self.is_mended = False

    async def __call__(self) -> str:
        self.calls += 1
        if not self.is_mended:
            raise ConnectionError("nobody answers")
        return "here"


@pytest.fixture
def tool() -> Fragile:
    return Fragile()


@pytest.fixture
def program(tmp_path: Path, tool: Fragile) -> Program:
    program = Program(tmp_path, {"ask": tool})
    program.write("fragile.yaml", plan())
    program.write("critical.yaml", plan(critical=True))
    return program


def breaker(program: Program) -> BreakerState:
    with program.reader() as reader:
        return reader.run(queries.breakers())["tool:ask"]


def step_of(program: Program, run_id: str, step_id: str = "ask") -> StepRow:
    with program.reader() as reader:
        step = reader.run(queries.step_by_id(run_id, step_id))
    assert step is not None
    return step


async def test_a_tool_that_failed_is_left_alone_by_the_next_run(program: Program, tool: Fragile) -> None:
    first = await program.run("fragile.yaml")
    assert (first.status, tool.calls) == (RunStatus.SUCCEEDED, 2)
    assert breaker(program).phase is BreakerPhase.OPEN
    program.write("fragile.yaml", plan(retries=0))
    second = await program.run("fragile.yaml")
    step = step_of(program, second.run_id)
    assert (tool.calls, step.status, step.reason, step.attempts) == (2, StepStatus.FAILED, Reason.BREAKER_OPEN, 0)
    assert second.composed == {"ask": "failed", "said": "failed"}
    assert verify(program.path).findings == ()


async def test_one_probe_closes_it(program: Program, tool: Fragile) -> None:
    await program.run("fragile.yaml")
    tool.is_mended = True
    program.write("fragile.yaml", plan(cooldown="0.000001"))
    second = await program.run("fragile.yaml")
    assert (tool.calls, step_of(program, second.run_id).status) == (3, StepStatus.SUCCEEDED)
    assert breaker(program).phase is BreakerPhase.CLOSED
    with program.reader() as reader:
        kinds = [e.kind for e in reader.run(queries.step_events(second.run_id, "ask")) if '"breaker"' in e.data]
    assert kinds == [EventKind.ATTEMPT_STARTING, EventKind.ATTEMPT_FINISHED], (
        "half open with the start, closed with the end"
    )


async def test_a_test_run_teaches_nothing(program: Program) -> None:
    await program.run("fragile.yaml", mode=RunMode.TEST)
    with program.reader() as reader:
        assert reader.run(queries.breakers()) == {}
    with closing(sqlite3.connect(program.path)) as connection:
        assert connection.execute("SELECT phase FROM breakers").fetchall() == [("open",)], "it stays a fact of that run"


async def quarantined(program: Program) -> str:
    """A run whose critical step nobody may try."""
    outcome = await program.run("critical.yaml")
    assert outcome.status is RunStatus.QUARANTINED
    with program.reader() as reader:
        run = reader.run(queries.run_by_id(outcome.run_id))
    assert run is not None
    assert (run.status, run.finished_at_us) == (RunStatus.QUARANTINED, None)
    step = step_of(program, outcome.run_id)
    assert (step.status, step.reason) == (StepStatus.QUARANTINED, Reason.BREAKER_OPEN)
    assert not (program.folder / "tidied").exists(), "a quarantine postpones finally"
    assert verify(program.path).findings == ()
    return outcome.run_id


async def open_breaker(program: Program) -> None:
    await program.run("fragile.yaml")
    (program.folder / "tidied").unlink()


async def test_a_critical_step_that_may_not_be_tried_waits_for_somebody(program: Program) -> None:
    await open_breaker(program)
    run_id = await quarantined(program)
    with pytest.raises(WaitingError, match="ask") as waiting:
        await program.resume(run_id)
    assert waiting.value.steps == ("ask",)


@pytest.mark.parametrize(("decision", "status"), [(Decision.SKIP, "skipped"), (Decision.SUCCEEDED, "succeeded")])
async def test_somebody_decides_without_the_tool(
    program: Program, tool: Fragile, decision: Decision, status: str
) -> None:
    await open_breaker(program)
    run_id = await quarantined(program)
    outcome = await program.resume(run_id, {"ask": decision})
    assert (outcome.status, tool.calls) == (RunStatus.SUCCEEDED, 2)
    assert outcome.composed == {"ask": status, "said": status}
    assert (program.folder / "tidied").exists()
    assert verify(program.path).findings == ()


async def test_somebody_has_it_tried_again(program: Program, tool: Fragile) -> None:
    """It waits for the breaker then, and the probe is its attempt."""
    program.write("fragile.yaml", plan(cooldown="1"))
    program.write("critical.yaml", plan(cooldown="1", critical=True))
    await open_breaker(program)
    run_id = await quarantined(program)
    tool.is_mended = True
    outcome = await program.resume(run_id, {"ask": Decision.RETRY})
    assert (outcome.status, outcome.composed, tool.calls) == (
        RunStatus.SUCCEEDED,
        {"ask": "succeeded", "said": "succeeded"},
        3,
    )
    assert verify(program.path).findings == ()


async def test_a_decision_to_try_again_outlives_another_engine(program: Program, tool: Fragile) -> None:
    """Its engine dies while it waits for the breaker: nobody is asked a second time."""
    program.write("fragile.yaml", plan(cooldown="1"))
    program.write("critical.yaml", plan(cooldown="1", critical=True))
    await open_breaker(program)
    run_id = await quarantined(program)
    tool.is_mended = True
    with pytest.raises(EngineDiedError):
        await program.resume(
            run_id, {"ask": Decision.RETRY}, dies=lambda event: event.kind is EventKind.ATTEMPT_STARTING
        )
    outcome = await program.resume(run_id)
    assert (outcome.status, tool.calls) == (RunStatus.SUCCEEDED, 3)


async def test_a_quarantined_run_can_be_canceled(program: Program) -> None:
    await open_breaker(program)
    run_id = await quarantined(program)
    outcome = await program.resume(run_id, cancel=ControlRequest(ControlVerb.CANCEL, "operator:ann"))
    assert outcome.status is RunStatus.CANCELED
    assert (program.folder / "tidied").exists()
    assert step_of(program, run_id).status is StepStatus.CANCELED

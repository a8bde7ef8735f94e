"""The loop between the core and the executor: what happens between a decision and the moment in which it is carried out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.model.event import EventKind
from engine.model.result import AttemptOutcome
from engine.model.states import Reason, RunStatus, StepStatus
from tests.engine.pipeline.recording import run_text

if TYPE_CHECKING:
    from pathlib import Path

    from engine.ports import AttemptObserver, AttemptSpec

PLAN = """
plan_id: p
steps:
  - {id: failing, command: x}
  - {id: first, command: x}
  - {id: second, command: x, depends_on: [first]}
"""


class Timed:
    """`failing` fails in the very turn of the loop in which `second` is launched, before that has taken a step.

    Implements `engine.ports.Executor`.
    """

    def __init__(self) -> None:
        self.first_is_over = asyncio.Event()
        self.second_ran = False

    async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        match spec.step_id:
            case "failing":
                await self.first_is_over.wait()
                await asyncio.sleep(0)
                return AttemptOutcome(StepStatus.FAILED, Reason.EXIT_CODE, "exit 1")
            case "first":
                self.first_is_over.set()
            case _:
                self.second_ran = True
                await asyncio.Event().wait()
        return AttemptOutcome(StepStatus.SUCCEEDED)


async def test_an_attempt_that_is_stopped_before_it_took_a_step_has_its_end_too(tmp_path: Path) -> None:
    executor = Timed()
    async with asyncio.timeout(20):
        recorded = await run_text(PLAN, tmp_path, executor=executor)
    assert recorded.outcome.status is RunStatus.FAILED
    assert not executor.second_ran, "otherwise this test is of something else"
    (ended,) = recorded.sink.of(EventKind.ATTEMPT_FINISHED, "second")
    assert (ended.data["status"], ended.data["reason"]) == ("canceled", "aborted")
    assert recorded.result("second")["status"] == "canceled"


async def test_no_attempt_takes_longer_than_its_step(tmp_path: Path) -> None:
    """Both end when the end was seen, not when all was worked out that follows from it, here for many steps at once."""
    many = "".join(
        f"  - {{id: s{n}, command: x, depends_on: [first], condition: first.attempts > 1}}\n" for n in range(400)
    )
    async with asyncio.timeout(60):
        recorded = await run_text(
            f"plan_id: p\nsteps:\n  - {{id: first, command: x}}\n{many}", tmp_path, executor=Timed()
        )
    (attempt,) = recorded.sink.of(EventKind.ATTEMPT_FINISHED, "first")
    (step,) = recorded.sink.of(EventKind.STEP_FINISHED, "first")
    tried_us, took_us = attempt.data["duration_us"], step.data["duration_us"]
    assert isinstance(tried_us, int)
    assert isinstance(took_us, int)
    assert tried_us <= took_us

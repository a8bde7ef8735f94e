"""A change of the plan that comes in the moment in which the last step ends: it is refused, or it is carried out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.result import AttemptOutcome
from engine.model.states import Reason, RunStatus, StepStatus
from engine.ports import ControlRequest, ControlVerb
from tests.engine.pipeline.recording import MemorySink, Operator, point_of, run_text
from tests.engine.pipeline.replan.runs import replans

if TYPE_CHECKING:
    from pathlib import Path

    from engine.ports import AttemptObserver, AttemptSpec

PLAN = """
plan_id: p
steps:
  - {id: one, command: 'true', idempotent: true}
  - {id: last, command: 'true', args: [a], depends_on: [one], idempotent: true, on_failure: skip_dependents}
"""


class EndsWhileAsked:
    """Ends the last step so many turns of the loop after an operator has changed it. Implements `engine.ports.Executor`."""

    def __init__(self, operator: Operator, turns: int, status: StepStatus) -> None:
        self._operator, self._turns, self._status = operator, turns, status

    async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        if spec.step_id == "one" or spec.pass_index:
            return AttemptOutcome(StepStatus.SUCCEEDED)
        patch: Any = {"last": {"args": ["b"]}}
        self._operator.say(ControlRequest(ControlVerb.REPLAN, "operator:ann", arguments={"patch": patch}))
        for _ in range(self._turns):
            await asyncio.sleep(0)
        return AttemptOutcome(self._status, Reason.EXIT_CODE if self._status is StepStatus.FAILED else None)


@pytest.mark.parametrize("status", [StepStatus.SUCCEEDED, StepStatus.FAILED])
@pytest.mark.parametrize("turns", range(8))
async def test_what_is_approved_is_carried_out(tmp_path: Path, turns: int, status: StepStatus) -> None:
    """Nobody is told that the plan is changed, and then it is not."""
    operator, sink = Operator(), MemorySink()
    executor = EndsWhileAsked(operator, turns, status)
    recorded = await run_text(PLAN, tmp_path, sink=sink, operator=operator, executor=executor)
    asked = replans(recorded)
    assert sink.events[-1].pass_index == len(asked)
    if asked:
        assert (asked[0]["decision"], recorded.outcome.status) == ("approved", RunStatus.SUCCEEDED)
    assert point_of(sink.events).ended is recorded.outcome.status

"""Decision and plan steps as the executor sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.bound import BoundDecision, BoundPlan
from engine.model.result import AttemptOutcome
from engine.model.states import OutputFormat, Reason, StepStatus
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from tests.engine.steps.support import RecordingObserver, RunningClock, attempt

if TYPE_CHECKING:
    from pathlib import Path

    from engine.ports import AttemptObserver, AttemptSpec


async def test_a_choice_is_data(tmp_path: Path) -> None:
    executor = LocalExecutor(SecretBox({"s": "s3cr3t-why"}), RunningClock())
    definition = BoundDecision("big", 0, "len(rows) > 10 s3cr3t-why")
    observer = RecordingObserver()
    outcome = await executor.run(attempt(definition, tmp_path, output=OutputFormat.JSON), observer)
    assert (outcome.status, outcome.data) == (
        StepStatus.SUCCEEDED,
        {"choice": "big", "rule": 0, "why": "len(rows) > 10 ***"},
    )
    assert observer.processes == [None]
    silent = await executor.run(attempt(definition, tmp_path, output=OutputFormat.NONE), RecordingObserver())
    assert (silent.status, silent.data) == (StepStatus.SUCCEEDED, None)


async def test_no_choice_fails(tmp_path: Path) -> None:
    executor = LocalExecutor(SecretBox(), RunningClock())
    outcome = await executor.run(attempt(BoundDecision(None, None, ""), tmp_path), RecordingObserver())
    assert (outcome.status, outcome.reason, outcome.data) == (StepStatus.FAILED, Reason.REFUSED, None)
    assert outcome.message == "no rule holds and there is no default; add a rule, or set default"


async def test_plans_are_run_by_whoever_can(tmp_path: Path) -> None:
    async def run(plan: BoundPlan, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        return AttemptOutcome(StepStatus.SUCCEEDED, data=[plan.plan, spec.step_id])

    spec = attempt(BoundPlan("child"), tmp_path)
    able = await LocalExecutor(SecretBox(), RunningClock(), sub_plans=run).run(spec, RecordingObserver())
    assert able.data == ["child", "step"]
    unable = await LocalExecutor(SecretBox(), RunningClock()).run(spec, RecordingObserver())
    assert (unable.status, unable.reason) == (StepStatus.FAILED, Reason.SUB_PLAN_FAILED)
    assert unable.message == "the plan 'child' cannot be run: this executor runs no sub-plans"

"""The named moments at which a test can end the engine: each is passed where its name says. And the shortest way to run a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.event import EventKind
from engine.model.states import RunStatus
from engine.pipeline.clock import SystemClock
from engine.pipeline.request import RunRequest, Services
from engine.pipeline.runner import run_plan
from engine.plan.load import load_plan
from engine.ports import FailurePoint
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from tests.engine.pipeline.recording import RUN_ID, MemorySink, run_text

if TYPE_CHECKING:
    from pathlib import Path


async def test_each_point_lies_where_its_name_says(tmp_path: Path) -> None:
    """Between the durable start of an attempt and the record of its process, around every commit, and before a finally step."""
    told: list[str] = []
    sink = MemorySink(
        on_event=lambda event: told.append(event.kind.value + (f" {event.step_id}" if event.step_id else ""))
    )
    text = "{plan_id: p, steps: [{id: work, command: 'true'}], finally: [{id: note, command: 'true'}]}"
    await run_text(text, tmp_path, sink=sink, checkpoint=lambda point: told.append(point.value))

    def around(step_id: str) -> list[str]:
        begin, end = told.index(f"attempt.starting {step_id}"), told.index(f"attempt.finished {step_id}")
        return told[begin - 1 : end]

    commit = ["before_commit", "after_commit"]
    assert around("work") == [
        "before_commit",
        "attempt.starting work",
        "after_commit",
        "before_spawn",
        "after_spawn",
        "before_commit",
        "attempt.started work",
        *commit[::-1],
    ]
    assert around("note")[3:6] == ["in_finally", "before_spawn", "after_spawn"]
    assert told[-3:] == ["before_commit", EventKind.RUN_SUCCEEDED.value, "after_commit"]
    assert {point.value for point in FailurePoint} <= set(told)


async def test_a_program_runs_a_plan_in_a_few_lines(tmp_path: Path) -> None:
    """Without an operator, locks or failure points there is nothing to say about them."""
    clock, secrets, sink = SystemClock(), SecretBox(), MemorySink()
    plan = load_plan(b"{plan_id: p, steps: [{id: work, command: echo, args: [hello]}]}", name="plan.yaml")
    request = RunRequest(plan, {}, RUN_ID, tmp_path, tmp_path, {"PATH": "/usr/bin:/bin"}, "operator:me", "engine-1")
    services = Services(sink, secrets, LocalExecutor(secrets, clock), clock, lambda: 0.0)
    outcome = await run_plan(request, services)
    assert outcome.status is RunStatus.SUCCEEDED
    assert sink.of(EventKind.STEP_FINISHED, "work")[0].data["data"] == "hello"

"""`answer_on_failure`: a run that has failed composes and presents what it has, and stays failed with its first cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.model.event import EventKind
from engine.model.states import RunStatus, Stage
from engine.plan.load import load_plan
from tests.engine.pipeline.recording import resume_events, run_text

if TYPE_CHECKING:
    from pathlib import Path

FAILING = """
plan_id: p
answer_on_failure: true
steps:
  - {id: found, command: echo, args: [three]}
  - {id: broken, command: 'false', depends_on: [found]}
  - {id: after, command: echo, args: [never], depends_on: [broken]}
compose: {found: "{found.data}", after: "{after.data.rows[0]}"}
present:
  - {type: markdown, text: "{compose.found}, then {compose.after}"}
"""


async def test_a_failed_run_gives_the_answer_that_it_has(tmp_path: Path) -> None:
    """What leads nowhere is null, with a warning; the cause is the step's."""
    recorded = await run_text(FAILING, tmp_path)
    assert recorded.outcome.status is RunStatus.FAILED
    assert (recorded.outcome.first_cause or {})["step_id"] == "broken"
    assert recorded.outcome.composed == {"found": "three", "after": None}
    diagnostics = recorded.output("compose")["diagnostics"]
    assert isinstance(diagnostics, dict)
    assert diagnostics["status"] == "warning"
    assert recorded.output("present")["result"] == {"blocks": [{"type": "markdown", "text": "three, then null"}]}
    final = recorded.sink.events[-1]
    assert (final.kind, final.data["first_cause"]) == (EventKind.RUN_FAILED, recorded.outcome.first_cause)


async def test_without_it_a_failed_run_ends_where_it_failed(tmp_path: Path) -> None:
    recorded = await run_text(FAILING.replace("answer_on_failure: true", ""), tmp_path)
    stages = [event.stage for event in recorded.sink.of(EventKind.STAGE_STARTED)]
    assert stages == [Stage.ROUTE_PLAN, Stage.VALIDATE, Stage.EXECUTE]


@pytest.mark.parametrize("stage", [Stage.EXECUTE, Stage.COMPOSE, Stage.PRESENT])
async def test_taken_up_between_its_stages_it_still_answers(tmp_path: Path, stage: Stage) -> None:
    """And is failed with the same cause."""
    whole = await run_text(FAILING, tmp_path)
    at = next(n for n, e in enumerate(whole.sink.events) if e.kind is EventKind.STAGE_FINISHED and e.stage is stage)
    taken = await resume_events(load_plan(FAILING.encode(), name="plan.yaml"), whole.sink.events[: at + 1])
    assert (taken.outcome.status, taken.outcome.first_cause) == (RunStatus.FAILED, whole.outcome.first_cause)
    assert taken.output("present") == whole.output("present") | {"duration_ms": taken.output("present")["duration_ms"]}
    assert taken.outcome.composed == whole.outcome.composed

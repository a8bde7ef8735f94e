"""What execute says of the execution plan: made for every run, small, and no reason to fail where it cannot be made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.model.event import EventKind
from engine.model.states import RunStatus
from tests.engine.pipeline.recording import run_text

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from engine.plan.compiled import CompiledPlan

PLAN = """
plan_id: p
steps:
  - {id: a, command: echo, args: [one]}
  - {id: b, for_each: [1, 2], command: echo, args: ["{item}"], depends_on: [a], output_mapping: {x: "{a.data}"}}
  - {id: none, for_each: [], command: echo}
compose: {b: "{b.data}"}
"""


async def test_a_trace_that_cannot_be_made_costs_the_picture_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(compiled: CompiledPlan) -> None:
        raise ZeroDivisionError("no groups")

    monkeypatch.setattr("engine.pipeline.stages.execute.orchestration_trace", breaks)
    recorded = await run_text(PLAN, tmp_path)
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    diagnostics = recorded.output("execute")["diagnostics"]
    assert isinstance(diagnostics, dict)
    assert diagnostics["status"] == "warning"
    assert diagnostics["warnings"] == ["the orchestration trace is minimal: ZeroDivisionError: no groups"]
    (built,) = recorded.sink.of(EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT)
    assert isinstance(trace := built.data["trace"], dict)
    assert (trace["tool_ids"], trace["execution_groups"]) == (["a", "b", "none"], [])


async def test_every_attempt_and_result_says_where_its_step_stands(tmp_path: Path) -> None:
    """Items too; and nothing to run for is flagged as empty."""
    recorded = await run_text(PLAN, tmp_path)
    for kind in (EventKind.ATTEMPT_STARTING, EventKind.STEP_FINISHED):
        for event in recorded.sink.of(kind):
            assert isinstance(place := event.data["orchestration"], dict)
            assert place["tool_id"] == event.step_id
            assert place["group_index"] == (1 if event.step_id == "b" else 0)
    assert recorded.sink.of(EventKind.STEP_FINISHED, "b")[0].item_index is not None
    diagnostics = recorded.output("execute")["diagnostics"]
    assert isinstance(diagnostics, dict)
    assert diagnostics["empty_flags"] == {"none": True}
    assert recorded.outcome.composed == {"b": ["1", "2"]}


async def test_the_trace_is_small(tmp_path: Path) -> None:
    """About 500 bytes a step, its ids, dependencies and mappings included."""
    steps = "\n".join(
        f"  - {{id: step_number_{n}, command: echo, args: [x]{f', depends_on: [step_number_{n - 1}]' if n else ''}}}"
        for n in range(100)
    )
    recorded = await run_text(f"plan_id: p\nsteps:\n{steps}\n", tmp_path)
    (built,) = recorded.sink.of(EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT)
    assert len(json.dumps(built.data, separators=(",", ":"))) / 100 < 500

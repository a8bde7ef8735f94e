"""A stage by itself: what it makes of an input, without the stages before it and without a trace of it anywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.model.stage import StageInput
from engine.model.states import DiagnosticsStatus, Stage
from engine.pipeline.clock import SystemClock
from engine.pipeline.request import RunRequest, Services
from engine.pipeline.single_stage import run_stage_alone
from engine.plan.load import load_plan
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from tests.engine.pipeline.recording import RUN_ID, MemorySink

if TYPE_CHECKING:
    from pathlib import Path

PLAN = b"""
plan_id: alone
steps: [{id: say, command: echo, args: [hello]}]
compose: {word: "{say.data}"}
present: [{type: markdown, text: "it said {compose.word}"}]
"""


def services(sink: MemorySink) -> Services:
    """Everything real, but for a sink that shows what reaches it."""
    box, clock = SecretBox(), SystemClock()
    return Services(sink=sink, secrets=box, executor=LocalExecutor(box, clock), clock=clock, jitter=lambda: 0.0)


def request(folder: Path) -> RunRequest:
    """The plan in a folder."""
    return RunRequest(
        plan=load_plan(PLAN, name="alone.yaml"),
        params={},
        run_id=RUN_ID,
        workdir=folder,
        plan_folder=folder,
        host_env={"PATH": "/usr/bin:/bin"},
        actor="operator:test",
        engine_id="",
    )


async def test_compose_and_present_by_themselves(tmp_path: Path) -> None:
    sink = MemorySink()
    said = {"say": {"status": "succeeded", "data": "good evening"}}
    composed = await run_stage_alone(
        StageInput(stage=Stage.COMPOSE, previous_output=said), request(tmp_path), services(sink)
    )
    assert composed.result == {"word": "good evening"}
    presented = await run_stage_alone(
        StageInput(stage=Stage.PRESENT, previous_output=composed.result), request(tmp_path), services(sink)
    )
    assert presented.result == {"blocks": [{"type": "markdown", "text": "it said good evening"}]}
    assert sink.events == []


async def test_execute_runs_its_steps_and_records_nothing(tmp_path: Path) -> None:
    sink = MemorySink()
    output = await run_stage_alone(StageInput(stage=Stage.EXECUTE), request(tmp_path), services(sink))
    assert isinstance(output.result, dict)
    said = output.result["say"]
    assert isinstance(said, dict)
    assert (said["status"], said["data"]) == ("succeeded", "hello")
    assert output.orchestration_trace is not None
    assert (sink.events, sink.chunks) == ([], [])


async def test_a_stage_that_breaks_is_an_output_that_says_so(tmp_path: Path) -> None:
    broken = replace(request(tmp_path), plan_folder=None)  # type: ignore[arg-type]
    plan = load_plan(PLAN.replace(b"command: echo", b"command: ./no_such_program"), name="alone.yaml")
    output = await run_stage_alone(StageInput(stage=Stage.EXECUTE), replace(broken, plan=plan), services(MemorySink()))
    assert output.diagnostics.status is DiagnosticsStatus.ERROR
    assert output.diagnostics.errors

"""execute: makes the orchestration trace, runs the steps and sums up what became of them. The driving itself is in execution.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.event import EventKind
from engine.model.plan import CommandDef, SqlDef
from engine.model.stage import Reference, StageDiagnostics, StageOutput
from engine.model.states import DiagnosticsStatus, OnFailure, RunStatus, Stage, StepStatus, Strategy
from engine.pipeline.execution import Execution, count_statuses
from engine.plan.orchestration import minimal_trace, orchestration_trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json, JsonObject
    from engine.model.result import StepResult
    from engine.model.stage import OrchestrationTrace, StageInput
    from engine.pipeline.stages.context import StageContext
    from engine.plan.compiled import CompiledPlan
    from engine.schedule.instructions import FinishExecution, FirstCause


async def execute(given: StageInput, context: StageContext) -> StageOutput:
    """Run the plan's steps. The result holds every step's result, by step id, in execution order."""
    request, recorder = context.request, context.recorder
    compiled = request.plan
    trace, warnings = plan_execution(compiled)
    described: list[tuple[EventKind, JsonObject]] = [
        (EventKind.ORCHESTRATION_DEPENDENCIES_EXTRACTED, dependency_counts(compiled)),
        (EventKind.ORCHESTRATION_STRATEGY_DETERMINED, strategy_choice(compiled)),
        (
            EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT,
            {"trace": trace.model_dump(mode="json"), "order": [*compiled.steps]},
        ),
    ]
    await recorder.record(
        [recorder.event(kind, data, pass_index=given.pass_index, stage=Stage.EXECUTE) for kind, data in described]
    )
    began = context.services.clock.monotonic()
    execution = Execution(request, context.services, recorder, pass_index=given.pass_index)
    context.control.listen(execution.control)
    finish = await execution.run()
    elapsed_us = round((context.services.clock.monotonic() - began) * 1_000_000)
    steps: JsonObject = {**count_statuses(execution.results)}
    await recorder.record(
        [
            recorder.event(
                EventKind.ORCHESTRATION_EXECUTION_COMPLETED,
                {"duration_us": elapsed_us, "steps": steps},
                pass_index=given.pass_index,
                stage=Stage.EXECUTE,
            )
            if finish.status is RunStatus.SUCCEEDED
            else recorder.event(
                EventKind.ORCHESTRATION_EXECUTION_FAILED,
                {"reason": finish.status.value, "message": first_cause_sentence(finish)},
                pass_index=given.pass_index,
                stage=Stage.EXECUTE,
            )
        ]
    )
    if finish.first_cause is not None and finish.status is RunStatus.FAILED:
        context.causes.append(cause_json(finish.first_cause))
    ordered = {step_id: execution.results[step_id] for step_id in compiled.steps if step_id in execution.results}
    return StageOutput(
        stage=Stage.EXECUTE,
        result={step_id: result.to_json() for step_id, result in ordered.items()},
        diagnostics=diagnose(compiled, ordered, finish, warnings),
        references=leaned_on(compiled),
        orchestration_trace=trace,
    )


def plan_execution(compiled: CompiledPlan) -> tuple[OrchestrationTrace, list[str]]:
    """The orchestration trace and what there is to warn of. A failure to make it costs the picture, not the run."""
    try:
        return orchestration_trace(compiled), []
    except Exception as error:  # noqa: BLE001  the trace only describes; the steps can run without it
        return minimal_trace(compiled), [f"the orchestration trace is minimal: {type(error).__name__}: {error}"]


def dependency_counts(compiled: CompiledPlan) -> JsonObject:
    """How many edges the plan has and how many of them only references imply."""
    edges = sum(len(step.depends_on) for step in compiled.steps.values())
    said = sum(len(set(step.step.depends_on)) for step in compiled.steps.values())
    return {"steps": len(compiled.steps), "edges": edges, "implied": edges - said}


def strategy_choice(compiled: CompiledPlan) -> JsonObject:
    """The strategy and who chose it."""
    by_plan = compiled.plan.strategy is not Strategy.AUTO
    return {"strategy": compiled.strategy.value, "set_by": "plan" if by_plan else "detected"}


def diagnose(
    compiled: CompiledPlan, results: Mapping[str, StepResult], finish: FinishExecution, warnings: list[str]
) -> StageDiagnostics:
    """Failures as errors, failures that the plan lets pass as warnings, empty data flagged."""
    warnings = [*warnings, *finish.warnings]
    errors = [
        f"{step_id}: {result.message}"
        for step_id, result in results.items()
        if result.status is StepStatus.FAILED and compiled.steps[step_id].step.on_failure is not OnFailure.CONTINUE
    ]
    if finish.status is RunStatus.CANCELED:
        errors.append("the run was canceled")
    passing = DiagnosticsStatus.WARNING if warnings else DiagnosticsStatus.OK
    status = DiagnosticsStatus.ERROR if errors else passing
    counts = {"steps": len(results), **count_statuses(results)}
    for result in results.values():
        for name, number in result.counts.items():
            counts[name] = counts.get(name, 0) + number
    empty = {step_id: True for step_id, result in results.items() if is_empty_result(result)}
    return StageDiagnostics(
        status=status, warnings=tuple(warnings), errors=tuple(errors), empty_flags=empty, counts=counts
    )


def is_empty_result(result: StepResult) -> bool:
    """True for a step that succeeded and found nothing: no rows, an empty list or object."""
    if result.status is not StepStatus.SUCCEEDED:
        return False
    data: Json = result.data
    if isinstance(data, dict) and isinstance(rows := data.get("rows"), list):
        return not rows
    return data in ([], {})


def leaned_on(compiled: CompiledPlan) -> tuple[Reference, ...]:
    """The programs and databases that the plan names, each once, in plan order."""
    found: dict[Reference, None] = {}
    for step in compiled.steps.values():
        match step.step.step_def:
            case CommandDef(command=command):
                found[Reference(kind="program", name=command)] = None
            case SqlDef(database=database):
                found[Reference(kind="database", name=database)] = None
    return tuple(found)


def cause_json(cause: FirstCause) -> JsonObject:
    """The first failure as `run.failed` carries it."""
    return {
        "stage": Stage.EXECUTE.value,
        "step_id": cause.step_id,
        "reason": cause.reason.value if cause.reason else None,
        "message": cause.message,
    }


def first_cause_sentence(finish: FinishExecution) -> str:
    """The first failure as a sentence, empty when there was none."""
    cause = finish.first_cause
    return "" if cause is None else f"{cause.step_id}: {cause.message}"

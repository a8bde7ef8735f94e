"""execute: makes the orchestration trace, runs the steps and sums up what became of them. The running itself is in phases.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.event import EventKind
from engine.model.stage import Reference, StageDiagnostics, StageOutput
from engine.model.states import DiagnosticsStatus, OnFailure, Reason, RunStatus, Stage, StepStatus, Strategy
from engine.model.step_defs import (
    CommandDef,
    DecisionDef,
    FileDef,
    HttpDef,
    PowershellDef,
    PythonDef,
    SqlDef,
    SubPlanDef,
    ToolDef,
)
from engine.pipeline.phases import Phases, cause_json, count_statuses
from engine.pipeline.records import StepRecords
from engine.pipeline.replan.rules import is_empty_result
from engine.plan.orchestration import minimal_trace, orchestration_trace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.event import Event
    from engine.model.json import Json, JsonObject
    from engine.model.plan import Step
    from engine.model.result import StepResult
    from engine.model.stage import OrchestrationTrace, StageInput
    from engine.pipeline.stages.context import StageContext
    from engine.plan.compiled import CompiledPlan
    from engine.schedule.instructions import FinishExecution


async def execute(given: StageInput, context: StageContext) -> StageOutput:
    """Run the plan's steps, and those of `finally`. The result holds every step's result, by step id, in execution order.

    Of a run that is taken up, the steps that had their end are not run again, and the execution plan stands as it is.
    """
    clock, resumed = context.services.clock, context.resumed
    compiled = context.request.plan
    trace, warnings = plan_execution(compiled)
    planned = [] if resumed is not None and resumed.is_planned else describe_plan(compiled, trace)
    known = {} if resumed is None else resumed.settled
    # At once with the plan, and before anything starts: a crash finds all of it or, in the end, none.
    await context.recorder.record([*_described(context, planned), *_reused(context, given, known)])
    began = clock.monotonic()
    earlier_us = 0
    if resumed is not None and given.stage in resumed.begun_stages:
        earlier_us = resumed.stage_us_by(clock.now_us())
    phases = Phases(context, pass_index=given.pass_index)
    finish = await phases.run()
    elapsed_us = earlier_us + round((clock.monotonic() - began) * 1_000_000)
    results = phases.results
    context.settled.update(results)
    if finish.replan:
        context.replan.extend(finish.replan)
        warnings.append(f"another plan follows, because of {' and '.join(finish.replan)}")
    if finish.status is RunStatus.QUARANTINED:
        context.quarantine.append(describe_quarantine(finish))
        return StageOutput(stage=Stage.EXECUTE)
    closing = [] if finish.replan or context.replans is None else context.replans.close("the run ended first")
    end = _described(context, [describe_end(finish, results, elapsed_us)])
    await context.recorder.record([*closing, *end])
    if (cause := cause_json(finish)) is not None:
        context.causes.append(cause)
    return StageOutput(
        stage=Stage.EXECUTE,
        result={step_id: result.to_json() for step_id, result in results.items()},
        diagnostics=diagnose(compiled, results, finish, warnings),
        references=leaned_on(compiled),
        orchestration_trace=trace,
    )


def _described(context: StageContext, described: Sequence[tuple[EventKind, JsonObject]]) -> list[Event]:
    return [context.recorder.event(kind, data, stage=Stage.EXECUTE) for kind, data in described]


def _reused(context: StageContext, given: StageInput, known: Mapping[str, StepResult]) -> list[Event]:
    """The results of an earlier pass or run that hold, as ends of their steps; without those that are on record."""
    records = StepRecords(context.recorder, context.request.plan.steps, pass_index=given.pass_index)
    return [records.settled(result) for step_id, result in context.reused.items() if step_id not in known]


def describe_plan(compiled: CompiledPlan, trace: OrchestrationTrace) -> list[tuple[EventKind, JsonObject]]:
    """The execution plan as events."""
    order: list[Json] = [*compiled.all_steps]
    built: JsonObject = {"trace": trace.model_dump(mode="json"), "order": order}
    if compiled.finally_steps:
        built["finally"] = [*compiled.finally_steps]
    return [
        (EventKind.ORCHESTRATION_DEPENDENCIES_EXTRACTED, dependency_counts(compiled)),
        (EventKind.ORCHESTRATION_STRATEGY_DETERMINED, strategy_choice(compiled)),
        (EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT, built),
    ]


def describe_end(
    finish: FinishExecution, results: Mapping[str, StepResult], elapsed_us: int
) -> tuple[EventKind, JsonObject]:
    """The end of the execution as an event."""
    if finish.replan or finish.status is RunStatus.SUCCEEDED:
        steps: JsonObject = {**count_statuses(results)}
        follows: JsonObject = {"replan": [*finish.replan]} if finish.replan else {}
        return EventKind.ORCHESTRATION_EXECUTION_COMPLETED, {"duration_us": elapsed_us, "steps": steps, **follows}
    return EventKind.ORCHESTRATION_EXECUTION_FAILED, {
        "reason": finish.status.value,
        "message": first_cause_sentence(finish),
        "first_cause": cause_json(finish),
    }


def describe_quarantine(finish: FinishExecution) -> JsonObject:
    """What somebody has to decide, as `run.quarantined` carries it."""
    steps = finish.quarantined
    subject = f"step {steps[0]} is" if len(steps) == 1 else f"the steps {', '.join(steps)} are"
    return {
        "reason": Reason.BREAKER_OPEN.value,
        "message": f"{subject} critical, and the breaker of the tool is open",
        "uncertain": [*steps],
    }


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
    return {"steps": len(compiled.all_steps), "edges": edges, "implied": edges - said}


def strategy_choice(compiled: CompiledPlan) -> JsonObject:
    """The strategy and who chose it."""
    by_plan = compiled.plan.strategy is not Strategy.AUTO
    return {"strategy": compiled.strategy.value, "set_by": "plan" if by_plan else "detected"}


_NO_SUMS = frozenset(["status", "failed"])
"""Counts of a result that add up to nothing: the status of a response, and failed items, which are no steps."""


def diagnose(
    compiled: CompiledPlan, results: Mapping[str, StepResult], finish: FinishExecution, warnings: list[str]
) -> StageDiagnostics:
    """Failures as errors, failures that the plan lets pass as warnings, empty data flagged."""
    warnings = [*warnings, *finish.warnings]
    steps = compiled.all_steps
    errors = [
        result.sentence
        for step_id, result in results.items()
        if result.status is StepStatus.FAILED and not _may_fail(steps[step_id].step)
    ]
    if finish.status is RunStatus.CANCELED and not finish.replan:
        errors.append("the run was canceled")
    if finish.status is RunStatus.FAILED and not errors and not finish.replan:
        errors.append("the steps were not run")  # those of `finally` were
    passing = DiagnosticsStatus.WARNING if warnings else DiagnosticsStatus.OK
    status = DiagnosticsStatus.ERROR if errors else passing
    counts = {"steps": len(results), **count_statuses(results)}
    for result in results.values():
        for name, number in result.counts.items():
            if name in _NO_SUMS:
                continue
            counts[name] = counts.get(name, 0) + number
    empty = {step_id: True for step_id, result in results.items() if is_empty_result(result)}
    return StageDiagnostics(
        status=status, warnings=tuple(warnings), errors=tuple(errors), empty_flags=empty, counts=counts
    )


def _may_fail(step: Step) -> bool:
    return step.on_failure is OnFailure.CONTINUE and not step.critical


def leaned_on(compiled: CompiledPlan) -> tuple[Reference, ...]:
    """The programs, tools, databases, plans and hosts that the plan names, each once, in plan order."""
    found: dict[tuple[str, str], None] = {}  # thousands of steps may name one program
    for step in compiled.all_steps.values():
        match step.step.step_def:
            case CommandDef(command=name) | PythonDef(interpreter=name) | PowershellDef(interpreter=name):
                found["program", name] = None
            case SqlDef(database=name):
                found["database", name] = None
            case ToolDef(tool=name):
                found["tool", name] = None
            case SubPlanDef(plan=name):
                found["plan", name] = None
            case HttpDef(url=name):
                found["url", name.partition("?")[0]] = None
            case FileDef(path=name):
                found["file", name] = None
            case DecisionDef():
                pass
    return tuple(Reference(kind=kind, name=name) for kind, name in found)


def first_cause_sentence(finish: FinishExecution) -> str:
    """The first failure as a sentence, empty when there was none."""
    cause = finish.first_cause
    return "" if cause is None else f"{cause.step_id}{' > ' if cause.path else ': '}{cause.message}"

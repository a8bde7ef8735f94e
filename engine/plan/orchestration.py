"""The execution plan as the execute stage shows it: strategy, groups, tools, data flow. Made from a compiled plan in one walk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.json import canonical_json
from engine.model.result import Orchestration
from engine.model.stage import ExecutionGroup, OrchestrationTrace, ToolEntry
from engine.model.states import Strategy

if TYPE_CHECKING:
    from engine.model.plan import Step
    from engine.plan.compiled import CompiledPlan, CompiledStep


def orchestration_trace(compiled: CompiledPlan) -> OrchestrationTrace:
    """The trace of a plan, `finally` as its last group. Linear in steps and dependencies."""
    group_of = {step_id: step.group_index for step_id, step in compiled.steps.items()}
    parallel = compiled.strategy is not Strategy.SERIAL
    groups = []
    for index, members in enumerate(compiled.groups):
        tools = tuple(_entry(compiled.steps[step_id], group_of) for step_id in members)
        groups.append(ExecutionGroup(group_index=index, tools=tools, parallel_execution=parallel and len(members) > 1))
    if compiled.finally_steps:
        tools = tuple(_entry(step, group_of) for step in compiled.finally_steps.values())
        groups.append(ExecutionGroup(group_index=len(groups), tools=tools, parallel_execution=False))
    step_ids = tuple(compiled.all_steps)
    return OrchestrationTrace(
        strategy=compiled.strategy,
        execution_groups=tuple(groups),
        total_groups=len(groups),
        total_tools=len(step_ids),
        tool_ids=step_ids,
    )


def minimal_trace(compiled: CompiledPlan) -> OrchestrationTrace:
    """What is left to say when making the trace has failed: the strategy and the steps, without groups."""
    step_ids = tuple(compiled.all_steps)
    return OrchestrationTrace(strategy=compiled.strategy, total_tools=len(step_ids), tool_ids=step_ids)


def step_orchestration(step: CompiledStep) -> Orchestration:
    """Where a step stands, as each of its results carries it."""
    return Orchestration(
        group_index=step.group_index,
        execution_order=step.execution_order,
        tool_id=step.step.id,
        tool_type=step.step.type,
        depends_on=step.depends_on,
        output_mapping=_mapping(step.step),
        in_finally=step.in_finally,
    )


def _entry(step: CompiledStep, group_of: dict[str, int]) -> ToolEntry:
    return ToolEntry(
        tool_id=step.step.id,
        tool_type=step.step.type,
        depends_on=step.depends_on,
        dependency_groups=tuple(sorted({group_of[name] for name in step.depends_on})),
        output_mapping=_mapping(step.step),
    )


def _mapping(step: Step) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else canonical_json(value) for name, value in step.output_mapping.items()
    }

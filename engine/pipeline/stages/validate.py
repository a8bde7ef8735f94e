"""validate: says what will run and whether what it needs is there. Faults of the text were found before there was a run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from engine.model.plan import CommandDef, SqlDef
from engine.model.stage import Reference, StageDiagnostics, StageOutput
from engine.model.states import DiagnosticsStatus, Stage
from engine.pipeline.stages.context import describe_fault
from engine.steps.environment import base_environment

if TYPE_CHECKING:
    from engine.model.plan import Step
    from engine.model.stage import StageInput
    from engine.pipeline.request import RunRequest
    from engine.pipeline.stages.context import StageContext


async def validate(given: StageInput, context: StageContext) -> StageOutput:
    """Check the surroundings. What is missing is a warning: a condition may well skip the step that would need it."""
    request = context.request
    compiled = request.plan
    warnings = [*(describe_fault(fault) for fault in compiled.warnings), *missing_programs(request)]
    warnings += missing_databases(request)
    return StageOutput(
        stage=Stage.VALIDATE,
        result={
            "plan_id": compiled.plan.plan_id,
            "strategy": compiled.strategy.value,
            "steps": list(compiled.all_steps),
            "groups": len(compiled.groups),
            "params": given.params,
        },
        diagnostics=StageDiagnostics(
            status=DiagnosticsStatus.WARNING if warnings else DiagnosticsStatus.OK,
            warnings=tuple(warnings),
            counts={"steps": len(compiled.all_steps), "groups": len(compiled.groups)},
        ),
        references=tuple(Reference(kind="param", name=name) for name in sorted(given.params)),
    )


def every_step(request: RunRequest) -> tuple[Step, ...]:
    """The steps of the plan and of its `finally`, as they stand there."""
    return (*request.plan.plan.steps, *request.plan.plan.finally_steps)


def missing_programs(request: RunRequest) -> list[str]:
    """A sentence for every program that no folder of PATH holds, once a program."""
    path = base_environment(request.host_env, request.plan.plan.globals.env_from_host).get("PATH")
    wanted: dict[str, str] = {}
    for step in every_step(request):
        if isinstance(step.step_def, CommandDef) and "{" not in step.step_def.command:
            wanted.setdefault(step.step_def.command, step.id)
    return [
        f"{step_id}: the program {program} is not on this host"
        for program, step_id in wanted.items()
        if "/" not in program and shutil.which(program, path=path) is None
    ]


def missing_databases(request: RunRequest) -> list[str]:
    """A sentence for every SQLite file of a query step that does not exist."""
    return [
        f"{step.id}: the database {step.step_def.database} does not exist"
        for step in every_step(request)
        if isinstance(step.step_def, SqlDef)
        and "{" not in step.step_def.database
        and step.step_def.read_only
        and not Path(request.plan_folder, step.step_def.database).exists()
    ]

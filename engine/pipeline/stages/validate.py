"""validate: says what will run, whether a policy forbids it and whether what it needs is there. Faults of the text came before."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from engine.model.stage import Reference, StageDiagnostics, StageOutput
from engine.model.states import DiagnosticsStatus, Stage
from engine.model.step_defs import CommandDef, PowershellDef, PythonDef, SqlDef, SubPlanDef, ToolDef
from engine.pipeline.assets import asset_warnings
from engine.pipeline.guarding import guard_of, violations_of_plan
from engine.pipeline.stages.compose import scope_of
from engine.pipeline.stages.context import describe_fault
from engine.plan.faults import did_you_mean
from engine.steps.environment import base_environment

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from engine.model.plan import Step
    from engine.model.stage import StageInput
    from engine.pipeline.guard import Violation
    from engine.pipeline.request import RunRequest
    from engine.pipeline.stages.context import StageContext
    from engine.steps.toolbox import Toolbox


async def validate(given: StageInput, context: StageContext) -> StageOutput:
    """Check the surroundings, and the plan against its policy.

    What is missing is a warning: a condition may well skip the step that would need it. What a policy forbids is an error.
    """
    request = context.request
    compiled = request.plan
    warnings = [*(describe_fault(fault) for fault in compiled.warnings), *missing_programs(request)]
    warnings += missing_databases(request)
    warnings += missing_tools(request, context.services.toolbox)
    warnings += missing_files(request)
    warnings += asset_warnings(request)
    warnings += () if context.replans is None else context.replans.warnings
    found = forbidden(given, context)
    errors = [str(one) for one in found if one.rule.severity == "error"]
    warnings += [str(one) for one in found if one.rule.severity == "warning"]
    result: JsonObject = {
        "plan_id": compiled.plan.plan_id,
        "strategy": compiled.strategy.value,
        "steps": [*compiled.all_steps],
        "groups": len(compiled.groups),
        "params": given.params,
    }
    if errors:
        result["violations"] = [*errors]
    passing = DiagnosticsStatus.WARNING if warnings else DiagnosticsStatus.OK
    return StageOutput(
        stage=Stage.VALIDATE,
        result=result,
        diagnostics=StageDiagnostics(
            status=DiagnosticsStatus.ERROR if errors else passing,
            warnings=tuple(warnings),
            errors=tuple(errors),
            counts={"steps": len(compiled.all_steps), "groups": len(compiled.groups)},
        ),
        references=(
            *(Reference(kind="param", name=name) for name in sorted(given.params)),
            *_policies_from_above(request),
        ),
    )


def _policies_from_above(request: RunRequest) -> list[Reference]:
    above = () if request.parent is None else request.parent.policies
    own = {asset.ref for asset in request.assets.values()}
    detail = "a policy of the run that this is a step of"
    return [Reference(kind="asset", name=asset.ref, detail=detail) for asset in above if asset.ref not in own]


def forbidden(given: StageInput, context: StageContext) -> list[Violation]:
    """What the validation policies in force forbid of the plan's steps. Raises InputError for one that cannot be read."""
    request = context.request
    scope = scope_of(context, given, {})
    guard = guard_of(request, scope.env.get("HOME", ""))
    return [] if guard is None else violations_of_plan(guard, request.plan, scope)


def every_step(request: RunRequest) -> tuple[Step, ...]:
    """The steps of the plan and of its `finally`, as they stand there."""
    return (*request.plan.plan.steps, *request.plan.plan.finally_steps)


def missing_programs(request: RunRequest) -> list[str]:
    """A sentence for every program that no folder of PATH holds, once a program."""
    path = base_environment(request.host_env, request.plan.plan.globals.env_from_host).get("PATH")
    wanted: dict[str, str] = {}
    for step in every_step(request):
        program = program_of(step)
        if program is not None and "{" not in program:
            wanted.setdefault(program, step.id)
    return [
        f"{step_id}: the program {program} is not on this host"
        for program, step_id in wanted.items()
        if "/" not in program and shutil.which(program, path=path) is None
    ]


def program_of(step: Step) -> str | None:
    """The program that a step starts, as the plan names it."""
    match step.step_def:
        case CommandDef(command=program):
            return program
        case PythonDef(interpreter=program) | PowershellDef(interpreter=program):
            return program
        case _:
            return None


def missing_tools(request: RunRequest, toolbox: Toolbox) -> list[str]:
    """A sentence for every tool that nobody gave to this engine and nobody installed, once a tool. None is loaded for this."""
    wanted: dict[str, str] = {}
    for step in every_step(request):
        if isinstance(step.step_def, ToolDef):
            wanted.setdefault(step.step_def.tool, step.id)
    if not wanted:
        return []
    known = toolbox.names()
    found = []
    for name, step_id in wanted.items():
        if name not in known:
            near = did_you_mean(name, known)
            found.append(f"{step_id}: there is no tool {name!r}{f'; {near}' if near else ''}")
    return found


def missing_files(request: RunRequest) -> list[str]:
    """A sentence for every sub-plan and script of the plan's folder that is not there."""
    return [
        f"{step.id}: the {what} {name} does not exist"
        for step in every_step(request)
        for what, name in _files_of(step)
        if "{" not in name and not Path(request.plan_folder, name).exists()
    ]


def _files_of(step: Step) -> list[tuple[str, str]]:
    match step.step_def:
        case SubPlanDef(plan=plan) if "/" in plan or plan.endswith((".yaml", ".yml", ".json")):
            return [("plan", plan)]
        case PowershellDef(file=str() as script):
            return [("script", script)]
        case PythonDef(callable=name) if name.rpartition(":")[0].endswith(".py"):
            return [("script", name.rpartition(":")[0])]
        case _:
            return []


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

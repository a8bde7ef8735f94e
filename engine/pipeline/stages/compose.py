"""compose: gathers what the plan asks for out of the steps' results. How it is shown is present's business."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from engine.model.result import StepResult
from engine.model.stage import Reference, StageDiagnostics, StageOutput
from engine.model.states import DiagnosticsStatus, Stage
from engine.pipeline.phases import run_facts
from engine.plan.references import MissingReferenceError
from engine.plan.scope import Scope
from engine.steps.environment import base_environment

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject
    from engine.model.stage import StageInput
    from engine.pipeline.stages.context import StageContext


async def compose(given: StageInput, context: StageContext) -> StageOutput:
    """Resolve the plan's `compose`. A reference that leads nowhere is null and a warning: the rest is still worth having."""
    compiled = context.request.plan
    results = HandedOn(given.previous_output)
    scope = scope_of(context, given, results)
    composed: JsonObject = {}
    warnings: list[str] = []
    for name, template in compiled.plan.compose.items():
        try:
            composed[name] = compiled.bind_value(template, scope)
        except MissingReferenceError as error:
            composed[name] = None
            warnings.append(f"{name}: {error.cause}")
    return StageOutput(
        stage=Stage.COMPOSE,
        result=composed,
        diagnostics=StageDiagnostics(
            status=DiagnosticsStatus.WARNING if warnings else DiagnosticsStatus.OK,
            warnings=tuple(warnings),
            empty_flags={name: True for name, value in composed.items() if value in (None, "", [], {})},
            counts={"values": len(composed)},
        ),
        references=tuple(Reference(kind="step", name=step_id) for step_id in results.looked_at),
    )


class HandedOn(Mapping[str, StepResult]):
    """The step results that execute handed on. Each is made when it is looked at: few of many steps are.

    `looked_at` are those, in the order of the first look.
    """

    def __init__(self, previous_output: Json) -> None:
        self._stored = previous_output if isinstance(previous_output, dict) else {}
        self.looked_at: dict[str, None] = {}

    def __getitem__(self, step_id: str) -> StepResult:
        stored = self._stored[step_id]
        if not isinstance(stored, dict):
            raise KeyError(step_id)
        self.looked_at[step_id] = None
        return StepResult.from_json(step_id, stored)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


def scope_of(
    context: StageContext, given: StageInput, results: Mapping[str, StepResult], composed: JsonObject | None = None
) -> Scope:
    """What references of the later stages may name."""
    request = context.request
    return Scope(
        params=given.params,
        env=base_environment(request.host_env, request.plan.plan.globals.env_from_host),
        results=results,
        compose=composed or {},
        run=run_facts(request),
        assets=context.assets,
    )

"""route_plan: decides what a request leads to. A request that brings its plan leads to that plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.stage import PlanOutput, PlanPayload, Reference, StageDiagnostics, StageOutput
from engine.model.states import RouteKind, Stage

if TYPE_CHECKING:
    from engine.model.stage import StageInput
    from engine.pipeline.stages.context import StageContext


async def route_plan(given: StageInput, context: StageContext) -> StageOutput:  # noqa: ARG001  every stage is called alike
    """Answer with the plan that was given."""
    compiled = context.request.plan
    plan = compiled.plan
    step_count = len(compiled.all_steps)
    route = PlanOutput(
        kind=RouteKind.PLAN,
        confidence=1.0,
        reasoning="the request names its plan",
        plan=PlanPayload(
            plan_id=plan.plan_id, plan_hash=compiled.plan_hash, version=plan.version, step_count=step_count
        ),
    )
    return StageOutput(
        stage=Stage.ROUTE_PLAN,
        result=route.model_dump(mode="json", exclude_none=True),
        diagnostics=StageDiagnostics(counts={"steps": step_count}),
        references=(Reference(kind="plan", name=plan.plan_id, detail=plan.version),),
    )

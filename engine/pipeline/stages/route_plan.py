"""route_plan: says what a request leads to. One that brings its plan leads to that plan; a question was routed before the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.stage import PlanOutput, PlanPayload, Reference, StageDiagnostics, StageOutput
from engine.model.states import DiagnosticsStatus, RouteKind, Stage

if TYPE_CHECKING:
    from engine.model.stage import StageInput
    from engine.pipeline.stages.context import StageContext
    from engine.plan.compiled import CompiledPlan


async def route_plan(given: StageInput, context: StageContext) -> StageOutput:  # noqa: ARG001  every stage is called alike
    """Answer with the plan that was given, or with what the question came to."""
    request = context.request
    route, payload = request.route, payload_of(request.plan)
    if route is None:
        route = PlanOutput(kind=RouteKind.PLAN, confidence=1.0, reasoning="the request names its plan", plan=payload)
    elif route.plan is not None:
        route = route.model_copy(update={"plan": payload})  # a later pass has a changed plan
    return StageOutput(
        stage=Stage.ROUTE_PLAN,
        result=route.model_dump(mode="json", exclude_none=True),
        diagnostics=diagnostics_of(route),
        references=()
        if route.plan is None
        else (Reference(kind="plan", name=payload.plan_id, detail=payload.version),),
    )


def payload_of(compiled: CompiledPlan) -> PlanPayload:
    """The identity of a plan."""
    plan = compiled.plan
    return PlanPayload(
        plan_id=plan.plan_id,
        plan_hash=compiled.plan_hash,
        version=plan.version,
        step_count=len(compiled.all_steps),
    )


def diagnostics_of(route: PlanOutput) -> StageDiagnostics:
    """What there is to say of a route: a refusal is an error, a question that was not understood a warning."""
    warnings: list[str] = []
    planner = route.metadata.get("planner")
    if isinstance(planner, dict) and planner.get("failed"):
        warnings.append(f"the planner was of no use, so the rules decided: {planner['failed']}")
    if route.metadata.get("understood") is False:
        warnings.append(f"the question was not understood: {route.reasoning}")
    errors = () if route.reject is None else (route.reject.reason,)
    status = DiagnosticsStatus.WARNING if warnings else DiagnosticsStatus.OK
    return StageDiagnostics(
        status=DiagnosticsStatus.ERROR if errors else status,
        warnings=tuple(warnings),
        errors=errors,
        counts={} if route.plan is None else {"steps": route.plan.step_count},
    )

"""A route as a run records it: the `PlanOutput` of route_plan. Deciding is the router's, and the planner's where one is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from engine.model.stage import DirectAnswerPayload, PlanOutput, RejectPayload
from engine.model.states import RouteKind

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from engine.model.stage import PlanPayload
    from engine.routing.router import Route


def plan_output(
    route: Route, *, policy: str, plan: PlanPayload | None = None, planner: JsonObject | None = None
) -> PlanOutput:
    """The route with the version of the policy that it is from, and what became of asking a model, if one was asked.

    `plan` is the plan that the route names, and is given for such a route alone.
    """
    metadata = {**route.metadata(), "policy": policy}
    if planner is not None:
        metadata["planner"] = planner
    direct: DirectAnswerPayload | None = None
    reject: RejectPayload | None = None
    match route.kind:
        case RouteKind.DIRECT:
            direct = DirectAnswerPayload(text=route.text)
        case RouteKind.REJECT:
            reject = RejectPayload(reason=route.text, rule=route.rule)
        case RouteKind.PLAN:
            pass
        case _:
            assert_never(route.kind)
    return PlanOutput(
        kind=route.kind,
        confidence=route.confidence,
        reasoning=route.reasoning,
        metadata=metadata,
        direct=direct,
        plan=plan,
        reject=reject,
    )

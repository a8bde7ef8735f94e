"""The plans of a run's passes, from what is recorded, and the policy that its plan names. Deciding about others is desk.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.asset import PolicyKind
from engine.pipeline.assets import policy_of
from engine.pipeline.replan.patching import compile_patched
from engine.pipeline.replan.policy import parse_replan_policy

if TYPE_CHECKING:
    from collections.abc import Collection

    from engine.model.json import JsonObject
    from engine.pipeline.replan.policy import ReplanPolicy
    from engine.pipeline.replan.story import ReplansSoFar
    from engine.pipeline.request import RunRequest
    from engine.plan.compiled import CompiledPlan


def replan_policy(request: RunRequest) -> ReplanPolicy | None:
    """The policy that the run's plan names. Raises InputError with everything that is wrong in it."""
    found = policy_of(request, PolicyKind.REPLAN)
    if found is None:
        return None
    alias, document = found
    return parse_replan_policy(document, place=request.assets[alias].ref)


def plans_of(plan: CompiledPlan, so_far: ReplansSoFar) -> list[CompiledPlan]:
    """The plans of all passes up to this one. Raises InputError where a recorded patch makes no plan any more."""
    plans = [plan]
    for patches in so_far.patches:
        plans.append(patched(plans[-1], patches))
    return plans


def patched(plan: CompiledPlan, patches: Collection[JsonObject]) -> CompiledPlan:
    """The plan with these patches, one after the other. Raises InputError where they make none."""
    for patch in patches:
        plan = compile_patched(plan, patch)
    return plan

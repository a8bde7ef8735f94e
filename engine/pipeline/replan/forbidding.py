"""Whether the validation policies of a run let another plan of it through. What they forbid is guard.py's, what follows is desk.py's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.pipeline.assets import asset_values
from engine.pipeline.guarding import guard_of, violations_of_plan
from engine.pipeline.phases import run_facts
from engine.plan.scope import Scope
from engine.steps.environment import base_environment

if TYPE_CHECKING:
    from engine.pipeline.request import RunRequest
    from engine.plan.compiled import CompiledPlan


def violation_of(request: RunRequest, plan: CompiledPlan) -> str:
    """What is forbidden of this plan of the run, as validate would say it of its next pass; nothing if it may run.

    Raises InputError for a policy that cannot be read.
    """
    env = base_environment(request.host_env, plan.plan.globals.env_from_host)
    guard = guard_of(request, env.get("HOME", ""))
    if guard is None:
        return ""
    facts = run_facts(replace(request, plan=plan))
    scope = Scope(params=request.params, env=env, results={}, run=facts, assets=asset_values(request.assets))
    found = violations_of_plan(guard, plan, scope)
    return next((str(one) for one in found if one.rule.severity == "error"), "")

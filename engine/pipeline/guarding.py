"""Which validation policies a run has to keep: its plan's, and those of the plans that it is a step of. What they forbid is guard.py's."""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING

from engine.model.asset import AssetType, PolicyKind
from engine.pipeline.assets import policy_of
from engine.pipeline.guard import Guard, Surroundings, parse_validation_policy
from engine.plan.asset_values import asset_value
from engine.plan.references import MissingReferenceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engine.model.asset import ResolvedAsset
    from engine.model.json import Json
    from engine.pipeline.guard import Violation
    from engine.pipeline.request import RunRequest
    from engine.plan.compiled import CompiledPlan
    from engine.plan.scope import Scope


def policies_in_force(request: RunRequest) -> tuple[ResolvedAsset, ...]:
    """The validation policies, the plan's own first, each version once."""
    above = () if request.parent is None else request.parent.policies
    named = policy_of(request, PolicyKind.VALIDATION)
    own = () if named is None else (request.assets[named[0]],)
    return tuple({asset.ref: asset for asset in (*own, *above)}.values())


def guard_of(request: RunRequest, home: str) -> Guard | None:
    """What the run has to keep; None without a policy. Raises InputError for a policy that cannot be read."""
    policies = policies_in_force(request)
    return _guard(policies, workdir=request.workdir, plan_folder=request.plan_folder, home=home)


def violations_of_plan(guard: Guard, plan: CompiledPlan, scope: Scope) -> list[Violation]:
    """What is forbidden of the steps of a plan and of its `finally`, as far as their values are known before anything runs."""

    def fill(value: Json) -> Json:
        try:
            return plan.bind_value(value, scope)
        except MissingReferenceError:  # what only a step will know is not known yet
            return value

    return guard.violations((*plan.plan.steps, *plan.plan.finally_steps), fill)


def guard_of_assets(
    assets: Mapping[str, ResolvedAsset], *, workdir: Path, plan_folder: Path, home: str
) -> Guard | None:
    """The same for a plan with these assets that is not run."""
    policies = [asset for asset in assets.values() if _is_validation(asset)]
    return _guard(policies, workdir=workdir, plan_folder=plan_folder, home=home)


def _guard(policies: Sequence[ResolvedAsset], *, workdir: Path, plan_folder: Path, home: str) -> Guard | None:
    if not policies:
        return None
    return Guard(
        tuple((asset.ref, parse_validation_policy(asset_value(asset), place=asset.ref)) for asset in policies),
        Surroundings(workdir=str(workdir), plan_folder=str(plan_folder), home=home, resolve=_where_it_leads),
    )


def _where_it_leads(path: str) -> str:
    try:
        return os.path.realpath(path)
    except ValueError:  # no path of this system, so that nothing can be done to it
        return path


def _is_validation(asset: ResolvedAsset) -> bool:
    value = asset_value(asset)
    return (
        asset.name.type is AssetType.POLICY
        and isinstance(value, dict)
        and value.get("kind") == PolicyKind.VALIDATION.value
    )

"""What the registry has of the assets that a plan names: for `opscope validate` and for a plan's help. Nothing is run or written."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from engine.errors import Fault, InputError, PlanError, StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.asset import AssetReference, ResolvedAsset
    from engine.model.json import Json, JsonObject
    from engine.plan.compiled import CompiledPlan
    from engine.plan.faults import Path as Place
    from store.assets.resolver import StoreAssets


def asset_warnings(compiled: CompiledPlan, path: Path, database: Path) -> tuple[Fault, ...]:
    """A warning, at its place in the plan, for every asset that a run of it would not find or could not use now.

    Nothing is looked for where there is no file of runs yet: the plan may be checked on another host than its own.
    """
    if not compiled.plan.assets or not database.exists():
        return ()
    from engine.pipeline.assets import check_assets
    from engine.plan.load import fault_at

    found, missing = found_assets(compiled, database)
    problems: list[tuple[Place, str, str]] = [
        (("assets", alias), error.cause, error.hint) for alias, error in missing.items()
    ]
    if not missing:
        try:
            check_assets(compiled, found)
        except PlanError as error:
            problems = [((), _located(error.name, fault), fault.hint) for fault in error.faults]
        except InputError as error:
            problems = [(("assets",), error.cause, error.hint)]
        else:
            problems = _forbidden(compiled, path, found)
    return tuple(
        fault_at(compiled.source, str(path), place, message, hint.replace("\n", "; "))
        for place, message, hint in problems
    )


def _forbidden(compiled: CompiledPlan, path: Path, found: dict[str, ResolvedAsset]) -> list[tuple[Place, str, str]]:
    """What the policies of the plan would forbid of a run from this folder with the parameters that the plan gives itself."""
    from engine.pipeline.assets import asset_values
    from engine.pipeline.guarding import guard_of_assets
    from engine.plan.references import MissingReferenceError
    from engine.plan.scope import Scope

    home = os.environ.get("HOME", "")
    guard = guard_of_assets(found, workdir=path.cwd(), plan_folder=path.absolute().parent, home=home)
    if guard is None:
        return []
    defaults: JsonObject = {
        name: param.default for name, param in compiled.plan.params.items() if param.default is not None
    }
    scope = Scope(params=defaults, env={"HOME": home}, results={}, assets=asset_values(found))

    def fill(value: Json) -> Any:
        try:
            return compiled.bind_value(value, scope)
        except MissingReferenceError:
            return value

    plan = compiled.plan
    places: dict[str, Place] = {step.id: ("steps", at) for at, step in enumerate(plan.steps)}
    places |= {step.id: ("finally", at) for at, step in enumerate(plan.finally_steps)}
    hint = "change the plan or the policy"
    return [
        (places[one.step_id], str(one), hint if one.rule.severity == "error" else "")
        for one in guard.violations((*plan.steps, *plan.finally_steps), fill)
    ]


def _located(name: str, fault: Fault) -> str:
    return f"{name}{'' if fault.line is None else f', line {fault.line}'}: {fault.message}"


def found_assets(
    compiled: CompiledPlan, database: Path
) -> tuple[dict[str, ResolvedAsset], dict[str, InputError | StoreError]]:
    """The version that each alias of a plan would stand for now, and why one would stand for none."""
    from engine.plan.asset_uses import references_of
    from store.assets.resolver import StoreAssets

    return asyncio.run(_look_up(references_of(compiled.plan.assets), StoreAssets(database)))


async def _look_up(
    references: dict[str, AssetReference], registry: StoreAssets
) -> tuple[dict[str, ResolvedAsset], dict[str, InputError | StoreError]]:
    found: dict[str, ResolvedAsset] = {}
    missing: dict[str, InputError | StoreError] = {}
    for alias, reference in references.items():
        try:
            found[alias] = await registry.resolve(reference)
        except (InputError, StoreError) as error:
            missing[alias] = error
    return found, missing

"""What the registry has of the assets that a plan names: for `opscope validate` and for a plan's help. Nothing is run or written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from engine.errors import Fault, InputError, PlanError, StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.asset import AssetReference, ResolvedAsset
    from engine.plan.compiled import CompiledPlan
    from engine.plan.faults import Path as Place
    from store.assets_resolver import StoreAssets


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
    return tuple(
        fault_at(compiled.source, str(path), place, message, hint.replace("\n", "; "))
        for place, message, hint in problems
    )


def _located(name: str, fault: Fault) -> str:
    return f"{name}{'' if fault.line is None else f', line {fault.line}'}: {fault.message}"


def found_assets(
    compiled: CompiledPlan, database: Path
) -> tuple[dict[str, ResolvedAsset], dict[str, InputError | StoreError]]:
    """The version that each alias of a plan would stand for now, and why one would stand for none."""
    from engine.plan.asset_uses import references_of
    from store.assets_resolver import StoreAssets

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

"""The assets of a run that is made of another: those it had, unless another version is asked for. What they change is forking.py's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.pipeline.assets import check_assets, overrides_by_name
from engine.plan.asset_uses import references_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from engine.model.asset import AssetReference, ResolvedAsset
    from engine.pipeline.forking import Change, ForkSource
    from engine.plan.compiled import CompiledPlan
    from engine.ports import AssetResolver


async def assets_after(
    source: ForkSource,
    change: Change,
    plan: CompiledPlan,
    resolver: AssetResolver,
    *,
    elsewhere: Collection[AssetReference] = (),
) -> dict[str, ResolvedAsset]:
    """The version for each alias of the plan: an override, else exactly the one that the run had, else as in a new run.

    An alias that stands for something else in an edited plan is looked up like a new one. `elsewhere` are the assets of
    plans that this one runs. Raises what `engine.pipeline.assets.resolve_assets` raises, and StoreError for a version that
    is not what it was.
    """
    references = references_of(plan.plan.assets)
    before = references_of(source.plan.plan.assets)
    chosen = overrides_by_name(change.overrides, [*references.values(), *elsewhere])
    found: dict[str, ResolvedAsset] = {}
    for alias, reference in references.items():
        known, override = source.assets.get(alias), chosen.get(reference.name)
        if override is None and known is not None and not change.latest_assets and before.get(alias) == reference:
            found[alias] = replace(await resolver.exact(known.ref, known.sha256), source=known.source)
        else:
            found[alias] = await resolver.resolve(reference, override=override)
    check_assets(plan, found)
    return found

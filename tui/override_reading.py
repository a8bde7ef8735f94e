"""What can be changed of a recorded run, read from the file for the Override screen. How it is shown is not decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.asset import AssetName, parse_reference
from engine.plan.asset_uses import references_of
from store.assets.reading import AssetLibrary
from tui.steering import recorded_run
from tui.viewmodel.asset_diff import AssetDifference, difference_of
from tui.viewmodel.override.givens import GivenAsset, GivenParam, Givens, GivenStep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from engine.model.asset import AssetVersion
    from engine.pipeline.forking import ForkSource


def read_givens(database: Path, run_id: str, env: Mapping[str, str]) -> Givens:
    """The run with all that can be different. Raises InputError that says why it cannot be repeated, StoreError."""
    from tui.commands.rerunning import read_source

    run = recorded_run(database, run_id)
    source = read_source(database, run)
    plan = source.plan.plan
    with AssetLibrary(database) as library:
        assets = tuple(_assets(source, library, env))
    params = tuple(GivenParam(name, param, source.params.get(name)) for name, param in plan.params.items())
    steps = []
    for step_id in source.plan.steps:
        result = source.results.get(step_id)
        has_run = result is not None and result.started_at_us is not None
        steps.append(
            GivenStep(step_id, result.status if result else None, result.duration_us if result and has_run else None)
        )
    return Givens(run, source, assets, params, tuple(steps))


def read_difference(database: Path, name: AssetName, before: int, after: int) -> AssetDifference | None:
    """Two versions of an asset and what differs; None where one of them is not here. Raises StoreError."""
    with AssetLibrary(database) as library:
        one, other = library.version(name, before), library.version(name, after)
    return None if one is None or other is None else difference_of(one, other)


def read_version(database: Path, name: AssetName, version: int) -> AssetVersion | None:
    """A version whole; None where it is not here. Raises StoreError."""
    with AssetLibrary(database) as library:
        return library.version(name, version)


def _assets(source: ForkSource, library: AssetLibrary, env: Mapping[str, str]) -> Iterator[GivenAsset]:
    seen: set[AssetName] = set()
    for alias, reference in references_of(source.plan.plan.assets).items():
        known = source.assets.get(alias)
        used = parse_reference(known.ref) if known is not None else reference
        seen.add(used.name)
        yield GivenAsset(
            alias,
            used.name,
            used.version,
            known.sha256 if known is not None else "",
            known.source.value if known is not None else "",
            library.history(used.name),
        )
    for name in sorted(_names_below(source, env) - seen):
        yield GivenAsset("", name, history=library.history(name))


def _names_below(source: ForkSource, env: Mapping[str, str]) -> set[AssetName]:
    """The assets of the plans that this one runs. A plan that cannot be read is said where the change is prepared."""
    from engine.errors import InputError, PlanError
    from engine.plan.sub_plans import assets_below
    from tui.commands.planning import locate

    path = source.plan_folder / f"{source.plan.plan.plan_id}.yaml"
    try:
        return {reference.name for reference in assets_below(source.plan, path, lambda name: locate(name, env))}
    except (InputError, PlanError):
        return set()

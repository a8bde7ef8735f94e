"""The assets of a run: the version that each alias stands for, what it holds, which stages use it. The registry is the store's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from engine.errors import Fault, InputError, PlanError
from engine.model.asset import AssetSource, AssetStatus, AssetType, PolicyKind
from engine.model.event import EventKind
from engine.model.stage import Reference
from engine.model.states import RunMode, Stage, StepType
from engine.plan.asset_texts import check_texts, uses_in_texts
from engine.plan.asset_uses import references_of
from engine.plan.asset_values import asset_error, asset_value, is_structured, read_asset
from engine.plan.faults import Faults, describe, did_you_mean
from engine.plan.values import MISSING, child

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from engine.model.asset import AssetName, AssetReference, ResolvedAsset
    from engine.model.event import Event
    from engine.model.json import Json, JsonObject
    from engine.model.stage import AssetRef
    from engine.pipeline.recorder import Recorder
    from engine.pipeline.request import RunRequest, Services
    from engine.pipeline.resume_point import RecordedAsset
    from engine.plan.asset_uses import AssetUse
    from engine.plan.compiled import CompiledPlan
    from engine.plan.faults import Path
    from engine.ports import AssetResolver

_DIGITS = 12  # of a hash, for a person


async def resolve_assets(
    plan: CompiledPlan,
    overrides: Sequence[AssetReference],
    resolver: AssetResolver,
    *,
    elsewhere: Collection[AssetReference] = (),
) -> dict[str, ResolvedAsset]:
    """The version that each alias of the plan stands for, read and checked.

    An override stands for every alias of its asset. `elsewhere` are the assets of plans that this one runs: an override
    may be meant for one of those.

    Raises InputError for an override that is meant for nothing, for an asset that is not there or cannot be used as the
    plan wants it, and for two policies of one kind; StoreError if the registry cannot be read.
    """
    references = references_of(plan.plan.assets)
    chosen = overrides_by_name(overrides, [*references.values(), *elsewhere])
    resolved = {
        alias: await resolver.resolve(reference, override=chosen.get(reference.name))
        for alias, reference in references.items()
    }
    check_assets(plan, resolved)
    return resolved


async def with_assets(request: RunRequest, services: Services) -> RunRequest:
    """The request with the assets of its plan, found now unless it has them. With an override it is a test.

    Raises what `resolve_assets` raises.
    """
    plan, overrides, assets = request.plan, request.overrides, request.assets
    if plan.plan.assets.keys() - assets.keys() or (overrides and not assets):
        # What the plans use that this one runs is not known here: an override may be meant for one of them.
        elsewhere = overrides if request.parent is not None or _runs_plans(plan) else ()
        assets = await resolve_assets(plan, overrides, services.assets, elsewhere=elsewhere)
    used = (*assets.values(), *request.routing.values())
    is_test = bool(overrides) or any(asset.source is AssetSource.OVERRIDE for asset in used)
    return replace(request, assets=assets, mode=RunMode.TEST if is_test else request.mode)


def _runs_plans(plan: CompiledPlan) -> bool:
    return any(step.step.type is StepType.PLAN for step in plan.all_steps.values())


async def resolve_again(
    plan: CompiledPlan, recorded: Mapping[str, RecordedAsset], resolver: AssetResolver
) -> dict[str, ResolvedAsset]:
    """The versions that a run has used before, exactly, for the aliases of the plan.

    Raises StoreError for one that is not there or not the same any more, and what `resolve_assets` raises for one that the
    plan cannot use, and for an alias of which nothing is recorded.
    """
    resolved: dict[str, ResolvedAsset] = {}
    for alias, reference in references_of(plan.plan.assets).items():
        known = recorded.get(alias)
        if known is None:
            raise InputError(f"no version of {reference} is recorded for the alias {alias}", place=plan.plan.plan_id)
        resolved[alias] = replace(await resolver.exact(known.ref, known.sha256), source=known.source)
    check_assets(plan, resolved)
    return resolved


async def recorded_assets(recorded: Mapping[str, RecordedAsset], resolver: AssetResolver) -> dict[str, ResolvedAsset]:
    """These versions, exactly. Raises StoreError for one that is not there or not the same any more."""
    return {
        name: replace(await resolver.exact(known.ref, known.sha256), source=known.source)
        for name, known in recorded.items()
    }


def overrides_by_name(
    overrides: Sequence[AssetReference], wanted: Sequence[AssetReference]
) -> dict[AssetName, AssetReference]:
    """Which version is set for an asset. Raises InputError for an override that nothing in `wanted` has a use for."""
    names = {reference.name for reference in wanted}
    chosen: dict[AssetName, AssetReference] = {}
    for override in overrides:
        if override.name not in names:
            listed = ", ".join(sorted({str(name) for name in names}))
            uses = f"the plan uses {listed}" if names else "the plan uses no assets"
            near = did_you_mean(str(override.name), [str(name) for name in names])
            raise InputError(f"nothing in the plan uses {override.name}", hint=f"{near} {uses}".strip())
        if override.version is None:
            raise InputError(f"{override} names no version", hint=f"write {override}@1, for example")
        if (other := chosen.setdefault(override.name, override)) != override:
            raise InputError(f"{other} and {override} cannot both be used", hint="override an asset once")
    return chosen


def check_assets(plan: CompiledPlan, resolved: Mapping[str, ResolvedAsset]) -> None:
    """Whether the run can use these versions. Raises InputError; see `resolve_assets`."""
    kinds: dict[PolicyKind, str] = {}
    for alias, asset in resolved.items():
        check_shape(asset)
        if asset.name.type is AssetType.POLICY:
            kind = _policy_kind(asset)
            first = kinds.setdefault(kind, alias)
            if first != alias and kind is not PolicyKind.GATES:
                message = f"{first} ({resolved[first].ref}) and {alias} ({asset.ref}) are both {kind} policies"
                raise InputError(
                    message, place=plan.plan.plan_id, hint="a plan has one policy of a kind; keep one alias"
                )
            from engine.pipeline.policies import check_policy  # late: most plans have no policy

            check_policy(read_asset(asset), place=asset.ref)
    check_texts(plan, resolved)


def check_shape(asset: ResolvedAsset) -> None:
    """Whether the content is what its type says it is. Reading it finds everything that is wrong with its text."""
    value = asset_value(asset)
    match asset.name.type:
        case AssetType.POLICY | AssetType.MAPPING:
            _expect(asset, "an object", isinstance(value, dict), value)
        case AssetType.SCREEN:
            _expect(asset, "a list of blocks", isinstance(value, list), value)
        case AssetType.QUERY | AssetType.PROMPT | AssetType.TEMPLATE:
            if asset.name.type is AssetType.TEMPLATE and not isinstance(value, str):
                hint = "a template is a text, of type text/markdown or text/plain"
                raise _wrong(asset, (), f"expected a text, found {describe(value)}", hint)
        case AssetType.SOURCE | AssetType.TOOL:
            pass
        case kind:
            assert_never(kind)


def _expect(asset: ResolvedAsset, what: str, fits: bool, value: Json) -> None:
    if not fits:
        hint = (
            "" if is_structured(asset.media_type) else f"it is {asset.media_type}; a {asset.name.type} is YAML or JSON"
        )
        raise _wrong(asset, (), f"expected {what}, found {describe(value)}", hint)


def _wrong(asset: ResolvedAsset, path: Path, message: str, hint: str) -> PlanError:
    """One fault of an asset, with its place where the asset has places."""
    if not is_structured(asset.media_type):
        return asset_error(asset, Fault(message, hint=hint))
    faults = Faults(read_asset(asset))
    faults.add(path, message, hint)
    return asset_error(asset, *faults.listed())


def _policy_kind(asset: ResolvedAsset) -> PolicyKind:
    value = asset_value(asset)
    word = value.get("kind") if isinstance(value, dict) else None
    try:
        return PolicyKind(str(word))
    except ValueError:
        known = ", ".join(PolicyKind)
        said = "a policy says in kind what it decides" if word is None else f"there is no kind of policy {word!r}"
        near = did_you_mean(str(word), PolicyKind) if word is not None else ""
        hint = near or f"kind is one of {known}"
        raise _wrong(asset, ("kind",), said, hint) from None


def asset_values(resolved: Mapping[str, ResolvedAsset]) -> JsonObject:
    """What the assets hold, by alias, as references and expressions see it."""
    return {alias: asset_value(asset) for alias, asset in resolved.items()}


def policy_of(request: RunRequest, kind: PolicyKind) -> tuple[str, JsonObject] | None:
    """The alias and the document of the policy of a kind that the plan names; None without one. Gates have no kind of their own."""
    for alias, asset in request.assets.items():
        if asset.name.type is AssetType.POLICY and _policy_kind(asset) is kind:
            document = asset_value(asset)
            return (alias, document) if isinstance(document, dict) else None
    return None


def applied(request: RunRequest, stage: Stage) -> dict[str, AssetRef]:
    """The assets that a stage uses, by alias: those that its part of the plan refers to, and the policies that it follows.

    Those that routed a question have no alias; they go by their names.
    """
    routing = request.routing if stage is Stage.ROUTE_PLAN else {}
    found = {alias: asset.applied() for alias, asset in routing.items()}
    if not request.assets:
        return found
    used = _used(request, stage)
    return found | {alias: asset.applied() for alias, asset in request.assets.items() if alias in used}


def _used(request: RunRequest, stage: Stage) -> set[str]:
    match stage:
        case Stage.ROUTE_PLAN:
            return _policies(request, PolicyKind.ROUTING)
        case Stage.VALIDATE:
            return set(request.assets)
        case Stage.EXECUTE:
            return _in_sections(request, "steps", "finally", "globals") | _policies(request, PolicyKind.REPLAN)
        case Stage.COMPOSE:
            return _in_sections(request, "compose")
        case Stage.PRESENT:
            return _in_sections(request, "present")
        case _:
            assert_never(stage)


def _policies(request: RunRequest, kind: PolicyKind) -> set[str]:
    policy = policy_of(request, kind)
    return set() if policy is None else {policy[0]}


def _in_sections(request: RunRequest, *sections: str) -> set[str]:
    uses: Iterable[AssetUse] = request.plan.asset_uses
    if not {"compose", "present"}.isdisjoint(sections):
        uses = (*uses, *uses_in_texts(request.plan, request.assets))  # what screens and templates refer to themselves
    return {use.alias for use in uses if use.section in sections}


def asset_references(used: Mapping[str, AssetRef]) -> tuple[Reference, ...]:
    """The same as references of a stage's output: which version, the start of its hash, and why this one."""
    return tuple(
        Reference(kind="asset", name=ref.ref, detail=f"{ref.sha256[:_DIGITS]} {_WHY[AssetSource(ref.source)]}")
        for ref in dict.fromkeys(used.values())
    )


_WHY = {
    AssetSource.OVERRIDE: "set for this run",
    AssetSource.PIN: "named by the plan",
    AssetSource.PUBLISHED: "the newest published",
}


def asset_warnings(request: RunRequest) -> list[str]:
    """What there is to say of a run's assets, a sentence each.

    That is: a deprecated version, a part of an asset that the plan refers to and that is not there, and an override that
    the plan has no use for, which may be meant for a plan that it runs.
    """
    if not request.assets and not request.overrides:
        return []
    names = {reference.name for reference in references_of(request.plan.plan.assets).values()}
    warnings = [f"nothing in this plan uses {override}" for override in request.overrides if override.name not in names]
    warnings += [
        f"{alias}: {asset.ref} is deprecated" + (", and the plan names it" if asset.source is AssetSource.PIN else "")
        for alias, asset in request.assets.items()
        if asset.status is AssetStatus.DEPRECATED
    ]
    values = asset_values({use.alias: request.assets[use.alias] for use in request.plan.asset_uses if use.keys})
    missing: dict[str, None] = {}
    for use in request.plan.asset_uses:
        value: Json = values.get(use.alias)
        for key in use.keys:
            value = child(value, key)
            if value is MISSING:
                missing[f"{use.shown} is not in {request.assets[use.alias].ref}"] = None
                break
    return [*warnings, *missing]


def resolved_events(request: RunRequest, recorder: Recorder) -> list[Event]:
    """`asset.resolved`, one for each alias in the order of the plan; before them those that routed the question."""
    found = {**request.routing, **request.assets}
    return [recorder.event(EventKind.ASSET_RESOLVED, resolved_json(alias, asset)) for alias, asset in found.items()]


def resolved_json(alias: str, asset: ResolvedAsset) -> JsonObject:
    """As `asset.resolved` carries it. What the asset holds is in the registry."""
    return {
        "alias": alias,
        "ref": asset.ref,
        "type": asset.name.type.value,
        "name": asset.name.name,
        "version": asset.version,
        "sha256": asset.sha256,
        "media_type": asset.media_type,
        "source": asset.source.value,
        "size_bytes": len(asset.content.encode("utf-8", "surrogatepass")),
    }

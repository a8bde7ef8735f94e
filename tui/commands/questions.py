"""What a question in words comes to, as an order that can be carried out: its policy found, its route decided. Nothing is written."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import InputError
from engine.model.asset import AssetReference
from engine.pipeline.assets import check_shape
from engine.pipeline.host import new_run_id
from engine.pipeline.stages.route_plan import payload_of
from engine.plan.asset_values import read_asset
from engine.plan.model_faults import DocumentError
from engine.plan.no_plan import NO_PLAN
from engine.routing.outcome import plan_output
from engine.routing.planner import PROMPT, Planned, plan_route
from engine.routing.policy import ROUTING, parse_routing_policy
from engine.steps.secrets import SecretBox
from store.assets.resolver import StoreAssets
from tui.commands.performing import Order, prepare
from tui.commands.planning import FoundPlan, read_plan
from tui.configuration import load_configuration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.asset import ResolvedAsset
    from engine.routing.chat import Endpoint
    from engine.routing.policy import RoutingPolicy
    from tui.commands.context import Context

POLICY: Final = AssetReference(ROUTING)


@dataclass(frozen=True, slots=True)
class _Routed:
    """A route, and the assets that it took to find it; the first is the policy."""

    planned: Planned
    used: tuple[ResolvedAsset, ...]


def order_for(words: str, overrides: Sequence[AssetReference], context: Context) -> Order:
    """The run that the question comes to. Overrides of what routes questions are used for that, the others by the plan.

    Raises InputError for a policy, a plan or a parameter that cannot be used, and for an override that nothing uses;
    StoreError for a database that cannot be read.
    """
    llm = load_configuration(context.env).settings.llm
    endpoint = None if llm is None else llm.endpoint(context.env)
    own = [override for override in overrides if override.name in (POLICY.name, PROMPT.name)]
    others = [override for override in overrides if override not in own]
    routed = asyncio.run(_route(words, own, context.database, endpoint))
    planned, route = routed.planned, routed.planned.route
    if route.plan:
        plan = read_plan(route.plan, context.env)
        order = prepare(plan, route.params, context.env, database=context.database, overrides=others)
        payload = payload_of(plan.compiled)
    elif others:
        raise InputError(f"the question leads to no plan, and nothing else uses {others[0]}", hint="leave it out")
    else:
        order, payload = _without_plan(context), None
    return replace(
        order,
        route=plan_output(route, policy=routed.used[0].ref, plan=payload, planner=planned.told),
        words=words,
        routing={str(asset.name): asset for asset in routed.used},
    )


async def _route(words: str, overrides: Sequence[AssetReference], database: Path, endpoint: Endpoint | None) -> _Routed:
    registry = StoreAssets(database)
    chosen = {override.name: override for override in overrides}
    if len(chosen) < len(overrides):
        raise InputError(f"{overrides[0].name} is overridden twice", hint="override an asset once")
    asset = await registry.resolve(POLICY, override=chosen.get(POLICY.name))
    check_shape(asset)
    policy = _policy_of(asset)
    if endpoint is None:
        if PROMPT.name in chosen:
            hint = "name one in the configuration, under [llm], or leave the override out"
            raise InputError(f"no language model is configured, so nothing uses {chosen[PROMPT.name]}", hint=hint)
        return _Routed(await plan_route(words, policy, None), (asset,))
    prompt = await registry.resolve(PROMPT, override=chosen.get(PROMPT.name))
    planned = await plan_route(words, policy, endpoint, prompt.content)
    return _Routed(planned, (asset, prompt) if planned.was_asked else (asset,))


def _policy_of(asset: ResolvedAsset) -> RoutingPolicy:
    """Raises PlanError with each fault and its line."""
    document = read_asset(asset)
    try:
        return parse_routing_policy(document.value, place=asset.ref)
    except DocumentError as error:
        raise error.placed(document) from None


def _without_plan(context: Context) -> Order:
    try:
        workdir = Path.cwd()
    except OSError as error:
        raise InputError("the current folder is gone", hint="change to a folder that exists") from error
    return Order(
        plan=FoundPlan(NO_PLAN, workdir / NO_PLAN.plan.plan_id),
        params={},
        secrets=SecretBox(),
        workdir=workdir,
        env=context.env,
        run_id=new_run_id(),
    )

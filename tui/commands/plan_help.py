"""What `opscope run PLAN --help` says of the plan: what it does, its parameters and its assets. The command's own help is argparse's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.errors import OpscopeError
from engine.model.asset import AssetSource, AssetStatus
from tui.viewmodel.palette import Role
from tui.viewmodel.text import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.plan import Param
    from engine.plan.compiled import CompiledPlan
    from tui.commands.context import Context


def print_plan_help(words: Sequence[str], context: Context) -> None:
    """Describe the plan that stands among the words of the command line, if there is one that can be read."""
    from tui.commands.planning import read_plan

    for word in words:
        if word.startswith("-") or "=" in word:
            continue
        try:
            compiled = read_plan(word, context.env).compiled
        except OpscopeError:
            continue  # a value of an option, or a plan that validate has more to say of
        plan = compiled.plan
        context.out.line()
        context.out.line(Span(f"the plan {word}", Role.TEXT, bold=True))
        context.out.text(plan.description, indent="  ")
        for name, param in plan.params.items():
            context.out.line(f"  -p {name}=...  ", Span(_facts(param), Role.DIM))
            context.out.text(param.description, indent="      ")
        if plan.assets:
            _print_assets(compiled, context)
        return


def _print_assets(compiled: CompiledPlan, context: Context) -> None:
    """The version of each asset that a run of now would use."""
    from tui.commands.plan_assets import found_assets

    found, missing = found_assets(compiled, context.database)
    context.out.line("  assets, each with the version that a run would use now:")
    for alias, reference in compiled.plan.assets.items():
        if (asset := found.get(alias)) is not None:
            status = "" if asset.status is AssetStatus.PUBLISHED else f", {asset.status}"
            context.out.line(f"    {alias}: {asset.ref}  ", Span(f"{_WHY[asset.source]}{status}", Role.DIM))
        else:
            context.out.line(f"    {alias}: {reference}  ", Span(missing[alias].cause, Role.WARNING))


_WHY = {AssetSource.PIN: "named by the plan", AssetSource.PUBLISHED: "the newest published", AssetSource.OVERRIDE: ""}


def _facts(param: Param) -> str:
    if param.required and param.default is None:
        return f"{param.type.value}, required"
    default = "" if param.default is None else f", {json.dumps(param.default, ensure_ascii=False)} if not given"
    return f"{param.type.value}{default}"

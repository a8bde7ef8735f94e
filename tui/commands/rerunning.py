"""Makes a run of a recorded one ready: whether it can be repeated, what the change makes of it, and the order to carry out."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.errors import InputError, PlanError
from engine.pipeline.fork_assets import assets_after
from engine.pipeline.fork_token import what_changed
from engine.pipeline.forking import fork, params_after, plan_after
from engine.pipeline.host import new_run_id
from engine.plan.load import load_plan
from engine.plan.no_plan import NO_PLAN
from engine.plan.sub_plans import assets_below
from engine.steps.secrets import SecretBox
from store.assets.resolver import StoreAssets
from store.errors import MissingAssetError
from store.fork_source import fork_source
from store.queries import plan_of
from store.queries.predictions import durations_with
from store.reader import Reader
from tui.commands.performing import Order
from tui.commands.planning import FoundPlan, locate
from tui.commands.sub_plans import sub_plan_faults
from tui.viewmodel.words import short_id

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.model.asset import ResolvedAsset
    from engine.model.json import Json
    from engine.pipeline.forking import Change, Fork, ForkSource
    from engine.plan.compiled import CompiledPlan
    from store.rows import RunRow


def read_source(database: Path, run: RunRow) -> ForkSource:
    """The run, if another can be made of it. Raises InputError that says why not, and StoreError."""
    short = short_id(run.run_id)
    place = f"run {short}"
    if run.parent_run_id is not None:
        parent = short_id(run.parent_run_id)
        raise InputError(
            f"it is step {run.parent_step_id} of run {parent}, and is repeated with that",
            place=place,
            hint=f"opscope rerun {parent} --from {run.parent_step_id}",
        )
    if run.plan_hash == NO_PLAN.plan_hash:
        raise InputError(
            "it answered a question without a plan, so there is nothing to repeat",
            place=place,
            hint="ask again: opscope ask",
        )
    if not run.status.is_final and run.imported_at_us is None:
        raise InputError(
            f"it has not ended: it is {run.status.value}",
            place=place,
            hint=f"wait for its end, or end it with: opscope cancel {short}",
        )
    with Reader.open(database) as reader:
        if reader.run(plan_of(run.run_id)) is None:
            raise InputError(
                "its plan is not in this file", place=place, hint="import its trace whole, or run the plan"
            )
        source = fork_source(reader, run)
    _require_folders(source, run)
    return source


def _require_folders(source: ForkSource, run: RunRow) -> None:
    gone = [
        f"the {what} {folder}"
        for what, folder in (("folder it ran in", source.workdir), ("folder of its plan", source.plan_folder))
        if not folder.is_dir()
    ]
    if gone:
        elsewhere = "; it was imported, and may have run on another host" if run.imported_at_us is not None else ""
        raise InputError(
            f"{' and '.join(dict.fromkeys(gone))} {'is' if len(gone) == 1 else 'are'} not there{elsewhere}",
            place=f"run {short_id(run.run_id)}",
            hint="a rerun happens where the run did; run the plan anew with opscope run",
        )


def make_fork(source: ForkSource, change: Change, env: Mapping[str, str], database: Path) -> Fork:
    """What the change makes of the run now; `change.params` are words of a command line.

    Raises InputError with all that is wrong, StoreError for an asset that is not what it was.
    """
    plan = plan_after(source, change)
    path = _path_of(plan, source)
    if faults := sub_plan_faults(plan, path, env):
        raise PlanError(str(path), faults)
    below = assets_below(plan, path, lambda name: locate(name, env)) if change.overrides else ()
    try:
        assets = asyncio.run(assets_after(source, change, plan, StoreAssets(database), elsewhere=below))
    except MissingAssetError as error:
        # For a rerun it is no damage: nothing has begun, and a run that was imported alone has none of its assets here.
        raise InputError(
            error.cause.replace("not there any more", "not in this file"),
            place=f"run {short_id(source.run_id)}",
            hint="take it in with opscope asset import, or use those that are here with --latest-assets",
        ) from error
    return fork(
        source,
        change,
        plan=plan,
        params=params_after(source, plan, change.params, from_text=True),
        assets=assets,
        host_env=env,
        measured_us=_measured(source, assets, database),
        masked=masking(plan, env, source.plan_folder),
    )


def masking(plan: CompiledPlan, env: Mapping[str, str], folder: Path) -> Callable[[Json], Json]:
    """Takes those of the plan's secrets that are there out of a value. For what is shown: a run needs all of them."""
    boxes = []
    for name, source in plan.plan.secrets.items():
        try:
            boxes.append(SecretBox.load({name: source}, host_env=env, folder=folder))
        except InputError:  # what nobody can read stands nowhere; the run itself is refused
            continue

    def masked(value: Json) -> Json:
        for box in boxes:
            value = box.mask_json(value)
        return value

    return masked


def _measured(source: ForkSource, assets: Mapping[str, ResolvedAsset], database: Path) -> dict[str, int]:
    """How long steps took with the assets that are others now, if the plan was ever run with them."""
    anew = {
        asset.ref
        for alias, asset in assets.items()
        if alias not in source.assets or source.assets[alias].ref != asset.ref
    }
    if not anew:
        return {}
    with Reader.open(database) as reader:
        return reader.run(durations_with(source.plan.plan.plan_id, anew))


def confirm(made: Fork, token: str, again: str) -> None:
    """Whether the fork is the one that a preview gave this token for; `again` is the command that previews it.

    Raises InputError that says what changed.
    """
    if token.strip().lower() != str(made.token):
        raise InputError(
            what_changed(token, made.token),
            place=f"run {short_id(made.source.run_id)}",
            hint=f"nothing was run; what these options come to now: {again}",
        )


def preview_command(arguments: argparse.Namespace) -> str:
    """The command that shows what the same options come to."""
    words = ["opscope", "rerun", arguments.run]
    words += [word for step_id in arguments.from_steps for word in ("--from", step_id)]
    words += ["--from-failed"] if arguments.from_failed else []
    words += ["--latest-assets"] if arguments.latest_assets else []
    words += [word for param in arguments.param for word in ("-p", param)]
    words += [word for override in arguments.override for word in ("--override", override)]
    words += [] if arguments.patch is None else ["--patch", arguments.patch]
    words += [] if arguments.plan is None else ["--plan", arguments.plan]
    return shlex.join([*words, "--dry-run"])


def order_of(made: Fork, env: Mapping[str, str], *, reason: str = "") -> Order:
    """The run to carry out; `reason` is kept with it. Raises InputError for secrets that are not there."""
    source = made.source
    return Order(
        plan=FoundPlan(made.plan, _path_of(made.plan, source)),
        params=made.params,
        secrets=SecretBox.load(made.plan.plan.secrets, host_env=env, folder=source.plan_folder),
        workdir=source.workdir,
        env=env,
        run_id=new_run_id(),
        assets=made.assets,
        overrides=made.overrides,
        reused=made.reused,
        source=replace(made.run_source(), reason=reason),
    )


def _path_of(plan: CompiledPlan, source: ForkSource) -> Path:
    """A name for the plan in the folder that its own paths start from. Its ending says how the text is to be read."""
    name = f"{plan.plan.plan_id}.yaml"
    try:
        is_yaml = load_plan(plan.source.encode("utf-8", "surrogatepass"), name=name).plan_hash == plan.plan_hash
    except PlanError:
        is_yaml = False
    return source.plan_folder / (name if is_yaml else f"{plan.plan.plan_id}.json")

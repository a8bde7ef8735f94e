"""Rerun, fork and edit are one thing: a recorded run with something changed, as another run. Pure; reads and starts nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from engine.errors import InputError
from engine.model.json import canonical_json
from engine.model.stage import AssetRef
from engine.model.states import StepType
from engine.pipeline.assets import asset_values
from engine.pipeline.fork_token import token_of
from engine.pipeline.fork_words import changes_of, is_same, notes_of
from engine.pipeline.past_times import times_of
from engine.pipeline.replan.patching import compile_patched, diff_of
from engine.pipeline.request import RunSource, SourceKind
from engine.pipeline.reuse import Changed, Reuse, Why, WhyAgain, as_reused, plan_reuse
from engine.plan.faults import did_you_mean
from engine.plan.params import bind_params
from engine.plan.scope import Scope
from engine.schedule.forecast import forecast
from engine.steps.environment import base_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.model.asset import AssetReference, ResolvedAsset
    from engine.model.json import Json, JsonObject
    from engine.model.replan import ReplanPatchDiff
    from engine.model.result import StepResult
    from engine.pipeline.fork_token import Token
    from engine.pipeline.resume_point import RecordedAsset
    from engine.plan.compiled import CompiledPlan
    from engine.schedule.forecast import Forecast

MASK: Final = "***"


@dataclass(frozen=True, slots=True)
class ForkSource:
    """A run that has ended, as far as another can be made of it.

    All is of its last pass: `plan` with the replans that were approved on the way, `results` with those that it had reused
    itself. `assets` and `params` are those it had, `base_env` what its steps saw of the host. `last_hash` is that of its
    last event: where it is another, the run is not the same any more.

    `earlier_us` is how long steps took in the last runs of the plan in which they came to a good end. `tried_us` has the
    steps of this run whose engine was lost, with how long they are known to have worked, None where that is not known.
    """

    run_id: str
    pass_index: int
    plan: CompiledPlan
    results: Mapping[str, StepResult]
    params: JsonObject
    assets: Mapping[str, RecordedAsset]
    base_env: Mapping[str, str]
    workdir: Path
    plan_folder: Path
    last_hash: str
    overrides: tuple[AssetReference, ...] = ()
    earlier_us: Mapping[str, int] = field(default_factory=dict)
    tried_us: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different. With nothing of it, all steps run again as they were.

    `params` are values, or with `from_text` words of a command line. `plan` is a whole edited plan; `patch` changes steps of
    the recorded one (see `engine.pipeline.replan.patching`). `latest_assets` alone keeps no result: nothing was asked for
    but another run. With `all_again` no result is kept whatever is different: the run is measured, not mended.
    """

    params: Mapping[str, Json] = field(default_factory=dict)
    overrides: tuple[AssetReference, ...] = ()
    from_steps: tuple[str, ...] = ()
    from_failed: bool = False
    latest_assets: bool = False
    patch: JsonObject | None = None
    plan: CompiledPlan | None = None
    all_again: bool = False

    @property
    def keeps_results(self) -> bool:
        """True if what still holds is taken over; else everything runs again."""
        return not self.all_again and bool(
            self.params
            or self.overrides
            or self.from_steps
            or self.from_failed
            or self.patch is not None
            or self.plan is not None
        )


@dataclass(frozen=True, slots=True)
class Fork:
    """The run that would be made, and what is to be expected of it.

    `patch` has the steps that differ, before and after. `changes` are sentences for a person; `notes` what else there is to
    know. `reused` are results ready to be recorded by the new run. `forecast` is in microseconds.
    """

    source: ForkSource
    plan: CompiledPlan
    params: JsonObject
    assets: Mapping[str, ResolvedAsset]
    overrides: tuple[AssetReference, ...]
    reused: Mapping[str, StepResult]
    again: Mapping[str, Why]
    patch: ReplanPatchDiff
    changes: tuple[str, ...]
    notes: tuple[str, ...]
    forecast: Forecast
    token: Token

    @property
    def kind(self) -> SourceKind:
        """Whether the plan is another one."""
        return SourceKind.RERUN if self.plan.plan_hash == self.source.plan.plan_hash else SourceKind.EDIT

    def run_source(self) -> RunSource:
        """As the new run records it."""
        return RunSource(
            run_id=self.source.run_id,
            pass_index=self.source.pass_index,
            kind=self.kind,
            changes=self.changes,
            patch=self.patch.model_dump(mode="json") if self.patch.before or self.patch.after else None,
            reused=tuple(self.reused),
            token=str(self.token),
            predicted_us=self.forecast.duration_us if self.forecast.is_known else None,
        )


def plan_after(source: ForkSource, change: Change) -> CompiledPlan:
    """The plan with the change. Raises InputError, or PlanError with the faults of the patched plan."""
    plan = source.plan if change.plan is None else change.plan
    if plan.plan.plan_id != source.plan.plan.plan_id:
        raise InputError(
            f"the edited plan is {plan.plan.plan_id}, the run's is {source.plan.plan.plan_id}",
            hint="a rerun keeps the plan's id; run the other plan with opscope run",
        )
    return plan if change.patch is None else compile_patched(plan, change.patch)


def params_after(source: ForkSource, plan: CompiledPlan, given: Mapping[str, Json], *, from_text: bool) -> JsonObject:
    """The parameters with what is given anew. One that had its default has the default of the plan as it is now.

    Raises ParameterError, and InputError for one whose value was masked when it was recorded.
    """
    kept: dict[str, Json] = {}
    declared = source.plan.plan.params
    for name, value in source.params.items():
        if name not in plan.plan.params or name in given:
            continue
        had_default = name in declared and is_same(declared[name].default, value)
        if had_default and not is_same(plan.plan.params[name].default, value):
            continue
        kept[name] = value
    if masked := [name for name, value in kept.items() if MASK in canonical_json(value)]:
        raise InputError(
            f"{_parameters(masked)} held a secret, which is not recorded",
            place=f"run {source.run_id[:6]}",
            hint=f"give it again: -p {masked[0]}=...",
        )
    return bind_params(plan.plan, {**kept, **given}, from_text=from_text)


def fork(
    source: ForkSource,
    change: Change,
    *,
    plan: CompiledPlan,
    params: JsonObject,
    assets: Mapping[str, ResolvedAsset],
    host_env: Mapping[str, str],
    measured_us: Mapping[str, int] | None = None,
    masked: Callable[[Json], Json] | None = None,
) -> Fork:
    """What the change makes of the run. `plan`, `params` and `assets` are those after it; `host_env` is that of who asks.

    `measured_us` is how long steps took in a run with the changed assets, where there was one: better than how long they took
    with others.
    `masked` takes the secrets out of what the sentences show, which are recorded too.
    The host's variables that the plan names in `env_from_host` count as a change where they differ; the few that every step
    has (PATH and the like) do not. Raises InputError for steps that the plan does not have, and for `from_failed` where
    nothing failed.
    """
    _check_steps(source, plan, change)
    overrides = _overrides_after(source, change)
    env = base_environment(host_env, plan.plan.globals.env_from_host)
    named, others = _changed_env(source, plan, env)
    changed = Changed(
        params_before=source.params,
        params_after=params,
        assets_before={
            alias: AssetRef(ref=known.ref, sha256=known.sha256, source=known.source.value)
            for alias, known in source.assets.items()
        },
        assets_after={alias: asset.applied() for alias, asset in assets.items()},
        base_env=tuple(f"${name}" for name in named),
        other_run=True,
        from_steps=frozenset(change.from_steps) | _steps_below(source, plan, overrides),
        from_failed=change.from_failed,
    )
    reuse = (
        plan_reuse(source.plan, plan, source.results, changed)
        if change.keeps_results
        else Reuse({}, dict.fromkeys(plan.steps, Why(WhyAgain.ASKED_FOR)))
    )
    if change.from_failed and not reuse.again:
        raise InputError(
            "nothing in it failed", place=f"run {source.run_id[:6]}", hint="name steps with --from, or leave it out"
        )
    before, after = json.loads(source.plan.document), json.loads(plan.document)
    patch = diff_of(before, after)
    return Fork(
        source=source,
        plan=plan,
        params=params,
        assets=assets,
        overrides=overrides,
        reused={
            step_id: as_reused(result, run_id=source.run_id, pass_index=source.pass_index)
            for step_id, result in reuse.reused.items()
        },
        again=reuse.again,
        patch=patch,
        changes=changes_of(
            source,
            change,
            params=params,
            assets=assets,
            patch=patch,
            documents=(before, after),
            variables=named,
            shown=None if masked is None else {name: masked(value) for name, value in params.items()},
        ),
        notes=notes_of(source, others),
        forecast=_forecast(source, plan, params, assets, env, reuse, measured_us or {}),
        token=token_of(
            plan=plan.plan_hash,
            params=params,
            assets=[
                {alias: [asset.ref, asset.sha256] for alias, asset in sorted(assets.items())},
                [*sorted(map(str, overrides))],
            ],
            source=[source.run_id, source.pass_index, source.last_hash],
            asked={
                "from": [*sorted(change.from_steps)],
                "from_failed": change.from_failed,
                "reused": [*sorted(reuse.reused)],
                "again": [*sorted(reuse.again)],
                "env": {name: env.get(name) for name in named},
            },
        ),
    )


def _forecast(
    source: ForkSource,
    plan: CompiledPlan,
    params: JsonObject,
    assets: Mapping[str, ResolvedAsset],
    env: Mapping[str, str],
    reuse: Reuse,
    measured_us: Mapping[str, int],
) -> Forecast:
    times = times_of(source.results, earlier_us=source.earlier_us, tried_us=source.tried_us)
    scope = Scope(
        params=params,
        env=env,
        results=source.results,
        run={"id": source.run_id, "plan_id": plan.plan.plan_id, "workdir": str(source.workdir)},
        assets=asset_values(assets),
    )
    # What is not known counts as nothing, so that the sum is the least that it takes.
    return forecast(plan, scope, reuse.reused, {**times.took, **measured_us}, default_us=0, at_least=times.at_least)


def _check_steps(source: ForkSource, plan: CompiledPlan, change: Change) -> None:
    for step_id in change.from_steps:
        if step_id in plan.finally_steps:
            raise InputError(f"{step_id} is a step of finally, which runs at the end of every run")
        if step_id not in plan.steps:
            known = f"its steps: {', '.join(list(plan.steps)[:20])}{', …' if len(plan.steps) > 20 else ''}"
            raise InputError(
                f"the plan has no step {step_id!r}",
                place=f"run {source.run_id[:6]}",
                hint=did_you_mean(step_id, plan.steps) or known,
            )


def _overrides_after(source: ForkSource, change: Change) -> tuple[AssetReference, ...]:
    """The overrides that are in force: those of the run, too, unless all assets are looked up anew."""
    kept = () if change.latest_assets else source.overrides
    anew = {override.name for override in change.overrides}
    return (*(override for override in kept if override.name not in anew), *change.overrides)


def _steps_below(source: ForkSource, plan: CompiledPlan, overrides: tuple[AssetReference, ...]) -> frozenset[str]:
    """The steps that run plans, where other versions of assets are set than were: they may be meant for those plans."""
    if set(overrides) == set(source.overrides):
        return frozenset()
    return frozenset(step_id for step_id, step in plan.steps.items() if step.step.type is StepType.PLAN)


def _changed_env(
    source: ForkSource, plan: CompiledPlan, env: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which of the host's variables differ: those that both plans name, and the others that every step has."""
    both = set(plan.plan.globals.env_from_host) & set(source.plan.plan.globals.env_from_host)
    differ = [
        name
        for name in sorted({**source.base_env, **env})
        if source.base_env.get(name) != env.get(name) and MASK not in source.base_env.get(name, "")
    ]
    elsewhere = set(plan.plan.globals.env_from_host) ^ set(source.plan.plan.globals.env_from_host)
    named = tuple(name for name in differ if name in both)
    return named, tuple(name for name in differ if name not in both and name not in elsewhere)


def _parameters(names: list[str]) -> str:
    return f"the parameter {names[0]}" if len(names) == 1 else f"the parameters {' and '.join(names)}"

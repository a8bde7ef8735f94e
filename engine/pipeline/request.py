"""What a run is asked for and how it ended. No running here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from engine.model.states import RouteKind, RunMode, RunStatus
from engine.pipeline.defaults import NoAssets, NoBreakers, NoCache, NoControl, NoLocks, NoSubPlans, pass_on
from engine.steps.toolbox import Toolbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.model.asset import AssetReference, ResolvedAsset
    from engine.model.json import Json, JsonObject
    from engine.model.result import StepResult
    from engine.model.stage import PlanOutput
    from engine.plan.compiled import CompiledPlan
    from engine.ports import (
        AssetResolver,
        BreakerMemory,
        Clock,
        ControlSource,
        EventSink,
        Executor,
        FailurePoint,
        LockBroker,
        ResultCache,
        SubPlans,
    )
    from engine.steps.secrets import SecretBox


@dataclass(frozen=True, slots=True)
class Parent:
    """The step that a run is a part of. `depth` is how many runs stand above this one; `locks` are what they hold together.

    `policies` are the validation policies of their plans, which hold for this one too.
    """

    run_id: str
    step_id: str
    depth: int = 1
    item_index: int | None = None
    locks: frozenset[str] = frozenset()
    policies: tuple[ResolvedAsset, ...] = ()


class SourceKind(StrEnum):
    """How a run came out of an earlier one."""

    RERUN = "rerun"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class RunSource:
    """The run that this one repeats with something changed, and what: `changes` is said to people, a sentence each.

    `reused` names the steps whose results are taken from it; `token` is that of the preview (see `engine.pipeline.forking`).
    `reason` is what whoever asked for it said, for the record; `predicted_us` is how long it was expected to take.
    """

    run_id: str
    pass_index: int
    kind: SourceKind
    changes: tuple[str, ...] = ()
    patch: JsonObject | None = None
    reused: tuple[str, ...] = ()
    token: str = ""
    reason: str = ""
    predicted_us: int | None = None

    def to_json(self) -> JsonObject:
        """As `run.created` carries it."""
        return {
            "run_id": self.run_id,
            "pass_index": self.pass_index,
            "kind": self.kind.value,
            "changes": [*self.changes],
            "patch": self.patch,
            "reused": [*self.reused],
            "token": self.token,
            "reason": self.reason,
            "predicted_us": self.predicted_us,
        }

    @classmethod
    def from_json(cls, document: JsonObject) -> RunSource:
        """What `to_json` made."""
        pass_index, patch = document.get("pass_index"), document.get("patch")
        predicted_us = document.get("predicted_us")
        changes, reused = document.get("changes"), document.get("reused")
        return cls(
            run_id=str(document.get("run_id")),
            pass_index=pass_index if isinstance(pass_index, int) else 0,
            kind=SourceKind(str(document.get("kind"))),
            changes=tuple(str(said) for said in changes) if isinstance(changes, list) else (),
            patch=patch if isinstance(patch, dict) else None,
            reused=tuple(str(step_id) for step_id in reused) if isinstance(reused, list) else (),
            token=str(document.get("token") or ""),
            reason=str(document.get("reason") or ""),
            predicted_us=predicted_us if isinstance(predicted_us, int) else None,
        )


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A plan with its parameters bound, and everything of the surroundings that the run depends on.

    `host_env` is the environment of whoever asked; `environment` describes the host (see `engine.pipeline.host`).
    `assets` are the versions that the plan's aliases stand for, by alias; where they are not given, they are found when the
    run begins, with `overrides` in the place of what the plan says. `reused` are results of `source`, by step, that
    are taken as they are. `route` is what routing a question came to, None where the request named its plan; `words` are
    those of the question, and `routing` the assets that routing it used, by their names.
    """

    plan: CompiledPlan
    params: JsonObject
    run_id: str
    workdir: Path
    plan_folder: Path
    host_env: Mapping[str, str]
    actor: str
    engine_id: str
    environment: JsonObject = field(default_factory=dict)
    mode: RunMode = RunMode.NORMAL
    parent: Parent | None = None
    assets: Mapping[str, ResolvedAsset] = field(default_factory=dict)
    overrides: tuple[AssetReference, ...] = ()
    reused: Mapping[str, StepResult] = field(default_factory=dict)
    source: RunSource | None = None
    route: PlanOutput | None = None
    words: str = ""
    routing: Mapping[str, ResolvedAsset] = field(default_factory=dict)

    @property
    def needs_plan(self) -> bool:
        """False for a question that is answered, or refused, by routing it."""
        return self.route is None or self.route.kind is RouteKind.PLAN


@dataclass(frozen=True, slots=True)
class Services:
    """The effects a run needs, passed in by whoever joins an engine to a store. `jitter` gives numbers in [0, 1).

    Without `control` nobody can interfere, without `locks` nobody is waited for, without `cache`, `breakers` and
    `sub_plans` a run knows of no other, and without `assets` of no registry. `toolbox` has the tools that the executor
    knows. `on_wait` is told who holds a lock that the run has to wait for. `checkpoint` is called at every failure point; a
    test may end the process there.
    """

    sink: EventSink
    secrets: SecretBox
    executor: Executor
    clock: Clock
    jitter: Callable[[], float]
    control: ControlSource = field(default_factory=NoControl)
    locks: LockBroker = field(default_factory=NoLocks)
    cache: ResultCache = field(default_factory=NoCache)
    breakers: BreakerMemory = field(default_factory=NoBreakers)
    sub_plans: SubPlans = field(default_factory=NoSubPlans)
    assets: AssetResolver = field(default_factory=NoAssets)
    toolbox: Toolbox = field(default_factory=Toolbox)
    on_wait: Callable[[str], None] = pass_on
    checkpoint: Callable[[FailurePoint], None] = pass_on


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended, or that it waits for a decision; `first_cause` is the failure that the others followed from.

    `composed` is what the plan's `compose` came to, `steps` how many steps ended in which state.
    """

    run_id: str
    status: RunStatus
    first_cause: JsonObject | None = None
    composed: Json = None
    steps: JsonObject = field(default_factory=dict)

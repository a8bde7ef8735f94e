"""What going on with a run needs to know of it, as data. Made in rebuild.py from the run's events, used by resume.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from engine.model.states import RunMode
from engine.pipeline.replan.story import NO_REPLANS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.model.asset import AssetReference, AssetSource
    from engine.model.breaker import BreakerState
    from engine.model.json import JsonObject
    from engine.model.result import StepResult
    from engine.model.stage import PlanOutput, StageOutput
    from engine.model.states import PauseReason, RunStatus, Stage
    from engine.pipeline.replan.story import ReplansSoFar
    from engine.pipeline.request import Parent
    from engine.pipeline.units import Unit
    from engine.schedule.taken_up import Left

TAKEN_UP: Final = "taken_up"
"""The argument of a recorded cancel that took up a run whose engine had died; it is the first cancel for that engine."""

RACED: Final = "raced"
"""The argument of a cancel that was sent before the first one was answered: it asks for the same, and not for more."""


class RecordedAsset(NamedTuple):
    """The version of an asset that a run uses, as its events name it, and why this one."""

    ref: str
    sha256: str
    source: AssetSource


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """Everything recorded of a run that going on with it needs. Made by `engine.pipeline.rebuild` from its events alone.

    `settled` holds main and `finally` steps in the order in which they were settled. Of steps that are not settled,
    `left` says where they and their items stand, `settled_items` has the items that had their end, `awaiting` the failures
    of those that wait for their fallback and `quarantined` those of the ones that somebody has to decide about.
    `uncertain` are units of which an attempt has begun and no end of it is recorded; `children` are the runs of sub-plans
    whose attempt was lost, `asked` the keys under which kept results were looked for. `breakers` is where this run left
    the breakers of tools, and `begun` has the last attempts to begin, with their times.
    `canceled_by` is who canceled the run, `forced` whether that was asked twice or with force. `begun_stages` are the
    stages that had started, `is_started` and `is_planned` whether the run's start and its execution plan are recorded.
    `assets` are the versions of assets that the run uses, by alias, `overrides` those that were set for it and its sub-plans.
    All of it is of the pass `pass_index`, with the `replans` of all; `before` are the results of the pass before it.
    `started_at_us` and `stage_started_at_us` are when the run and the stage that is under way began, None for what had not.
    """

    run_id: str
    plan_hash: str
    params: JsonObject
    workdir: Path
    plan_folder: Path
    base_env: Mapping[str, str]
    mode: RunMode = RunMode.NORMAL
    pass_index: int = 0
    environment: JsonObject = field(default_factory=dict)
    parent: Parent | None = None
    stage_outputs: Mapping[Stage, StageOutput] = field(default_factory=dict)
    is_started: bool = False
    begun_stages: frozenset[Stage] = frozenset()
    is_planned: bool = False
    settled: Mapping[str, StepResult] = field(default_factory=dict)
    settled_items: Mapping[str, Mapping[int, StepResult]] = field(default_factory=dict)
    left: Mapping[Unit, Left] = field(default_factory=dict)
    awaiting: Mapping[str, StepResult] = field(default_factory=dict)
    quarantined: Mapping[str, StepResult] = field(default_factory=dict)
    uncertain: tuple[Unit, ...] = ()
    children: Mapping[Unit, str] = field(default_factory=dict)
    asked: Mapping[Unit, str] = field(default_factory=dict)
    breakers: Mapping[str, BreakerState] = field(default_factory=dict)
    begun: tuple[tuple[str, int], ...] = ()
    canceled_by: str | None = None
    forced: bool = False
    paused: PauseReason | None = None
    ended: RunStatus | None = None
    first_cause: JsonObject | None = None
    locks: tuple[str, ...] = ()
    started_at_us: int | None = None
    stage_started_at_us: int | None = None
    assets: Mapping[str, RecordedAsset] = field(default_factory=dict)
    overrides: tuple[AssetReference, ...] = ()
    route: PlanOutput | None = None
    words: str = ""
    routing: Mapping[str, RecordedAsset] = field(default_factory=dict)
    replans: ReplansSoFar = NO_REPLANS
    before: Mapping[str, StepResult] = field(default_factory=dict)

    @property
    def uncertain_steps(self) -> tuple[str, ...]:
        """The steps of the uncertain units, each once."""
        return tuple(dict.fromkeys(unit.step_id for unit in self.uncertain))

    @property
    def decidable(self) -> tuple[str, ...]:
        """The steps about which somebody may decide: the uncertain and the quarantined ones."""
        return tuple(dict.fromkeys([*self.uncertain_steps, *self.quarantined]))

    def run_us_by(self, now_us: int) -> int:
        """How long the run has lasted, in microseconds: by the host's clock, since no engine's own clock spans two of them.

        When the lost engine stopped, nobody saw; so the time until it was taken up is in it, as that in which a run waits is.
        """
        return 0 if self.started_at_us is None else max(0, now_us - self.started_at_us)

    def stage_us_by(self, now_us: int) -> int:
        """The same for the stage that is under way."""
        return 0 if self.stage_started_at_us is None else max(0, now_us - self.stage_started_at_us)

    @property
    def canceled(self) -> bool:
        """True if the run was being canceled."""
        return self.canceled_by is not None

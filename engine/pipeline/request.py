"""What a run is asked for and how it ended. No running here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.model.states import RunMode, RunStatus
from engine.pipeline.defaults import NoControl, NoLocks, pass_on

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.model.json import JsonObject
    from engine.plan.compiled import CompiledPlan
    from engine.ports import Clock, ControlSource, EventSink, Executor, FailurePoint, LockBroker
    from engine.steps.secrets import SecretBox


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A plan with its parameters bound, and everything of the surroundings that the run depends on.

    `host_env` is the environment of whoever asked; `environment` describes the host (see `engine.pipeline.host`).
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


@dataclass(frozen=True, slots=True)
class Services:
    """The effects a run needs, passed in by whoever joins an engine to a store. `jitter` gives numbers in [0, 1).

    Without `control` nobody can interfere, without `locks` nobody is waited for. `on_wait` is told who holds a lock that
    the run has to wait for. `checkpoint` is called at every failure point; a test may end the process there.
    """

    sink: EventSink
    secrets: SecretBox
    executor: Executor
    clock: Clock
    jitter: Callable[[], float]
    control: ControlSource = field(default_factory=NoControl)
    locks: LockBroker = field(default_factory=NoLocks)
    on_wait: Callable[[str], None] = pass_on
    checkpoint: Callable[[FailurePoint], None] = pass_on


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended; `first_cause` is the failure that the others followed from."""

    run_id: str
    status: RunStatus
    first_cause: JsonObject | None = None

"""What an engine is given to do: a run to start or one to take up again, who asks for it, and who is told how it goes."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.pipeline.defaults import pass_on

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from engine.model.asset import AssetReference, ResolvedAsset
    from engine.model.json import JsonObject
    from engine.model.result import StepResult
    from engine.model.stage import PlanOutput
    from engine.pipeline.decisions import Decision
    from engine.pipeline.request import RunSource
    from engine.plan.compiled import CompiledPlan
    from engine.ports import ControlRequest, FailurePoint
    from engine.steps.secrets import SecretBox
    from tui.commands.planning import FoundPlan


@dataclass(frozen=True, slots=True)
class Order:
    """A run that is ready to start: everything given has been checked, nothing has been written.

    `assets` are the versions that the plan's aliases stand for; where they are not given, they are found when it starts.
    `route`, `words` and `routing` are those of a question, see `RunRequest`; one that needs no plan has `NO_PLAN`.
    `source` is the run that this one is made of, `reused` what is taken over of its results.
    """

    plan: FoundPlan
    params: JsonObject
    secrets: SecretBox
    workdir: Path
    env: Mapping[str, str]
    run_id: str
    assets: Mapping[str, ResolvedAsset] = field(default_factory=dict)
    overrides: tuple[AssetReference, ...] = ()
    route: PlanOutput | None = None
    words: str = ""
    routing: Mapping[str, ResolvedAsset] = field(default_factory=dict)
    reused: Mapping[str, StepResult] = field(default_factory=dict)
    source: RunSource | None = None


@dataclass(frozen=True, slots=True)
class Resumption:
    """A run that is ready to be taken up again. `epoch` is the one in which its owner was found dead, `seq` its last event.

    With `cancel` it is taken up only to be canceled: its `finally` runs, unless that is forced. `answer` is what an operator
    says to a replan that it waits for.
    """

    run_id: str
    epoch: int
    seq: int
    plan: CompiledPlan
    secrets: SecretBox
    env: Mapping[str, str]
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    cancel: ControlRequest | None = None
    answer: ControlRequest | None = None


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Who is told how it goes, on the event loop; nothing waits for it.

    `note` hears what is waited for and what went wrong beside the run, `exists` that the run is in the file and on its
    way. `alarm` hears instead of `note`, if it is given, what somebody has to know who wants to hear nothing: that the
    disk is full, and that it is not any more. `waits` hears that the run waits for somebody's approval. `leave` hears
    that the run is stopped by a signal and cannot be recorded: if it returns, room is waited for. `checkpoint` is called
    at the engine's failure points.
    """

    note: Callable[[str], None] = pass_on
    exists: Callable[[str], None] = pass_on
    alarm: Callable[[str], None] | None = None
    waits: Callable[[str], None] = pass_on
    leave: Callable[[signal.Signals], None] = lambda _: None
    checkpoint: Callable[[FailurePoint], None] = pass_on


NOBODY = Onlooker()


def actor(uid: int | None = None) -> str:
    """Who asks: `operator:NAME`, of this process's user if none is given."""
    uid = os.getuid() if uid is None else uid
    try:
        return f"operator:{pwd.getpwuid(uid).pw_name}"
    except KeyError:  # a container may run as a number without a name
        return f"operator:{uid}"

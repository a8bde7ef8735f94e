"""What a stage is given beside its input, and the running of one stage with its time and its failures. No stage's own work."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from engine.errors import Fault, InfrastructureError, OpscopeError, PlanError
from engine.model.stage import StageDiagnostics, StageOutput
from engine.model.states import DiagnosticsStatus
from engine.pipeline.assets import asset_references

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from engine.model.breaker import BreakerState
    from engine.model.json import JsonObject
    from engine.model.result import StepResult
    from engine.model.stage import StageInput
    from engine.pipeline.control import Relay
    from engine.pipeline.recorder import Recorder
    from engine.pipeline.replan.passes import Replans
    from engine.pipeline.request import RunRequest, Services
    from engine.pipeline.resume_point import ResumePoint


class ControlFeed(Protocol):
    """What the operator wants of the run at the moment."""

    @property
    def canceled_by(self) -> str | None:
        """Who canceled the run, if somebody did."""
        ...

    @property
    def forced(self) -> bool:
        """True if the run was canceled twice or with force: `finally` is not to run either."""
        ...

    @property
    def paused(self) -> bool:
        """True while nothing new may start."""
        ...

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every change from now on."""
        ...

    def relay(self) -> Relay:
        """A source of what is asked of this run, for a run that is a step of it, until it is closed."""
        ...


@dataclass(slots=True)
class Carried:
    """What a pass knows of the tools when it is over: their breakers, and when attempts began lately, by pool."""

    breakers: Mapping[str, BreakerState] = field(default_factory=dict)
    begun_us: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StageContext:
    """The run that a stage belongs to and the effects that it may use.

    `causes` is where a stage that fails the run says what the failure followed from, as `run.failed` carries it;
    `quarantine` is where one that cannot go on says what somebody has to decide, as `run.quarantined` carries it.
    `resumed` is what was recorded of this pass before this engine took it up, None for one that it began. `assets` is what
    the run's assets hold, by alias. `replans` is where other plans are asked for, and `replan` names the steps because of
    which one follows. `reused` are the results of an earlier pass or run that hold for this plan, `settled` those of this
    pass in the end. `carried` is handed from pass to pass.
    """

    request: RunRequest
    services: Services
    recorder: Recorder
    control: ControlFeed
    causes: list[JsonObject] = field(default_factory=list)
    resumed: ResumePoint | None = None
    quarantine: list[JsonObject] = field(default_factory=list)
    assets: JsonObject = field(default_factory=dict)
    replans: Replans | None = None
    replan: list[str] = field(default_factory=list)
    reused: Mapping[str, StepResult] = field(default_factory=dict)
    settled: dict[str, StepResult] = field(default_factory=dict)
    abandoned_of: list[JsonObject] = field(default_factory=list)
    carried: Carried = field(default_factory=Carried)

    @property
    def abandoned(self) -> JsonObject | None:
        """What the pass failed of before its steps began, so that only `finally` runs."""
        return next(iter(self.abandoned_of), None)

    def abandon(self, failure: JsonObject) -> None:
        """The pass has failed before its steps began."""
        self.abandoned_of.append(failure)


async def run_stage(
    work: Callable[[StageInput, StageContext], Awaitable[StageOutput]], given: StageInput, context: StageContext
) -> StageOutput:
    """Run one stage and time it. A failure inside it becomes an output with status error, so that no run is lost.

    Raises InfrastructureError: where the file cannot be written, nothing about a failure could be recorded either.
    """
    clock = context.services.clock
    began = clock.monotonic()
    try:
        output = await work(given, context)
    except InfrastructureError:
        raise
    except OpscopeError as error:
        output = StageOutput(stage=given.stage, diagnostics=failed_diagnostics(describe_error(error)))
    except Exception as error:  # noqa: BLE001  a defect in a stage is recorded with its place instead of losing the run
        place = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{given.stage.value} broke: {type(error).__name__}: {error} ({place.name}, line {place.lineno})"
        output = StageOutput(stage=given.stage, diagnostics=failed_diagnostics([message]))
    elapsed_ms = (clock.monotonic() - began) * 1000
    references = (*output.references, *asset_references(given.applied_assets))
    return output.model_copy(update={"duration_ms": round(elapsed_ms, 3), "references": references})


def failed_diagnostics(errors: Sequence[str]) -> StageDiagnostics:
    """Diagnostics of a stage that could not do its work."""
    return StageDiagnostics(status=DiagnosticsStatus.ERROR, errors=tuple(errors))


def describe_error(error: OpscopeError) -> list[str]:
    """The sentences of an error: one a fault for a plan, else its cause and hint."""
    if isinstance(error, PlanError):
        return [describe_fault(fault) for fault in error.faults]
    return [f"{error} ({error.hint})" if error.hint else str(error)]


def describe_fault(fault: Fault) -> str:
    """A fault as one line: place, message, hint."""
    place = f"line {fault.line}: " if fault.line is not None else ""
    path = f"{fault.path}: " if fault.path else ""
    hint = f" ({fault.hint})" if fault.hint else ""
    return f"{place}{path}{fault.message}{hint}"

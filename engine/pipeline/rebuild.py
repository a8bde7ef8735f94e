"""From a run's recorded events to the point from which it can be taken up. Pure: the one place that reads a run's story back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import InfrastructureError
from engine.model.asset import AssetSource, parse_reference
from engine.model.event import EventKind
from engine.model.stage import AssetRef, OrchestrationTrace, PlanOutput, StageOutput
from engine.model.states import PauseReason, RunMode, RunStatus, Stage
from engine.pipeline.decisions import Decision
from engine.pipeline.replan.story import ReplanStory
from engine.pipeline.request import Parent
from engine.pipeline.resume_point import RACED, TAKEN_UP, RecordedAsset, ResumePoint
from engine.pipeline.step_stories import StepStories
from engine.pipeline.units import Unit
from engine.ports import ControlVerb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.model.event import Event
    from engine.model.json import Json, JsonObject
    from engine.model.result import StepResult

_ENDS = {
    EventKind.RUN_SUCCEEDED: RunStatus.SUCCEEDED,
    EventKind.RUN_FAILED: RunStatus.FAILED,
    EventKind.RUN_CANCELED: RunStatus.CANCELED,
}


def resume_point_from_events(run_id: str, events: Iterable[Event]) -> ResumePoint:
    """Where the run stands after these events, all that it has, in their order. One walk; nothing of them is kept but results.

    Raises InfrastructureError for events that do not begin with `run.created`.
    """
    story: _Story | None = None
    for event in events:
        if story is None:
            if event.kind is not EventKind.RUN_CREATED:
                raise InfrastructureError(
                    f"the record begins with {event.kind.value}, not with its creation",
                    place=f"run {run_id}",
                    hint="see what opscope verify says of the file",
                )
            story = _Story(event.data)
        story.take(event)
    if story is None:
        raise InfrastructureError("nothing is recorded of it", place=f"run {run_id}")
    return story.point(run_id)


class _Story:
    """What the events so far say of the run."""

    def __init__(self, created: JsonObject) -> None:
        self.created = created
        self.pass_index = 0
        self.outputs: dict[Stage, StageOutput] = {}
        self.is_started = False
        self.begun: set[Stage] = set()
        self.order: list[str] = []
        self.trace: OrchestrationTrace | None = None
        self.steps = StepStories()
        self.replans = ReplanStory()
        self.before: Mapping[str, StepResult] = {}
        self.is_followed = False
        self.canceled_by: str | None = None
        self.forced = False
        self.paused: PauseReason | None = None
        self.ended: RunStatus | None = None
        self.first_cause: JsonObject | None = None
        self.locks: tuple[str, ...] = ()
        self.assets: dict[str, RecordedAsset] = {}
        self.started_at_us: int | None = None
        self.stage_started_at_us: int | None = None

    def take(self, event: Event) -> None:
        while self.pass_index < event.pass_index:
            self._begin_pass()
        if event.kind in (EventKind.REPLAN_REQUESTED, EventKind.REPLAN_DECIDED):
            denied = self.replans.take(event)
            if denied is not None:
                self.steps.let_go(denied)
        elif event.step_id is not None:
            self.replans.see_step(event)
            self.steps.take(event, Unit(event.step_id, event.item_index))
        elif event.kind in (EventKind.STAGE_STARTED, EventKind.STAGE_FINISHED):
            self._stage(event)
        elif event.kind is EventKind.ASSET_RESOLVED:
            self._asset(event.data)
        else:
            self._run(event)

    def _begin_pass(self) -> None:
        """What is said from here on is of another pass, with another plan."""
        self.pass_index += 1
        self.before = self.steps.settled
        self.steps = self.steps.next_pass()
        self.replans.begin_pass()
        self.outputs, self.begun, self.order, self.trace = {}, set(), [], None
        self.is_followed = False
        self.stage_started_at_us = None

    def _run(self, event: Event) -> None:
        data = event.data
        match event.kind:
            case EventKind.RUN_STARTED:
                self.is_started = True
                self.started_at_us = event.at_us if self.started_at_us is None else self.started_at_us
            case EventKind.RUN_PAUSED:
                self.paused = PauseReason(str(data.get("reason")))
            case EventKind.RUN_RESUMED | EventKind.RUN_QUARANTINED:
                self.paused = None
            case EventKind.RUN_SUCCEEDED | EventKind.RUN_FAILED | EventKind.RUN_CANCELED:
                self.paused = None
                self.ended = _ENDS[event.kind]
                self.first_cause = _object(data.get("first_cause")) or self.first_cause
            case EventKind.CONTROL_RECEIVED:
                self._control(event)
            case EventKind.LOCK_ACQUIRED:
                self.locks = tuple(_words(data.get("names")))
            case EventKind.LOCK_RELEASED:
                # One alone may have been taken from the run by an operator.
                gone = _words(data.get("names"))
                self.locks = tuple(name for name in self.locks if name not in gone)
            case EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT:
                self.order = _words(data.get("order"))
                self.trace = OrchestrationTrace.model_validate(data.get("trace"))
            case EventKind.ORCHESTRATION_EXECUTION_FAILED:
                self.first_cause = _object(data.get("first_cause")) or None
            case _:
                pass

    def _asset(self, data: JsonObject) -> None:
        if data.get("alias") in _object(self.created.get("routing")):
            return  # it routed the question; no alias of the plan has such a name
        ref, sha256, source = (str(data.get(name)) for name in ("ref", "sha256", "source"))
        self.assets[str(data.get("alias"))] = RecordedAsset(ref, sha256, AssetSource(source))

    def _control(self, event: Event) -> None:
        data = event.data
        arguments = _object(data.get("arguments"))
        match data.get("verb"):
            case ControlVerb.CANCEL.value:
                # One that only took up a run without an engine is not the second cancel, which stops `finally`; nor is
                # one that raced the first.
                again = self.canceled_by is not None and not arguments.get(TAKEN_UP) and not arguments.get(RACED)
                self.forced = self.forced or again or data.get("force") is True
                self.canceled_by = self.canceled_by or event.actor
            case ControlVerb.RESUME.value:
                for step_id in _words(arguments.get(Decision.RETRY.value)):
                    self.steps.try_again(step_id)
            case _:
                pass

    def _stage(self, event: Event) -> None:
        stage = Stage.EXECUTE if event.stage is None else event.stage
        if event.kind is EventKind.STAGE_STARTED:
            self.begun.add(stage)
            self.stage_started_at_us = event.at_us
        else:
            self.outputs[stage] = StageOutput.model_validate(event.data.get("output"))
            self.is_followed = bool(event.data.get("replan"))
            self.stage_started_at_us = None

    def point(self, run_id: str) -> ResumePoint:
        if self.is_followed or (self.replans.goes_on and Stage.EXECUTE not in self.begun):
            self._begin_pass()  # its first event was not written any more
        steps = self.steps
        uncertain = steps.lose_what_is_under_way()
        if (executed := self.outputs.get(Stage.EXECUTE)) is not None:
            self.outputs[Stage.EXECUTE] = self._with_steps(executed)
        created = self.created
        return ResumePoint(
            run_id=run_id,
            plan_hash=str(created.get("plan_hash")),
            params=_object(created.get("params")),
            workdir=Path(str(created.get("workdir"))),
            plan_folder=Path(str(created.get("plan_folder"))),
            base_env={name: str(value) for name, value in _object(created.get("base_env")).items()},
            mode=RunMode(str(created.get("mode") or RunMode.NORMAL)),
            pass_index=self.pass_index,
            environment=_object(created.get("environment")),
            parent=_parent(created),
            stage_outputs=self.outputs,
            is_started=self.is_started,
            begun_stages=frozenset(self.begun),
            is_planned=self.trace is not None,
            settled=steps.settled,
            settled_items=steps.settled_items,
            left=steps.left(),
            awaiting=steps.awaiting,
            quarantined=steps.quarantined,
            uncertain=uncertain,
            children=steps.children(),
            asked=steps.asked(),
            breakers=steps.breakers,
            begun=tuple(steps.begun),
            canceled_by=self.canceled_by,
            forced=self.forced,
            paused=self.paused,
            ended=self.ended,
            first_cause=self.first_cause,
            locks=self.locks,
            assets=self.assets,
            overrides=tuple(parse_reference(word) for word in _words(created.get("overrides"))),
            route=None if created.get("route") is None else PlanOutput.model_validate(created["route"]),
            words=str(created.get("words") or ""),
            replans=self.replans.so_far(),
            before=self.before,
            routing={name: _applied(ref) for name, ref in _object(created.get("routing")).items()},
            started_at_us=self.started_at_us,
            stage_started_at_us=self.stage_started_at_us,
        )

    def _with_steps(self, executed: StageOutput) -> StageOutput:
        """What execute handed on, with the steps' results and the trace back in their places."""
        settled = self.steps.settled
        result = {step_id: settled[step_id].to_json() for step_id in self.order if step_id in settled}
        return executed.model_copy(update={"result": result, "orchestration_trace": self.trace})


def _parent(created: JsonObject) -> Parent | None:
    run_id, step_id = created.get("parent_run_id"), created.get("parent_step_id")
    if not isinstance(run_id, str) or not isinstance(step_id, str):
        return None
    depth, item = created.get("depth"), created.get("parent_item_index")
    return Parent(run_id, step_id, depth if isinstance(depth, int) else 1, item if isinstance(item, int) else None)


def _applied(document: Json) -> RecordedAsset:
    ref = AssetRef.model_validate(document)
    return RecordedAsset(ref.ref, ref.sha256, AssetSource(ref.source))


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _words(value: Json) -> list[str]:
    return [str(word) for word in value] if isinstance(value, list) else []

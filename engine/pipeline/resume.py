"""Takes up a run where a dead engine left it: from what is recorded, by an operator's decisions. Reading that back is rebuild.py's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from engine.errors import InputError, WaitingError
from engine.model.event import EventKind
from engine.model.result import AttemptOutcome, StepResult
from engine.model.states import PauseReason, Reason, StepStatus
from engine.pipeline.answering import Answering
from engine.pipeline.assets import asset_values, recorded_assets, resolve_again, with_assets
from engine.pipeline.control import Control
from engine.pipeline.decisions import Decision
from engine.pipeline.passage import Passage, attend
from engine.pipeline.phases import run_facts
from engine.pipeline.records import StepRecords, uncertain_json
from engine.pipeline.replan.answers import pause_data
from engine.pipeline.replan.desk import ReplanDesk
from engine.pipeline.replan.passes import take_up
from engine.pipeline.replan.plans import plans_of
from engine.pipeline.request import RunRequest
from engine.pipeline.resume_point import TAKEN_UP
from engine.pipeline.runner import opening, recorder_of
from engine.pipeline.units import Attempt, Unit
from engine.plan.scope import Scope
from engine.ports import ControlVerb
from engine.schedule.consequences import Consequence, step_consequence
from engine.schedule.taken_up import Left
from engine.steps.environment import base_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.model.event import Event
    from engine.model.json import JsonObject
    from engine.pipeline.recorder import Recorder
    from engine.pipeline.request import RunOutcome, Services
    from engine.pipeline.resume_point import ResumePoint
    from engine.plan.compiled import CompiledPlan
    from engine.ports import Clock, ControlRequest


_ITEMS_NAMED = 5


def request_to_resume(point: ResumePoint, plan: CompiledPlan, *, actor: str, engine_id: str) -> RunRequest:
    """The request of the run as it was recorded, for `plan` compiled again from its stored source."""
    return RunRequest(
        plan=plan,
        params=point.params,
        run_id=point.run_id,
        workdir=point.workdir,
        plan_folder=point.plan_folder,
        host_env=point.base_env,
        actor=actor,
        engine_id=engine_id,
        environment=point.environment,
        mode=point.mode,
        parent=point.parent,
        overrides=point.overrides,
        route=point.route,
        words=point.words,
    )


def stopped_steps(point: ResumePoint, plan: CompiledPlan) -> tuple[str, ...]:
    """Uncertain steps that are not run again because the run was stopping: it was canceled, or a failure aborts it."""
    plan = current_plan(plan, point)
    stopping = point.canceled or any(
        step_id in plan.steps
        and step_id not in point.replans.held
        and result.reason is not Reason.REPLANNED
        and step_consequence(result, plan.steps[step_id]) is Consequence.ABORT
        for step_id, result in point.settled.items()
    )
    return tuple(
        step_id for step_id in point.uncertain_steps if (point.forced if step_id in plan.finally_steps else stopping)
    )


def undecided(point: ResumePoint, plan: CompiledPlan) -> tuple[str, ...]:
    """The steps without which the run cannot go on before somebody decides.

    Those are the quarantined ones, and those that are uncertain, not idempotent, and to be run. What became of a sub-plan
    stands in its own run, which is taken up.
    """
    plan = current_plan(plan, point)
    steps, stopped = plan.all_steps, stopped_steps(point, plan)
    followed = {unit.step_id for unit in point.children}
    uncertain = (
        step_id
        for step_id in point.uncertain_steps
        if step_id not in stopped and step_id not in followed and not steps[step_id].step.is_idempotent
    )
    left_alone = (
        step_id
        for step_id in point.quarantined
        if not (point.forced if step_id in plan.finally_steps else point.canceled)
    )
    return tuple(dict.fromkeys([*uncertain, *left_alone]))


def after_engine_loss(point: ResumePoint, plan: CompiledPlan) -> tuple[EventKind, JsonObject]:
    """What recovery records of a run whose engine is lost: kind and data of the event.

    Quarantined where somebody has to decide about steps, else paused: until somebody says what was asked for, or resumes it.
    """
    if open_steps := undecided(point, plan):
        data: JsonObject = {
            "reason": PauseReason.ENGINE_LOST.value,
            "message": _may_have_run(point, open_steps),
            **uncertain_json(tuple(unit for unit in point.uncertain if unit.step_id in open_steps)),
        }
        data["uncertain"] = [*open_steps]
        return EventKind.RUN_QUARANTINED, data
    if point.paused is PauseReason.APPROVAL and point.replans.pending:
        return EventKind.RUN_PAUSED, pause_data(point.run_id, [*point.replans.pending.values()])
    data = {
        "reason": PauseReason.ENGINE_LOST.value,
        "message": "its engine is gone; what was recorded is kept, and resume goes on from there",
        **uncertain_json(point.uncertain),
    }
    return EventKind.RUN_PAUSED, data


async def resume_plan(
    request: RunRequest,
    point: ResumePoint,
    decisions: Mapping[str, Decision],
    services: Services,
    *,
    cancel: ControlRequest | None = None,
    answer: ControlRequest | None = None,
) -> RunOutcome:
    """Take the run up at `point` and carry it to its end; see `run_plan` for how it can end.

    What is settled is not run again, and what is recorded of finished stages is what the next ones are given. Steps of
    which an attempt was lost are run again if they are idempotent, else as `decisions` say; lost attempts do not count
    against the step's retries. With `cancel` the run is taken up only to be canceled: `finally` runs, unless it is forced.
    With `answer` it is taken up with what an operator says of a replan that waits for approval; without, it waits on.

    Raises, before anything is recorded or run, InputError for a run that has ended, another plan, or a decision that is
    not asked for or an answer to nothing, WaitingError if a decision is missing, and StoreError for an asset that is not the same any more.
    """
    if cancel is not None:
        point = replace(point, canceled_by=point.canceled_by or cancel.actor, forced=point.forced or cancel.force)
    _check(request, point, decisions)
    request = await _with_recorded_assets(request, point, services)
    recorder = recorder_of(request, services)
    recorder.pass_index = point.pass_index
    control = Control(recorder, canceled_by=point.canceled_by, forced=point.forced)
    if not request.needs_plan:
        taking_up = _TakingUp(request, point, decisions, recorder, services.clock)
        answering = Answering(request, services, recorder, control, resumed=taking_up.point)
        return await attend(answering, taking_up.events(cancel), request, services, control)
    desk = ReplanDesk(request, recorder, services.clock, point.replans)
    replanned = [] if answer is None else desk.answer(answer)
    taking_up = _TakingUp(replace(request, plan=desk.plan), point, decisions, recorder, services.clock)
    replanned += take_up(desk, taking_up.point, _scope(request, taking_up.point))
    opening = taking_up.events(cancel or answer, replanned)
    passage = Passage(request, services, recorder, control, resumed=taking_up.point, desk=desk)
    return await attend(passage, opening, request, services, control)


def _scope(request: RunRequest, point: ResumePoint) -> Scope:
    """What was known when the engine died."""
    env = base_environment(request.host_env, request.plan.plan.globals.env_from_host)
    return Scope(
        params=request.params,
        env=env,
        results=point.settled,
        run=run_facts(request),
        assets=asset_values(request.assets),
    )


def current_plan(plan: CompiledPlan, point: ResumePoint) -> CompiledPlan:
    """The plan of the pass in which the run was left, where `plan` may be that of its first. Raises InputError."""
    return plans_of(plan, point.replans)[-1] if plan.plan_hash == point.plan_hash else plan


async def _with_recorded_assets(request: RunRequest, point: ResumePoint, services: Services) -> RunRequest:
    """With the versions that the run has used so far; with those of now if it ended before it had said which.

    What routed its question was known before there was a run.
    """
    routing = await recorded_assets(point.routing, services.assets)
    request = replace(request, routing=routing)
    if point.forced:
        return request  # nothing is run any more, so nothing is needed for it
    if not point.is_started:
        return await with_assets(request, services)
    return replace(request, assets=await resolve_again(request.plan, point.assets, services.assets))


def _check(request: RunRequest, point: ResumePoint, decisions: Mapping[str, Decision]) -> None:
    place = f"run {point.run_id}"
    if point.ended is not None:
        raise InputError(f"it has ended: {point.ended}", place=place, hint="start a new run of the plan")
    if request.run_id != point.run_id or request.plan.plan_hash != point.plan_hash:
        hint = "a run goes on only with the plan that it was started with"
        raise InputError("the plan is not the one that the run was started with", place=place, hint=hint)
    check_decisions(point, request.plan, decisions)


def check_decisions(point: ResumePoint, plan: CompiledPlan, decisions: Mapping[str, Decision]) -> None:
    """Whether the run can go on with these decisions. Raises InputError for one that is not asked for, WaitingError if one is missing."""
    place = f"run {point.run_id}"
    stopped = stopped_steps(point, plan)
    for step_id, decision in decisions.items():
        if step_id not in point.decidable:
            asked = ", ".join(point.decidable)
            hint = f"what is not certain: {asked}" if asked else "resume it without decisions"
            raise InputError(f"there is nothing to decide about step {step_id}", place=place, hint=hint)
        if decision is Decision.RETRY and step_id in stopped:
            hint = "leave the decision out, or use --skip or --succeeded"
            raise InputError(f"step {step_id} is not run again, because the run is stopping", place=place, hint=hint)
    if waiting := tuple(step_id for step_id in undecided(point, plan) if step_id not in decisions):
        raise WaitingError(
            why_undecided(point, waiting),
            steps=waiting,
            place=place,
            hint="decide for each: --retry STEP runs it again, --skip STEP leaves it out, --succeeded STEP takes it as done",
        )


def why_undecided(point: ResumePoint, steps: tuple[str, ...]) -> str:
    """Why somebody has to decide about these steps, as a sentence."""
    left_alone = tuple(step_id for step_id in steps if step_id in point.quarantined)
    if not left_alone:
        return _may_have_run(point, steps)
    said = f"{_subject(left_alone)}: {point.quarantined[left_alone[0]].message}"
    others = tuple(step_id for step_id in steps if step_id not in left_alone)
    return f"{said}; {_may_have_run(point, others)}" if others else said


def _may_have_run(point: ResumePoint, steps: tuple[str, ...]) -> str:
    named = tuple(f"{step_id}{_items(point, step_id)}" for step_id in steps)
    return f"{_subject(named)} may or may not have done the work before the engine was lost"


def _items(point: ResumePoint, step_id: str) -> str:
    """Which items of a step are uncertain, in brackets; nothing for a step that has none."""
    own = (unit for unit in point.uncertain if unit.step_id == step_id and unit.item_index is not None)
    numbers = [f"#{unit.item_index}" for unit in own]
    more = len(numbers) - _ITEMS_NAMED
    named = ", ".join(numbers[:_ITEMS_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f" ({'item' if len(numbers) == 1 else 'items'} {named})" if numbers else ""


def _subject(steps: tuple[str, ...]) -> str:
    return f"step {steps[0]}" if len(steps) == 1 else f"the steps {', '.join(steps)}"


class _TakingUp:
    """Turns units that are uncertain, and steps that somebody decided about, into what goes on, and says so in events."""

    def __init__(
        self,
        request: RunRequest,
        point: ResumePoint,
        decisions: Mapping[str, Decision],
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._request = request
        self._given = point
        self._decisions = decisions
        self._recorder = recorder
        self._clock = clock
        self._stopped = stopped_steps(point, request.plan)
        self._ends: dict[Unit, StepResult] = {}
        for unit in (*point.uncertain, *(Unit(step_id) for step_id in point.quarantined)):
            self._decide(unit)
        self.point = self._gone_on()

    def events(self, said: ControlRequest | None, replanned: Sequence[Event] = ()) -> list[Event]:
        """What is recorded before anything goes on, at once: who asked for what, and what became of the lost attempts.

        `said` is what the run is taken up for, if not just to go on; `replanned` is what was asked and decided of replans.
        """
        records = StepRecords(self._recorder, self._request.plan.all_steps, pass_index=self._given.pass_index)
        actor = self._request.actor if said is None else said.actor
        asked: JsonObject = {
            "verb": ControlVerb.RESUME.value if said is None else said.verb.value,
            "force": said is not None and said.force,
            "arguments": {**self._decided()} if said is None else {**said.arguments, TAKEN_UP: True},
        }
        events = [
            self._recorder.event(EventKind.CONTROL_RECEIVED, asked, actor=actor),
            self._recorder.event(EventKind.RUN_RESUMED, actor=actor),
        ]
        if not self._given.is_started:
            events += opening(self._request, self._recorder)
        events += replanned
        for unit in self._given.uncertain:
            attempt = Attempt(*unit, self._given.left[unit].attempts)
            events.append(records.finished(attempt, _LOST, None))
        for unit, result in self._ends.items():
            events.append(records.settled(result, unit.item_index))
        return events

    def _decided(self) -> JsonObject:
        return {
            decision.value: [step_id for step_id, made in self._decisions.items() if made is decision]
            for decision in dict.fromkeys(self._decisions.values())
        }

    def _decide(self, unit: Unit) -> None:
        """What becomes of a unit. Where it is an item, the others of its step go on."""
        step_id, by = unit.step_id, self._request.actor
        after = (
            "because its tool is left alone"
            if step_id in self._given.quarantined
            else "after its attempt was lost with the engine"
        )
        match self._decisions.get(step_id):
            case None:
                if step_id in self._stopped:
                    message = "its attempt was lost with the engine, and the run is stopping; it may have done its work"
                    self._end(unit, StepStatus.CANCELED, Reason.ENGINE_LOST, message)
            case Decision.RETRY:
                pass
            case Decision.SKIP:
                self._end(unit, StepStatus.SKIPPED, Reason.OPERATOR, f"skipped by {by} {after}")
            case Decision.SUCCEEDED:
                self._end(unit, StepStatus.SUCCEEDED, Reason.OPERATOR, f"said to have succeeded by {by} {after}")
            case decision:
                assert_never(decision)

    def _end(self, unit: Unit, status: StepStatus, reason: Reason, message: str) -> None:
        left = self._given.left.get(unit)
        began_us = None if left is None else left.first_at_us
        now_us = self._clock.now_us()
        self._ends[unit] = StepResult(
            step_id=unit.step_id,
            status=status,
            reason=reason,
            message=message,
            attempts=0 if left is None else left.attempts,
            started_at_us=began_us,
            finished_at_us=now_us,
            duration_us=0 if began_us is None else max(0, now_us - began_us),
        )

    def _gone_on(self) -> ResumePoint:
        """The point with the ends that were decided in it, and what is to be tried again ready for that."""
        point, ends = self._given, self._ends
        whole = {unit.step_id: result for unit, result in ends.items() if unit.item_index is None}
        items = {step_id: dict(results) for step_id, results in point.settled_items.items() if step_id not in whole}
        for unit, result in ends.items():
            if unit.item_index is not None and unit.step_id not in whole:
                items.setdefault(unit.step_id, {})[unit.item_index] = result
        left = {unit: one for unit, one in point.left.items() if unit not in ends and unit.step_id not in whole}
        for step_id in point.quarantined:
            if self._decisions.get(step_id) is Decision.RETRY:
                own = [unit for unit in left if unit.step_id == step_id] or [Unit(step_id)]
                left.update((unit, replace(left.get(unit, Left()), patient=True)) for unit in own)
        return replace(
            point,
            settled={**point.settled, **whole},
            settled_items=items,
            left=left,
            quarantined={},
            uncertain=(),
        )


_LOST = AttemptOutcome(
    status=StepStatus.FAILED, reason=Reason.ENGINE_LOST, message="the engine was lost while the attempt was under way"
)

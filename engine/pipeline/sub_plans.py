"""Runs a step that is a plan: as a child run through the same sink, under the same engine. Which plan it is, is found by a port."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.errors import InfrastructureError, OpscopeError, PlanError, StoreError, WaitingError
from engine.model.bound import BoundPlan
from engine.model.result import AttemptOutcome
from engine.model.states import Reason, RunStatus, StepStatus
from engine.pipeline.guarding import policies_in_force
from engine.pipeline.request import Parent, RunRequest
from engine.plan.params import bind_params

if TYPE_CHECKING:
    from engine.model.json import JsonObject
    from engine.pipeline.request import RunOutcome
    from engine.pipeline.resume_point import ResumePoint
    from engine.pipeline.stages.context import StageContext
    from engine.ports import AttemptObserver, AttemptSpec, ChildPlan

DEEPEST: Final = 8
"""How many runs may stand above one: a plan that runs itself ends here."""


class SubPlanExecutor:
    """Runs the steps of a run that are plans, and no others. Implements `engine.ports.Executor`."""

    def __init__(self, context: StageContext) -> None:
        self._context = context

    async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
        """Run the attempt to its end; see `engine.ports.Executor`.

        Cancelled, the child run is canceled as by an operator, with its `finally`; so it is when its time is up.
        """
        definition = spec.definition
        assert isinstance(definition, BoundPlan), "any other step has an executor of its own"
        await observer.started(None)
        try:
            async with asyncio.timeout(spec.timeout_sec):
                return await self._run_child(definition, spec)
        except TimeoutError:
            return _failed(
                f"the plan {definition.plan} was stopped: it took longer than {spec.timeout_sec:g} s", Reason.TIMED_OUT
            )
        except WaitingError as error:
            hint = f"resume its run {spec.child_run_id} first"
            return _failed(f"the plan {definition.plan} waits for a decision: {error.cause}; {hint}")
        except InfrastructureError:
            raise
        except PlanError as error:
            first = error.faults[0].message if error.faults else error.cause
            return _failed(f"the plan {definition.plan} cannot be run: {first}")
        except OpscopeError as error:
            hint = f" ({error.hint})" if error.hint else ""
            return _failed(f"the plan {definition.plan} cannot be run: {error.cause}{hint}")

    async def _run_child(self, definition: BoundPlan, spec: AttemptSpec) -> AttemptOutcome:
        from engine.pipeline.resume import request_to_resume, resume_plan
        from engine.pipeline.runner import run_plan

        context, run_id = self._context, spec.child_run_id
        assert run_id is not None, "every attempt of a sub-plan has the id of its run"
        parent = self._parent(spec)
        if parent.depth > DEEPEST:
            return _failed(f"the plan {definition.plan} is not run: more than {DEEPEST} plans run each other already")
        sub_plans = context.services.sub_plans
        taken_up = None
        if context.resumed is not None:
            try:
                taken_up = await sub_plans.recorded(run_id, spec.plan_folder, context.services.secrets)
            except StoreError as error:
                return _failed(f"the run {run_id} of the plan {definition.plan} cannot be taken up: {error.cause}")
        point: ResumePoint | None = None
        if taken_up is not None:
            point, child = taken_up
            if point.ended is not None:
                return _outcome_of_record(definition, point)
        else:
            child = await sub_plans.find(definition.plan, spec.plan_folder, run_id, context.services.secrets)
        if shared := sorted(parent.locks.intersection(child.plan.plan.locks)):
            return _failed(f"the plan {definition.plan} wants the lock {shared[0]}, which this run holds itself")
        relay = context.control.relay()
        relay.join(child.control)
        services = replace(context.services, secrets=child.secrets, executor=child.executor, control=relay)
        try:
            if point is not None:
                request = request_to_resume(
                    point, child.plan, actor=context.request.actor, engine_id=context.request.engine_id
                )
                outcome = await resume_plan(replace(request, parent=parent), point, {}, services)
            else:
                outcome = await run_plan(self._request(definition, child, run_id, parent), services)
        finally:
            relay.close()
        return _outcome(definition, outcome)

    def _parent(self, spec: AttemptSpec) -> Parent:
        request = self._context.request
        above = request.parent
        return Parent(
            run_id=spec.run_id,
            step_id=spec.step_id,
            depth=1 if above is None else above.depth + 1,
            item_index=spec.item_index,
            locks=frozenset(request.plan.plan.locks) | (frozenset() if above is None else above.locks),
            policies=policies_in_force(request),
        )

    def _request(self, definition: BoundPlan, child: ChildPlan, run_id: str, parent: Parent) -> RunRequest:
        request = self._context.request
        params: JsonObject = dict(definition.params)
        return replace(
            request,
            plan=child.plan,
            params=bind_params(child.plan.plan, params, from_text=False),
            run_id=run_id,
            plan_folder=child.folder,
            parent=parent,
            assets={},
            reused={},
            source=None,
            route=None,
            words="",
            routing={},
        )


def _outcome(definition: BoundPlan, outcome: RunOutcome) -> AttemptOutcome:
    """What the end of the child run is to the step."""
    counts = {status: number for status, number in outcome.steps.items() if isinstance(number, int)}
    if outcome.status is RunStatus.SUCCEEDED:
        return AttemptOutcome(status=StepStatus.SUCCEEDED, data=outcome.composed, counts=counts)
    cause = outcome.first_cause or {}
    step_id, message = cause.get("step_id"), cause.get("message")
    error: JsonObject = {"run_id": outcome.run_id, "first_cause": outcome.first_cause}
    if outcome.status is RunStatus.FAILED and isinstance(step_id, str):
        below = cause.get("path")
        if isinstance(below, list) and below:
            error["path"] = below
            said = f"{step_id} > {message}"  # which names the run already
        else:
            error["path"] = [step_id]
            said = f"{step_id}: {message} (in run {outcome.run_id})"
    else:
        verb = {
            RunStatus.CANCELED: "was canceled",
            RunStatus.QUARANTINED: "waits for a decision",
        }.get(outcome.status, "failed")
        why = f": {step_id}: {message}" if step_id else f": {message}" if message else ""
        said = f"the plan {definition.plan} {verb} in run {outcome.run_id}{why}"
    return replace(_failed(said), counts=counts, error=error)


def _outcome_of_record(definition: BoundPlan, point: ResumePoint) -> AttemptOutcome:
    """The same for a child run that had its end before this one was taken up."""
    from engine.model.states import Stage
    from engine.pipeline.passage import count_results
    from engine.pipeline.request import RunOutcome

    assert point.ended is not None
    composed, executed = point.stage_outputs.get(Stage.COMPOSE), point.stage_outputs.get(Stage.EXECUTE)
    return _outcome(
        definition,
        RunOutcome(
            run_id=point.run_id,
            status=point.ended,
            first_cause=point.first_cause,
            composed=None if composed is None else composed.result,
            steps={} if executed is None else count_results(executed.result),
        ),
    )


def _failed(message: str, reason: Reason = Reason.SUB_PLAN_FAILED) -> AttemptOutcome:
    return AttemptOutcome(status=StepStatus.FAILED, reason=reason, message=message)

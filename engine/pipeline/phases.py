"""The two phases of execute: the steps of the plan, then those of `finally`. Which of them a cancel or a pause reaches is decided here."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.model.states import RunStatus, Stage
from engine.pipeline.execution import Course, Execution
from engine.plan.scope import Scope
from engine.ports import FailurePoint
from engine.schedule.instructions import FinishExecution
from engine.steps.environment import base_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import JsonObject
    from engine.model.result import StepResult
    from engine.pipeline.request import RunRequest
    from engine.pipeline.resume_point import ResumePoint
    from engine.pipeline.stages.context import StageContext
    from engine.plan.compiled import CompiledPlan
    from engine.schedule.instructions import FirstCause

_FINALLY_SPAWN = (FailurePoint.IN_FINALLY, FailurePoint.BEFORE_SPAWN)


class Phases:
    """All steps of one pass, those of the plan first and `finally` after them, whatever became of the first.

    A cancel stops the steps of the plan; `finally` still runs, and only a second cancel or one with force stops it. A
    cancel that comes when `finally` runs already makes a run that had succeeded so far a canceled one, and takes
    nothing from one that has failed. A failure in `finally` fails a run that had succeeded; the first cause of one that
    failed before stays, and a canceled run stays canceled.
    """

    def __init__(self, context: StageContext, *, pass_index: int) -> None:
        self._context = context
        self._pass_index = pass_index
        self._env = base_environment(context.request.host_env, context.request.plan.plan.globals.env_from_host)
        self._results: dict[str, StepResult] = {}

    @property
    def results(self) -> Mapping[str, StepResult]:
        """Every step that has an end, in execution order; complete when `run` has returned."""
        steps = self._context.request.plan.all_steps
        return {step_id: self._results[step_id] for step_id in steps if step_id in self._results}

    async def run(self) -> FinishExecution:
        """Run both phases. Raises InfrastructureError when the file can no longer take what happens."""
        plan = self._context.request.plan
        facts = run_facts(self._context.request)
        main = await self._phase(plan, facts)
        if not plan.finally_steps:
            return main
        end: JsonObject = {"status": self._so_far(main).value, "first_cause": cause_json(main)}
        final = await self._phase(plan.finally_plan(), {**facts, **end}, in_finally=True)
        status = self._so_far(main)
        if status is RunStatus.SUCCEEDED:
            status = final.status
        return FinishExecution(status, main.first_cause or final.first_cause, main.warnings + final.warnings)

    def _so_far(self, main: FinishExecution) -> RunStatus:
        """What the run has come to by now: a cancel that was too late for the steps of the plan still counts."""
        canceled = main.status is RunStatus.SUCCEEDED and self._context.control.canceled_by is not None
        return RunStatus.CANCELED if canceled else main.status

    async def _phase(self, plan: CompiledPlan, facts: JsonObject, *, in_finally: bool = False) -> FinishExecution:
        context, control = self._context, self._context.control
        scope = Scope(params=context.request.params, env=self._env, results=dict(self._results), run=facts)
        course = Course(plan, scope, before_spawn=_FINALLY_SPAWN) if in_finally else Course(plan, scope)
        if context.resumed is not None:
            course = _from_where_it_was(course, context.resumed)
        execution = Execution(course, context.request, context.services, context.recorder, pass_index=self._pass_index)

        def heed() -> None:
            if control.canceled_by is not None and (control.forced or not in_finally):
                execution.cancel(control.canceled_by)
            execution.hold(held=control.paused)

        control.listen(heed)
        heed()
        finish = await execution.run()
        self._results.update(execution.results)
        return finish


def _from_where_it_was(course: Course, point: ResumePoint) -> Course:
    steps = course.plan.steps
    return replace(
        course,
        settled={step_id: result for step_id, result in point.settled.items() if step_id in steps},
        attempts={step_id: count for step_id, count in point.attempts.items() if step_id in steps},
        lost={step_id: count for step_id, count in point.lost.items() if step_id in steps},
    )


def run_facts(request: RunRequest) -> JsonObject:
    """What a plan may ask of its own run, as `{run.id}`."""
    return {"id": request.run_id, "plan_id": request.plan.plan.plan_id, "workdir": str(request.workdir)}


def count_statuses(results: Mapping[str, StepResult]) -> dict[str, int]:
    """How many steps ended in which state, by the state's word."""
    return dict(Counter(result.status.value for result in results.values()))


def cause_json(finish: FinishExecution) -> JsonObject | None:
    """What a failed execution failed of first, as `run.failed` carries it."""
    cause: FirstCause | None = finish.first_cause
    if cause is None or finish.status is not RunStatus.FAILED:
        return None
    return {
        "stage": Stage.EXECUTE.value,
        "step_id": cause.step_id,
        "reason": cause.reason.value if cause.reason else None,
        "message": cause.message,
    }

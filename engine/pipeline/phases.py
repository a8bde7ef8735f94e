"""The two phases of execute: the steps of the plan, then those of `finally`. Which of them a cancel or a pause reaches is decided here."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.model.states import RunMode, RunStatus, Stage
from engine.pipeline.attempts import Course
from engine.pipeline.execution import Execution
from engine.pipeline.sub_plans import SubPlanExecutor
from engine.plan.scope import Scope
from engine.ports import FailurePoint
from engine.schedule.instructions import FinishExecution
from engine.schedule.taken_up import ItemsLeft, TakenUp
from engine.steps.environment import base_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.model.breaker import BreakerState
    from engine.model.json import JsonObject
    from engine.model.result import StepResult
    from engine.pipeline.request import RunRequest
    from engine.pipeline.resume_point import ResumePoint
    from engine.pipeline.stages.context import StageContext
    from engine.plan.compiled import CompiledPlan, CompiledStep
    from engine.schedule.instructions import FirstCause
    from engine.schedule.taken_up import Left

_FINALLY_SPAWN = (FailurePoint.IN_FINALLY, FailurePoint.BEFORE_SPAWN)


class Phases:
    """All steps of one pass, those of the plan first and `finally` after them, whatever became of the first.

    A cancel stops the steps of the plan; `finally` still runs, and only a second cancel or one with force stops it. A
    cancel that comes when `finally` runs already makes a run that had succeeded so far a canceled one, and takes
    nothing from one that has failed. A failure in `finally` fails a run that had succeeded; the first cause of one that
    failed before stays, and a canceled run stays canceled. A quarantine postpones `finally`.
    """

    def __init__(self, context: StageContext, *, pass_index: int) -> None:
        self._context = context
        self._pass_index = pass_index
        self._env = base_environment(context.request.host_env, context.request.plan.plan.globals.env_from_host)
        self._results: dict[str, StepResult] = {}
        self._breakers: Mapping[str, BreakerState] = {}
        self._begun_us: Mapping[str, Sequence[int]] = context.carried.begun_us
        self._sub_plans = SubPlanExecutor(context)

    @property
    def results(self) -> Mapping[str, StepResult]:
        """Every step that has an end, in execution order; complete when `run` has returned."""
        steps = self._context.request.plan.all_steps
        return {step_id: self._results[step_id] for step_id in steps if step_id in self._results}

    async def run(self) -> FinishExecution:
        """Run both phases. Raises InfrastructureError when the file can no longer take what happens."""
        plan = self._context.request.plan
        facts = run_facts(self._context.request)
        self._breakers = await self._remembered_breakers()
        main = await self._phase(plan, facts)
        if main.replan:
            return main
        if self._context.abandoned is not None:
            main = FinishExecution(RunStatus.FAILED, None, main.warnings)
        if not plan.finally_steps or main.status is RunStatus.QUARANTINED:
            return main
        first_cause = self._context.abandoned or cause_json(main)
        end: JsonObject = {"status": self._so_far(main).value, "first_cause": first_cause}
        final = await self._phase(plan.finally_plan(), {**facts, **end}, in_finally=True)
        status = self._so_far(main)
        if status is RunStatus.SUCCEEDED:
            status = final.status
        if final.status is RunStatus.QUARANTINED:
            status = final.status
        return FinishExecution(
            status, main.first_cause or final.first_cause, main.warnings + final.warnings, final.quarantined
        )

    async def _remembered_breakers(self) -> Mapping[str, BreakerState]:
        """What all runs know of the tools. A test run, or one without such a memory, goes on with what it knew itself."""
        remembered = await self._context.services.breakers.load()
        resumed = self._context.resumed
        own = self._context.carried.breakers if resumed is None else resumed.breakers
        if self._context.request.mode is RunMode.TEST:
            return {**remembered, **own}
        return {**own, **remembered}

    def _so_far(self, main: FinishExecution) -> RunStatus:
        """What the run has come to by now: a cancel that was too late for the steps of the plan still counts."""
        canceled = main.status is RunStatus.SUCCEEDED and self._context.control.canceled_by is not None
        return RunStatus.CANCELED if canceled else main.status

    async def _phase(self, plan: CompiledPlan, facts: JsonObject, *, in_finally: bool = False) -> FinishExecution:
        context, control = self._context, self._context.control
        scope = Scope(
            params=context.request.params,
            env=self._env,
            results=dict(self._results),
            run=facts,
            assets=context.assets,
        )
        course = Course(
            plan,
            scope,
            breakers=self._breakers,
            taken_up=TakenUp(begun_us=self._begun_us),
            before_spawn=_FINALLY_SPAWN if in_finally else (FailurePoint.BEFORE_SPAWN,),
        )
        if context.resumed is not None:
            course = _from_where_it_was(course, context.resumed)
        replans = None if in_finally else context.replans
        if not in_finally:
            # What holds comes first: it was settled before anything of this pass was.
            course = replace(course, settled={**context.reused, **course.settled})
        if replans is not None:
            course = replans.set_out(course, context.resumed)
        execution = Execution(
            course,
            context.request,
            context.services,
            context.recorder,
            pass_index=self._pass_index,
            sub_plans=self._sub_plans,
            replans=replans,
        )
        if context.replans is not None:
            context.replans.attend(None if in_finally else execution)

        def heed() -> None:
            if context.abandoned is not None and not in_finally:
                execution.cancel("the engine")
            if control.canceled_by is not None and (control.forced or not in_finally):
                execution.cancel(control.canceled_by)
            execution.hold(held=control.paused)

        control.listen(heed)
        heed()
        finish = await execution.run()
        self._results.update(execution.results)
        self._breakers, self._begun_us = execution.breakers, execution.begun_us
        context.carried.breakers, context.carried.begun_us = self._breakers, self._begun_us
        return finish


def _from_where_it_was(course: Course, point: ResumePoint) -> Course:
    steps = course.plan.steps
    return replace(
        course,
        settled={step_id: result for step_id, result in point.settled.items() if step_id in steps},
        taken_up=taken_up(point, steps, course.taken_up.begun_us),
        children=point.children,
        asked=point.asked,
    )


def taken_up(point: ResumePoint, steps: Mapping[str, CompiledStep], begun_us: Mapping[str, Sequence[int]]) -> TakenUp:
    """What the scheduler of these steps is told of where they were left."""
    with_items = {unit.step_id for unit in point.left if unit.item_index is not None} | set(point.settled_items)
    left_items: dict[str, dict[int, Left]] = {step_id: {} for step_id in with_items if step_id in steps}
    for unit, left in point.left.items():
        if unit.item_index is not None and unit.step_id in left_items:
            left_items[unit.step_id][unit.item_index] = left
    return TakenUp(
        steps={
            unit.step_id: left for unit, left in point.left.items() if unit.item_index is None and unit.step_id in steps
        },
        items={
            step_id: ItemsLeft(settled=point.settled_items.get(step_id, {}), left=left)
            for step_id, left in left_items.items()
        },
        awaiting={step_id: failure for step_id, failure in point.awaiting.items() if step_id in steps},
        begun_us=begun_us or _begun_by_pool(point.begun, steps),
    )


def _begun_by_pool(begun: Iterable[tuple[str, int]], steps: Mapping[str, CompiledStep]) -> dict[str, list[int]]:
    """When attempts of each pool's steps began, which a rate limit goes on counting from."""
    by_pool: dict[str, list[int]] = {}
    for step_id, at_us in begun:
        step = steps.get(step_id)
        if step is not None and step.step.pool is not None:
            by_pool.setdefault(step.step.pool, []).append(at_us)
    return by_pool


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
        **({"path": [*cause.path]} if cause.path else {}),
    }

"""A run's way through its stages to its final event: chained by their outputs, under an operator's control, with its locks held."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from engine.model.event import EventKind
from engine.model.stage import StageInput
from engine.model.states import DiagnosticsStatus, RunStatus, Stage, StageStatus
from engine.pipeline.assets import applied, asset_values
from engine.pipeline.replan.answers import pause_data
from engine.pipeline.replan.desk import ReplanDesk
from engine.pipeline.replan.passes import Replans, carried_over
from engine.pipeline.request import RunOutcome
from engine.pipeline.stages.compose import compose
from engine.pipeline.stages.context import Carried, StageContext, run_stage
from engine.pipeline.stages.execute import execute
from engine.pipeline.stages.present import present
from engine.pipeline.stages.route_plan import route_plan
from engine.pipeline.stages.validate import validate
from engine.ports import ControlRequest, ControlVerb

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from engine.model.event import Event
    from engine.model.json import Json, JsonObject
    from engine.model.result import StepResult
    from engine.model.stage import StageOutput
    from engine.pipeline.control import Control
    from engine.pipeline.recorder import Recorder
    from engine.pipeline.request import RunRequest, Services
    from engine.pipeline.resume_point import ResumePoint

STAGES: dict[Stage, Callable[[StageInput, StageContext], Awaitable[StageOutput]]] = {
    Stage.ROUTE_PLAN: route_plan,
    Stage.VALIDATE: validate,
    Stage.EXECUTE: execute,
    Stage.COMPOSE: compose,
    Stage.PRESENT: present,
}
FINAL_KINDS = {
    RunStatus.SUCCEEDED: EventKind.RUN_SUCCEEDED,
    RunStatus.FAILED: EventKind.RUN_FAILED,
    RunStatus.CANCELED: EventKind.RUN_CANCELED,
}


class Passage:
    """One run's way through its stages, pass by pass: what was handed on, what there is to warn of, what went wrong first.

    With `resumed` it is taken up from there: finished stages hand on what they recorded and are not run again. `desk` is
    then the one at which the run's replans were taken up.

    A run that is canceled before execute began has nothing to clean up after, so its `finally` does not run. From the
    second pass on steps have run, so that `finally` does, whatever becomes of the stages before execute.
    """

    def __init__(
        self,
        request: RunRequest,
        services: Services,
        recorder: Recorder,
        control: Control,
        *,
        resumed: ResumePoint | None = None,
        desk: ReplanDesk | None = None,
    ) -> None:
        self._desk = desk or ReplanDesk(request, recorder, services.clock)
        self._replans = Replans(self._desk, control, request.run_id)
        self._request = request
        self._services = services
        self._recorder = recorder
        self._control = control
        self._resumed = resumed
        self._assets = asset_values(request.assets)
        self._carried = Carried()
        self._pass_index = 0 if resumed is None else resumed.pass_index
        self._context = self._new_context({} if resumed is None else resumed.before)
        self._is_followed = False
        self._failure: JsonObject | None = None
        self._warnings = 0
        self._steps: JsonObject = {}
        self._composed: Json = None
        self._locks: tuple[str, ...] = ()
        if resumed is not None:
            self._locks = resumed.locks
            if resumed.first_cause is not None:
                self._context.causes.append(resumed.first_cause)

    async def carry_out(self, opening: Sequence[Event]) -> RunOutcome:
        """Record what the run begins with and carry it to its end. Raises InfrastructureError."""
        clock = self._services.clock
        began = clock.monotonic()
        earlier_us = 0 if self._resumed is None else self._resumed.run_us_by(clock.now_us())
        await self._recorder.record(opening)
        status, first_cause = await self._pass_through_stages()
        while self._is_followed:
            self._begin_pass()
            status, first_cause = await self._pass_through_stages()
        await self._control.close()
        if status is RunStatus.QUARANTINED:
            return await self._stand_still()
        data: JsonObject = {
            "duration_us": earlier_us + round((clock.monotonic() - began) * 1_000_000),
            "warnings": self._warnings,
            "first_cause": first_cause,
            "steps": self._steps,
        }
        events = [self._recorder.event(FINAL_KINDS[status], data)]
        if self._locks:
            events.insert(0, self._recorder.event(EventKind.LOCK_RELEASED, {"names": [*self._locks]}))
        await self._recorder.record(events)
        if self._request.plan.plan.locks:
            await self._services.locks.release(self._request.run_id)
        return RunOutcome(
            run_id=self._request.run_id,
            status=status,
            first_cause=first_cause,
            composed=self._composed,
            steps=self._steps,
        )

    async def _stand_still(self) -> RunOutcome:
        """Somebody has to decide before anything goes on: the run stays as it is, with its locks, and this engine is done with it."""
        quarantine = self._context.quarantine[-1]
        await self._recorder.record([self._recorder.event(EventKind.RUN_QUARANTINED, quarantine)])
        return RunOutcome(run_id=self._request.run_id, status=RunStatus.QUARANTINED)

    def _new_context(self, before: Mapping[str, StepResult]) -> StageContext:
        """What the stages of this pass are given. `before` are the results of the pass before it."""
        plans, request, index = self._desk.plans, self._request, self._pass_index
        reused = request.reused
        if index:
            reused = carried_over(plans[-2], plans[-1], before, run_id=request.run_id, pass_index=index - 1)
        return StageContext(
            replace(request, plan=self._desk.plan),
            self._services,
            self._recorder,
            self._control,
            resumed=self._resumed,
            assets=self._assets,
            replans=self._replans,
            reused=reused,
            carried=self._carried,
        )

    def _begin_pass(self) -> None:
        """Another plan follows, with everything that holds of what was found so far."""
        settled = self._context.settled if self._context.settled or self._resumed is None else self._resumed.before
        self._desk.begin_pass()
        self._pass_index = self._recorder.pass_index = self._pass_index + 1
        self._resumed = None
        self._context = self._new_context(settled)
        self._is_followed = False
        self._failure, self._warnings, self._steps, self._composed = None, 0, {}, None

    async def _pass_through_stages(self) -> tuple[RunStatus, JsonObject | None]:
        """One pass. Where another follows, `_is_followed` is set, and what comes back is not the end."""
        handed_on: Json = None
        for stage in STAGES:
            recorded = None if self._resumed is None else self._resumed.stage_outputs.get(stage)
            if recorded is None and not await self._may_begin(stage):
                break
            output = await self._run_stage(stage, handed_on) if recorded is None else recorded
            if self._context.quarantine:
                return RunStatus.QUARANTINED, None
            if self._context.replan:
                self._is_followed = True
                break
            self._take(output)
            handed_on = output.result
            if not await self._goes_on(stage, output):
                break
        else:
            return (RunStatus.SUCCEEDED, None) if self._failure is None else (RunStatus.FAILED, self._failure)
        return (RunStatus.CANCELED, None) if self._failure is None else (RunStatus.FAILED, self._failure)

    def _take(self, output: StageOutput) -> None:
        """What is said of the run comes from what its stages hand on."""
        self._warnings += len(output.diagnostics.warnings)
        match output.stage:
            case Stage.EXECUTE:
                self._steps = count_results(output.result)
            case Stage.COMPOSE:
                self._composed = output.result
            case _:
                pass

    async def _goes_on(self, stage: Stage, output: StageOutput) -> bool:
        """Whether the next stage of this pass follows."""
        status = self._stage_status(output)
        if status is StageStatus.SUCCEEDED:
            return True
        if status is StageStatus.FAILED and await self._other_plan(stage, output):
            return False
        if self._stage_status(output) is StageStatus.CANCELED:  # perhaps while it waited for an answer
            return self._has_to_clean_up(stage)
        self._failure = self._failure or next(iter(self._context.causes), None) or first_error(output)
        return self._goes_on_failed(stage, self._failure)

    def _goes_on_failed(self, stage: Stage, failure: JsonObject) -> bool:
        """Whether the next stage follows all the same: to give the answer of a failed run, or to clean up in execute."""
        match stage:
            case Stage.EXECUTE:
                return self._request.plan.plan.answer_on_failure
            case _ if self._has_to_clean_up(stage):
                self._context.abandon(failure)
                return True
            case _:
                return False

    def _has_to_clean_up(self, stage: Stage) -> bool:
        """True before the steps of a later pass: those of an earlier one have run, so execute follows for `finally`."""
        return self._pass_index > 0 and stage in (Stage.ROUTE_PLAN, Stage.VALIDATE)

    async def _other_plan(self, stage: Stage, output: StageOutput) -> bool:
        """Whether another plan follows because this one violates a policy; waits for an operator's word if that is needed."""
        if stage is not Stage.VALIDATE or not violations_of(output):
            return False
        desk, control = self._desk, self._control
        if desk.plan_decision is None and not desk.pending:
            # The engine was lost between the two, or the policy has nothing to say.
            asked = desk.ask_for_plan(violations_of(output)[0], stage)
            await self._recorder.record([] if asked is None else asked.events)
        if desk.plan_decision is None and desk.pending:
            await self._recorder.record(
                control.await_approval(pause_data(self._request.run_id, [*desk.pending.values()]))
            )
            await control.until(lambda: desk.plan_decision is not None or control.canceled_by is not None)
            await self._recorder.record(desk.close("the run was canceled"))
        self._is_followed = desk.plan_decision is True
        return self._is_followed

    async def _may_begin(self, stage: Stage) -> bool:
        """Wait for what holds the stage back; False if the run is canceled before it begins."""
        await self._control.until_going()
        if self._pass_index and stage in (Stage.ROUTE_PLAN, Stage.VALIDATE, Stage.EXECUTE):
            if stage is Stage.EXECUTE and self._resumed is not None and self._request.plan.plan.locks:
                await self._take_locks()
            return True  # for `finally`
        if stage is not Stage.EXECUTE:
            return self._control.canceled_by is None
        if self._resumed is not None and stage in self._resumed.begun_stages and self._control.canceled_by is not None:
            return True  # for `finally`; the locks are held, if there are any
        if self._request.plan.plan.locks:
            await self._take_locks()
            await self._control.until_going()
        return self._control.canceled_by is None

    async def _take_locks(self) -> None:
        """Wait for the plan's locks, and no longer when the run is canceled."""
        names = tuple(sorted(set(self._request.plan.plan.locks)))
        locks, run_id = self._services.locks, self._request.run_id
        taking = asyncio.ensure_future(locks.acquire(run_id, names, self._services.on_wait))
        canceled = asyncio.ensure_future(self._control.until_canceled())
        try:
            await asyncio.wait({taking, canceled}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            canceled.cancel()
            taking.cancel()
            await asyncio.gather(taking, canceled, return_exceptions=True)
        if not taking.cancelled():
            taking.result()
            if self._locks != names:
                await self._recorder.record([self._recorder.event(EventKind.LOCK_ACQUIRED, {"names": [*names]})])
            self._locks = names

    async def _run_stage(self, stage: Stage, handed_on: Json) -> StageOutput:
        given = StageInput(
            stage=stage,
            pass_index=self._pass_index,
            applied_assets=applied(self._context.request, stage),
            params=asked_params(self._request, stage),
            previous_output=handed_on,
            trace_id=self._request.run_id,
        )
        earlier_us = 0
        if self._resumed is not None and stage in self._resumed.begun_stages:
            earlier_us = self._resumed.stage_us_by(self._services.clock.now_us())
        else:
            await self._recorder.record([self._stage_started(given)])
        output = await run_stage(STAGES[stage], given, self._context)
        if self._context.quarantine:
            return output  # the stage is not over
        if earlier_us:
            output = output.model_copy(update={"duration_ms": round(output.duration_ms + earlier_us / 1000, 3)})
        events = [self._stage_finished(output, self._stage_status(output))]
        if stage is Stage.VALIDATE and self._stage_status(output) is StageStatus.FAILED and violations_of(output):
            # At once with the end of the stage: a crash finds both.
            asked = self._desk.ask_for_plan(violations_of(output)[0], stage)
            events += [] if asked is None else asked.events
        await self._recorder.record(events)
        return output

    def _stage_status(self, output: StageOutput) -> StageStatus:
        if output.diagnostics.status is not DiagnosticsStatus.ERROR:
            return StageStatus.SUCCEEDED
        # A cancel after the failure, while `finally` ran, does not undo it.
        canceled = self._control.canceled_by is not None and not self._context.causes
        return StageStatus.CANCELED if canceled else StageStatus.FAILED

    def _stage_started(self, given: StageInput) -> Event:
        data: JsonObject = {"input": given.model_dump(mode="json", exclude={"previous_output"})}
        return self._recorder.event(EventKind.STAGE_STARTED, data, stage=given.stage)

    def _stage_finished(self, output: StageOutput, status: StageStatus) -> Event:
        # The steps and the trace are events of their own; the reader puts them back, so that nothing is kept twice.
        left_out = {"result", "orchestration_trace"} if output.stage is Stage.EXECUTE else {"orchestration_trace"}
        data: JsonObject = {
            "status": status.value,
            "duration_us": round(output.duration_ms * 1000),
            "output": output.model_dump(mode="json", exclude=left_out),
        }
        if output.stage is Stage.EXECUTE and self._context.replan:
            data["replan"] = [*self._context.replan]
        return self._recorder.event(EventKind.STAGE_FINISHED, data, stage=output.stage)


def asked_params(request: RunRequest, stage: Stage) -> JsonObject:
    """What a stage is asked with: the words of a question as long as it is routed, the parameters of the plan after that."""
    return {"words": request.words} if stage is Stage.ROUTE_PLAN and request.words else request.params


def violations_of(output: StageOutput) -> list[str]:
    """What validate found that a policy forbids, as sentences."""
    result = output.result
    found = result.get("violations") if isinstance(result, dict) else None
    return (
        [str(one.get("message") if isinstance(one, dict) else one) for one in found] if isinstance(found, list) else []
    )


def count_results(result: Json) -> JsonObject:
    """How many steps ended in which state, from what execute handed on."""
    stored = result.values() if isinstance(result, dict) else ()
    return {**Counter(str(one["status"]) for one in stored if isinstance(one, dict))}


def first_error(output: StageOutput) -> JsonObject:
    """The cause of a failed stage that named none: its first error."""
    message = output.diagnostics.errors[0] if output.diagnostics.errors else "the stage failed"
    return {"stage": output.stage.value, "step_id": None, "reason": None, "message": message}


class Way(Protocol):
    """How a run gets from its beginning to its end."""

    async def carry_out(self, opening: Sequence[Event]) -> RunOutcome:
        """Record what the run begins with and carry it to its end. Raises InfrastructureError."""
        ...


async def attend(
    passage: Way, opening: Sequence[Event], request: RunRequest, services: Services, control: Control
) -> RunOutcome:
    """Carry a run out while the operator is listened to.

    When the calling task is cancelled, the run is canceled as by an operator, recorded, and CancelledError goes on.
    Cancelled a second time, `finally` is stopped too; a third time, nothing is waited for any more.
    """
    # First the one that listens, so that what was asked for before the start is known at the start.
    receiving = asyncio.create_task(control.receive(services.control), name=f"control of {request.run_id}")
    run = asyncio.create_task(passage.carry_out(opening), name=f"run {request.run_id}")
    cancelled: asyncio.CancelledError | None = None
    try:
        while True:
            try:
                outcome = await asyncio.shield(run)
            except asyncio.CancelledError as error:
                if run.done() or (cancelled is not None and control.forced):
                    run.cancel()
                    await asyncio.gather(run, return_exceptions=True)
                    raise
                cancelled = error
                control.take(ControlRequest(verb=ControlVerb.CANCEL, actor=request.actor))
            else:
                if cancelled is not None:
                    raise cancelled
                return outcome
    finally:
        receiving.cancel()
        await asyncio.gather(receiving, control.abandon(), return_exceptions=True)

"""Runs a request from its creation to its final event: the five stages in order, chained by their outputs, under an operator's control."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import engine
from engine.model.event import EventKind
from engine.model.stage import StageInput, StageOutput
from engine.model.states import DiagnosticsStatus, RunStatus, Stage, StageStatus
from engine.pipeline.execution import count_statuses
from engine.pipeline.recorder import Recorder
from engine.pipeline.request import RunOutcome
from engine.pipeline.stages.compose import compose, results_of
from engine.pipeline.stages.context import StageContext, run_stage
from engine.pipeline.stages.execute import execute
from engine.pipeline.stages.present import present
from engine.pipeline.stages.route_plan import route_plan
from engine.pipeline.stages.validate import validate
from engine.ports import ControlRequest, ControlVerb, PlanRecord, RunCreation
from engine.steps.environment import base_environment

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from engine.model.event import Event
    from engine.model.json import Json, JsonObject
    from engine.pipeline.request import RunRequest, Services

STAGES: dict[Stage, Callable[[StageInput, StageContext], Awaitable[StageOutput]]] = {
    Stage.ROUTE_PLAN: route_plan,
    Stage.VALIDATE: validate,
    Stage.EXECUTE: execute,
    Stage.COMPOSE: compose,
    Stage.PRESENT: present,
}


class Control:
    """Receives an operator's requests for the length of a run: acts first, then records. Implements `ControlFeed`."""

    def __init__(self, services: Services, recorder: Recorder) -> None:
        self._services = services
        self._recorder = recorder
        self._listener: Callable[[ControlRequest], None] | None = None
        self._received: list[ControlRequest] = []
        self.canceled_by: str | None = None

    def listen(self, listener: Callable[[ControlRequest], None]) -> None:
        self._listener = listener
        for request in self._received:
            listener(request)

    def take(self, request: ControlRequest) -> None:
        """Act on a request; recording it is the caller's."""
        if request.verb is ControlVerb.CANCEL and self.canceled_by is None:
            self.canceled_by = request.actor
        self._received.append(request)
        if self._listener is not None:
            self._listener(request)

    async def receive(self) -> None:
        """Take requests until no more can come."""
        async for request in self._services.control.requests():
            self.take(request)
            data: JsonObject = {"verb": request.verb.value, "force": request.force, "arguments": request.arguments}
            await self._recorder.record([self._recorder.event(EventKind.CONTROL_RECEIVED, data, actor=request.actor)])


async def run_plan(request: RunRequest, services: Services) -> RunOutcome:
    """Create the run and carry it to its end.

    A failing plan is an outcome. Raises InfrastructureError when the file can no longer take what happens; nothing that
    the run started is left running then. When the calling task is cancelled, the run is canceled as by an operator,
    recorded, and CancelledError goes on.
    """
    recorder = Recorder(request.run_id, sink=services.sink, clock=services.clock, secrets=services.secrets)
    control = Control(services, recorder)
    await services.sink.create_run(creation(request, recorder))
    run = asyncio.create_task(_Run(request, services, recorder, control).carry_out(), name=f"run {request.run_id}")
    receiving = asyncio.create_task(control.receive(), name=f"control of {request.run_id}")
    try:
        return await asyncio.shield(run)
    except asyncio.CancelledError:
        control.take(ControlRequest(verb=ControlVerb.CANCEL, actor=request.actor))
        await asyncio.gather(run, return_exceptions=True)
        raise
    finally:
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)


def creation(request: RunRequest, recorder: Recorder) -> RunCreation:
    """All that is written to make the run exist."""
    compiled = request.plan
    plan = compiled.plan
    base_env: JsonObject = {**base_environment(request.host_env, plan.globals.env_from_host)}
    data: JsonObject = {
        "plan_id": plan.plan_id,
        "plan_version": plan.version,
        "plan_hash": compiled.plan_hash,
        "params": request.params,
        "workdir": str(request.workdir),
        "plan_folder": str(request.plan_folder),
        "environment": request.environment,
        "base_env": base_env,
        "mode": request.mode.value,
        "engine_id": request.engine_id,
        "opscope_version": engine.__version__,
    }
    return RunCreation(
        run_id=request.run_id,
        plan=PlanRecord(
            plan_hash=compiled.plan_hash,
            plan_id=plan.plan_id,
            version=plan.version,
            source=compiled.source,
            document=compiled.document,
        ),
        created=recorder.event(EventKind.RUN_CREATED, data, actor=request.actor),
    )


class _Run:
    """One run's way through its stages: what was handed on, what there is to warn of, what went wrong first."""

    def __init__(self, request: RunRequest, services: Services, recorder: Recorder, control: Control) -> None:
        self._request = request
        self._services = services
        self._recorder = recorder
        self._control = control
        self._warnings = 0
        self._steps: JsonObject = {}

    async def carry_out(self) -> RunOutcome:
        clock = self._services.clock
        began = clock.monotonic()
        await self._recorder.record([self._recorder.event(EventKind.RUN_STARTED)])
        status, first_cause = await self._pass_through_stages()
        kind = {
            RunStatus.SUCCEEDED: EventKind.RUN_SUCCEEDED,
            RunStatus.FAILED: EventKind.RUN_FAILED,
            RunStatus.CANCELED: EventKind.RUN_CANCELED,
        }[status]
        data: JsonObject = {
            "duration_us": round((clock.monotonic() - began) * 1_000_000),
            "warnings": self._warnings,
            "first_cause": first_cause,
            "steps": self._steps,
        }
        await self._recorder.record([self._recorder.event(kind, data)])
        return RunOutcome(run_id=self._request.run_id, status=status, first_cause=first_cause)

    async def _pass_through_stages(self) -> tuple[RunStatus, JsonObject | None]:
        context = StageContext(self._request, self._services, self._recorder, self._control)
        handed_on: Json = None
        for stage, work in STAGES.items():
            if self._control.canceled_by is not None:
                return RunStatus.CANCELED, None
            given = StageInput(
                stage=stage,
                params=self._request.params,
                previous_output=handed_on,
                trace_id=self._request.run_id,
            )
            await self._recorder.record([self._stage_started(given)])
            output = await run_stage(work, given, context)
            status = self._stage_status(output)
            await self._recorder.record([self._stage_finished(output, status)])
            self._warnings += len(output.diagnostics.warnings)
            handed_on = output.result
            if stage is Stage.EXECUTE:
                self._steps = {**count_statuses(results_of(output.result))}
            if status is StageStatus.CANCELED:
                return RunStatus.CANCELED, None
            if status is StageStatus.FAILED:
                return RunStatus.FAILED, next(iter(context.causes), None) or first_error(output)
        return RunStatus.SUCCEEDED, None

    def _stage_status(self, output: StageOutput) -> StageStatus:
        if output.diagnostics.status is not DiagnosticsStatus.ERROR:
            return StageStatus.SUCCEEDED
        return StageStatus.FAILED if self._control.canceled_by is None else StageStatus.CANCELED

    def _stage_started(self, given: StageInput) -> Event:
        data: JsonObject = {"input": given.model_dump(mode="json", exclude={"previous_output"})}
        return self._recorder.event(EventKind.STAGE_STARTED, data, pass_index=given.pass_index, stage=given.stage)

    def _stage_finished(self, output: StageOutput, status: StageStatus) -> Event:
        # The steps and the trace are events of their own; the reader puts them back, so that nothing is kept twice.
        left_out = {"result", "orchestration_trace"} if output.stage is Stage.EXECUTE else {"orchestration_trace"}
        data: JsonObject = {
            "status": status.value,
            "duration_us": round(output.duration_ms * 1000),
            "output": output.model_dump(mode="json", exclude=left_out),
        }
        return self._recorder.event(EventKind.STAGE_FINISHED, data, stage=output.stage)


def first_error(output: StageOutput) -> JsonObject:
    """The cause of a failed stage that named none: its first error."""
    message = output.diagnostics.errors[0] if output.diagnostics.errors else "the stage failed"
    return {"stage": output.stage.value, "step_id": None, "reason": None, "message": message}

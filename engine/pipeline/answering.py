"""A run that needs no plan: the question is answered, or refused, by routing it. Its stages are route_plan and present."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.event import EventKind
from engine.model.stage import PlanOutput, StageDiagnostics, StageInput, StageOutput
from engine.model.states import DiagnosticsStatus, RunStatus, Stage, StageStatus
from engine.pipeline.assets import applied
from engine.pipeline.passage import FINAL_KINDS, asked_params, first_error
from engine.pipeline.request import RunOutcome
from engine.pipeline.stages.context import StageContext, run_stage
from engine.pipeline.stages.route_plan import route_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.event import Event
    from engine.model.json import Json, JsonObject
    from engine.pipeline.control import Control
    from engine.pipeline.recorder import Recorder
    from engine.pipeline.request import RunRequest, Services
    from engine.pipeline.resume_point import ResumePoint


class Answering:
    """One question's way to its answer. With `resumed` it is taken up from there.

    A refusal fails the run, with its rule and its reason as the first cause, and is presented like an answer. There is
    nothing to clean up after: a cancel that comes before the last stage begins ends the run at once.
    """

    def __init__(
        self,
        request: RunRequest,
        services: Services,
        recorder: Recorder,
        control: Control,
        *,
        resumed: ResumePoint | None = None,
    ) -> None:
        self._request = request
        self._services = services
        self._recorder = recorder
        self._control = control
        self._resumed = resumed
        self._context = StageContext(request, services, recorder, control, resumed=resumed)

    async def carry_out(self, opening: Sequence[Event]) -> RunOutcome:
        """Record what the run begins with and carry it to its end. Raises InfrastructureError."""
        clock = self._services.clock
        began = clock.monotonic()
        earlier_us = 0 if self._resumed is None else self._resumed.run_us_by(clock.now_us())
        await self._recorder.record(opening)
        status, first_cause, warnings = await self._pass_through_stages()
        await self._control.close()
        data: JsonObject = {
            "duration_us": earlier_us + round((clock.monotonic() - began) * 1_000_000),
            "warnings": warnings,
            "first_cause": first_cause,
            "steps": {},
        }
        await self._recorder.record([self._recorder.event(FINAL_KINDS[status], data)])
        return RunOutcome(run_id=self._request.run_id, status=status, first_cause=first_cause)

    async def _pass_through_stages(self) -> tuple[RunStatus, JsonObject | None, int]:
        """How it ended, what went wrong first, and how many warnings there are."""
        handed_on: Json = None
        failure: JsonObject | None = None
        warnings = 0
        for stage in (Stage.ROUTE_PLAN, Stage.PRESENT):
            output = None if self._resumed is None else self._resumed.stage_outputs.get(stage)
            if output is None:
                await self._control.until_going()
                if self._control.canceled_by is not None:
                    # What had failed before stays failed.
                    return (RunStatus.CANCELED if failure is None else RunStatus.FAILED), failure, warnings
                output = await self._run_stage(stage, handed_on)
            handed_on = output.result
            warnings += len(output.diagnostics.warnings)
            if failure is None and output.diagnostics.status is DiagnosticsStatus.ERROR:
                failure = _refusal(output) or first_error(output)
        return (RunStatus.SUCCEEDED if failure is None else RunStatus.FAILED), failure, warnings

    async def _run_stage(self, stage: Stage, handed_on: Json) -> StageOutput:
        given = StageInput(
            stage=stage,
            applied_assets=applied(self._request, stage),
            params=asked_params(self._request, stage),
            previous_output=handed_on,
            trace_id=self._request.run_id,
        )
        earlier_us = 0
        if self._resumed is not None and stage in self._resumed.begun_stages:
            earlier_us = self._resumed.stage_us_by(self._services.clock.now_us())
        else:
            begun: JsonObject = {"input": given.model_dump(mode="json", exclude={"previous_output"})}
            await self._recorder.record([self._recorder.event(EventKind.STAGE_STARTED, begun, stage=stage)])
        work = route_plan if stage is Stage.ROUTE_PLAN else present_answer
        output = await run_stage(work, given, self._context)
        output = output.model_copy(update={"duration_ms": round(output.duration_ms + earlier_us / 1000, 3)})
        is_error = output.diagnostics.status is DiagnosticsStatus.ERROR
        ended: JsonObject = {
            "status": (StageStatus.FAILED if is_error else StageStatus.SUCCEEDED).value,
            "duration_us": round(output.duration_ms * 1000),
            "output": output.model_dump(mode="json", exclude={"orchestration_trace"}),
        }
        await self._recorder.record([self._recorder.event(EventKind.STAGE_FINISHED, ended, stage=stage)])
        return output


async def present_answer(given: StageInput, context: StageContext) -> StageOutput:
    """The answer, or why there is none, as a block that a person reads."""
    route = context.request.route
    assert route is not None, "a run without a plan is one whose question was routed"
    text = route.direct.text if route.direct else route.reject.reason if route.reject else ""
    return StageOutput(
        stage=given.stage,
        result={"blocks": [{"type": "markdown", "text": text}]},
        diagnostics=StageDiagnostics(counts={"blocks": 1}),
    )


def _refusal(output: StageOutput) -> JsonObject | None:
    """The cause of a run that is a refused question."""
    if output.stage is not Stage.ROUTE_PLAN or output.result is None:
        return None
    refused = PlanOutput.model_validate(output.result).reject
    if refused is None:
        return None
    return {"stage": output.stage.value, "step_id": None, "reason": refused.rule, "message": refused.reason}

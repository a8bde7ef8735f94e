"""Starts a run: makes it exist and sends it on its way. The way itself is passage.py's, taking a run up again resume.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import engine
from engine.model.event import EventKind
from engine.pipeline.answering import Answering
from engine.pipeline.assets import resolved_events, with_assets
from engine.pipeline.control import Control
from engine.pipeline.passage import Passage, attend
from engine.pipeline.recorder import Recorder
from engine.ports import PlanRecord, RunCreation
from engine.steps.environment import base_environment

if TYPE_CHECKING:
    from engine.model.event import Event
    from engine.model.json import JsonObject
    from engine.pipeline.request import RunOutcome, RunRequest, Services


async def run_plan(request: RunRequest, services: Services) -> RunOutcome:
    """Create the run and carry it to its end.

    A failing plan is an outcome, and so is a question that is refused. Raises InfrastructureError when the file can no
    longer take what happens; nothing that the run started is left running then. When the calling task is cancelled, the run
    is canceled as by an operator, with its `finally`, recorded, and CancelledError goes on; cancelled once more, `finally`
    is stopped too.

    The assets of the plan are found first, unless the request has them: see `engine.pipeline.assets.resolve_assets` for
    what that raises, with nothing recorded.
    """
    request = await with_assets(request, services)
    recorder = recorder_of(request, services)
    control = Control(recorder)
    way = (Passage if request.needs_plan else Answering)(request, services, recorder, control)
    await services.sink.create_run(creation(request, recorder))
    return await attend(way, opening(request, recorder), request, services, control)


def opening(request: RunRequest, recorder: Recorder) -> list[Event]:
    """What a run begins with: that it has started, and which assets it uses."""
    return [recorder.event(EventKind.RUN_STARTED), *resolved_events(request, recorder)]


def recorder_of(request: RunRequest, services: Services) -> Recorder:
    """What records the events of this run."""
    return Recorder(
        request.run_id,
        sink=services.sink,
        clock=services.clock,
        secrets=services.secrets,
        checkpoint=services.checkpoint,
    )


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
    if request.words:
        data["words"] = request.words
    if request.route is not None:
        data["route"] = request.route.model_dump(mode="json", exclude_none=True)
        data["routing"] = {name: asset.applied().model_dump() for name, asset in request.routing.items()}
    if request.overrides:
        data["overrides"] = [str(override) for override in request.overrides]
    if request.source is not None:
        data["source"] = request.source.to_json()
    if (parent := request.parent) is not None:
        data |= {"parent_run_id": parent.run_id, "parent_step_id": parent.step_id, "depth": parent.depth}
        if parent.item_index is not None:
            data["parent_item_index"] = parent.item_index
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

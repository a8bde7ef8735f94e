"""One stage by itself: an input in, an output out, and nothing recorded. For trying a stage and for comparing what it gives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.pipeline.assets import applied, asset_values
from engine.pipeline.control import Control
from engine.pipeline.passage import STAGES
from engine.pipeline.runner import recorder_of
from engine.pipeline.stages.context import StageContext, run_stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.event import Event, LogChunk
    from engine.model.stage import StageInput, StageOutput
    from engine.pipeline.request import RunRequest, Services
    from engine.ports import RunCreation


async def run_stage_alone(given: StageInput, request: RunRequest, services: Services) -> StageOutput:
    """What the stage makes of this input, with the plan and the assets of `request`. A failing stage is an output.

    The stages before it are not run: `previous_output` is what they would have handed on. `execute` runs its steps for real.
    """
    quiet = replace(services, sink=Unrecorded())
    recorder = recorder_of(request, quiet)
    context = StageContext(request, quiet, recorder, Control(recorder), assets=asset_values(request.assets))
    used = given.model_copy(update={"applied_assets": applied(request, given.stage)})
    return await run_stage(STAGES[given.stage], used, context)


class Unrecorded:
    """Takes everything and keeps nothing. Implements `engine.ports.EventSink`."""

    async def create_run(self, creation: RunCreation) -> None:
        """Nothing is made."""

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        """Nothing is kept."""

    async def append_logs(self, run_id: str, chunks: Sequence[LogChunk]) -> None:
        """Nothing is kept."""

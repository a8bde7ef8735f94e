"""present: turns what was composed into blocks a person reads. Drawing them is left to screens and commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.stage import StageDiagnostics, StageOutput
from engine.model.states import DiagnosticsStatus, Stage
from engine.pipeline.stages.compose import scope_of
from engine.plan.references import MissingReferenceError

if TYPE_CHECKING:
    from engine.model.json import Json
    from engine.model.stage import StageInput
    from engine.pipeline.stages.context import StageContext


async def present(given: StageInput, context: StageContext) -> StageOutput:
    """Resolve the plan's blocks. Without any, what was composed is shown as it is."""
    compiled = context.request.plan
    composed = given.previous_output if isinstance(given.previous_output, dict) else {}
    scope = scope_of(context, given, {}, composed)
    blocks: list[Json] = []
    warnings: list[str] = []
    for index, block in enumerate(compiled.blocks(context.assets)):
        try:
            blocks.append(compiled.bind_value(block.model_dump(mode="json"), scope))
        except MissingReferenceError as error:
            warnings.append(f"present[{index}] is left out: {error.cause}")
    if not compiled.plan.present and composed:
        blocks.append({"type": "json", "title": "", "value": composed})
    return StageOutput(
        stage=Stage.PRESENT,
        result={"blocks": blocks},
        diagnostics=StageDiagnostics(
            status=DiagnosticsStatus.WARNING if warnings else DiagnosticsStatus.OK,
            warnings=tuple(warnings),
            counts={"blocks": len(blocks)},
        ),
    )

"""Short ways to say plans and outcomes. The plans are compiled from documents by the real reader."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.model.result import AttemptOutcome, StreamSummary
from engine.model.states import Reason, StepStatus
from engine.plan.load import load_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import Json, JsonObject
    from engine.plan.compiled import CompiledPlan


def step(step_id: str, *depends_on: str, **fields: Json) -> JsonObject:
    """A step's document. Failing lets the others alone unless `on_failure` says otherwise."""
    return {"id": step_id, "command": "true", "depends_on": list(depends_on), "on_failure": "skip_dependents", **fields}


def plan_of(steps: Sequence[JsonObject], *, strategy: str = "auto", **limits: Json) -> CompiledPlan:
    """The compiled plan of these steps, with these globals."""
    document = {"plan_id": "tested", "strategy": strategy, "globals": limits, "steps": list(steps)}
    return load_plan(json.dumps(document).encode(), name="tested.json")


def plan_with_finally(steps: Sequence[JsonObject], *last: str) -> CompiledPlan:
    """The compiled plan of these steps, with these in `finally`."""
    tidy: list[JsonObject] = [{"id": step_id, "command": "true"} for step_id in last]
    document = {"plan_id": "tested", "steps": list(steps), "finally": tidy}
    return load_plan(json.dumps(document).encode(), name="tested.json")


def succeeded(data: Json = None) -> AttemptOutcome:
    """An attempt that went well."""
    return AttemptOutcome(StepStatus.SUCCEEDED, data=data, exit_code=0)


def failed(reason: Reason = Reason.EXIT_CODE, message: str = "exited with code 1") -> AttemptOutcome:
    """An attempt that failed."""
    code = 1 if reason is Reason.EXIT_CODE else None
    return AttemptOutcome(
        StepStatus.FAILED,
        reason,
        message,
        exit_code=code,
        data={"half": "done"},
        stdout=StreamSummary(text="out"),
        stderr=StreamSummary(text="err"),
    )


def canceled() -> AttemptOutcome:
    """An attempt that was ended from outside."""
    return AttemptOutcome(StepStatus.CANCELED, Reason.CANCELED, "ended by SIGTERM", exit_code=143)

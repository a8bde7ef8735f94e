"""Small ways to say a plan in a test and to read what is wrong with it. No assertions here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.errors import Fault, PlanError
from engine.model.result import StepResult
from engine.model.states import StepStatus
from engine.plan.load import load_plan
from engine.plan.scope import Scope

if TYPE_CHECKING:
    from engine.model.bound import BoundCommand, BoundSql
    from engine.plan.compiled import CompiledPlan


def load(text: str, name: str = "plan.yaml") -> CompiledPlan:
    """Load a plan from YAML."""
    return load_plan(text.encode(), name=name)


def load_bytes(source: bytes, name: str) -> CompiledPlan:
    """Load a plan from bytes."""
    return load_plan(source, name=name)


def plan(*steps: dict[str, Any], **fields: Any) -> CompiledPlan:
    """Load a plan from values; steps without a definition run `true`."""
    return load(document(*steps, **fields), "plan.json")


def document(*steps: dict[str, Any], **fields: Any) -> str:
    """The JSON text of a plan."""
    full = [step if "step_def" in step else {"command": "true", **step} for step in steps]
    return json.dumps({"plan_id": "p", "steps": full or [{"id": "only", "command": "true"}], **fields})


def faults(text: str | bytes, name: str = "plan.yaml") -> tuple[Fault, ...]:
    """What is wrong with a plan; nothing if it loads."""
    try:
        load_plan(text if isinstance(text, bytes) else text.encode(), name=name)
    except PlanError as error:
        return error.faults
    return ()


def plan_faults(*steps: dict[str, Any], **fields: Any) -> tuple[Fault, ...]:
    """What is wrong with a plan given as values."""
    return faults(document(*steps, **fields), "plan.json")


def only(found: tuple[Fault, ...]) -> Fault:
    """The single fault there is."""
    [fault] = found
    return fault


def result(step_id: str, data: Any = None, status: StepStatus = StepStatus.SUCCEEDED, **fields: Any) -> StepResult:
    """A settled step."""
    return StepResult(step_id, status, data=data, **fields)


def scope(*results: StepResult, params: dict[str, Any] | None = None, env: dict[str, str] | None = None) -> Scope:
    """What a run knows."""
    return Scope(
        params=params or {},
        env=env or {},
        results={one.step_id: one for one in results},
        run={"id": "0" * 32, "workdir": "/srv/ops"},
    )


def bound_command(compiled: CompiledPlan, step_id: str, at: Scope | None = None) -> BoundCommand:
    """The command of a step with everything filled in."""
    definition: Any = compiled.steps[step_id].bind(at or scope()).definition
    return definition  # type: ignore[no-any-return]


def bound_sql(compiled: CompiledPlan, step_id: str, at: Scope | None = None) -> BoundSql:
    """The query of a step with everything filled in."""
    definition: Any = compiled.steps[step_id].bind(at or scope()).definition
    return definition  # type: ignore[no-any-return]

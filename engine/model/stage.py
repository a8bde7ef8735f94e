"""What goes into a stage and what comes out of it, the orchestration trace and the routing decision. Contracts; no stage runs here."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, model_validator
from pydantic import JsonValue as Json

from engine.model.states import DiagnosticsStatus, RouteKind, Stage, StepType, Strategy


class Contract(BaseModel):
    """Frozen and closed: an unknown field is an error, not a surprise later."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AssetRef(Contract):
    """The exact version of an asset that was used: `query/ci-lookup@3`, with the hash of its content."""

    ref: str
    sha256: str = ""
    source: str = "published"


class Reference(Contract):
    """Something a stage leaned on: a step, a database, a file, a parameter, an asset."""

    kind: str
    name: str
    detail: str = ""


class DirectAnswerPayload(Contract):
    """The answer to a request that needs no plan."""

    text: str


class RejectPayload(Contract):
    """Why a request is not carried out, and the rule that says so."""

    reason: str
    rule: str = ""


class PlanPayload(Contract):
    """The plan a request leads to, by identity; its text is kept once, under its hash."""

    plan_id: str
    plan_hash: str
    version: str = ""
    step_count: int = 0


class PlanOutput(Contract):
    """The outcome of routing. The payload that matches `kind` is required and the others are forbidden."""

    kind: RouteKind
    confidence: float = Field(ge=0, le=1)
    reasoning: str = ""
    metadata: dict[str, Json] = Field(default_factory=dict)
    direct: DirectAnswerPayload | None = None
    plan: PlanPayload | None = None
    reject: RejectPayload | None = None

    @model_validator(mode="after")
    def _payload_matches_kind(self) -> Self:
        for kind in RouteKind:
            payload = getattr(self, kind.value)
            if kind is self.kind and payload is None:
                raise ValueError(f"kind {kind.value} needs the payload {kind.value}")
            if kind is not self.kind and payload is not None:
                raise ValueError(f"kind {self.kind.value} forbids the payload {kind.value}")
        return self


class ToolEntry(Contract):
    """One step in the orchestration trace. `dependency_groups` are the groups its dependencies stand in."""

    tool_id: str
    tool_type: StepType
    depends_on: tuple[str, ...] = ()
    dependency_groups: tuple[int, ...] = ()
    output_mapping: dict[str, str] = Field(default_factory=dict)


class ExecutionGroup(Contract):
    """Steps of equal topological generation, in plan order."""

    group_index: int
    tools: tuple[ToolEntry, ...]
    parallel_execution: bool


class OrchestrationTrace(Contract):
    """The execution plan of the execute stage."""

    strategy: Strategy
    execution_groups: tuple[ExecutionGroup, ...] = ()
    total_groups: int = 0
    total_tools: int = 0
    tool_ids: tuple[str, ...] = ()


class StageDiagnostics(Contract):
    """What a stage says of its own result. `empty_flags` name results that were empty, `counts` what was counted."""

    status: DiagnosticsStatus = DiagnosticsStatus.OK
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    empty_flags: dict[str, bool] = Field(default_factory=dict)
    counts: dict[str, int] = Field(default_factory=dict)


class StageInput(Contract):
    """What a stage is given. `trace_id` is the run's id; `previous_output` is the result of the stage before.

    It holds the results of all steps, so it is not walked through again to prove that it is JSON.
    """

    stage: Stage
    pass_index: int = 0
    applied_assets: dict[str, AssetRef] = Field(default_factory=dict)
    params: dict[str, Json] = Field(default_factory=dict)
    previous_output: SkipValidation[Json] = None
    trace_id: str = ""


class StageOutput(Contract):
    """What a stage hands on. `duration_ms` is from the monotonic clock."""

    stage: Stage
    result: SkipValidation[Json] = None
    diagnostics: StageDiagnostics = StageDiagnostics()
    references: tuple[Reference, ...] = ()
    duration_ms: float = 0.0
    orchestration_trace: OrchestrationTrace | None = None

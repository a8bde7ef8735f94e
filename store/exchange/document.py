"""The exported trace as pydantic models: what stands in the document, in which words, within which limits. No reading, no writing.

The trace of `show --json` is the first part of the document, with heads of large values in all places: they stand in `blobs`.
`plan`, `events`, `blobs` and `logs` make it complete. Whoever imports it makes everything anew from those four, so that the
first part may grow without a new version.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Strict, StringConstraints

from engine.model.event import EventKind  # noqa: TC001  # pydantic reads the annotations
from engine.model.plan import MAX_OUTPUT_BYTES
from engine.model.stage import Contract
from engine.model.states import (  # noqa: TC001
    PauseReason,
    Reason,
    RouteKind,
    RunMode,
    RunStatus,
    Stage,
    StageStatus,
    StepStatus,
    Stream,
)
from store.blobs import PLACES

TRACE_VERSION: Final = 1
MOST_VALUE_CHARACTERS: Final = 6 * MAX_OUTPUT_BYTES + 1024 * 1024
"""Of one event, one log entry, one large value: what has to be in memory at once. The largest output, all of it escaped, fits."""
MOST_DOCUMENT_BYTES: Final = 4 * 1024 * 1024 * 1024

Whole = Annotated[int, Strict(), Field(ge=0, le=2**63 - 1)]
Counted = Annotated[int, Strict(), Field(ge=1, le=2**63 - 1)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RunId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Moment = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"),
    Field(json_schema_extra={"format": "date-time"}),
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Places = Annotated[
    tuple[str, ...],
    Field(
        description="Where heads of blobs stand in place of values: JSON Pointers into this object, without the first slash. "
        'A head is {"$blob": sha256, "size": bytes, "prefix": text}; whatever looks like one elsewhere is a value.'
    ),
]
Duration = Annotated[float, Field(ge=0)]


class ExportedPlan(Contract):
    """The plan by its hash: the text that was read, and the canonical document that the hash is of."""

    plan_id: Name
    version: str
    plan_hash: Digest
    source: str
    document: dict[str, JsonValue]


class ExportedEvent(Contract):
    """One event as it is stored. `hash` is the SHA-256 of the envelope with `prev_hash` in it; the first follows 64 zeros."""

    v: Literal[1]
    run_id: RunId
    seq: Counted
    at: Moment
    kind: EventKind
    pass_index: Whole
    stage: Stage | None = None
    step_id: Name | None = None
    item_index: Whole | None = None
    attempt: Whole | None = None
    actor: Name
    # Checked by its encoder: validating it value by value would cost more than everything else together.
    # Where it begins with `$blobs`, the values at these places are heads: {"$blob": sha256, "size": bytes, "prefix": text}.
    data: Annotated[dict[str, Any], Field(json_schema_extra={"additionalProperties": True})]
    prev_hash: Digest
    hash: Digest


class ExportedLog(Contract):
    """A piece of what an attempt wrote, from byte `offset` of its stream: as `text` where it is UTF-8, else as `base64`."""

    pass_index: Whole
    step_id: Name
    item_index: Whole | None = None
    attempt: Whole
    stream: Stream
    at: Moment
    offset: Whole
    text: str | None = None
    base64: str | None = None


class ExportedBlob(Contract):
    """A large value of which the events hold the head only. `sha256` is of its JSON text as it stands here, in UTF-8.

    Where `$blobs` names places in `value`, there are heads of blobs that stand before this one in the list, and the hash is
    of the JSON, in the shortest form, of the value with those in their places.
    """

    places: Places = Field(default=(), alias=PLACES)
    sha256: Digest
    # Checked by its hash, like the data of events by theirs.
    value: Annotated[Any, Field(json_schema_extra={})]


class LeftOut(Contract):
    """Output of the run that the document does not hold: the oldest is left out first."""

    chunks: Whole
    bytes: Whole


class Derived(BaseModel):
    """A part that is made from the events: it may have more fields than are known here."""

    model_config = ConfigDict(frozen=True, extra="allow")


class StageEntry(Derived):
    """One stage of one pass."""

    places: Places = Field(default=(), alias=PLACES)
    stage: Stage
    pass_index: Whole
    status: StageStatus
    started_at: Moment | None = None
    duration_ms: Duration | None = None
    input: JsonValue = None
    output: JsonValue = None


class StepEntry(Derived):
    """One step of one pass with its attempts and its result."""

    places: Places = Field(default=(), alias=PLACES)
    id: Name
    pass_index: Whole
    item_index: Whole | None = None
    status: StepStatus
    reason: Reason | None = None
    message: str = ""
    exit_code: int | None = None
    attempts: list[dict[str, JsonValue]]
    started_at: Moment | None = None
    finished_at: Moment | None = None
    duration_ms: Duration | None = None
    reused_from: JsonValue = None
    orchestration: dict[str, JsonValue]
    result: dict[str, JsonValue] | None = None


class TraceHead(Derived):
    """Everything but the long lists."""

    schema_version: Literal[1]
    run_id: RunId
    plan_id: str
    plan_version: str
    plan_hash: Digest
    status: RunStatus
    pause_reason: PauseReason | None = None
    route: RouteKind | None = None
    mode: RunMode
    pass_count: Counted
    created_at: Moment
    started_at: Moment | None = None
    finished_at: Moment | None = None
    duration_ms: Duration | None = None
    params: dict[str, JsonValue]
    first_cause: dict[str, JsonValue] | None = None
    environment: dict[str, JsonValue] | None = None
    replan_events: list[JsonValue]
    applied_assets: dict[str, JsonValue]
    plan: ExportedPlan
    logs_left_out: LeftOut


class TraceDocument(TraceHead):
    """A run as one JSON document."""

    stages: list[StageEntry]
    steps: list[StepEntry]
    events: Annotated[list[ExportedEvent], Field(min_length=1)]
    blobs: list[ExportedBlob] = []
    logs: list[ExportedLog]


def trace_schema() -> dict[str, Any]:
    """The JSON Schema of the document."""
    schema = TraceDocument.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema

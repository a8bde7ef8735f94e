"""A plan as data: its fields, their types and defaults. Reading, positions, references and the graph live in engine.plan."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic import JsonValue as Json

from engine.model.states import OnFailure, OutputFormat, StepType, Strategy

StepId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
PlanId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
LockName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Scalar: TypeAlias = str | int | float | bool

RESERVED_STEP_IDS = frozenset(
    [
        "prev",
        "env",
        "params",
        "assets",
        "secrets",
        "item",
        "index",
        "inputs",
        "plan",
        "run",
        "compose",
        "true",
        "false",
        "null",
        "len",
    ]
)

_STEP_TYPES = {kind.value: kind for kind in StepType}  # asked for several times a step: looking up is half the price


class PlanModel(BaseModel):
    """Frozen, closed, and strict in what it takes: `"3"` is not a number and 1 is not a string."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ParamType(StrEnum):
    """What a parameter holds; words from the command line are turned into it."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"


class Param(PlanModel):
    """One parameter of a plan. A parameter that is not required and has no default is null."""

    type: Annotated[ParamType, Field(strict=False)] = ParamType.STRING
    required: bool = False
    default: Json = None
    description: str = ""


class Backoff(PlanModel):
    """Waiting between attempts: initial_sec · factor^(n-1), at most max_sec; jitter takes a random share of it off."""

    initial_sec: Annotated[float, Field(ge=0, le=86400)] = 0.5
    factor: Annotated[float, Field(ge=1, le=100)] = 2.0
    max_sec: Annotated[float, Field(ge=0, le=86400)] = 30.0
    jitter: bool = True


class SecretSource(PlanModel):
    """Where a secret's text comes from: exactly one of an environment variable or a file."""

    env: str | None = None
    file: str | None = None


class CommandDef(PlanModel):
    """A program and its arguments. No shell stands between."""

    type: Literal["command"] = "command"
    command: Annotated[str, Field(min_length=1)]
    args: tuple[Scalar, ...] = ()
    cwd: str | None = None


class SqlDef(PlanModel):
    """One query on a SQLite database, with its bind parameters. Opened read-only unless `read_only` is false."""

    type: Literal["sql"]
    database: Annotated[str, Field(min_length=1)]
    query: Annotated[str, Field(min_length=1)]
    args: dict[str, Json] = Field(default_factory=dict)
    read_only: bool = True


StepDef: TypeAlias = Annotated[CommandDef | SqlDef, Field(discriminator="type")]


class Globals(PlanModel):
    """What holds for every step unless it says otherwise. `max_step_duration_sec` is a cap over all attempts of a step."""

    max_concurrency: Annotated[int, Field(ge=1, le=1000)] = 8
    default_timeout_sec: Annotated[float, Field(gt=0, le=604800)] = 60.0
    max_step_duration_sec: Annotated[float, Field(gt=0, le=604800)] = 3600.0
    env: dict[str, str] = Field(default_factory=dict)
    env_from_host: tuple[str, ...] = ()


class Step(PlanModel):
    """A node of the plan. `output` defaults by type: text for command, json for sql (its rows)."""

    id: StepId
    step_def: StepDef
    description: str = ""
    depends_on: tuple[StepId, ...] = ()
    condition: str | None = None
    skip_if: tuple[str, ...] = ()
    timeout_sec: Annotated[float, Field(gt=0, le=604800)] | None = None
    retries: Annotated[int, Field(ge=0, le=100)] = 0
    backoff: Backoff = Backoff()
    on_failure: Annotated[OnFailure, Field(strict=False)] = OnFailure.ABORT
    idempotent: bool | None = None
    env: dict[str, str] = Field(default_factory=dict)
    output: Annotated[OutputFormat, Field(strict=False)] | None = None
    output_mapping: dict[str, Json] = Field(default_factory=dict)
    metadata: dict[str, Json] = Field(default_factory=dict)

    @property
    def type(self) -> StepType:
        """What this step runs."""
        return _STEP_TYPES[self.step_def.type]

    @property
    def output_format(self) -> OutputFormat:
        """How the output becomes data, with the type's default filled in."""
        if self.output is not None:
            return self.output
        return OutputFormat.JSON if self.type is StepType.SQL else OutputFormat.TEXT

    @property
    def is_idempotent(self) -> bool:
        """True if running it a second time after a crash is harmless: what the plan says, else only read-only sql."""
        if self.idempotent is not None:
            return self.idempotent
        return isinstance(self.step_def, SqlDef) and self.step_def.read_only


class MarkdownBlock(PlanModel):
    """A piece of Markdown, with references."""

    type: Literal["markdown"]
    text: str


class TableBlock(PlanModel):
    """Rows as a table; `rows` is a reference to a list of objects or of lists."""

    type: Literal["table"]
    rows: Json
    title: str = ""
    columns: tuple[str, ...] = ()


class KeyValueBlock(PlanModel):
    """An object as names and values."""

    type: Literal["key_value"]
    values: Json
    title: str = ""


class ListBlock(PlanModel):
    """One line an item."""

    type: Literal["list"]
    entries: Json
    title: str = ""


class JsonBlock(PlanModel):
    """Any value as JSON."""

    type: Literal["json"]
    value: Json
    title: str = ""


Block: TypeAlias = Annotated[
    MarkdownBlock | TableBlock | KeyValueBlock | ListBlock | JsonBlock, Field(discriminator="type")
]


class Plan(PlanModel):
    """What a run does: a directed graph of steps with parameters, secrets, and how the results are shown.

    Two runs that name the same lock never overlap. `finally` steps run at the end whatever happened, one after the other.
    """

    plan_id: PlanId
    version: str = ""
    description: str = ""
    metadata: dict[str, Json] = Field(default_factory=dict)
    strategy: Annotated[Strategy, Field(strict=False)] = Strategy.AUTO
    enable_orchestration: bool = True
    params: dict[str, Param] = Field(default_factory=dict)
    globals: Globals = Globals()
    secrets: dict[str, SecretSource] = Field(default_factory=dict)
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=100_000)]
    locks: Annotated[tuple[LockName, ...], Field(max_length=100)] = ()
    finally_steps: Annotated[tuple[Step, ...], Field(alias="finally", max_length=1000)] = ()
    compose: dict[str, Json] = Field(default_factory=dict)
    present: tuple[Block, ...] = ()

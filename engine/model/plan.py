"""A plan as data: its fields, their types and defaults. Reading, positions, references and the graph live in engine.plan."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field
from pydantic import JsonValue as Json

from engine.model.blocks import Shown  # noqa: TC001  (pydantic reads it)
from engine.model.plan_model import LockName, PlanId, PlanModel, ResourceName, StepId
from engine.model.states import OnFailure, OutputFormat, StepType, Strategy
from engine.model.step_defs import DecisionDef, SqlDef, StepDef

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

MAX_OUTPUT_BYTES = 134_217_728
"""As JSON a text may take six times its bytes; what SQLite takes for one value ends at a thousand million."""

UNCAPPED = (StepType.HTTP, StepType.FILE, StepType.PLAN, StepType.DECISION)
"""Steps whose output `max_output_bytes` does not bound: it is small by itself, or has a limit of its own."""

_STEP_TYPES = {kind.value: kind for kind in StepType}  # asked for several times a step: looking up is half the price


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


class Rate(PlanModel):
    """At most `count` attempts begin in any `per_sec` seconds."""

    count: Annotated[int, Field(ge=1, le=1_000_000)]
    per_sec: Annotated[float, Field(gt=0, le=86400)] = 1.0


class Pool(PlanModel):
    """A limit that the steps which name the pool share: how many attempts at once, how many begin in a time, or both."""

    max_concurrency: Annotated[int, Field(ge=1, le=1000)] | None = None
    rate: Rate | None = None


class Breaker(PlanModel):
    """When a tool that keeps failing is left alone: after `failures` in a row, for `cooldown_sec`; then one probe decides."""

    failures: Annotated[int, Field(ge=1, le=1000)] = 5
    cooldown_sec: Annotated[float, Field(gt=0, le=86400)] = 60.0


class Repeat(PlanModel):
    """The step runs again until `until` holds, which sees the attempt as `item`; at most `max` times, `delay_sec` apart."""

    until: str
    max: Annotated[int, Field(ge=1, le=10_000)] = 10
    delay_sec: Annotated[float, Field(ge=0, le=86400)] = 1.0


class Cache(PlanModel):
    """A result is used again for `ttl_sec` seconds while everything that the step depends on is the same."""

    ttl_sec: Annotated[float, Field(gt=0, le=31_536_000)]


class Globals(PlanModel):
    """What holds for every step unless it says otherwise. `max_step_duration_sec` is a cap over all attempts of a step."""

    max_concurrency: Annotated[int, Field(ge=1, le=1000)] = 8
    default_timeout_sec: Annotated[float, Field(gt=0, le=604800)] = 60.0
    max_step_duration_sec: Annotated[float, Field(gt=0, le=604800)] = 3600.0
    env: dict[str, str] = Field(default_factory=dict)
    env_from_host: tuple[str, ...] = ()
    pools: dict[str, Pool] = Field(default_factory=dict)
    breaker: Breaker | None = None


class Step(PlanModel):
    """A node of the plan. `output` is how what a process prints becomes data; other types have data of their own.

    `for_each` is a list, or a reference to one: the step runs once for each item. `max_output_bytes` (10 MiB unless given) is
    how much becomes data of what a process prints, a function or a tool returns as JSON, or a query finds: text and lines
    are cut there, and anything else fails the attempt.
    """

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
    fallback_step: StepId | None = None
    critical: bool = False
    idempotent: bool | None = None
    provides: tuple[ResourceName, ...] = ()
    consumes: tuple[ResourceName, ...] = ()
    for_each: Json = None
    repeat: Repeat | None = None
    cache: Cache | None = None
    pool: str | None = None
    env: dict[str, str] = Field(default_factory=dict)
    output: Annotated[OutputFormat, Field(strict=False)] | None = None
    max_output_bytes: Annotated[int, Field(ge=1, le=MAX_OUTPUT_BYTES)] | None = None
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
        return OutputFormat.TEXT if self.type in (StepType.COMMAND, StepType.POWERSHELL) else OutputFormat.JSON

    @property
    def is_idempotent(self) -> bool:
        """True if running it a second time after a crash is harmless: what the plan says, else read-only sql and decisions."""
        if self.idempotent is not None:
            return self.idempotent
        match self.step_def:
            case SqlDef():
                return self.step_def.read_only
            case DecisionDef():
                return True
            case _:
                return False


class Plan(PlanModel):
    """What a run does: a directed graph of steps with parameters, secrets, and how the results are shown.

    Two runs that name the same lock never overlap. `finally` steps run at the end whatever happened, one after the other.
    `assets` are documents of the registry by the alias that references name them by, as in `{lookup: query/ci-lookup@3}`.
    With `answer_on_failure` a run that has failed composes and presents what it has, too.
    """

    plan_id: PlanId
    version: str = ""
    description: str = ""
    metadata: dict[str, Json] = Field(default_factory=dict)
    strategy: Annotated[Strategy, Field(strict=False)] = Strategy.AUTO
    enable_orchestration: bool = True
    params: dict[str, Param] = Field(default_factory=dict)
    assets: Annotated[dict[str, str], Field(max_length=100)] = Field(default_factory=dict)
    globals: Globals = Globals()
    secrets: dict[str, SecretSource] = Field(default_factory=dict)
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=100_000)]
    locks: Annotated[tuple[LockName, ...], Field(max_length=100)] = ()
    finally_steps: Annotated[tuple[Step, ...], Field(alias="finally", max_length=1000)] = ()
    compose: dict[str, Json] = Field(default_factory=dict)
    present: Shown = ()
    answer_on_failure: bool = False

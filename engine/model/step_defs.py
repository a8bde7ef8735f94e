"""What a step of a plan does: one model for each type of step. What all steps have is engine.model.plan's."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints
from pydantic import JsonValue as Json

from engine.model.plan_model import PlanModel, Scalar, StepId


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


class PowershellDef(PlanModel):
    """A PowerShell script: its text in `script`, or a file of the plan's folder in `file`; exactly one of them.

    `args` reach the script as named parameters, never as program text.
    """

    type: Literal["powershell"]
    script: Annotated[str, Field(min_length=1)] | None = None
    file: Annotated[str, Field(min_length=1)] | None = None
    args: dict[str, Json] = Field(default_factory=dict)
    interpreter: Annotated[str, Field(min_length=1)] = "pwsh"
    cwd: str | None = None


class PythonDef(PlanModel):
    """A function, `module:name` or `file.py:name`, called in a child interpreter of the plan's choice.

    `path` are folders that are searched for the module first, after the plan's own. `args` are keyword arguments; what
    is in `output_mapping` and not in `args` is one too.
    """

    type: Literal["python"]
    callable: Annotated[str, StringConstraints(pattern=r"^[^:\x00]{1,4096}:[A-Za-z_][A-Za-z0-9_.]{0,255}$")]
    args: dict[str, Json] = Field(default_factory=dict)
    interpreter: Annotated[str, Field(min_length=1)] = "python3"
    path: tuple[str, ...] = ()
    cwd: str | None = None


class HttpDef(PlanModel):
    """One request. `body` is sent as JSON, or as it is where it is a text. Without `expect_status`, any 2xx is a success.

    A value that a reference puts into `url` is one piece of it, percent-encoded, unless it begins the address or is all that
    follows the host. Every redirect is checked like the first address; link-local ones, where clouds keep credentials, are
    refused unless allowed.
    """

    type: Literal["http"]
    url: Annotated[str, Field(min_length=1)]
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    headers: dict[str, str] = Field(default_factory=dict)
    query: dict[str, Json] = Field(default_factory=dict)
    body: Json = None
    expect_status: tuple[Annotated[int, Field(ge=100, le=599)], ...] = ()
    max_redirects: Annotated[int, Field(ge=0, le=20)] = 5
    max_body_bytes: Annotated[int, Field(ge=0, le=1_073_741_824)] = 10_485_760
    allow_link_local: bool = False
    verify_tls: bool = True


class FileAction(StrEnum):
    """What a file step does."""

    COPY = "copy"
    MOVE = "move"
    WRITE = "write"
    CHECKSUM = "checksum"


class FileDef(PlanModel):
    """One action on a file, relative to the working folder. Nothing is replaced unless `overwrite` says so.

    `path` is what is copied, moved, written or summed; `to` is where a copy or a move goes; `content` is what is written;
    `expect` is the checksum that the file has to have.
    """

    type: Literal["file"]
    action: Annotated[FileAction, Field(strict=False)]
    path: Annotated[str, Field(min_length=1)]
    to: Annotated[str, Field(min_length=1)] | None = None
    content: str | None = None
    overwrite: bool = False
    mode: Annotated[str, StringConstraints(pattern=r"^0?[0-7]{3,4}$")] | None = None
    algorithm: Literal["sha256", "sha512", "sha1", "md5", "blake2b"] = "sha256"
    expect: str | None = None


class ToolDef(PlanModel):
    """An asynchronous Python function known to this engine by name. `calls` is a batch: one call for each set of arguments."""

    type: Literal["tool"]
    tool: Annotated[str, Field(min_length=1, max_length=128)]
    args: dict[str, Json] = Field(default_factory=dict)
    calls: tuple[dict[str, Json], ...] = ()


class SubPlanDef(PlanModel):
    """Another plan, run as a child of this run. `plan` is a name or a path relative to this plan's folder."""

    type: Literal["plan"]
    plan: Annotated[str, Field(min_length=1)]
    params: dict[str, Json] = Field(default_factory=dict)


class DecisionRule(PlanModel):
    """If `when` holds, the branch `choose` is taken."""

    when: str
    choose: Annotated[str, Field(min_length=1, max_length=64)]


class DecisionDef(PlanModel):
    """Chooses one of `branches`, each a list of steps: the first rule that holds, else `default`. The steps of the others are skipped.

    With `ask`, a language model is asked that question first, where one is configured; the rules decide if it is of no use.
    """

    type: Literal["decision"]
    ask: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    rules: tuple[DecisionRule, ...] = ()
    default: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    branches: Annotated[dict[str, tuple[StepId, ...]], Field(min_length=1)]


StepDef: TypeAlias = Annotated[
    CommandDef | PowershellDef | PythonDef | HttpDef | SqlDef | FileDef | ToolDef | SubPlanDef | DecisionDef,
    Field(discriminator="type"),
]

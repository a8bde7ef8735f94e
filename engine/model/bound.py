"""A step with its references resolved, ready for an executor. Secrets are still names here: their text exists only at spawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class SecretName:
    """A secret, by the name it has in the plan."""

    name: str


@dataclass(frozen=True, slots=True)
class SecretText:
    """Text with secrets in it, in order: `Bearer {secrets.token}` is `("Bearer ", SecretName("token"))`.

    Being a type of its own, it cannot be forged by a parameter whose value merely looks like a reference.
    """

    parts: tuple[str | SecretName, ...]

    def __str__(self) -> str:
        return "".join(part if isinstance(part, str) else f"{{secrets.{part.name}}}" for part in self.parts)


BoundText: TypeAlias = str | SecretText


@dataclass(frozen=True, slots=True)
class BoundCommand:
    """A program and its argument vector. `cwd` is relative to the run's working folder."""

    command: str
    args: tuple[str, ...] = ()
    cwd: str | None = None

    def to_json(self) -> JsonObject:
        """As `attempt.starting` carries it."""
        return {"type": "command", "command": self.command, "args": list(self.args), "cwd": self.cwd}


@dataclass(frozen=True, slots=True)
class BoundSql:
    """A query with its bind values. `database` is relative to the plan's folder."""

    database: str
    query: str
    binds: Mapping[str, Json | SecretText] = field(default_factory=dict)
    read_only: bool = True

    def to_json(self) -> JsonObject:
        """As `attempt.starting` carries it, secrets by name."""
        binds: JsonObject = {k: str(v) if isinstance(v, SecretText) else v for k, v in self.binds.items()}
        return {
            "type": "sql",
            "database": self.database,
            "query": self.query,
            "args": binds,
            "read_only": self.read_only,
        }


@dataclass(frozen=True, slots=True)
class BoundPowershell:
    """A PowerShell script, as text or as a file relative to the plan's folder, with its named arguments."""

    interpreter: str
    script: str | None = None
    file: str | None = None
    args: Mapping[str, Json] = field(default_factory=dict)
    cwd: str | None = None

    def to_json(self) -> JsonObject:
        """As `attempt.starting` carries it."""
        return {
            "type": "powershell",
            "interpreter": self.interpreter,
            "script": self.script,
            "file": self.file,
            "args": dict(self.args),
            "cwd": self.cwd,
        }


@dataclass(frozen=True, slots=True)
class BoundPython:
    """A function for a child interpreter, with its keyword arguments. A `callable` file and `path` are relative to the plan's folder."""

    callable: str
    interpreter: str
    args: Mapping[str, Json] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    cwd: str | None = None

    def to_json(self) -> JsonObject:
        """As `attempt.starting` carries it."""
        return {
            "type": "python",
            "callable": self.callable,
            "interpreter": self.interpreter,
            "args": dict(self.args),
            "path": list(self.path),
            "cwd": self.cwd,
        }


@dataclass(frozen=True, slots=True)
class BoundHttp:
    """One request. Secrets may stand in headers only. Without `expect_status` any 2xx is a success."""

    url: str
    method: str = "GET"
    headers: Mapping[str, BoundText] = field(default_factory=dict)
    query: Mapping[str, Json] = field(default_factory=dict)
    body: Json = None
    expect_status: tuple[int, ...] = ()
    max_redirects: int = 5
    max_body_bytes: int = 10_485_760
    allow_link_local: bool = False
    verify_tls: bool = True

    def to_json(self) -> JsonObject:
        """As `attempt.starting` carries it, secrets by name."""
        return {
            "type": "http",
            "method": self.method,
            "url": self.url,
            "headers": {name: str(text) for name, text in self.headers.items()},
            "query": dict(self.query),
            "body": self.body,
            "expect_status": list(self.expect_status),
            "max_redirects": self.max_redirects,
            "max_body_bytes": self.max_body_bytes,
            "allow_link_local": self.allow_link_local,
            "verify_tls": self.verify_tls,
        }


@dataclass(frozen=True, slots=True)
class BoundFile:
    """One action on a file; paths are relative to the run's working folder. `action` is a word of FileAction."""

    action: str
    path: str
    to: str | None = None
    content: str | None = None
    overwrite: bool = False
    mode: int | None = None
    algorithm: str = "sha256"
    expect: str | None = None

    def to_json(self) -> JsonObject:
        """As `attempt.starting` carries it."""
        return {
            "type": "file",
            "action": self.action,
            "path": self.path,
            "to": self.to,
            "content": self.content,
            "overwrite": self.overwrite,
            "mode": None if self.mode is None else f"{self.mode:04o}",
            "algorithm": self.algorithm,
            "expect": self.expect,
        }


@dataclass(frozen=True, slots=True)
class BoundTool:
    """Calls of a registered function, each with its keyword arguments. `is_batch` says that the data is a list of results."""

    tool: str
    calls: tuple[Mapping[str, Json], ...]
    is_batch: bool = False

    def to_json(self) -> JsonObject:
        """As `attempt.starting` carries it."""
        return {"type": "tool", "tool": self.tool, "calls": [dict(call) for call in self.calls], "batch": self.is_batch}


@dataclass(frozen=True, slots=True)
class BoundPlan:
    """A plan that runs as a child: a name, or a path relative to the plan's folder, with its parameters."""

    plan: str
    params: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> JsonObject:
        """As `attempt.starting` carries it."""
        return {"type": "plan", "plan": self.plan, "params": dict(self.params)}


@dataclass(frozen=True, slots=True)
class BoundDecision:
    """What the rules decided: the branch, or None if none holds and there is no default; `rule` is the index of the rule that held.

    `ask` is what a model is to be asked before that counts, None if none is to be; `branches` are what it may choose. Where
    the question could not be filled in, `unasked` says why.
    """

    choice: str | None
    rule: int | None
    why: str
    ask: str | None = None
    branches: tuple[str, ...] = ()
    unasked: str = ""

    @property
    def may_ask(self) -> bool:
        """True if the plan has a question for a model."""
        return self.ask is not None or bool(self.unasked)

    def to_json(self) -> JsonObject:
        """As `attempt.starting` carries it."""
        decided: JsonObject = {"type": "decision", "choice": self.choice, "rule": self.rule, "why": self.why}
        if self.may_ask:
            decided |= {"ask": self.ask, "branches": [*self.branches]}
        return decided


BoundDef: TypeAlias = (
    BoundCommand
    | BoundPowershell
    | BoundPython
    | BoundHttp
    | BoundSql
    | BoundFile
    | BoundTool
    | BoundPlan
    | BoundDecision
)


@dataclass(frozen=True, slots=True)
class BoundStep:
    """What one attempt runs. `env` is what the plan adds to the base environment; `inputs` are the resolved `output_mapping`."""

    definition: BoundDef
    env: Mapping[str, BoundText] = field(default_factory=dict)
    inputs: Mapping[str, Json] = field(default_factory=dict)

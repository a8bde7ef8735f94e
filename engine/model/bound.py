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


BoundDef: TypeAlias = BoundCommand | BoundSql


@dataclass(frozen=True, slots=True)
class BoundStep:
    """What one attempt runs. `env` is what the plan adds to the base environment; `inputs` are the resolved `output_mapping`."""

    definition: BoundDef
    env: Mapping[str, BoundText] = field(default_factory=dict)
    inputs: Mapping[str, Json] = field(default_factory=dict)

"""Which parts a plan has, and which fields a part may have. What is wrong with them is said elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.model.blocks import JsonBlock, KeyValueBlock, ListBlock, MarkdownBlock, TableBlock
from engine.model.plan import Backoff, Breaker, Cache, Globals, Param, Plan, Pool, Rate, Repeat, SecretSource, Step
from engine.model.step_defs import (
    CommandDef,
    DecisionDef,
    DecisionRule,
    FileDef,
    HttpDef,
    PowershellDef,
    PythonDef,
    SqlDef,
    SubPlanDef,
    ToolDef,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

    from engine.model.json import JsonObject
    from engine.plan.faults import Path

STEP_SECTIONS = ("steps", "finally")
"""The parts of a plan that are lists of steps."""

SHORTHAND = ("command", "args", "cwd")
"""What a step may have in place of a step_def that is a command."""

BLOCKS: dict[str, type[BaseModel]] = {
    "markdown": MarkdownBlock,
    "table": TableBlock,
    "key_value": KeyValueBlock,
    "list": ListBlock,
    "json": JsonBlock,
}
DEFS: dict[str, type[BaseModel]] = {
    "command": CommandDef,
    "powershell": PowershellDef,
    "python": PythonDef,
    "http": HttpDef,
    "sql": SqlDef,
    "file": FileDef,
    "tool": ToolDef,
    "plan": SubPlanDef,
    "decision": DecisionDef,
}
_STEP_PARTS: dict[str, type[BaseModel]] = {"backoff": Backoff, "repeat": Repeat, "cache": Cache}


def step_fields() -> frozenset[str]:
    """Every field that a step may have, with the shorthand for a command."""
    return frozenset([*Step.model_fields, *SHORTHAND])


def fields_at(plan: JsonObject, path: Path) -> Iterable[str]:
    """The fields that an object at this path may have."""
    match path:
        case ():
            return [field.alias or name for name, field in Plan.model_fields.items()]
        case ("globals",):
            return Globals.model_fields
        case ("globals", "breaker"):
            return Breaker.model_fields
        case ("globals", "pools", _):
            return Pool.model_fields
        case ("globals", "pools", _, "rate"):
            return Rate.model_fields
        case ("params", _):
            return Param.model_fields
        case ("secrets", _):
            return SecretSource.model_fields
        case ("steps" | "finally", int()):
            return [*Step.model_fields, *SHORTHAND]
        case ("steps" | "finally", int(), "backoff" | "repeat" | "cache" as name):
            return _STEP_PARTS[name].model_fields
        case ("steps" | "finally", int(), "step_def", "rules", int()):
            return DecisionRule.model_fields
        case ("steps" | "finally", int(), "step_def") | ("present", int()):
            models = DEFS if path[-1] == "step_def" else BLOCKS
            model = models.get(str(value_at(plan, (*path, "type"))))
            return model.model_fields if model is not None else ["type"]
        case _:
            return ()


def value_at(plan: JsonObject, path: Path) -> Any:
    """What a plan holds at a path, as far as the path leads."""
    value: Any = plan
    for part in path:
        if isinstance(value, dict):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
    return value

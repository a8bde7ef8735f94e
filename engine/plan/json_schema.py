"""The JSON Schema of a plan file, for editors and checks in other languages: the models, and what the gate asks beyond them.

It refuses nothing that loads. What needs the whole plan in sight - names, references, the graph - is checked by loading only.
"""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING, Any

from engine.model.asset import AssetType
from engine.model.plan import RESERVED_STEP_IDS, UNCAPPED, Plan
from engine.model.step_defs import FileAction
from engine.plan.items import MAX_ITEMS

if TYPE_CHECKING:
    from engine.model.json import JsonObject

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NULL: JsonObject = {"type": "null"}
_TEXT: JsonObject = {"type": "string"}
_IDENTIFIERS: JsonObject = {"propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}}
_VARIABLES: JsonObject = {"propertyNames": {"pattern": "^[^=]+$"}}
_IN_COMMAND = ("command", "args", "cwd")


def plan_schema() -> JsonObject:
    """The schema, in draft 2020-12, with the shorthand that files may use."""
    schema: dict[str, Any] = Plan.model_json_schema()
    definitions = schema["$defs"]
    _shorthand(definitions)
    for name, (fields, whole) in _refinements().items():
        definition = schema if name == "Plan" else definitions[name]
        for field, refinement in fields.items():
            definition["properties"][field].update(refinement)
        definition.update(whole)
    definitions["CommandDef"]["required"] = ["type", "command"]
    schema["properties"]["present"]["oneOf"][1]["pattern"] = r"^\{assets[.\[][\s\S]+\}$"
    definitions["FinallyStep"] = _finally_step()
    schema["properties"]["finally"]["items"] = {"$ref": "#/$defs/FinallyStep"}
    return {"$schema": _DIALECT, **_tidy(schema), "title": "opscope plan"}


def _shorthand(definitions: dict[str, Any]) -> None:
    """A command may stand on the step itself, and one condition or dependency without a list."""
    step = definitions["Step"]["properties"]
    command = definitions["CommandDef"]["properties"]
    step.update((name, dict(command[name])) for name in _IN_COMMAND)
    for name in ("skip_if", "depends_on"):
        listed = step[name]
        items = listed.pop("items")
        listed.pop("type")
        listed["anyOf"] = [items, {"type": "array", "items": items}]


def _refinements() -> dict[str, tuple[dict[str, JsonObject], JsonObject]]:
    """By model: what is added to its fields, and to the whole of it."""
    reserved = sorted({*RESERVED_STEP_IDS, *keyword.kwlist})
    return {
        "Plan": (
            {
                "params": {"propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,63}$"}},
                "secrets": _IDENTIFIERS,
                "assets": _assets(),
            },
            {},
        ),
        "Globals": (
            {"env": _VARIABLES, "pools": {"propertyNames": {"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"}}},
            {},
        ),
        "Pool": ({}, {"anyOf": [_given("max_concurrency"), _given("rate")]}),
        "SecretSource": ({}, {"oneOf": [_given("env"), _given("file")]}),
        "Step": (
            {
                "id": {"not": {"enum": list(reserved)}},
                "for_each": _items(),
                "env": _VARIABLES,
                "output_mapping": _IDENTIFIERS,
            },
            {
                "required": ["id"],
                "oneOf": [{"required": ["step_def"]}, {"required": ["command"]}],
                "dependentRequired": {"args": ["command"], "cwd": ["command"]},
                "allOf": [_fallback(), _decided_once(), _uncapped()],
            },
        ),
        "PowershellDef": ({"args": _IDENTIFIERS}, {"oneOf": [_given("script"), _given("file")]}),
        "PythonDef": ({"args": _IDENTIFIERS}, {}),
        "SqlDef": ({"args": _IDENTIFIERS}, {}),
        "HttpDef": (
            {
                "url": {"pattern": r"^([Hh][Tt][Tt][Pp][Ss]?://|\{)"},
                "headers": {
                    "propertyNames": {"pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"},
                    "additionalProperties": {"type": "string", "pattern": r"^[^\r\n]*$"},
                },
            },
            {},
        ),
        "FileDef": ({}, {"allOf": [_file_action(action) for action in FileAction]}),
        "ToolDef": (
            {
                "args": _IDENTIFIERS,
                "calls": {"minItems": 1, "items": {"type": "object", **_IDENTIFIERS}},
            },
            {},
        ),
        "DecisionDef": (
            {},
            {"anyOf": [{"required": ["rules"], "properties": {"rules": {"minItems": 1}}}, _given("default")]},
        ),
    }


def _given(name: str) -> JsonObject:
    return {"required": [name], "properties": {name: {"not": _NULL}}}


def _assets() -> JsonObject:
    types = "|".join(AssetType)
    reference: JsonObject = {"pattern": f"^({types})/[A-Za-z0-9][A-Za-z0-9._-]{{0,127}}(@[1-9][0-9]{{0,8}})?$"}
    reference["type"] = "string"
    return {"propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"}, "additionalProperties": reference}


def _items() -> JsonObject:
    reference: JsonObject = {"type": "string", "pattern": r"^\{[\s\S]+\}$"}
    return {"anyOf": [{"type": "array", "maxItems": MAX_ITEMS}, reference, _NULL]}


def _fallback() -> JsonObject:
    return {
        "if": {"required": ["on_failure"], "properties": {"on_failure": {"const": "fallback_step"}}},
        "then": {"required": ["fallback_step"], "properties": {"fallback_step": _TEXT}},
        "else": {"properties": {"fallback_step": _NULL}},
    }


def _decided_once() -> JsonObject:
    decision: JsonObject = {"type": "object", "required": ["type"], "properties": {"type": {"const": "decision"}}}
    return {
        "if": {"required": ["step_def"], "properties": {"step_def": decision}},
        "then": {"properties": {"for_each": _NULL, "repeat": _NULL}},
    }


def _uncapped() -> JsonObject:
    kinds: JsonObject = {"enum": [kind.value for kind in UNCAPPED]}
    definition: JsonObject = {"type": "object", "required": ["type"], "properties": {"type": kinds}}
    return {
        "if": {"required": ["step_def"], "properties": {"step_def": definition}},
        "then": {"properties": {"max_output_bytes": _NULL}},
    }


def _file_action(action: FileAction) -> JsonObject:
    needs = {FileAction.COPY: "to", FileAction.MOVE: "to", FileAction.WRITE: "content"}.get(action)
    then: JsonObject = {"properties": {name: _NULL for name in ("to", "content") if name != needs}}
    if needs is not None:
        then["required"] = [needs]
        then["properties"] = {needs: _TEXT, **{name: _NULL for name in ("to", "content") if name != needs}}
    return {"if": {"required": ["action"], "properties": {"action": {"const": action.value}}}, "then": then}


def _finally_step() -> JsonObject:
    return {
        "description": "A step of `finally`: in its turn, whatever happened before, so without dependencies and fallbacks.",
        "allOf": [{"$ref": "#/$defs/Step"}],
        "properties": {
            "depends_on": {"type": "array", "maxItems": 0},
            "fallback_step": _NULL,
            "on_failure": {"not": {"const": "fallback_step"}},
        },
    }


def _tidy(schema: Any, *, names: bool = False) -> Any:
    """Without the titles that only repeat a field's name, and without a keyword that is no JSON Schema. `names`: these are fields."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for name, value in schema.items():
        if not names and name in ("title", "discriminator"):
            continue
        if not names and name in ("default", "const", "enum"):
            kept[name] = value
        else:
            kept[name] = _tidy(value, names=not names and name in ("properties", "$defs"))
    return kept

"""The shape of a plan: which fields there are and what they hold, as plain sentences. Names and references are checked elsewhere.

The models of engine.model.plan decide; here their findings get the words, the places and the hints for a person.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.model.plan import (
    Backoff,
    Block,
    Breaker,
    Cache,
    CommandDef,
    DecisionDef,
    DecisionRule,
    FileDef,
    Globals,
    HttpDef,
    JsonBlock,
    KeyValueBlock,
    ListBlock,
    MarkdownBlock,
    Param,
    Plan,
    PlanModel,
    Pool,
    PowershellDef,
    PythonDef,
    Rate,
    Repeat,
    SecretSource,
    SqlDef,
    Step,
    SubPlanDef,
    TableBlock,
    ToolDef,
)
from engine.plan.faults import Faults, Path, describe, did_you_mean, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.model.json import Json, JsonObject

_LATER_PLAN = frozenset(["on"])

NOT_YET = "not in this version"
MAX_STEPS = 100_000
STEP_SECTIONS = ("steps", "finally")
"""The parts of a plan that are lists of steps."""

_SHORTHAND = ("command", "args", "cwd")
_BLOCKS: dict[str, type[BaseModel]] = {
    "markdown": MarkdownBlock,
    "table": TableBlock,
    "key_value": KeyValueBlock,
    "list": ListBlock,
    "json": JsonBlock,
}
_DEFS: dict[str, type[BaseModel]] = {
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
_YAML_WORDS = frozenset(["yes", "no", "on", "off", "y", "n"])

_EXPECTED = {
    "string_type": "a text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "dict_type": "an object",
    "mapping_type": "an object",
    "tuple_type": "a list",
    "list_type": "a list",
    "finite_number": "a finite number",
}
_ASSETS_HINT = "assets are declared once for the whole plan, beside steps: assets: {lookup: query/NAME}"
_SCALAR = "a text, a whole number, a number or true or false"
_ID_RULE = "a letter or _, then letters, digits or _, at most 64"
_PLAN_ID_RULE = "a letter or digit, then letters, digits, '.', '_' or '-', at most 128"
_RESOURCE_RULE = "a letter or digit, then letters, digits, '.', '_', '/' or '-', at most 128"
_RULES = {
    "plan_id": _PLAN_ID_RULE,
    "locks": _PLAN_ID_RULE,
    "provides": _RESOURCE_RULE,
    "consumes": _RESOURCE_RULE,
    "callable": "module:name or file.py:name",
    "mode": "three or four octal digits, as in '0644'",
}
"""What a text that does not match its pattern should have been, by field."""


def normalise(value: JsonObject, faults: Faults) -> JsonObject:
    """The plan with every shorthand written out. Faults of the shorthand itself are noted."""
    plan = dict(value)
    for section in STEP_SECTIONS:
        steps = plan.get(section)
        if isinstance(steps, list):
            plan[section] = [_normal_step(step, (section, index), faults) for index, step in enumerate(steps)]
    return plan


def _normal_step(value: Json, path: Path, faults: Faults) -> Json:
    if not isinstance(value, dict):
        return value
    step = dict(value)
    short: JsonObject = {name: step.pop(name) for name in _SHORTHAND if name in step}
    if short and "step_def" in step:
        named = " and ".join(short)
        faults.add(
            (*path, next(iter(short))), f"{named} and step_def stand on one step", "keep one of the two", at_key=True
        )
    elif short:
        if "command" not in short:
            faults.add(path, f"{next(iter(short))} without command", "add command, or use step_def")
            short = {"command": "?", **short}
        step["step_def"] = {"type": "command", **short}
    for name in ("skip_if", "depends_on"):
        if isinstance(step.get(name), str):
            step[name] = [step[name]]
    return step


class _Steps(PlanModel):
    """A stretch of a plan's steps."""

    steps: tuple[Step, ...]


def check_steps(values: list[Json], first: int, faults: Faults) -> tuple[Step, ...]:
    """A stretch of the steps of a plan that is still being read, with everything that is wrong with their shape noted.

    `first` is the number of the first one in the plan.
    """
    if first + len(values) > MAX_STEPS:
        faults.add(("steps", MAX_STEPS), f"expected at most {MAX_STEPS:,} steps", "split the plan")
        return ()
    normal = [_normal_step(value, ("steps", first + index), faults) for index, value in enumerate(values)]
    for index, step in enumerate(normal):
        if isinstance(step, dict):
            _arguments(step, ("steps", first + index), faults)
    if faults.full:
        return ()
    try:
        return _Steps.model_validate_json(json.dumps({"steps": normal}, ensure_ascii=False)).steps
    except ValidationError as error:
        _note(error, {"steps": [*[None] * first, *normal]}, faults, first)
        return ()


def build_plan(normal: JsonObject, faults: Faults, ready: Sequence[Step] = ()) -> Plan | None:
    """The plan, or None with everything that is wrong with its shape noted. `ready` are its first steps, checked before."""
    _later_fields(normal, faults)
    if faults.full:
        return None
    checked, steps = normal, normal.get("steps")
    if ready and isinstance(steps, list):
        checked = {**normal, "steps": steps[len(ready) :]}
        if len(steps) > MAX_STEPS:
            faults.add(("steps", MAX_STEPS), f"expected at most {MAX_STEPS:,} steps", "split the plan")
    try:
        plan = Plan.model_validate_json(json.dumps(checked, ensure_ascii=False))
    except ValidationError as error:
        _note(error, normal, faults, len(ready))
        return None
    return plan.model_copy(update={"steps": (*ready, *plan.steps)}) if ready else plan


def step_fields() -> frozenset[str]:
    """Every field that a step may have, with the shorthand for a command."""
    return frozenset([*Step.model_fields, *_SHORTHAND])


class _Blocks(PlanModel):
    """What a screen holds. Made ready when there is one, as few plans have any."""

    model_config = ConfigDict(defer_build=True)

    present: tuple[Block, ...]


def screen_blocks(value: Json) -> tuple[Block, ...]:
    """The blocks of a screen that has been checked."""
    return _Blocks.model_validate_json(json.dumps({"present": value}, ensure_ascii=False)).present


def check_blocks(value: Json, faults: Faults) -> None:
    """Note what is wrong with the shape of the blocks of a screen, at their places below `present`."""
    try:
        _Blocks.model_validate_json(json.dumps({"present": value}, ensure_ascii=False))
    except ValidationError as error:
        _note(error, {"present": value}, faults, 0)


def _later_fields(plan: JsonObject, faults: Faults) -> None:
    """What product language already has a word for and this version does not do: refused by name, never ignored."""
    _refuse(plan, _LATER_PLAN, (), faults)
    for section in STEP_SECTIONS:
        steps = plan.get(section)
        for index, step in enumerate(steps if isinstance(steps, list) else ()):
            if isinstance(step, dict):
                _arguments(step, (section, index), faults)


def _arguments(step: JsonObject, path: Path, faults: Faults) -> None:
    """Said here, since the models have four findings for an argument that is none of four types, and an hour for a million."""
    definition = step.get("step_def")
    args = definition.get("args") if isinstance(definition, dict) and definition.get("type") == "command" else None
    for index, value in enumerate(args if isinstance(args, list) else ()):
        if value is None or isinstance(value, list | dict):
            faults.add((*path, "step_def", "args", index), f"expected {_SCALAR}, found {describe(value)}")


def _refuse(value: JsonObject, later: frozenset[str], path: Path, faults: Faults) -> None:
    for name in value:
        if name in later:
            faults.add((*path, name), f"{name} is {NOT_YET}", "take it out for now", at_key=True)


def _choice(words: Iterable[str]) -> str:
    *first, last = [str(word) for word in words] or ["nothing"]
    return f"{', '.join(first)} or {last}" if first else last


def _note(error: ValidationError, plan: JsonObject, faults: Faults, first: int) -> None:
    """Put the findings into words. `first` is the number in the plan of the first step that was validated."""
    grouped: dict[Path, list[Any]] = {}
    for found in error.errors(include_url=False, include_context=True, include_input=False):
        location = found["loc"]
        if first and location[0] == "steps" and len(location) > 1:
            location = ("steps", int(location[1]) + first, *location[2:])
        grouped.setdefault(_place(location, plan, found["type"]), []).append(found)
    for path, found_here in grouped.items():
        if faults.has(path) or (found_here[0]["type"] == "too_short" and _at(plan, path)):
            continue  # a list whose every item is wrong is not empty as well
        if faults.full:
            faults.unlisted += 1
            continue
        _note_one(path, found_here, plan, faults)


def _place(location: tuple[str | int, ...], plan: JsonObject, kind: str) -> Path:
    """The path in the plan: without the names of alternatives, which are no part of it."""
    value: Any = plan
    path: list[str | int] = []
    drop_tag = False
    for number, part in enumerate(location):
        last = number == len(location) - 1
        if drop_tag:
            drop_tag = False
            continue
        if isinstance(value, dict) and isinstance(part, str) and (part in value or (last and kind == "missing")):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
            value = value[part]
        else:
            continue
        path.append(part)
        drop_tag = (path[0] in STEP_SECTIONS and path[2:] == ["step_def"]) or (path[0] == "present" and len(path) == 2)
    return tuple(path)


def _at(plan: JsonObject, path: Path) -> Any:
    value: Any = plan
    for part in path:
        if isinstance(value, dict):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
    return value


def _note_one(path: Path, found: list[Any], plan: JsonObject, faults: Faults) -> None:
    kind = found[0]["type"]
    if kind == "extra_forbidden":
        name = str(path[-1])
        known = list(_fields(plan, path[:-1]))
        hint = _ASSETS_HINT if name == "assets" else ""
        hint = hint or did_you_mean(name, known) or f"there are {_choice(sorted(known))}"
        faults.add(path, f"unknown field '{name}'", hint, at_key=True)
        return
    if kind == "missing" and path[-1] == "step_def":
        faults.add(path[:-1], "the step runs nothing", "give it command and args, or a step_def")
        return
    if kind == "missing":
        faults.add(path, f"{path[-1]} is missing", _missing_hint(path), at_key=True)
        return
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        _note_type(path, plan, faults)
        return
    value = _at(plan, path)
    expected = _choice(dict.fromkeys(_expected(one, path) for one in found))
    hint = _value_hint(value, expected)
    if kind in ("enum", "literal_error") and isinstance(value, str):
        hint = did_you_mean(value, expected.removeprefix("one of ").split(", "))
    faults.add(path, f"expected {expected}, found {describe(value)}", hint)


def _note_type(path: Path, plan: JsonObject, faults: Faults) -> None:
    """What tells steps and blocks apart is missing or is no such thing."""
    what, types = ("step", _DEFS) if path[-1] == "step_def" else ("block", _BLOCKS)
    value, place = _at(plan, (*path, "type")), (*path, "type")
    if faults.has(place):
        return
    if value is None:
        faults.add(path, "type is missing", f"add type: {_choice(types)}")
    elif isinstance(value, str):
        hint = did_you_mean(value, types) or f"there are {_choice(types).replace(' or ', ' and ')}"
        faults.add(place, f"there is no {what} type '{shorten(value)}'", hint)
    else:
        faults.add(place, f"expected one of {', '.join(types)}, found {describe(value)}")


def _expected(found: Mapping[str, Any], path: Path) -> str:
    kind, context = found["type"], found.get("ctx") or {}
    match kind:
        case "enum" | "literal_error":
            return "one of " + str(context.get("expected", "")).replace("'", "").replace(" or ", ", ")
        case "greater_than_equal":
            return f"at least {_number(context['ge'])}"
        case "greater_than":
            return f"more than {_number(context['gt'])}"
        case "less_than_equal":
            return f"at most {_number(context['le'])}"
        case "less_than":
            return f"less than {_number(context['lt'])}"
        case "string_too_short":
            return "a text that is not empty"
        case "too_short":
            return "at least one"
        case "too_long":
            return f"at most {context.get('max_length', '')}"
        case "string_pattern_mismatch":
            return _RULES.get(next((part for part in reversed(path) if isinstance(part, str)), ""), _ID_RULE)
        case _:
            return _EXPECTED.get(kind, "something else here")


def _number(limit: float) -> str:
    return str(int(limit)) if limit == int(limit) else f"{limit:g}"


def _missing_hint(path: Path) -> str:
    match path:
        case ("plan_id",):
            return f"add plan_id: {_PLAN_ID_RULE}"
        case ("steps",):
            return "add steps: a list of at least one step"
        case ("steps" | "finally", int(), "id"):
            return f"every step has an id: {_ID_RULE}"
        case _:
            return "add it"


def _value_hint(value: Any, expected: str) -> str:
    if expected == "a text" and isinstance(value, bool | int | float):
        return f'quote it: "{json.dumps(value)}"'
    if isinstance(value, str) and value.lower() in _YAML_WORDS and "true or false" in expected:
        return "write true or false; other words are text here"
    if isinstance(value, str) and "number" in expected and value[:1] in tuple("+-.0123456789"):
        return "write it unquoted, as 12 or 0.5, without +, leading zeros, ':' or '_'"
    return ""


def _fields(plan: JsonObject, path: Path) -> Iterable[str]:
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
            return [*Step.model_fields, *_SHORTHAND]
        case ("steps" | "finally", int(), "backoff" | "repeat" | "cache" as name):
            return _STEP_PARTS[name].model_fields
        case ("steps" | "finally", int(), "step_def", "rules", int()):
            return DecisionRule.model_fields
        case ("steps" | "finally", int(), "step_def") | ("present", int()):
            models = _DEFS if path[-1] == "step_def" else _BLOCKS
            model = models.get(str(_at(plan, (*path, "type"))))
            return model.model_fields if model is not None else ["type"]
        case _:
            return ()

"""What the models find wrong with the shape of a plan, as faults: the words, the places and the hints for a person."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.plan.faults import Faults, Path, describe, did_you_mean, shorten
from engine.plan.fields import BLOCKS, DEFS, STEP_SECTIONS, fields_at, value_at
from engine.plan.model_faults import TYPE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import ValidationError

    from engine.model.json import JsonObject

_YAML_WORDS = frozenset(["yes", "no", "on", "off", "y", "n"])
_ASSETS_HINT = "assets are declared once for the whole plan, beside steps: assets: {lookup: query/NAME}"
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


def _choice(words: Iterable[str]) -> str:
    *first, last = [str(word) for word in words] or ["nothing"]
    return f"{', '.join(first)} or {last}" if first else last


def note(error: ValidationError, plan: JsonObject, faults: Faults, first: int) -> None:
    """Put the findings into words. `first` is the number in the plan of the first step that was validated."""
    grouped: dict[Path, list[Any]] = {}
    for found in error.errors(include_url=False, include_context=True, include_input=False):
        location = found["loc"]
        if first and location[0] == "steps" and len(location) > 1:
            location = ("steps", int(location[1]) + first, *location[2:])
        grouped.setdefault(_place(location, plan, found["type"]), []).append(found)
    for path, found_here in grouped.items():
        if faults.has(path) or (found_here[0]["type"] == "too_short" and value_at(plan, path)):
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


def _note_one(path: Path, found: list[Any], plan: JsonObject, faults: Faults) -> None:
    kind = found[0]["type"]
    if kind == "extra_forbidden":
        name = str(path[-1])
        known = list(fields_at(plan, path[:-1]))
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
    value = value_at(plan, path)
    expected = _choice(dict.fromkeys(_expected(one, path) for one in found))
    hint = _value_hint(value, expected)
    if kind in ("enum", "literal_error") and isinstance(value, str):
        hint = did_you_mean(value, expected.removeprefix("one of ").split(", "))
    faults.add(path, f"expected {expected}, found {describe(value)}", hint)


def _note_type(path: Path, plan: JsonObject, faults: Faults) -> None:
    """What tells steps and blocks apart is missing or is no such thing."""
    what, types = ("step", DEFS) if path[-1] == "step_def" else ("block", BLOCKS)
    value, place = value_at(plan, (*path, "type")), (*path, "type")
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
            return TYPE_WORDS.get(kind, "something else here")


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

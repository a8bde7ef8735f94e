"""Parameters: what was given, checked against what the plan declares. Words from a command line become values here."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from engine.errors import Fault, InputError
from engine.model.plan import Param, ParamType, Plan
from engine.plan.faults import describe, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.json import Json, JsonObject

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(?:\.[0-9]{1,300})?(?:[eE][+-]?[0-9]{1,3})?")
_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_ARTICLES = {
    ParamType.STRING: "a text",
    ParamType.INTEGER: "a whole number",
    ParamType.NUMBER: "a number",
    ParamType.BOOLEAN: "true or false",
    ParamType.ARRAY: "a list",
    ParamType.OBJECT: "an object",
}


class ParameterError(InputError):
    """Parameters that do not fit the plan, all of them at once."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        hints = [fault.hint for fault in faults if fault.hint]
        cause = "; ".join(f"parameter {fault.path}: {fault.message}" for fault in faults)
        super().__init__(cause, hint="; ".join(dict.fromkeys(hints)))
        self.faults = faults


def fits(value: Json, kind: ParamType) -> bool:
    """True if the value is of the type. A whole number is a number too; true is no number."""
    match kind:
        case ParamType.STRING:
            return isinstance(value, str)
        case ParamType.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
        case ParamType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
        case ParamType.BOOLEAN:
            return isinstance(value, bool)
        case ParamType.ARRAY:
            return isinstance(value, list)
        case ParamType.OBJECT:
            return isinstance(value, dict)


def expected(kind: ParamType) -> str:
    """The type in words."""
    return _ARTICLES[kind]


def bind_params(plan: Plan, given: Mapping[str, Json | str], *, from_text: bool) -> JsonObject:
    """The value of every declared parameter, in the plan's order: what was given, else its default, else null.

    With `from_text` the given values are words of a command line: `5`, `true`, `[1, 2]` become what the parameter's type
    says. Raises ParameterError with everything that is wrong.
    """
    faults: list[Fault] = []
    for name in given:
        if name not in plan.params:
            known = ", ".join(plan.params) or "none"
            hint = did_you_mean(name, plan.params) or f"the plan has: {known}"
            faults.append(Fault("the plan has no such parameter", path=name, hint=hint))
    bound: JsonObject = {}
    for name, param in plan.params.items():
        if name not in given:
            bound[name] = param.default
            if param.required and param.default is None:
                hint = f"give it with -p {name}=..." if from_text else "give it a value"
                hint += f": {param.description}" if param.description else ""
                faults.append(Fault(f"is required ({expected(param.type)})", path=name, hint=hint))
            continue
        try:
            bound[name] = _value(param, given[name], from_text=from_text)
        except ValueError as error:
            faults.append(Fault(str(error), path=name))
    if faults:
        raise ParameterError(tuple(faults))
    return bound


def _value(param: Param, given: Any, *, from_text: bool) -> Json:
    value: Json = from_words(param.type, given) if from_text and isinstance(given, str) else given
    if value is None and not param.required:
        return None
    if not fits(value, param.type):
        raise ValueError(f"expected {expected(param.type)}, found {describe(value)}")
    _check_texts(value)
    return value


def from_words(kind: ParamType, words: str) -> Json:
    """The value that words of a command line stand for. Raises ValueError with a sentence."""
    match kind:
        case ParamType.STRING:
            return words
        case ParamType.INTEGER if _INTEGER.fullmatch(words):
            return int(words)
        case ParamType.NUMBER if _NUMBER.fullmatch(words):
            return int(words) if _INTEGER.fullmatch(words) else float(words)
        case ParamType.BOOLEAN if words.lower() in _BOOLEANS:
            return _BOOLEANS[words.lower()]
        case ParamType.ARRAY | ParamType.OBJECT:
            return _from_json(kind, words)
        case _:
            raise ValueError(f"expected {expected(kind)}, found {describe(words)}")


def _from_json(kind: ParamType, words: str) -> Json:
    try:
        value: Json = json.loads(words, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ValueError(f"expected {expected(kind)} as JSON, found {describe(words)}") from None
    return value


def _no_constant(word: str) -> None:
    raise ValueError(word)


def _check_texts(value: Json) -> None:
    """What no file and no program takes is refused at the door. Raises ValueError."""
    stack: list[Any] = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, dict):
            stack.extend(current)
            stack.extend(current.values())
        elif isinstance(current, list):
            stack.extend(current)
        elif isinstance(current, str):
            if "\0" in current:
                raise ValueError("has a NUL character in it")
            try:
                current.encode()
            except UnicodeEncodeError:
                raise ValueError("is not valid UTF-8") from None
        elif isinstance(current, float) and not abs(current) < float("inf"):
            raise ValueError("is not a finite number")
        elif isinstance(current, int) and not -(2**63) <= current < 2**63:
            raise ValueError("has a number in it that is too large (more than 64 bits)")

"""Filling references in: paths to values, texts to text. A path that leads nowhere is an error that says how far it led.

Null: a whole-text reference to null is null wherever any value may stand (binds, inputs, compose). A text that acts - an argument,
a folder, a variable - cannot hold null, and says so, instead of passing "null" or nothing to a program. `?? "..."` takes the
place of both a missing value and null. In texts that are only shown, null reads as `null`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from engine.errors import OpscopeError
from engine.model.bound import SecretName, SecretText
from engine.plan.faults import describe
from engine.plan.template_parser import Filter, Key, Reference, Template
from engine.plan.values import MISSING, child, to_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.model.bound import BoundText
    from engine.model.json import Json
    from engine.plan.scope import View

Compiled: TypeAlias = Any
"""JSON in which a text may be a Template instead."""


class MissingReferenceError(OpscopeError):
    """A reference leads to nothing. `path` is the deepest part of it that exists, `message` a sentence that says so."""

    def __init__(self, reference: str, path: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, place=reference, hint=hint or 'give a fallback, as in {name.field ?? "text"}')
        self.reference = reference
        self.path = path
        self.message = message


def resolve(reference: Reference, view: View) -> Any:
    """The value, or the fallback for what is missing or null. Raises MissingReferenceError."""
    value = view.start(reference.head)
    for key in reference.keys:
        value = _down(value, key)
        if value is MISSING:
            break
    if value is MISSING or value is None:
        if reference.fallback is not MISSING:
            return reference.fallback
        if value is MISSING:
            raise _missing(reference, view)
    return value


def _down(value: Any, key: Key) -> Any:
    if isinstance(key, Filter):
        return [item for item in value if key.holds(item)] if isinstance(value, list) else MISSING
    return child(value, key)


def _key_text(key: Key) -> str:
    if isinstance(key, Filter):
        return key.text
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if key.isidentifier() else f"['{key}']"


def _missing(reference: Reference, view: View) -> MissingReferenceError:
    """Walk again, to name the deepest thing that exists."""
    path = reference.head
    value = view.start(reference.head)
    if value is MISSING:
        return MissingReferenceError(reference.text, "", f"the step {path} has no result yet")
    for key in reference.keys:
        below = _down(value, key)
        if below is MISSING:
            return MissingReferenceError(reference.text, path, _nothing_there(path, value, key, reference, view))
        path += _key_text(key)
        value = below
    return MissingReferenceError(reference.text, path, f"{path} is missing")


def _nothing_there(path: str, value: Any, key: Key, reference: Reference, view: View) -> str:
    found = "set" if path == "env" else describe(value)
    if value is None:
        result = view.scope.results.get(reference.head)
        because = f" (the step {reference.head} is {result.status.value})" if result is not None else ""
        return f"{path} is null{because}, so it has no {_key_text(key).lstrip('.')}"
    if path == "env":
        return f"the variable {key} is not set"
    if isinstance(key, Filter):
        return f"{path} is {found}, and a filter needs a list"
    if isinstance(key, int):
        return f"{path} is {found}, so it has no item {key}"
    return f"{path} is {found} and has no '{key}'"


def fill_text(template: str | Template, view: View, *, null_as: str | None = None) -> BoundText:
    """The text with everything filled in; a type of its own where secrets are in it.

    Raises MissingReferenceError for what is missing, and for null unless `null_as` says how null reads.
    """
    if isinstance(template, str):
        return template
    parts: list[str | SecretName] = []
    for part in template.parts:
        if isinstance(part, Reference):
            parts.extend(_part(part, view, null_as))
        else:
            parts.append(part)
    if any(isinstance(part, SecretName) for part in parts):
        return SecretText(tuple(_joined(parts)))
    return "".join(str(part) for part in parts)


def _part(reference: Reference, view: View, null_as: str | None) -> tuple[str | SecretName, ...]:
    value = resolve(reference, view)
    if isinstance(value, SecretText):
        return value.parts
    if value is None:
        if null_as is None:
            path = reference.head + "".join(_key_text(key) for key in reference.keys)
            raise MissingReferenceError(reference.text, path, f"{path} is null, which no text can hold")
        return (null_as,)
    return (to_text(value),)


def part_text(reference: Reference, view: View) -> str:
    """What one reference of a text comes to. Raises MissingReferenceError."""
    return "".join(str(part) for part in _part(reference, view, None))


def _joined(parts: Iterable[str | SecretName]) -> list[str | SecretName]:
    """Neighbouring texts as one, so that equal texts are equal however they came about."""
    joined: list[str | SecretName] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return joined


def fill_value(compiled: Compiled, view: View, *, null_as: str | None = "null") -> Any:
    """JSON with everything filled in; a text that is one whole reference becomes its value. Raises MissingReferenceError."""
    if isinstance(compiled, Template):
        whole = compiled.whole
        return fill_text(compiled, view, null_as=null_as) if whole is None else resolve(whole, view)
    if isinstance(compiled, dict):
        return {name: fill_value(value, view, null_as=null_as) for name, value in compiled.items()}
    if isinstance(compiled, list):
        return [fill_value(value, view, null_as=null_as) for value in compiled]
    return compiled


def plain_text(value: Json) -> str:
    """An argument that is no text in the plan, as the program gets it: `1`, `2.5`, `true`."""
    return to_text(value)

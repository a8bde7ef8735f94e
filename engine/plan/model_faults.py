"""What a model finds wrong with a document, in words for a person. Plans have their own words for it, in engine.plan.schema_faults."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from engine.errors import InputError, PlanError
from engine.plan.faults import Faults, describe, did_you_mean, path_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import ValidationError

    from engine.plan.document import Document
    from engine.plan.faults import Path

_MOST_SAID: Final = 50
TYPE_WORDS: Final = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "string_type": "a text",
    "dict_type": "an object",
    "mapping_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "tuple_type": "a list",
    "list_type": "a list",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}
"""What should have been there, where the model found something of another type."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a place of a document. `at_key` places it on the name of the field instead of its value."""

    path: Path
    message: str
    hint: str = ""
    at_key: bool = False

    def __str__(self) -> str:
        """`rules[0].mod: there is no such field; did you mean 'mode'?`"""
        said = f"{path_text(self.path)}: {self.message}" if self.path else self.message
        return f"{said}; {self.hint}" if self.hint else said


class DocumentError(InputError):
    """A document with faults, all of them at once; where its text is at hand, `placed` has their lines."""

    def __init__(self, findings: Sequence[Finding], *, place: str, hint: str = "") -> None:
        said = [str(one) for one in findings[:_MOST_SAID]]
        if len(findings) > _MOST_SAID:
            said.append(f"and {len(findings) - _MOST_SAID} more")
        super().__init__("; ".join(said), place=place, hint=hint)
        self.findings = tuple(findings)

    def placed(self, document: Document, *, what: str = "asset") -> PlanError:
        """The same, each fault with its place in the text. `document` is what was read."""
        faults = Faults(document)
        for one in self.findings:
            faults.add(one.path, one.message, one.hint, at_key=one.at_key)
        error = PlanError(self.place, faults.listed(), what=what)
        error.hint = self.hint
        return error


def findings_of(error: ValidationError, model: type[BaseModel]) -> list[Finding]:
    """What the model found, in words."""
    return [_finding(found, model) for found in error.errors(include_url=False) if not _is_echo(found)]


def _is_echo(found: Mapping[str, Any]) -> bool:
    """True for a list that is said to be too short only because its items are wrong, each of which has its own finding."""
    return found["type"] == "too_short" and bool(len(found["input"]) >= found["ctx"]["min_length"])


def _finding(found: Mapping[str, Any], model: type[BaseModel]) -> Finding:
    path, kind = tuple(found["loc"]), found["type"]
    if kind == "extra_forbidden":
        known = sorted(_fields_at(model, path[:-1]))
        hint = did_you_mean(str(path[-1]), known) or (f"there are {', '.join(known)}" if known else "")
        return Finding(path, "there is no such field", hint, at_key=True)
    if kind == "missing":
        return Finding(path, "it is missing")
    if kind == "value_error":
        return Finding(path, str(found["ctx"]["error"]))
    given, expected = found.get("input"), _expected(found)
    hint = ""
    if kind in ("enum", "literal_error") and isinstance(given, str):
        hint = did_you_mean(given, expected.replace("'", "").replace(" or ", ", ").split(", "))
    return Finding(path, f"expected {expected}, found {describe(given)}", hint)


def _expected(found: Mapping[str, Any]) -> str:
    kind, about = found["type"], found.get("ctx") or {}
    match kind:
        case "enum" | "literal_error":
            return str(about["expected"])
        case "greater_than_equal":
            return f"{about['ge']:g} or more"
        case "greater_than":
            return f"more than {about['gt']:g}"
        case "less_than_equal":
            return f"{about['le']:g} or less"
        case "less_than":
            return f"less than {about['lt']:g}"
        case "string_too_short":
            return (
                "a text that is not empty" if about["min_length"] == 1 else f"{about['min_length']} characters or more"
            )
        case "string_too_long":
            return f"a text of at most {about['max_length']} characters"
        case "string_pattern_mismatch":
            return "a letter or digit, then letters, digits, '.', '_' or '-', at most 64"
        case "too_short":
            return "at least one" if about["min_length"] == 1 else f"at least {about['min_length']}"
        case "too_long":
            return f"at most {about['max_length']}"
        case _:
            return TYPE_WORDS.get(kind, "something else here")


def _fields_at(model: type[BaseModel], path: Path) -> Iterable[str]:
    """The fields that an object at this path may have."""
    is_name = False  # what follows the field of an object is a name in it, and no field
    for part in path:
        if is_name or isinstance(part, int):
            is_name = False
            continue
        field = model.model_fields.get(part)
        inner = None if field is None else _model_in(field.annotation)
        if field is None or inner is None:
            return ()
        is_name = typing.get_origin(field.annotation) is dict
        model = inner
    return model.model_fields


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, or a list or an object of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(part) for part in typing.get_args(annotation))
    return next((one for one in found if one is not None), None)

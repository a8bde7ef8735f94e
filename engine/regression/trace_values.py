"""Values out of a trace document, checked, each fault with its place in the document. What they mean is facts.py's."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from engine.errors import InputError

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject

Word = TypeVar("Word", bound=StrEnum)


def text_at(document: JsonObject, name: str, place: str) -> str:
    """The text under a name. Raises InputError where there is none."""
    value = document.get(name)
    if not isinstance(value, str):
        raise InputError(f"{name} is missing", place=place, hint="a trace is what show --json prints")
    return value


def number_at(document: JsonObject, name: str, place: str) -> int:
    """The whole number under a name. Raises InputError where there is none."""
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{name} is no number", place=place, hint="a trace is what show --json prints")
    return value


def word_at(words: type[Word], document: JsonObject, name: str, place: str) -> Word:
    """The word under a name, one of those that are known. Raises InputError for another."""
    try:
        return words(text_at(document, name, place))
    except ValueError:
        raise InputError(
            f"{name} is none of the words known here: {document[name]}", place=place, hint=f"known: {', '.join(words)}"
        ) from None


def as_object(value: Json, place: str) -> JsonObject:
    """The value, which has to be an object. Raises InputError."""
    if not isinstance(value, dict):
        raise InputError("an object is expected", place=place, hint="a trace is what show --json prints")
    return value


def object_at(document: JsonObject, name: str, place: str) -> JsonObject:
    """The object under a name, empty where there is none."""
    value = document.get(name)
    return {} if value is None else as_object(value, f"{place}.{name}")


def list_at(document: JsonObject, name: str, place: str) -> list[Json]:
    """The list under a name, empty where there is none."""
    value = document.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError("a list is expected", place=f"{place}.{name}", hint="a trace is what show --json prints")
    return value

"""How what came out of a step becomes its data: text, lines, JSON or nothing. Masking comes after, in whoever calls this."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from engine.model.json import Json

MAX_DEPTH = 200
"""Levels of nesting that data may have: far below what any reader of it takes."""

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class OutputError(Exception):
    """Output that is not what the step said it would be; the text is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class JsonSource:
    """Where a JSON text came from, as messages say it: the text itself, its value's place, and what is wrong with an empty one."""

    subject: str = "stdout"
    place: str = "on stdout"
    if_empty: str = "but nothing was printed"
    hint: str = "; print one value, or use output: lines for one a line"


STDOUT = JsonSource()


@dataclass(frozen=True, slots=True)
class ParsedJson:
    """A JSON value that can be stored. Of keys that stand twice in an object the last was taken."""

    value: Json
    duplicate_keys: int = 0


def text_data(text: str) -> str:
    """Text without the line ends at its end, as `$(...)` in a shell gives it."""
    return text.rstrip("\r\n") if text.endswith("\n") else text


def lines_data(text: str, *, is_cut: bool) -> list[str]:
    """The lines without their ends. If the text was cut, what is left of its last line is no line."""
    lines = text.split("\n")
    last = lines.pop()
    if last and not is_cut:
        lines.append(last)
    return [line.removesuffix("\r") for line in lines]


def parse_json(text: str, source: JsonSource = STDOUT) -> ParsedJson:
    """The one JSON value in `text`. Raises OutputError with line and column for anything else or anything unstorable."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise OutputError(f"JSON was expected {source.place}, {source.if_empty}")
    reader = _Reader(source)
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=reader.to_object,
            parse_constant=reader.refuse_constant,
            parse_float=reader.finite,
        )
    except json.JSONDecodeError as error:
        raise OutputError(_explain(error, source)) from None
    except RecursionError:
        raise OutputError(_too_deep(source)) from None
    except ValueError:
        raise OutputError(f"the JSON {source.place} has a number with too many digits") from None
    _check_depth(value, source)
    if _SURROGATE_ESCAPE.search(text):
        value = _storable(value)
    return ParsedJson(value, reader.duplicates)


def storable_text(text: str) -> str:
    """Text without lone surrogates, which no file of UTF-8 can hold."""
    return _SURROGATE.sub("\ufffd", text)


class _Reader:
    def __init__(self, source: JsonSource) -> None:
        self._source = source
        self.duplicates = 0

    def to_object(self, pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        result = dict(pairs)
        self.duplicates += len(pairs) - len(result)
        return result

    def refuse_constant(self, name: str) -> NoReturn:
        raise OutputError(
            f"the JSON {self._source.place} has {name} in it, which JSON does not know; print null instead"
        )

    def finite(self, digits: str) -> float:
        value = float(digits)
        if value in (float("inf"), float("-inf")):
            raise OutputError(f"the JSON {self._source.place} has a number that is too large")
        return value


def _explain(error: json.JSONDecodeError, source: JsonSource) -> str:
    where = f"line {error.lineno}, column {error.colno}"
    if error.msg == "Extra data":
        return f"{source.subject} has more after its JSON value, from {where} on{source.hint}"
    return f"{source.subject} is not JSON: {where}: {error.msg[:1].lower()}{error.msg[1:]}"


def _too_deep(source: JsonSource) -> str:
    return f"the JSON {source.place} is nested deeper than {MAX_DEPTH} levels"


def _check_depth(value: Json, source: JsonSource) -> None:
    level: list[Json] = [value]
    depth = 0
    while level:
        if depth > MAX_DEPTH:
            raise OutputError(_too_deep(source))
        depth += 1
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent if isinstance(parent, list) else ())
            if isinstance(child, dict | list)
        ]


def _storable(value: Json) -> Json:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, dict):
        return {storable_text(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    return value

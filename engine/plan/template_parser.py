"""Texts with references in them, taken apart once. Which names exist is not known here; what they come to is in references.py.

A reference is `{HEAD(.name | [index] | ['key'] | [?filter])+}`, with ` ?? JSON` as its fallback. It is none after `$` and inside
`{{…}}`; `{'text'}` is the text itself, and every other brace is a brace.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from engine.model.bound import SecretName
from engine.model.plan import RESERVED_STEP_IDS
from engine.plan.expression_parser import ExpressionError, parse_filter
from engine.plan.expressions import compile_filter
from engine.plan.values import MISSING, Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from engine.model.json import Json

MAX_REFERENCES = 1000
_MAX_PROBLEMS = 100
_MAX_FALLBACK_CHARS = 10_000
_ITEM_HEADS = ("item", "index")

_HEAD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)")
_NAME = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)")
_BRACKET = re.compile(r"""\[(?:(-?[0-9]{1,9})|'([^']{0,500})'|"([^"]{0,500})")\]""")
_FALLBACK = re.compile(r" *\?\? *")
_CLOSE = re.compile(r" *\}")
_ITEM_END = re.compile(r"\}| *\?\?")
_SPACED = re.compile(r"\{ +([A-Za-z_][A-Za-z0-9_]*)[.\[][^{}]{0,200}\}|\{([A-Za-z_][A-Za-z0-9_]*) +\}")


@dataclass(frozen=True, slots=True)
class Filter:
    """`[?...]`: the items of a list for which it holds, in order."""

    text: str
    holds: Callable[[Any], bool] = field(repr=False, compare=False)


Key: TypeAlias = "str | int | Filter"


@dataclass(frozen=True, slots=True)
class Reference:
    """A path to a value. `prev.ID` has become `ID`. `offset` is where it stands in its text."""

    text: str
    head: str
    keys: tuple[Key, ...]
    fallback: Json | Missing
    offset: int


Part: TypeAlias = "str | Reference | SecretName"


@dataclass(frozen=True, slots=True)
class Template:
    """A text in parts, in order. One part that is a reference keeps the type of its value."""

    text: str
    parts: tuple[Part, ...]

    @property
    def whole(self) -> Reference | None:
        """The reference that is all of the text."""
        only = self.parts[0] if len(self.parts) == 1 else None
        return only if isinstance(only, Reference) else None


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """Something that looks like a reference and is none."""

    message: str
    hint: str
    offset: int


@dataclass(slots=True)
class ParsedText:
    """`value` is a plain text where nothing has to be filled in. `bare` are names in braces that stand for themselves."""

    value: str | Template
    problems: list[TemplateProblem] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)

    @property
    def references(self) -> tuple[Reference, ...]:
        """All references, in order."""
        if isinstance(self.value, str):
            return ()
        return tuple(part for part in self.value.parts if isinstance(part, Reference))

    @property
    def secrets(self) -> tuple[SecretName, ...]:
        """All secrets, in order."""
        if isinstance(self.value, str):
            return ()
        return tuple(part for part in self.value.parts if isinstance(part, SecretName))


class _ProblemError(Exception):
    def __init__(self, message: str, hint: str, offset: int) -> None:
        self.problem = TemplateProblem(message, hint, offset)


def parse_text(text: str, known: Container[str]) -> ParsedText:
    """Take a text apart. `known` are the heads there are: `{host.}` is a mistake only where `host` means something."""
    if "{" not in text:
        return ParsedText(text)
    return _TextParser(text, known).parse()


class _TextParser:
    def __init__(self, text: str, known: Container[str]) -> None:
        self.text = text
        self.known = known
        self.parts: list[Part] = []
        self.literal: list[str] = []
        self.found = ParsedText(text)
        self.no_escape_after = len(text)
        self.no_double_after = len(text)
        self.references = 0

    def parse(self) -> ParsedText:
        text, at = self.text, 0
        while (brace := text.find("{", at)) >= 0:
            self.literal.append(text[at:brace])
            try:
                at = self._brace(brace)
            except _ProblemError as error:
                self.found.problems.append(error.problem)
                self.literal.append("{")
                at = brace + 1
            if len(self.found.problems) > _MAX_PROBLEMS:
                break
            if self.references > MAX_REFERENCES:
                hint = "split the text"
                self.found.problems.append(
                    TemplateProblem(f"the text has more than {MAX_REFERENCES} references", hint, brace)
                )
                break
        self.literal.append(text[at:])
        self._flush()
        if all(isinstance(part, str) for part in self.parts):
            self.found.value = "".join(part for part in self.parts if isinstance(part, str))
        else:
            self.found.value = Template(text, tuple(self.parts))
        return self.found

    def _flush(self) -> None:
        literal = "".join(self.literal)
        self.literal.clear()
        if literal:
            self.parts.append(literal)

    def _brace(self, at: int) -> int:
        """What begins at this brace; returns where the text goes on."""
        text = self.text
        if text.startswith("{{", at):
            return self._double(at)
        if at and text[at - 1] == "$":
            return self._plain(at, at + 1)
        if text.startswith("{'", at):
            return self._escape(at)
        head = _HEAD.match(text, at)
        if head is None:
            self._note_spaced(at)
            return self._plain(at, at + 1)
        return self._reference(at, head[1], head.end())

    def _plain(self, start: int, end: int) -> int:
        self.literal.append(self.text[start:end])
        return end

    def _double(self, at: int) -> int:
        end = self.text.find("}}", at + 2) if at < self.no_double_after else -1
        if end < 0:
            self.no_double_after = min(self.no_double_after, at)
            return self._plain(at, at + 2)
        return self._plain(at, end + 2)

    def _escape(self, at: int) -> int:
        end = self.text.find("'}", at + 2) if at < self.no_escape_after else -1
        if end < 0:
            self.no_escape_after = min(self.no_escape_after, at)
            return self._plain(at, at + 2)
        self.literal.append(self.text[at + 2 : end])
        return end + 2

    def _note_spaced(self, at: int) -> None:
        spaced = _SPACED.match(self.text, at)
        if spaced is not None and spaced[1] in self.known:
            self.found.bare.append(spaced[0])

    def _reference(self, start: int, head: str, at: int) -> int:
        text = self.text
        keys, at = self._keys(head, at)
        if not keys and not (head in _ITEM_HEADS and _ITEM_END.match(text, at)):
            if text.startswith("}", at):
                self.found.bare.append(text[start : at + 1])
                return self._plain(start, at + 1)
            if text.startswith((".", "["), at) and head in self.known:
                self._malformed(start, at)
            return self._plain(start, at)
        fallback: Json | Missing = MISSING
        arrow = _FALLBACK.match(text, at)
        if arrow is not None:
            fallback, at = self._literal_json(start, arrow.end())
        close = _CLOSE.match(text, at) if arrow is not None else None
        if close is not None:
            at = close.end()
        elif arrow is None and text.startswith("}", at):
            at += 1
        elif arrow is not None or head in self.known:
            self._malformed(start, at)
        else:
            return self._plain(start, start + 1)
        self._add(Reference(text[start:at], head, keys, fallback, start))
        return at

    def _add(self, reference: Reference) -> None:
        head, keys = reference.head, reference.keys
        if head == "prev" and len(keys) > 1 and isinstance(keys[0], str) and keys[0] not in RESERVED_STEP_IDS:
            reference = Reference(reference.text, keys[0], keys[1:], reference.fallback, reference.offset)
        self._flush()
        self.references += 1
        if head == "secrets" and len(keys) == 1 and isinstance(keys[0], str) and reference.fallback is MISSING:
            self.parts.append(SecretName(keys[0]))
        else:
            self.parts.append(reference)

    def _keys(self, head: str, at: int) -> tuple[tuple[Key, ...], int]:
        text = self.text
        keys: list[Key] = []
        while True:
            name = _NAME.match(text, at)
            if name is not None:
                keys.append(name[1])
                at = name.end()
                continue
            if text.startswith("[?", at) and (head in self.known or keys):
                found, at = self._filter(at)
                keys.append(found)
                continue
            bracket = _BRACKET.match(text, at)
            if bracket is None:
                return tuple(keys), at
            if bracket[1] is not None:
                keys.append(int(bracket[1]))
            else:
                keys.append(bracket[2] if bracket[2] is not None else bracket[3])
            at = bracket.end()

    def _filter(self, at: int) -> tuple[Filter, int]:
        try:
            tree, end = parse_filter(self.text, at + 2)
            return Filter(self.text[at : end + 1], compile_filter(tree)), end + 1
        except ExpressionError as error:
            hint = error.hint or "a filter is written [?@.name == 'value']"
            raise _ProblemError(f"in the filter: {error.message}", hint, error.offset) from None

    def _literal_json(self, start: int, at: int) -> tuple[Json, int]:
        piece = self.text[at : at + _MAX_FALLBACK_CHARS]
        try:
            value, length = _DECODER.raw_decode(piece)
        except (ValueError, RecursionError):
            shown = self.text[start : at + 20]
            hint = 'after ?? stands JSON: "text", 0, true, null, [] or {}'
            raise _ProblemError(f"the fallback in {shown}… is not JSON", hint, start) from None
        return value, at + length

    def _malformed(self, start: int, at: int) -> NoReturn:
        shown = self.text[start : min(at + 1, start + 60)]
        hint = "write {name.field[0]['key']}; for the text itself write {'" + shown.replace("'", "")[:40] + "…'}"
        raise _ProblemError(f"{shown}… is not a reference", hint, start)


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)

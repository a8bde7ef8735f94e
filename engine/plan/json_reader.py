"""JSON text to a document, token by token and without recursion, since the standard reader knows no places and no limits."""

from __future__ import annotations

import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING

from engine.plan.document import Builder, Document, GateError, Watch

if TYPE_CHECKING:
    from engine.model.json import Json

_SPACE = re.compile(r"[ \t\n\r]*")
_ATOM = re.compile(r"(?P<number>-?(?:0|[1-9][0-9]*)(?P<real>(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?))|(?P<word>[A-Za-z_+-]+)")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def read_json(text: str, watch: Watch | None = None) -> Document:
    """The one value in the text. Raises GateError where it cannot go on, StoppedError where it need not."""
    return _JsonReader(text, watch).read()


class _JsonReader:
    def __init__(self, text: str, watch: Watch | None) -> None:
        self.text = text
        self.builder = Builder(text, watch)
        self.closers: list[str] = []

    def read(self) -> Document:
        text, builder, closers = self.text, self.builder, self.closers
        skip = _SPACE.match
        at = self._value(skip(text).end())  # type: ignore[union-attr]
        while closers:
            at = skip(text, at).end()  # type: ignore[union-attr]
            char = text[at : at + 1]
            if char == closers[-1]:
                closers.pop()
                builder.close()
                at += 1
            elif char == ",":
                at = self._member(skip(text, at + 1).end(), after_comma=True)  # type: ignore[union-attr]
            else:
                raise self._expected(f"',' or '{closers[-1]}'", at)
        at = skip(text, at).end()  # type: ignore[union-attr]
        if at < len(text):
            raise GateError("there is more text after the end of the JSON", "keep one plan a file", offset=at)
        return builder.document

    def _member(self, at: int, *, after_comma: bool) -> int:
        """One item of a list or one field of an object, or the end of an empty one."""
        closer = self.closers[-1]
        if self.text.startswith(closer, at):
            if after_comma:
                raise GateError(f"a comma stands before '{closer}'", "take the comma out", offset=at)
            self.closers.pop()
            self.builder.close()
            return at + 1
        if closer == "}":
            if not self.text.startswith('"', at):
                raise self._expected("the name of a field in double quotes", at)
            name, end = self._string(at)
            self.builder.key(name, at)
            at = _SPACE.match(self.text, end).end()  # type: ignore[union-attr]
            if not self.text.startswith(":", at):
                raise self._expected("':' after the name of a field", at)
            at = _SPACE.match(self.text, at + 1).end()  # type: ignore[union-attr]
        return self._value(at)

    def _value(self, at: int) -> int:
        """Read one value; of a list or object everything up to the end of its first member."""
        text, builder = self.text, self.builder
        while True:
            char = text[at : at + 1]
            if char == '"':
                value, end = self._string(at)
                builder.scalar(value, at)
                return end
            if char not in ("{", "["):
                return self._atom(at)
            container: dict[str, Json] | list[Json] = {} if char == "{" else []
            builder.open(container, at)
            self.closers.append("}" if char == "{" else "]")
            return self._member(_SPACE.match(text, at + 1).end(), after_comma=False)  # type: ignore[union-attr]

    def _atom(self, at: int) -> int:
        found = _ATOM.match(self.text, at)
        if found is None:
            raise self._expected("a value", at)
        if found["number"] is not None:
            number = found["number"]
            self.builder.scalar(
                self.builder.real(number, at) if found["real"] else self.builder.integer(number, at), at
            )
        elif found["word"] in _WORDS:
            self.builder.scalar(_WORDS[found["word"]], at)
        else:
            word = found["word"][:40]
            hint = "JSON has true, false and null, finite numbers, and texts in double quotes"
            raise GateError(f"{word} is not JSON", hint, offset=at)
        return found.end()

    def _string(self, at: int) -> tuple[str, int]:
        try:
            value, end = scanstring(self.text, at + 1, True)
        except ValueError as error:
            raise GateError("a text is not valid JSON", f"{_string_hint(error)}", offset=at) from None
        self.builder.check_text(value, at)
        return value, end

    def _expected(self, what: str, at: int) -> GateError:
        if at >= len(self.text):
            return GateError(
                f"the JSON ends too early: {what} was expected", "a bracket is not closed", offset=len(self.text)
            )
        return GateError(
            f"this is not valid JSON: expected {what}, found '{self.text[at]}'", "JSON has no comments", offset=at
        )


def _string_hint(error: ValueError) -> str:
    words = str(error)
    if "Unterminated" in words:
        return "its closing quote is missing"
    if "control character" in words:
        return "write line breaks as \\n and tabs as \\t"
    return 'a backslash stands only before " \\ / b f n r t or uXXXX'

"""Reads a JSON document of any length value by value, with the text each was written in. What the values mean is not known here."""

from __future__ import annotations

import codecs
import json
import math
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from engine.errors import InputError
from store.amounts import readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.model.json import Json

_CHUNK: Final = 256 * 1024
_SPACE: Final = " \t\n\r"
_LONGEST_TOKEN: Final = 32  # an error this near to the end of what has been read may only mean that more is needed


class Source(Protocol):
    """Where bytes come from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""
        ...


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is larger than any that can be stored")
    return number


class JsonCursor:
    """A place in a document that only goes forward. Every fault is an InputError with line and column.

    `most_value` bounds, in characters, what is held in memory for one value; `most_bytes` the whole document.
    """

    def __init__(self, source: Source, name: str, *, most_value: int, most_bytes: int) -> None:
        self._source = source
        self._name = name
        self._most_value = most_value
        self._most_bytes = most_bytes
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._scan = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite).raw_decode
        self._text = ""
        self._at = 0
        self._ended = False
        self._lines = 0
        self._column = 0
        self.bytes_read = 0

    def peek(self) -> str:
        """The next character that is no space, nothing at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _SPACE:
                    return self._text[self._at]
                self._at += 1
            if not self._fill():
                return ""

    def take(self, wanted: str) -> None:
        """Go past a character that must come next."""
        found = self.peek()
        if found != wanted:
            self.fail(
                f"expected {wanted!r}, found {found!r}" if found else f"the document ends where {wanted!r} should be"
            )
        self._at += 1

    def members(self) -> Iterator[str]:
        """The keys of the object that begins here. The value of each must be read before the next key is asked for."""
        self.take("{")
        seen: set[str] = set()
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            if self.peek() != '"':
                self.fail("expected a name in double quotes")
            key, _ = self.value()
            assert isinstance(key, str)
            if key in seen:
                self.fail(f"{key!r} stands there twice")
            seen.add(key)
            self.take(":")
            yield key
            if self.peek() != ",":
                self.take("}")
                return
            self._at += 1

    def elements(self) -> Iterator[None]:
        """One turn for each element of the array that begins here; each must be read in its turn."""
        self.take("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield
            if self.peek() != ",":
                self.take("]")
                return
            self._at += 1

    def value(self) -> tuple[Json, str]:
        """The value that begins here, and its text."""
        if not self.peek():
            self.fail("the document ends where a value should be")
        wanted = _CHUNK
        while True:
            try:
                value, end = self._scan(self._text, self._at)
            except json.JSONDecodeError as error:
                hopeless = error.pos < len(self._text) - _LONGEST_TOKEN and not error.msg.startswith(
                    "Unterminated string"
                )
                if hopeless or self._ended:
                    self._at = min(error.pos, len(self._text))
                    self.fail(error.msg[:1].lower() + error.msg[1:])
            except RecursionError:
                self.fail("nested too deeply")
            except ValueError as error:  # a number of thousands of digits, or NaN
                self.fail(str(error).partition(";")[0])
            else:
                # `-1.5` that is cut after its point is read as -1, and the point is left over.
                if self._ended or (end < len(self._text) and self._text[end] not in ".eE"):
                    text = self._text[self._at : end]
                    self._at = end
                    return value, text
            if len(self._text) - self._at > self._most_value:
                self.fail(f"a single value is larger than {self._most_value} characters")
            self._fill(wanted)
            wanted *= 2

    def end(self) -> None:
        """Nothing but space may follow."""
        if self.peek():
            self.fail("more follows after the end of the document")

    def fail(self, message: str, *, hint: str = "export the run again") -> NoReturn:
        """Raise InputError for what is wrong at this place."""
        before = self._text[: self._at]
        line = self._lines + before.count("\n") + 1
        newline = before.rfind("\n")
        column = self._at - newline if newline >= 0 else self._column + self._at + 1
        raise InputError(message, place=f"{self._name}:{line}:{column}", hint=hint)

    def _fill(self, size: int = _CHUNK) -> bool:
        """Read on; False at the end. What lies before this place is forgotten."""
        if self._ended:
            return False
        try:
            chunk = self._source.read(size)
        except OSError as error:
            raise InputError(f"the file cannot be read: {error.strerror}", place=self._name) from error
        self.bytes_read += len(chunk)
        if self.bytes_read > self._most_bytes:
            self.fail(f"the document is larger than {readable(self._most_bytes)}")
        self._ended = not chunk
        self._forget()
        try:
            self._text += self._decode(chunk, final=self._ended)
        except UnicodeDecodeError:
            self._at = len(self._text)
            self.fail("this is no UTF-8 text")
        if self._lines == 0 and self._column == 0 and self._at == 0 and self._text.startswith("\ufeff"):
            self._at = 1
        return True

    def _forget(self) -> None:
        before = self._text[: self._at]
        lines = before.count("\n")
        self._lines += lines
        self._column = len(before) - before.rfind("\n") - 1 if lines else self._column + len(before)
        self._text = self._text[self._at :]
        self._at = 0

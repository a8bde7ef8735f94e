"""A trace document that is being read, the scratch database it goes into, and the ways to refuse it. What its parts mean is not here."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from pydantic import ValidationError

from engine.errors import InputError
from store.exchange.cursor import JsonCursor
from store.exchange.document import MOST_DOCUMENT_BYTES, MOST_VALUE_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import TypeAdapter

    from engine.model.json import Json
    from store.exchange.cursor import Source

T = TypeVar("T")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class OpenDocument:
    """One document on its way into the scratch database. Every method that finds a fault raises InputError with its place."""

    def __init__(self, source: Source, name: str, connection: sqlite3.Connection) -> None:
        self.cursor = JsonCursor(source, name, most_value=MOST_VALUE_CHARACTERS, most_bytes=MOST_DOCUMENT_BYTES)
        self.connection = connection
        self._name = name

    def refuse(self, message: str, *, hint: str = "") -> NoReturn:
        """Raises InputError: at the place in the text or, with a hint, at the document."""
        if hint:
            raise InputError(message, place=self._name, hint=hint)
        self.cursor.fail(message)

    def valid(self, kind: TypeAdapter[T], value: object) -> T:
        """The value as `kind` has it."""
        try:
            return kind.validate_python(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            message = first["msg"][:1].lower() + first["msg"][1:]
            more = error.error_count() - 1
            self.refuse(f"{where + ': ' if where else ''}{message}{f', and {more} more' if more else ''}")

    def element(self, member: str) -> tuple[dict[str, Json], str]:
        """The object that comes next, and the text in which the value of `member` is written, if it has one."""
        given: dict[str, Json] = {}
        written = ""
        for key in self.cursor.members():
            given[key], text = self.cursor.value()
            if key == member:
                written = text
        return given, written

    def check_elements(self, kind: TypeAdapter[T]) -> None:
        """Go through a list whose elements must be valid and are not kept."""
        for _ in self.cursor.elements():
            self.valid(kind, self.cursor.value()[0])

    def moment(self, text: str) -> int:
        """The moment in microseconds since 1970."""
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            self.refuse(f"{text} is no moment in time")
        return (at - _EPOCH) // _MICROSECOND

    def guard(self, work: Callable[[], object]) -> None:
        """Do something in the scratch database, which has the checks of the file."""
        try:
            work()
        except sqlite3.IntegrityError as error:
            self.refuse(f"what it holds fits no run: {error}")
        except (OverflowError, UnicodeEncodeError):
            self.refuse("it holds a number or a text that cannot be stored")

"""What a query is: SQL, its parameters, and how its rows are read. Data only; a reader runs it."""

from __future__ import annotations

import json
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

from store.errors import DamagedDatabaseError, NewerDatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from engine.model.json import JsonObject

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
Rows: TypeAlias = "Sequence[tuple[Any, ...]]"
Parameter: TypeAlias = str | int | None


class Query(NamedTuple, Generic[T]):
    """One bounded SELECT. `read` turns all of its rows into the answer and may raise StoreError.

    `fills` are the columns that hold the data of events and are wanted whole: where values are kept apart, `read` is given
    an object with the values in their places instead of the text.
    """

    sql: str
    parameters: tuple[Parameter, ...]
    read: Callable[[Rows], T]
    fills: tuple[int, ...] = ()


class _Words(dict[str, E], Generic[E]):
    """The words of an enum. Looking one up costs a tenth of what calling the enum does, and a page has ten thousand rows."""

    def __init__(self, kind: type[E]) -> None:
        super().__init__({str(member.value): member for member in kind})
        self._kind = kind

    def __missing__(self, value: str) -> E:
        raise NewerDatabaseError(
            f"a newer opscope wrote something this one does not know: {self._kind.__name__} {value!r}",
            hint="update opscope",
        )


def words(kind: type[E]) -> Mapping[str, E]:
    """Each stored word with its enum, for many rows. Raises NewerDatabaseError for one that this version does not know."""
    known: Mapping[str, E] = _words(kind)
    return known


@cache
def _words(kind: type[StrEnum]) -> _Words[Any]:
    return _Words(kind)


def word(kind: type[E], value: str) -> E:
    """A stored word as its enum. Raises NewerDatabaseError for one that this version does not know."""
    return words(kind)[value]


def optional_word(kind: type[E], value: str | None) -> E | None:
    """The same where there may be none."""
    return None if value is None else word(kind, value)


def json_object(text: str | JsonObject | None) -> JsonObject:
    """Stored JSON as an object; empty where there is none. Raises DamagedDatabaseError if it is something else."""
    if text is None:
        return {}
    if isinstance(text, dict):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedDatabaseError("a stored document is not JSON", hint="restore the file from a backup") from error
    if not isinstance(value, dict):
        raise DamagedDatabaseError("a stored document is not an object", hint="restore the file from a backup")
    return value


def like(pattern: str) -> str:
    r"""A pattern with `*` and `?` as LIKE takes it, all else literal. To be used with `ESCAPE '\'`."""
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")


def containing(text: str) -> str:
    r"""Plain text anywhere, as LIKE takes it. To be used with `ESCAPE '\'`."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def marks(values: Iterable[object]) -> str:
    """One `?` a value, for an IN list."""
    return ", ".join("?" for _ in values)


def first(rows: list[T]) -> T | None:
    """The first of some, or None."""
    return rows[0] if rows else None

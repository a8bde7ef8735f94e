"""Applying a JSON Patch (RFC 6902) to a document, without changing the document. Making patches is elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from engine.errors import InputError
from engine.regression.json_diff.pointer import pointer_parts
from engine.regression.json_diff.sameness import json_equal

if TYPE_CHECKING:
    from engine.model.json import Json

    _Container: TypeAlias = "list[Json] | dict[str, Json]"

_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,17}")


class _Op(StrEnum):
    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"
    MOVE = "move"
    COPY = "copy"
    TEST = "test"


def apply_patch(document: Json, patch: object) -> Json:
    """The document after all operations; what was given is not changed, and may be shared by the result in parts.

    All or nothing. Raises InputError whose place names the operation: `patch[3] remove /rows/7`.
    """
    if not isinstance(patch, Sequence) or isinstance(patch, str | bytes):
        raise InputError("a JSON Patch is a list of operations", place="patch", hint="see RFC 6902")
    target = _Target(document)
    for number, operation in enumerate(patch):
        place = f"patch[{number}]"
        try:
            op, path, origin = _read(operation)
        except InputError as error:
            raise InputError(error.cause, place=place, hint=error.hint) from None
        try:
            _run(target, op, path, origin, operation)
        except InputError as error:
            raise InputError(error.cause, place=f"{place} {op} {operation['path']}", hint=error.hint) from None
    return target.root


_Parts: TypeAlias = "tuple[str, ...]"


def _read(operation: object) -> tuple[_Op, _Parts, _Parts]:
    """What is to be done, where, and from where; the last is empty but for move and copy."""
    if not isinstance(operation, Mapping):
        raise InputError("an operation is an object", hint="see RFC 6902")
    try:
        op = _Op(str(operation.get("op")))
    except ValueError:
        raise InputError(f"there is no operation {operation.get('op')!r}", hint=f"known: {', '.join(_Op)}") from None
    if op in {_Op.ADD, _Op.REPLACE, _Op.TEST} and "value" not in operation:
        raise InputError(f"{op} needs a value")
    origin = _pointer(operation, "from") if op in {_Op.MOVE, _Op.COPY} else ()
    return op, _pointer(operation, "path"), origin


def _pointer(operation: Mapping[str, object], name: str) -> _Parts:
    text = operation.get(name)
    if not isinstance(text, str):
        raise InputError(f"{name!r} must be a JSON Pointer", hint="see RFC 6901")
    return pointer_parts(text)


def _run(target: _Target, op: _Op, path: _Parts, origin: _Parts, operation: Mapping[str, Json]) -> None:
    match op:
        case _Op.ADD:
            target.add(path, operation["value"])
        case _Op.REMOVE:
            target.remove(path)
        case _Op.REPLACE:
            target.replace(path, operation["value"])
        case _Op.MOVE:
            if path[: len(origin)] == origin and path != origin:
                raise InputError("a value cannot be moved into itself")
            value = target.get(origin)
            if path != origin:
                target.remove(origin)
                target.add(path, value)
        case _Op.COPY:
            target.copy(origin, path)
        case _Op.TEST:
            if not json_equal(target.get(path), operation["value"]):
                raise InputError("the value there is another one")
        case _:
            assert_never(op)


class _Target:
    """The document on its way: a container is copied before its first change, then it is ours."""

    __slots__ = ("_ours", "root")

    def __init__(self, root: Json) -> None:
        self.root = root
        # Kept alive by this table, so that no other object can come by the same identity.
        self._ours: dict[int, _Container] = {}

    def get(self, path: _Parts) -> Json:
        """The value at a place. Raises InputError if there is none."""
        value = self.root
        for part in path:
            value = _child(value, part)
        return value

    def add(self, path: _Parts, value: Json) -> None:
        """Put a value into an object, or before an element of an array; `-` is the end."""
        if not path:
            self.root = value
            return
        container = self._writable(path[:-1])
        if isinstance(container, dict):
            container[path[-1]] = value
        else:
            container.insert(len(container) if path[-1] == "-" else _index(path[-1], len(container)), value)

    def remove(self, path: _Parts) -> None:
        """Take a value out."""
        if not path:
            raise InputError("the whole document cannot be removed", hint="replace it")
        container = self._writable(path[:-1])
        _child(container, path[-1])
        if isinstance(container, dict):
            del container[path[-1]]
        else:
            del container[int(path[-1])]

    def replace(self, path: _Parts, value: Json) -> None:
        """Put another value in the place of one."""
        if not path:
            self.root = value
            return
        container = self._writable(path[:-1])
        _child(container, path[-1])
        if isinstance(container, dict):
            container[path[-1]] = value
        else:
            container[int(path[-1])] = value

    def copy(self, origin: _Parts, path: _Parts) -> None:
        """Put the same value in a second place."""
        value = self.get(origin)
        # From now on it stands in two places, so neither may be changed for the other.
        self._ours.clear()
        self.add(path, value)

    def _writable(self, path: _Parts) -> _Container:
        value = self.root = self._own(self.root)
        for part in path:
            child = self._own(_child(value, part))
            if isinstance(value, dict):
                value[part] = child
            elif isinstance(value, list):
                value[int(part)] = child
            value = child
        if not isinstance(value, dict | list):
            raise InputError("there is neither an object nor an array to change")
        return value

    def _own(self, value: Json) -> Json:
        if not isinstance(value, dict | list) or id(value) in self._ours:
            return value
        mine: _Container = dict(value) if isinstance(value, dict) else list(value)
        self._ours[id(mine)] = mine
        return mine


def _child(value: Json, part: str) -> Json:
    if isinstance(value, dict):
        if part not in value:
            raise InputError(f"there is no key {part!r}")
        return value[part]
    if isinstance(value, list):
        return value[_index(part, len(value) - 1)]
    raise InputError(f"there is no {part!r} in a value that is neither object nor array")


def _index(text: str, largest: int) -> int:
    if not _INDEX.fullmatch(text):
        raise InputError(
            f"{text!r} is no index of an array", hint="indices are 0, 1, 2 and so on; - is the end, for add"
        )
    if int(text) > largest:
        raise InputError(
            f"there is no element {text}", hint=f"the array has {largest + 1}" if largest >= 0 else "it is empty"
        )
    return int(text)

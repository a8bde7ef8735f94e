"""Finds the places of the members in large JSON text, part by part, so that it can tell and be stopped. No value is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tui.viewmodel.json_packed import PART_BYTES, PackedList, PackedObject, PackedText, Places, Text, parsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.viewmodel.json_nodes import Node

_NESTED: Final = 4
"""Levels that are stepped over at once; what is nested deeper is gone through level by level."""
_STRING: Final = rb'"(?:[^"\\]++|\\.)*+"'


def _value() -> bytes:
    inner = b""
    for _ in range(_NESTED):
        inner = rb'[\[{](?:[^"\[\]{}]++|' + _STRING + (b"|" + inner if inner else b"") + rb")*+[\]}]"
    return rb"(?:[-+.0-9a-zA-Z]++|" + _STRING + b"|" + inner + b")"


_MEMBER: Final = {0x5B: _value(), 0x7B: _STRING + rb"\s*+:\s*+" + _value()}
# Possessive throughout: what has been passed is never looked at again, so that each takes time in proportion to a part.
_RUN: Final = {bracket: re.compile(rb"(?:\s*+" + one + rb"\s*+,)++", re.DOTALL) for bracket, one in _MEMBER.items()}
_LAST: Final = {bracket: re.compile(rb"\s*+(" + one + rb")?+\s*+[\]}]", re.DOTALL) for bracket, one in _MEMBER.items()}
_KEY: Final = re.compile(rb"\s*+(" + _STRING + rb")\s*+:", re.DOTALL)
_BLANK: Final = re.compile(rb"\s*+")
_COMMA: Final = re.compile(rb"\s*+,?+")
_QUOTE: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)


@dataclass(slots=True)
class _Open:
    """A list or an object whose end has not been met; `member` is where it begins with its key."""

    start: int
    bracket: int
    member: int
    key: str
    places: Places = field(default_factory=Places)


def index(data: bytes, tell: Callable[[int], None] = lambda _: None) -> Node:
    """The value of a JSON text: what is small as it is, what is large as its places.

    `tell` hears after each part how many bytes are done; what it raises ends the work. Raises ValueError for what is no
    JSON.
    """
    if len(data) <= PART_BYTES:
        value: Node = parsed(data)
        return value
    text = Text(data)
    at = _blank(data, 0)
    if data[at] == 0x22:
        return PackedText(text, at + 1, _string_end(data, at, tell) - 1)
    if data[at] not in _MEMBER:
        raise ValueError("no JSON")
    return _Index(text, tell).container(at)


class _Index:
    """Goes through a text once."""

    def __init__(self, text: Text, tell: Callable[[int], None]) -> None:
        self._text = text
        self._data = text.data
        self._tell = tell
        self._open: list[_Open] = []
        self._root: Node = None

    def container(self, at: int) -> Node:
        """What begins with a bracket at `at`."""
        self._open.append(_Open(at, self._data[at], at, ""))
        at += 1
        while self._open:
            self._tell(at)
            at = self._next(at)
        return self._root

    def _next(self, at: int) -> int:
        """Go on from `at`: some small members, the end, or into a large one. Returns where to go on."""
        top, data = self._open[-1], self._data
        end = min(at + PART_BYTES, len(data))
        if run := _RUN[top.bracket].match(data, at, end):
            self._add_run(top, at, run.end())
            return run.end()
        if last := _LAST[top.bracket].match(data, at, end):
            if last.group(1):
                self._add_run(top, *last.span(1))
            return self._close(last.end())
        member, key = at, ""
        if top.bracket == 0x7B:
            named = _KEY.match(data, at)
            if named is None:
                raise ValueError(f"no JSON at {at}")
            key, at = parsed(named.group(1)), named.end()
        at = _blank(data, at)
        if at < len(data) and data[at] in _MEMBER:
            self._open.append(_Open(at, data[at], member, key))
            return at + 1
        if at < len(data) and data[at] == 0x22:
            stop = _string_end(data, at, self._tell)
            top.places.add_large(member, stop, key, PackedText(self._text, at + 1, stop - 1))
            return _comma(data, stop)
        raise ValueError(f"no JSON at {at}")

    def _add_run(self, top: _Open, start: int, stop: int) -> None:
        brackets = b"[]" if top.bracket == 0x5B else b"{}"
        members = parsed(brackets[:1] + self._data[start:stop].rstrip(b", \t\r\n") + brackets[1:])
        top.places.add_run(start, stop, len(members))

    def _close(self, stop: int) -> int:
        done = self._open.pop()
        kind = PackedList if done.bracket == 0x5B else PackedObject
        node = kind(self._text, done.start, stop, done.places)
        if not self._open:
            self._root = node
            return stop
        parent = self._open[-1].places
        if stop - done.member <= PART_BYTES:
            # Only nested deeply, and small after all.
            parent.add_run(done.member, stop, 1)
        else:
            parent.add_large(done.member, stop, done.key, node)
        after = _comma(self._data, stop)
        if parent.stops and (len(parent.stops) - 1) not in parent.large:
            parent.stops[-1] = after
        return after


def _blank(data: bytes, at: int) -> int:
    return _BLANK.match(data, at).end()  # type: ignore[union-attr]  # it matches nothing as well


def _comma(data: bytes, at: int) -> int:
    return _COMMA.match(data, at).end()  # type: ignore[union-attr]  # it matches nothing as well


def _string_end(data: bytes, at: int, tell: Callable[[int], None]) -> int:
    """Where the string that begins at `at` ends, its quote included."""
    end = at + 1
    while end < len(data):
        stop = _QUOTE.match(data, end, min(end + PART_BYTES, len(data))).end()  # type: ignore[union-attr]  # as above
        if stop < len(data) and data[stop] == 0x22:
            return stop + 1
        # Half an escape at the end of a part is met whole at the beginning of the next.
        end = stop if stop > end else len(data)
        tell(end)
    raise ValueError("no JSON: a string does not end")

"""Large JSON that stays text and parses what is looked at: lists, objects, strings. Finding the places is done elsewhere."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias, overload

from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import TypeIs

    from tui.viewmodel.json_nodes import Node

Wanted: TypeAlias = "Callable[[bytes, int, int], bool]"
"""Says of some members whether they are wanted: their text, the number of the first, and of the one behind the last."""

PART_BYTES: Final = 64 * 1024
"""What is parsed at a time. Parsing it takes about a millisecond, in which nothing else gets its turn."""
_PARTS_KEPT: Final = 64
_CHARACTERS: Final = re.compile(rb"(?:[^\\]++|\\u[0-9a-fA-F]{4}|\\[^u])*+", re.DOTALL)
_AT_THE_END: Final = b", \t\r\n"


def parsed(text: bytes) -> Any:
    """The value of a JSON text."""
    try:
        return from_json(text, cache_strings="keys")
    except ValueError:  # nested deeper than it goes, or half a character
        return json.loads(text)


class Text:
    """The bytes of one document, and the parts of it that were parsed last."""

    __slots__ = ("_parsed", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._parsed: OrderedDict[tuple[int, int], Any] = OrderedDict()

    def members(self, start: int, stop: int, brackets: bytes) -> Any:
        """The members between two places, as a list or an object."""
        found = self._parsed.get((start, stop))
        if found is None:
            found = parsed(brackets[:1] + self.data[start:stop].rstrip(_AT_THE_END) + brackets[1:])
            self._parsed[start, stop] = found
            # A search in another thread may have made room at the same moment.
            if len(self._parsed) > _PARTS_KEPT:
                self._parsed.popitem(last=False)
        else:
            self._parsed.pop((start, stop), None)
            self._parsed[start, stop] = found
        return found


class Places:
    """Where the members of one long list or object stand: runs of small ones, and large ones by themselves."""

    __slots__ = ("count", "firsts", "large", "starts", "stops")

    def __init__(self) -> None:
        self.count = 0
        self.firsts: list[int] = []
        self.starts: list[int] = []
        self.stops: list[int] = []
        self.large: dict[int, tuple[str, Node]] = {}

    def add_run(self, start: int, stop: int, count: int) -> None:
        """`count` small members between two places; they join the run before them if both together are small."""
        last = len(self.firsts) - 1
        if last >= 0 and last not in self.large and stop - self.starts[last] <= PART_BYTES:
            self.stops[last] = stop
        else:
            self._add(start, stop)
        self.count += count

    def add_large(self, start: int, stop: int, key: str, node: Node) -> None:
        """One large member; `key` is empty in a list."""
        self._add(start, stop)
        self.large[len(self.firsts) - 1] = (key, node)
        self.count += 1

    def _add(self, start: int, stop: int) -> None:
        self.firsts.append(self.count)
        self.starts.append(start)
        self.stops.append(stop)


class _Members:
    """What large lists and objects share: they know where their members stand."""

    __slots__ = ("places", "start", "stop", "text")

    BRACKETS = b"[]"

    def __init__(self, text: Text, start: int, stop: int, places: Places) -> None:
        self.text = text
        self.start = start
        self.stop = stop
        self.places = places

    def __len__(self) -> int:
        return self.places.count

    def __bool__(self) -> bool:
        return True

    @property
    def size(self) -> int:
        """Its text in bytes."""
        return self.stop - self.start

    def window(self, start: int, stop: int, wanted: Wanted | None = None) -> Iterator[tuple[int, str | int, Node]]:
        """As the function of this name."""
        places = self.places
        for part in range(max(0, bisect_right(places.firsts, start) - 1), len(places.firsts)):
            first = places.firsts[part]
            if first >= stop:
                return
            if part in places.large:
                key, node = places.large[part]
                yield first, key if self.BRACKETS == b"{}" else first, node
                continue
            last = places.firsts[part + 1] if part + 1 < len(places.firsts) else places.count
            if wanted is not None and not wanted(self.text.data[places.starts[part] : places.stops[part]], first, last):
                continue
            members = self.text.members(places.starts[part], places.stops[part], self.BRACKETS)
            named = members.items() if isinstance(members, dict) else enumerate(members, first)
            for number, (key, value) in enumerate(named, first):
                if start <= number < stop:
                    yield number, key, value


class PackedList(_Members, Sequence["Node"]):
    """A long list. Members are parsed when they are looked at."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> list[Node]: ...
    def __getitem__(self, index: int | slice) -> Node | list[Node]:
        if isinstance(index, slice):
            return [value for _, _, value in self.window(*index.indices(len(self))[:2])]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return next(value for _, _, value in self.window(index, index + 1))

    def __iter__(self) -> Iterator[Node]:
        return (value for _, _, value in self.window(0, len(self)))


class PackedObject(_Members, Mapping[str, "Node"]):
    """A large object. Members are parsed when they are looked at."""

    __slots__ = ()

    BRACKETS = b"{}"

    def __iter__(self) -> Iterator[str]:
        return (str(key) for _, key, _ in self.window(0, len(self)))

    def __getitem__(self, wanted: str) -> Node:
        for _, key, value in self.window(0, len(self)):
            if key == wanted:
                return value
        raise KeyError(wanted)


class PackedText:
    """A long string, in parts that end with a line where there are lines. `start` and `stop` are without its quotes."""

    __slots__ = ("bounds", "start", "stop", "text")

    def __init__(self, text: Text, start: int, stop: int) -> None:
        self.text = text
        self.start = start
        self.stop = stop
        self.bounds = _bounds(text.data, start, stop)

    def __len__(self) -> int:
        """How many parts there are."""
        return len(self.bounds) - 1

    def part(self, index: int) -> str:
        """The characters of a part."""
        return self._characters(self.bounds[index], self.bounds[index + 1])

    @property
    def head(self) -> str:
        """The first characters."""
        return self.part(0)[:256]

    @property
    def size(self) -> int:
        """Its text in bytes."""
        return self.stop - self.start

    def __str__(self) -> str:
        return self._characters(self.start, self.stop)

    def _characters(self, start: int, stop: int) -> str:
        value = parsed(b'"' + self.text.data[start:stop] + b'"')
        assert isinstance(value, str)
        return value


PACKED = (PackedList, PackedObject, PackedText)


def json_bytes(node: PackedList | PackedObject | PackedText) -> bytes:
    """The JSON text of a large value as it was stored."""
    if isinstance(node, PackedText):
        return b'"' + node.text.data[node.start : node.stop] + b'"'
    return node.text.data[node.start : node.stop]


def _bounds(data: bytes, start: int, stop: int) -> list[int]:
    """Where the parts of a string begin, and where the last one ends. No escape and no character is cut in two."""
    bounds = [start]
    while (at := bounds[-1]) < stop:
        end = _CHARACTERS.match(data, at, min(at + PART_BYTES, stop)).end()  # type: ignore[union-attr]  # it matches nothing as well
        while at < end < stop and 0x80 <= data[end] < 0xC0:
            end -= 1
        if end < stop:
            line = data.rfind(b"\\n", at, end)
            slashes = 0
            while line - slashes > at and data[line - slashes - 1] == 0x5C:
                slashes += 1
            if line > at and slashes % 2 == 0:
                end = line + 2
        bounds.append(end if end > at else stop)
    return bounds


def is_object(node: object) -> TypeIs[Mapping[str, Node]]:
    """True for an object, small or large."""
    return isinstance(node, (dict, PackedObject))


def is_list(node: object) -> TypeIs[Sequence[Node]]:
    """True for a list, small or large."""
    return isinstance(node, (list, PackedList))


def window(
    node: Mapping[str, Node] | Sequence[Node], start: int, stop: int, wanted: Wanted | None = None
) -> Iterator[tuple[int, str | int, Node]]:
    """Members of an object or a list from the one numbered `start` to before `stop`: number, key or index, value.

    Parts of large ones of which `wanted` says no are left out.
    """
    if isinstance(node, (PackedList, PackedObject)):
        yield from node.window(start, stop, wanted)
    elif isinstance(node, Mapping):
        yield from (
            (number, key, value) for number, (key, value) in enumerate(islice(node.items(), start, stop), start)
        )
    else:
        for index in range(start, min(stop, len(node))):
            yield index, index, node[index]

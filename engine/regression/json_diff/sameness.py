"""Which parts of documents are equal, decided once for all parts. Nothing is compared side by side here.

The idea is that of a Merkle tree, with a table of what was met in place of a hash (hash consing: Ershov, "On programming
of arithmetic operations", 1958): equal parts get the same mark, so a collision is impossible.

Equality is that of JSON: objects without regard to order, 1 == 1.0 (one number, two spellings), true != 1.
"""

from __future__ import annotations

from collections import Counter
from itertools import compress
from operator import ne
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from engine.errors import InputError
from engine.regression.json_diff.options import ArrayMode, Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable

    from engine.model.json import Json

    _Container: TypeAlias = "list[Json] | dict[str, Json]"
    # The places in a key of what is not its own mark, and which values are containers; None if none is.
    _Kinds: TypeAlias = "tuple[list[int], list[bool] | None]"

Mark: TypeAlias = "Hashable"
"""Equal if and only if the values are: a scalar is its own mark, all others get one from the table."""

_PLAIN: Final = frozenset({str, int, float, type(None)})
_CONTAINERS: Final = frozenset({dict, list})
_JSON: Final = _PLAIN | _CONTAINERS | {bool}

_OFTEN: Final = 64
"""Values of an object or array up to which it is worth remembering what types they have: longer ones do not recur."""


_TRUE: Final = ArrayMode.SET, True
_FALSE: Final = ArrayMode.SET, False
"""Not `True`, which is equal to 1. No scalar and no mark of a container is such a pair."""


class Sameness:
    """Marks of the parts of any number of documents; each document must live as long as this does.

    `read` a document before asking. Its parts are then known by the rules that hold at their place, as one and the same
    list may mean different things at two places.
    """

    __slots__ = ("_names", "_orders", "_parts", "_plain", "_ruled", "_shapes", "_table", "plain_mark")

    def __init__(self) -> None:
        # The mark of a container is a bare object, which equals nothing but itself.
        self._table: dict[Mark, object] = {}
        self._parts: dict[Mark, tuple[Mark, ...]] | None = None
        self._shapes: dict[tuple[str, ...], tuple[object, list[int] | None]] = {}
        self._orders: dict[frozenset[str], tuple[object, tuple[str, ...]]] = {}
        self._names: dict[Mark, tuple[str, ...]] = {}
        self._plain: dict[int, Mark] = {id(True): _TRUE, id(False): _FALSE}
        self._ruled: dict[tuple[int, Rules], Mark] = {}
        # `mark` where no rules hold, called with the identity and the value: for the innermost loops.
        self.plain_mark = cast("Callable[[int, object], Mark]", self._plain.get)

    def read(self, root: Json, rules: Rules | None = None) -> None:
        """Learn a document, without recursion: deep documents are as good as flat ones.

        Raises InputError where a part is no JSON value.
        """
        ruled: list[tuple[_Container, Rules]] = []
        plain: list[_Container] = []
        if isinstance(root, dict | list):
            if rules is None:
                plain.append(root)
            else:
                ruled.append((root, rules))
        else:
            _check([root])
        for node, rule in ruled:
            _check(node.values() if isinstance(node, dict) else node)
            for part, value in _items(node):
                if isinstance(value, dict | list):
                    below = rule.step(part)
                    if below is None:
                        plain.append(value)
                    elif not below.ignored:
                        ruled.append((value, below))
        self._learn(plain)
        table = self._table
        for node, rule in reversed(ruled):
            key = self._ruled_key(node, rule)
            self._ruled[id(node), rule] = table.setdefault(key, object())

    def _learn(self, plain: list[_Container]) -> None:
        learn, known = self._table.setdefault, self._plain
        kinds_met: dict[tuple[type, ...], _Kinds] = {}
        inner: list[tuple[_Container, list[int]]] = []
        # The list grows while it is walked: parents stand before their children, so from its end all children are known.
        for node in plain:
            values = node.values() if type(node) is dict else node
            types = tuple(map(type, values))
            # Objects of one program mostly have values of the same types in the same order.
            marked, below = kinds_met.get(types) or _kinds(types, values, kinds_met)
            if below is None:
                # The most frequent case is spelt out: an array of scalars is its own key.
                simple = type(node) is list and not marked
                known[id(node)] = learn((None, *values) if simple else self._key(node, marked), object())
            else:
                inner.append((node, marked))
                plain.extend(cast("Iterable[_Container]", compress(values, below)))
        for node, marked in reversed(inner):
            known[id(node)] = learn(self._key(node, marked), object())

    def _key(self, node: _Container, marked: list[int]) -> tuple[Mark, ...]:
        """What stands for the keys, None for an array, and then the marks of the values; `marked` are not their own marks."""
        known = self._plain
        key: list[Mark]
        order = None
        if type(node) is dict:
            keys = tuple(node)
            shape, order = self._shapes.get(keys) or self._shape(keys)
            key = [shape, *cast("Iterable[Mark]", node.values())]
        else:
            key = [None, *node]
        for place in marked:
            key[place] = known[id(key[place])]
        if order is not None:
            key[1:] = [key[place] for place in order]
        return tuple(key)

    def _shape(self, keys: tuple[str, ...]) -> tuple[object, list[int] | None]:
        """What stands for this set of keys, and where to find the values in their one order; None where they have it.

        Objects made by one program mostly have their keys in one order; the order met first is the one for all.
        """
        shape, first = self._orders.setdefault(frozenset(keys), (object(), keys))
        self._names[shape] = ("", *first)
        places = None if first == keys else [keys.index(name) + 1 for name in first]
        self._shapes[keys] = shape, places
        return shape, places

    def mark(self, value: Json, rules: Rules | None = None) -> Mark:
        """The mark of a part that has been read under these rules."""
        if rules is not None and isinstance(value, dict | list):
            return self._ruled[id(value), rules]
        return self._plain.get(id(value), cast("Mark", value))

    def plain_marks(self, values: Collection[Json]) -> list[Mark]:
        """The marks of values below which no rules hold; containers that have other ones are marked by identity."""
        return list(map(self.plain_mark, map(id, values), values))

    def parts(self, mark: Mark) -> tuple[Mark, ...] | None:
        """Of an object or array below which no rules hold: what stands for the keys, then the marks of all values.

        None of anything else. To be asked when all documents have been read.
        """
        if self._parts is None:
            self._parts = {word: key for key, word in self._table.items() if type(key) is tuple}
        return self._parts.get(mark)

    def unlike_keys(self, one: dict[str, Json], other: dict[str, Json]) -> list[str] | None:
        """Of two objects with the same keys and no rules below: the keys whose values are not equal, as `one` has them.

        None of other objects."""
        mine, theirs = self.parts(self._plain.get(id(one))), self.parts(self._plain.get(id(other)))
        if mine is None or theirs is None or mine[0] is not theirs[0]:
            return None
        names = list(compress(self._names[mine[0]], map(ne, mine, theirs)))
        if len(names) > 1 and self._shapes[tuple(one)][1] is not None:
            return [name for name in one if name in names]
        return names

    def elements(self, array: list[Json], rules: Rules | None = None) -> list[Mark]:
        """The marks of an array's elements; the rules are those of the array."""
        if rules is None:
            return self.plain_marks(array)
        return [self.mark(value, rules.step(place)) for place, value in enumerate(array)]

    def _ruled_key(self, node: _Container, rule: Rules) -> Mark:
        kept = [
            (part, self.mark(value, below))
            for part, value in _items(node)
            if (below := rule.step(part)) is None or not below.ignored
        ]
        if isinstance(node, dict):
            return frozenset(kept)
        marks = [mark for _, mark in kept]
        match rule.mode:
            case ArrayMode.ORDERED:
                return tuple(marks)
            case ArrayMode.SET:
                return (ArrayMode.SET, frozenset(marks))
            case ArrayMode.MULTISET | ArrayMode.KEYED:
                return (ArrayMode.MULTISET, frozenset(Counter(marks).items()))


def is_made(mark: Mark) -> bool:
    """Whether a mark stands for an array or object, not for a scalar."""
    return type(mark) is object


def json_equal(one: Json, other: Json) -> bool:
    """Whether two documents are equal as JSON."""
    known = Sameness()
    known.read(one)
    known.read(other)
    return known.mark(one) == known.mark(other)


def _items(node: _Container) -> Iterable[tuple[str | int, Json]]:
    return node.items() if isinstance(node, dict) else enumerate(node)


def _kinds(types: tuple[type, ...], values: Iterable[Json], met: dict[tuple[type, ...], _Kinds]) -> _Kinds:
    """What values of these types ask for. Raises InputError where they are not JSON."""
    if not _JSON.issuperset(types):
        _check(values)
    marked = [place for place, kind in enumerate(types, 1) if kind in _CONTAINERS or kind is bool]
    below = [kind in _CONTAINERS for kind in types] if any(kind in _CONTAINERS for kind in set(types)) else None
    if len(types) <= _OFTEN:
        met[types] = marked, below
    return marked, below


def _check(values: Iterable[object]) -> None:
    """Let subclasses of scalars pass, such as string enums. Raises InputError on anything else that is not JSON."""
    for value in values:
        if not isinstance(value, str | int | float | None) and type(value) not in _CONTAINERS:
            raise InputError(
                f"a {type(value).__name__} is no JSON value", hint="only what json.loads returns can be compared"
            )

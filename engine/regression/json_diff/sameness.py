"""Which parts of documents are equal, decided once for all parts. Nothing is compared side by side here.

The idea is that of a Merkle tree, with a table of what was met in place of a hash (hash consing: Ershov, "On programming
of arithmetic operations", 1958): equal parts get the same mark, so a collision is impossible.

Equality is that of JSON: objects without regard to order, 1 == 1.0 (one number, two spellings), true != 1.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import chain, compress, repeat
from operator import itemgetter, ne
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from engine.errors import InputError
from engine.regression.json_diff.options import ArrayMode, Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence

    from engine.model.json import Json

    _Container: TypeAlias = "list[Json] | dict[str, Json]"
    # What stands for the keys of an object, None for an array, and then the marks of the values.
    _Key: TypeAlias = "tuple[Mark, ...]"

Mark: TypeAlias = "Hashable"
"""Equal if and only if the values are: a scalar is its own mark, all others get one from the table."""

_PLAIN: Final = frozenset({str, int, float, type(None)})
_CONTAINERS: Final = frozenset({dict, list})
_MARKED: Final = _CONTAINERS | {bool}
_JSON: Final = _PLAIN | _CONTAINERS | {bool}


class _Flag:
    """The mark of true or of false: not `True`, which is equal to 1. Like any bare object it equals nothing but itself."""

    __slots__ = ()


_TRUE: Final = _Flag()
_FALSE: Final = _Flag()


class Sameness:
    """Marks of the parts of any number of documents; each document must live as long as this does.

    `read` a document before asking. Its parts are then known by the rules that hold at their place, as one and the same
    list may mean different things at two places.
    """

    __slots__ = ("_names", "_orders", "_parts", "_plain", "_ruled", "_ruled_table", "_table", "plain_mark")

    def __init__(self) -> None:
        # The mark of a container is a bare object, which equals nothing but itself.
        self._table: dict[_Key, object] = {}
        self._ruled_table: dict[Mark, object] = {}
        self._parts: dict[Mark, _Key] = {}
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
        if type(root) is dict or type(root) is list:
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
        table = self._ruled_table
        for node, rule in reversed(ruled):
            key = self._ruled_key(node, rule)
            self._ruled[id(node), rule] = table.setdefault(key, object())

    def _learn(self, level: list[_Container]) -> None:
        """Level by level: first down, to see what there is, then up, because a key is made of the marks below.

        What is alike is taken together: a few steps with many values each, instead of a few for each value.
        """
        groups: list[tuple[Sequence[_Container], Iterable[_Key]]] = []
        while level:
            objects: defaultdict[tuple[str, ...], list[dict[str, Json]]] = defaultdict(list)
            # An array mostly has values of one type, and an array of scalars needs no look at each.
            arrays: defaultdict[type | None, list[list[Json]]] = defaultdict(list)
            for node in level:
                if type(node) is dict:
                    objects[tuple(node)].append(node)
                elif type(node) is list:
                    arrays[type(node[0]) if node else None].append(node)
            level, alone = [], []
            groups += [(nodes, self._by_row(repeat(None, len(nodes)), nodes, level)) for nodes in arrays.values()]
            for names, rows in objects.items():
                if len(rows) > 1:
                    groups.append((rows, self._by_column(names, rows, level)))
                else:
                    alone += rows
            if alone:
                forms, values = [], []
                for node in alone:
                    form, names = self._form(tuple(node))
                    forms.append(form)
                    values.append([node[name] for name in names])
                groups.append((alone, self._by_row(forms, values, level)))
        learn, known = self._table.setdefault, self._plain
        while groups:
            nodes, keys = groups.pop()
            known.update(zip(map(id, nodes), map(learn, keys, iter(object, None)), strict=True))

    def _form(self, names: tuple[str, ...]) -> tuple[object, tuple[str, ...]]:
        """What stands for this set of names in a key, and the names in the order of the values there.

        Objects made by one program mostly have their names in one order; the order met first is the one for all.
        """
        shape, first = form = self._orders.setdefault(frozenset(names), (object(), names))
        if first is names:
            self._names[shape] = ("", *names)
        return form

    def _by_column(
        self, names: tuple[str, ...], nodes: list[dict[str, Json]], below: list[_Container]
    ) -> Iterable[_Key]:
        """The keys of objects with these names, made only when asked for; the containers in them are put into `below`."""
        shape, first = self._form(names)
        columns: list[list[Json]] = [list(map(itemgetter(name), nodes)) for name in first]
        marks = [self._marks(column) if _look(column, below) else column for column in columns]
        return zip(repeat(shape, len(nodes)), *cast("list[list[Mark]]", marks), strict=True)

    def _by_row(self, shapes: Iterable[object], rows: list[list[Json]], below: list[_Container]) -> Iterable[_Key]:
        """The same for arrays, and for objects unlike all others, given as lists of their values."""
        if _look(list(chain.from_iterable(rows)), below):
            return ((shape, *self._marks(row)) for shape, row in zip(shapes, rows, strict=True))
        return ((shape, *cast("list[Mark]", row)) for shape, row in zip(shapes, rows, strict=True))

    def mark(self, value: Json, rules: Rules | None = None) -> Mark:
        """The mark of a part that has been read under these rules."""
        if rules is not None and isinstance(value, dict | list):
            return self._ruled[id(value), rules]
        return self._plain.get(id(value), cast("Mark", value))

    def plain_marks(self, values: Collection[Json]) -> list[Mark]:
        """The marks of values below which no rules hold; containers that have other ones are marked by identity."""
        return list(self._marks(values))

    def _marks(self, values: Collection[Json]) -> Iterator[Mark]:
        """The same, each looked up when it is asked for."""
        return map(self.plain_mark, map(id, values), values)

    def parts(self, mark: Mark) -> tuple[Mark, ...] | None:
        """Of an object or array below which no rules hold: what stands for the keys, then the marks of all values.

        None of anything else. To be asked when all documents have been read.
        """
        return (self._parts or self._all_parts()).get(mark)

    def _all_parts(self) -> dict[Mark, _Key]:
        self._parts = dict(zip(self._table.values(), self._table, strict=True))
        return self._parts

    def unlike_keys(self, one: dict[str, Json], other: dict[str, Json]) -> list[str] | None:
        """Of two objects with the same keys and no rules below: the keys whose values are not equal, as `one` has them.

        None of other objects."""
        parts, known = self._parts or self._all_parts(), self._plain
        mine, theirs = parts.get(known.get(id(one))), parts.get(known.get(id(other)))
        if mine is None or theirs is None or mine[0] is not theirs[0]:
            return None
        names = self._names[mine[0]]
        unlike = list(compress(names, map(ne, mine, theirs)))
        if names == ("", *one):
            return unlike
        found = set(unlike)
        return [name for name in one if name in found]

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
                return (ArrayMode.ORDERED, *marks)
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


def _look(values: list[Json], below: list[_Container]) -> bool:
    """Put the containers among values into `below`; whether there are any values that are not their own marks.

    Raises InputError on what is not JSON.
    """
    kinds = set(map(type, values))
    if not _JSON.issuperset(kinds):
        _check(values)
    if not _CONTAINERS.isdisjoint(kinds):
        all_are = _CONTAINERS.issuperset(kinds)
        below += cast("list[_Container]", values if all_are else [one for one in values if type(one) in _CONTAINERS])
    return not _MARKED.isdisjoint(kinds)


def _check(values: Iterable[object]) -> None:
    """Let subclasses of scalars pass, such as string enums. Raises InputError on anything else that is not JSON."""
    for value in values:
        if not isinstance(value, str | int | float | None) and type(value) not in _CONTAINERS:
            raise InputError(
                f"a {type(value).__name__} is no JSON value", hint="only what json.loads returns can be compared"
            )

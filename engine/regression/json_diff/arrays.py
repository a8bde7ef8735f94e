"""Which elements of two arrays belong together. What is different inside a pair is for the walk to find."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from typing import TYPE_CHECKING, Final, NamedTuple, assert_never

from engine.regression.json_diff.options import ArrayMode
from engine.regression.json_diff.pairing import Elements, pair_gaps
from engine.regression.json_diff.sameness import is_made
from engine.regression.json_diff.sequences import Budget, longest_increasing, match_sequences

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from engine.model.json import Json
    from engine.regression.json_diff.options import Rules
    from engine.regression.json_diff.sameness import Mark, Sameness

_MISSING: Final = object()


class Partners(NamedTuple):
    """One element on both sides, or on one only; places in the arrays. `moved`: its order to the others is different."""

    before: int | None
    after: int | None
    moved: bool = False


class Side(NamedTuple):
    """An array with the rules and the marks of its elements, without those that are ignored."""

    values: list[Json]
    marks: list[Mark]
    places: list[int]
    rules: Rules | None

    @classmethod
    def of(cls, values: list[Json], rules: Rules | None, known: Sameness) -> Side:
        """The whole array, as far as it is to be compared."""
        if rules is None:
            return cls(values, known.elements(values), list(range(len(values))), None)
        places = [place for place in range(len(values)) if (below := rules.step(place)) is None or not below.ignored]
        marks = [known.mark(values[place], rules.step(place)) for place in places]
        return cls([values[place] for place in places], marks, places, rules)


def align(
    before: Side, after: Side, mode: ArrayMode, keys: tuple[str, ...], identity_keys: tuple[str, ...], known: Sameness,
    budget: Budget,
) -> list[Partners]:  # fmt: skip
    """All elements with their partners, as far as there may be something to say of them: equal ones in place are left out.

    In the order of `after`, with what is gone where it was.
    """
    match mode:
        case ArrayMode.SET:
            found = _as_set(before.marks, after.marks)
        case ArrayMode.MULTISET:
            found = _without_order(before.marks, after.marks)
        case ArrayMode.KEYED:
            found = _without_order(_fields(before, keys, known), _fields(after, keys, known))
        case ArrayMode.ORDERED:
            found = _ordered(before, after, identity_keys, known, budget)
        case _:
            assert_never(mode)
    worth_saying = [
        partners
        for partners in found
        if partners.before is None
        or partners.after is None
        or partners.moved
        or before.marks[partners.before] != after.marks[partners.after]
    ]
    worth_saying.sort(key=_in_reading_order)
    if before.rules is None and after.rules is None:
        return worth_saying
    return [
        Partners(
            None if partners.before is None else before.places[partners.before],
            None if partners.after is None else after.places[partners.after],
            partners.moved,
        )
        for partners in worth_saying
    ]


def _in_reading_order(partners: Partners) -> tuple[int, bool]:
    if partners.after is not None:
        return (partners.after, True)
    assert partners.before is not None
    return (partners.before, False)


def _ordered(
    before: Side, after: Side, identity_keys: tuple[str, ...], known: Sameness, budget: Budget
) -> list[Partners]:
    identities = _identities(before, after, identity_keys)
    if identities is not None:
        return _by_identity(*identities)
    matched = match_sequences(before.marks, after.marks, budget)
    gone = _leftovers(len(before.marks), [one for one, _ in matched])
    come = _leftovers(len(after.marks), [other for _, other in matched])
    moved = _same_elsewhere(gone, come, before.marks, after.marks)
    for one, other in moved:
        del gone[one], come[other]
    replaced = pair_gaps(
        gone, come, Elements(before.values, before.marks), Elements(after.values, after.marks), known, budget
    )
    for one, other in replaced:
        del gone[one], come[other]
    return [
        *(Partners(one, other) for one, other in replaced),
        *(Partners(one, other, moved=True) for one, other in moved),
        *(Partners(one, None) for one in gone),
        *(Partners(None, other) for other in come),
    ]


def _identities(
    before: Side, after: Side, identity_keys: tuple[str, ...]
) -> tuple[list[Hashable], list[Hashable]] | None:
    """What names each element: the first key that is there and unique on both sides, with half of the smaller side in common."""
    if len(before.values) < 2 and len(after.values) < 2:
        return None
    for key in identity_keys:
        if (mine := _names(before, key)) is None or (theirs := _names(after, key)) is None:
            continue
        if 2 * len(set(mine).intersection(theirs)) >= min(len(mine), len(theirs)):
            return mine, theirs
    return None


def _names(side: Side, key: str) -> list[Hashable] | None:
    names: list[Hashable] = []
    for place, value in zip(side.places, side.values, strict=True):
        name = value.get(key) if type(value) is dict else None
        if type(name) is not str and type(name) is not int:
            return None
        if side.rules is not None and _ignored(side.rules, place, key):
            return None
        names.append(name)
    return names if names and len(set(names)) == len(names) else None


def _ignored(rules: Rules, place: int, key: str) -> bool:
    element = rules.step(place)
    field = None if element is None else element.step(key)
    return field is not None and field.ignored


def _by_identity(before: list[Hashable], after: list[Hashable]) -> list[Partners]:
    places = {name: place for place, name in enumerate(after)}
    pairs = [(place, places.pop(name)) for place, name in enumerate(before) if name in places]
    paired = {place for place, _ in pairs}
    in_order = set(longest_increasing([other for _, other in pairs]))
    return [
        *(Partners(one, other, moved=place not in in_order) for place, (one, other) in enumerate(pairs)),
        *(Partners(place, None) for place in range(len(before)) if place not in paired),
        *(Partners(None, place) for place in places.values()),
    ]


def _as_set(before: list[Mark], after: list[Mark]) -> list[Partners]:
    mine, theirs = set(before), set(after)
    return [
        *(Partners(place, None) for place, mark in enumerate(before) if mark not in theirs),
        *(Partners(None, place) for place, mark in enumerate(after) if mark not in mine),
    ]


def _without_order(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[Partners]:
    """The n-th of equal ones belongs to the n-th."""
    waiting: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    for place, name in enumerate(after):
        waiting[name].append(place)
    found = [Partners(place, waiting[name].popleft() if waiting[name] else None) for place, name in enumerate(before)]
    return found + [Partners(None, place) for places in waiting.values() for place in places]


def _fields(side: Side, keys: tuple[str, ...], known: Sameness) -> list[Hashable]:
    """Names made of the fields under `keys`; what is no object is named by what it is."""
    names: list[Hashable] = []
    for place, value, mark in zip(side.places, side.values, side.marks, strict=True):
        if not isinstance(value, dict):
            names.append(mark)
            continue
        rules = None if side.rules is None else side.rules.step(place)
        names.append(tuple(_field(value, key, rules, known) for key in keys))
    return names


def _field(value: dict[str, Json], key: str, rules: Rules | None, known: Sameness) -> Hashable:
    below = None if rules is None else rules.step(key)
    if key not in value or (below is not None and below.ignored):
        return _MISSING
    return known.mark(value[key], below)


def _leftovers(count: int, matched: list[int]) -> dict[int, int]:
    """The places without a match, each with the number of matches before it: equal numbers are one gap."""
    free = sorted(set(range(count)).difference(matched))
    return {place: place - free_before for free_before, place in enumerate(free)}


def _same_elsewhere(
    gone: dict[int, int], come: dict[int, int], before: list[Mark], after: list[Mark]
) -> list[tuple[int, int]]:
    """What is gone here and has come there. A scalar that recurs has not moved: it is there again."""
    if {before[place] for place in gone}.isdisjoint([after[place] for place in come]):
        return []
    waiting: defaultdict[Mark, deque[int]] = defaultdict(deque)
    for place in come:
        waiting[after[place]].append(place)
    leaving = Counter(before[place] for place in gone)
    moved: list[tuple[int, int]] = []
    for place in gone:
        mark = before[place]
        there = waiting.get(mark)
        if there and (is_made(mark) or (leaving[mark] == 1 and len(there) == 1)):
            moved.append((place, there.popleft()))
    return moved

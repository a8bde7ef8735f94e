"""The shape of a result: which places it has and of which kind they are, without the values; and whether a shape broke. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from engine.regression.statistics.rates import fisher_exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.json import Json

Shape: TypeAlias = frozenset[tuple[str, str]]
"""(place, kind) of every place; elements of a list share theirs, as in `rows[].name`."""

_MOST_PLACES: Final = 500
_MOST_ELEMENTS: Final = 50
_DEEPEST: Final = 16
_OBJECT: Final = "object"


def shape_of(value: Json) -> Shape:
    """The shape of a value, as far as 500 places, 16 levels and the first 50 elements of each list tell it.

    Null says nothing of the kind of a place, and whole numbers are numbers.
    """
    found: set[tuple[str, str]] = set()
    waiting: list[tuple[str, Json, int]] = [("", value, 0)]
    while waiting and len(found) < _MOST_PLACES:
        place, one, depth = waiting.pop()
        found.add((place, _kind(one)))
        if depth == _DEEPEST:
            continue
        if isinstance(one, dict):
            # Sorted, so that where it is cut off does not depend on the order of keys.
            names = sorted(one, reverse=True)
            waiting += [(f"{place}.{name}" if place else name, one[name], depth + 1) for name in names]
        elif isinstance(one, list):
            waiting += [(f"{place}[]", element, depth + 1) for element in reversed(one[:_MOST_ELEMENTS])]
    return frozenset(found)


def _kind(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case dict():
            return _OBJECT


@dataclass(frozen=True, slots=True)
class ShapeBreak:
    """A place that results lack, or where another kind of value stands, more often than before; `p` is one-sided."""

    place: str
    what: str
    baseline: tuple[int, int]
    candidates: tuple[int, int]
    p: float


def shape_break(baseline: Sequence[Shape], candidates: Sequence[Shape]) -> ShapeBreak | None:
    """The place where the shape broke most surely, None where it broke nowhere. What is only new has broken nothing.

    A shape that is cut off does not say what it lacks, so it is left out.
    A place counts in the runs that have the object around it, so that an empty list has lost none of its elements' places.
    `p` is Fisher's, times the number of places that differ between any two runs: one of them would have been found by chance.
    """
    baseline, candidates = ([shape for shape in side if len(shape) < _MOST_PLACES] for side in (baseline, candidates))
    distinct = {*baseline, *candidates}
    if len(distinct) < 2 or not baseline or not candidates:
        return None
    common = frozenset.intersection(*distinct)
    varying = frozenset.union(*distinct) - common
    places = sorted({place for place, _ in varying})
    found = [one for place in places for one in _breaks_at(place, baseline, candidates)]
    if not found:
        return None
    first = min(found, key=lambda one: (one.p, one.place, one.what))
    return ShapeBreak(
        first.place or "result", first.what, first.baseline, first.candidates, min(1.0, first.p * len(places))
    )


def _breaks_at(place: str, baseline: Sequence[Shape], candidates: Sequence[Shape]) -> list[ShapeBreak]:
    sides = [
        [_kinds_at(place, shape) for shape in side if _has_parent(place, shape)] for side in (baseline, candidates)
    ]
    known = [[kinds for kinds in side if kinds] for side in sides]
    breaks: list[ShapeBreak] = []
    lacking = [len(side) - len(there) for side, there in zip(sides, known, strict=True)]
    if lacking[1]:
        breaks.append(_break(place, "is gone", lacking, [len(side) for side in sides]))
    before = set[str]().union(*known[0])
    for kind in sorted(set[str]().union(*known[1]) - {"null"}):
        if before - {"null", kind}:
            having = [sum(kind in kinds for kinds in side) for side in known]
            if having[1]:
                breaks.append(_break(place, f"is {_article(kind)}", having, [len(side) for side in known]))
    return [one for one in breaks if one.p < 1]


def _break(place: str, what: str, having: Sequence[int], of: Sequence[int]) -> ShapeBreak:
    good = [total - number for total, number in zip(of, having, strict=True)]
    p = fisher_exact(good[0], having[0], good[1], having[1], side="worse")
    return ShapeBreak(place, what, (having[0], of[0]), (having[1], of[1]), p)


def _article(kind: str) -> str:
    return f"an {kind}" if kind == _OBJECT else kind if kind in ("text", "null") else f"a {kind}"


def _kinds_at(place: str, shape: Shape) -> frozenset[str]:
    return frozenset(kind for at, kind in shape if at == place)


def _has_parent(place: str, shape: Shape) -> bool:
    if not place:
        return True
    if place.endswith("[]"):
        return False  # how many elements a list has is no shape
    return (place.rpartition(".")[0], _OBJECT) in shape

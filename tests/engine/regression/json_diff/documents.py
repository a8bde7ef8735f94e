"""Random JSON documents and small changes to them, and an equality written down a second time. No test stands here."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from engine.regression import json_diff
from engine.regression.json_diff import DiffOptions, JsonDiff

if TYPE_CHECKING:
    import random

KEYS = ["a", "b", "id", "name", "", "/", "~", "~1", "a.b", "[0]", "x y", "'", "\\", "é", "*", "$"]
WORDS = ["", "x", "/", "~0", "a fairly long text", "another long text", "0", "-"]
SCALARS: list[Any] = [None, True, False, 0, 1, 1.0, -1, 0.5, 2, 10**40, -(10**40), 1e308, *WORDS]

_NO_OPTIONS = DiffOptions()


def diff(before: Any, after: Any, options: DiffOptions = _NO_OPTIONS) -> JsonDiff:
    """The engine's, for documents written down in a test: the type checker takes their values for narrower than JSON."""
    return json_diff.diff(before, after, options)


def apply_patch(document: Any, patch: object) -> Any:
    """The engine's, likewise."""
    return json_diff.apply_patch(document, patch)


def equal(one: Any, other: Any) -> bool:
    """JSON equality as one would first write it: the judge over the fast one."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return type(one) not in (dict, list) and type(other) not in (dict, list) and one == other


def random_document(dice: random.Random, depth: int = 4) -> Any:
    """Of few words and keys, so that equal parts are frequent."""
    choice = dice.random()
    if depth <= 0 or choice < 0.3:
        return dice.choice(SCALARS)
    if choice < 0.6:
        return [random_document(dice, depth - 1) for _ in range(dice.randrange(7))]
    if choice < 0.7:  # rows with an id, which now and then is not unique
        ids = dice.sample(range(12), dice.randrange(8))
        return [{"id": i if dice.random() < 0.95 else 0, "v": random_document(dice, depth - 2)} for i in ids]
    return {key: random_document(dice, depth - 1) for key in dice.sample(KEYS, dice.randrange(6))}


def changed(dice: random.Random, document: Any, changes: int) -> Any:
    """A copy with some values replaced, taken out, put in, moved, exchanged and renamed anywhere."""
    root = [copy.deepcopy(document)]
    for _ in range(changes):
        holders = list(_containers(root))
        here, there = dice.choice(holders), dice.choice(holders)
        match dice.randrange(6):
            case 0 if here:
                here[_place(dice, here)] = random_document(dice, 2)
            case 1 if here and here is not root:
                here.pop(_place(dice, here))
            case 2:
                _put(dice, here, random_document(dice, 2))
            case 3 if here and here is not root:
                value = here.pop(_place(dice, here))
                holders = list(_containers(root))
                _put(dice, dice.choice(holders), value)
            case 4 if isinstance(here, list) and here is not root:
                dice.shuffle(here)
            case _ if here and there:
                here[_place(dice, here)] = copy.deepcopy(there[_place(dice, there)])
    return root[0]


def _containers(value: Any) -> Any:
    if isinstance(value, dict | list):
        yield value
        for child in value.values() if isinstance(value, dict) else value:
            yield from _containers(child)


def _place(dice: random.Random, container: Any) -> Any:
    return dice.choice(list(container)) if isinstance(container, dict) else dice.randrange(len(container))


def _put(dice: random.Random, container: Any, value: Any) -> None:
    if isinstance(container, dict):
        container[dice.choice(KEYS)] = value
    else:
        container.insert(dice.randrange(len(container) + 1), value)


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.integers(), st.sampled_from([0.5, 1.0, 1e308, -0.0]),
    st.sampled_from(WORDS), st.text(max_size=12),
)  # fmt: skip
documents = st.recursive(
    scalars,
    lambda below: st.one_of(
        st.lists(below, max_size=6),
        st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), below, max_size=5),
        st.lists(st.fixed_dictionaries({"id": st.integers(0, 9), "v": below}), max_size=5),
    ),
    max_leaves=25,
)

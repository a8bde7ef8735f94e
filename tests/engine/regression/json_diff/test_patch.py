"""The patch of a diff, applied to the first document, gives the second; and what is no patch is refused at its place."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from engine.errors import InputError
from engine.regression.json_diff import json_equal, to_json_patch
from tests.engine.regression.json_diff.documents import apply_patch, changed, diff, documents, equal, random_document

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 20_261_121


def _round_trip(before: Any, after: Any) -> None:
    texts = json.dumps(before), json.dumps(after)
    found = diff(before, after)
    patch = to_json_patch(found)
    told = f"{texts[0]}\n{texts[1]}\n{json.dumps(patch)}"
    assert equal(apply_patch(before, json.loads(json.dumps(patch))), after), told
    assert (not patch) == found.is_empty == equal(before, after) == json_equal(before, after), told
    assert (json.dumps(before), json.dumps(after)) == texts, told


@given(documents, documents)
@settings(max_examples=200, deadline=None)
def test_the_patch_leads_from_any_document_to_any_other(before: Any, after: Any) -> None:
    _round_trip(before, after)


@pytest.mark.timeout(600)
def test_the_patch_leads_from_a_document_to_its_changed_copy(scaled: Callable[[int], int]) -> None:
    dice = random.Random(SEED)
    for _ in range(scaled(10_000)):
        before = random_document(dice)
        _round_trip(before, changed(dice, before, dice.choice((0, 1, 1, 2, 5, 20))))


@pytest.mark.timeout(600)
def test_the_patch_leads_between_random_documents(scaled: Callable[[int], int]) -> None:
    dice = random.Random(SEED + 1)
    for _ in range(scaled(10_000)):
        _round_trip(random_document(dice), random_document(dice))


def test_long_arrays_with_moves_in_them(scaled: Callable[[int], int]) -> None:
    dice = random.Random(SEED + 2)
    for _ in range(scaled(200)):
        before = [{"id": number, "v": [number % 7]} for number in dice.sample(range(400), 150)]
        after = changed(dice, before, 30)
        _round_trip(before, after)
        _round_trip([row["id"] for row in before], dice.sample(range(400), 150))


def test_an_element_moves_into_its_neighbour() -> None:
    """Then `from` would be a prefix of `path`, which the standard forbids."""
    before = [["a value of its own"], {}]
    patch = to_json_patch(diff(before, [{"x": ["a value of its own"]}]))
    assert [operation["op"] for operation in patch] == ["remove", "add"]
    _round_trip(before, [{"x": ["a value of its own"]}])


def test_the_operations_are_those_of_the_standard() -> None:
    before = {"keep": 1, "gone": 2, "old/name": ["a value of its own"], "list": [[1], [2], [3]], "~": 0}
    after = {"keep": 1, "new~name": ["a value of its own"], "list": [[3], [1], [2], [4]], "~": 1}
    assert to_json_patch(diff(before, after)) == [
        {"op": "replace", "path": "/~0", "value": 1},
        {"op": "remove", "path": "/gone"},
        {"op": "move", "from": "/list/2", "path": "/list/0"},
        {"op": "add", "path": "/list/3", "value": [4]},
        {"op": "move", "from": "/old~1name", "path": "/new~0name"},
    ]


def test_one_element_put_first_is_one_move() -> None:
    patch = to_json_patch(diff([1, 2, 3, 4, 5], [5, 1, 2, 3, 4]))
    assert patch == [{"op": "move", "from": "/4", "path": "/0"}]


def test_a_whole_document_is_replaced() -> None:
    assert to_json_patch(diff([1], {"a": 1})) == [{"op": "replace", "path": "", "value": {"a": 1}}]


# The examples of RFC 6902, appendix A, and what each gives.
EXAMPLES: list[tuple[Any, Any, Any]] = [
    ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
    ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}], {"foo": ["bar", "qux", "baz"]}),
    ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
    ({"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
    ({"baz": "qux", "foo": "bar"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo", "foo": "bar"}),
    (
        {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
        [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
        {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
    ),
    (
        {"foo": ["all", "grass", "cows", "eat"]},
        [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
        {"foo": ["all", "cows", "eat", "grass"]},
    ),
    (
        {"baz": "qux", "foo": ["a", 2, "c"]},
        [{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2}],
        {"baz": "qux", "foo": ["a", 2, "c"]},
    ),
    ({"foo": "bar"}, [{"op": "add", "path": "/child", "value": {"g": {}}}], {"foo": "bar", "child": {"g": {}}}),
    ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux", "xyz": 123}], {"foo": "bar", "baz": "qux"}),
    ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}], {"foo": ["bar", ["abc", "def"]]}),
    ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}, {"op": "replace", "path": "/c/b", "value": 2}],
     {"a": {"b": 1}, "c": {"b": 2}}),
    ({"": 1, "x": 2}, [{"op": "remove", "path": "/"}], {"x": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("document", "patch", "result"), EXAMPLES)
def test_the_examples_of_the_standard(document: Any, patch: Any, result: Any) -> None:
    as_it_was = json.dumps(document)
    assert apply_patch(document, patch) == result
    assert json.dumps(document) == as_it_was


def test_a_copy_is_not_changed_with_its_origin() -> None:
    patch = [
        {"op": "add", "path": "/a/x", "value": 1},  # from here on /a is the patch's own
        {"op": "copy", "from": "/a", "path": "/b"},
        {"op": "add", "path": "/a/y", "value": 2},
        {"op": "add", "path": "/b/z", "value": 3},
    ]
    assert apply_patch({"a": {}}, patch) == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "z": 3}}


def test_a_value_of_the_patch_is_not_changed() -> None:
    value: dict[str, Any] = {"in": {}}
    patch = [{"op": "add", "path": "/a", "value": value}, {"op": "add", "path": "/a/in/x", "value": 1}]
    assert apply_patch({}, patch) == {"a": {"in": {"x": 1}}}
    assert value == {"in": {}}


BAD: list[tuple[Any, str]] = [
    ({"op": "add"}, "a JSON Patch is a list"),
    ([5], "patch[0]: an operation is an object"),
    ([{"op": "put", "path": ""}], "no operation 'put'"),
    ([{"path": ""}], "no operation None"),
    ([{"op": "add", "path": "/a"}], "add needs a value"),
    ([{"op": "remove", "path": "a"}], "begins with /"),
    ([{"op": "remove"}], "'path' must be a JSON Pointer"),
    ([{"op": "move", "path": "/a"}], "'from' must be a JSON Pointer"),
    ([{"op": "remove", "path": "/~2"}], "followed by 0 or 1"),
    ([{"op": "remove", "path": "/zz"}], "patch[0] remove /zz: there is no key 'zz'"),
    ([{"op": "replace", "path": "/zz", "value": 1}], "no key 'zz'"),
    ([{"op": "remove", "path": "/list/3"}], "no element 3"),
    ([{"op": "remove", "path": "/list/-"}], "no index"),
    ([{"op": "add", "path": "/list/4", "value": 1}], "no element 4"),
    ([{"op": "remove", "path": "/list/01"}], "no index"),
    ([{"op": "remove", "path": "/list/" + "9" * 5000}], "no index"),
    ([{"op": "add", "path": "/list/0/x", "value": 1}], "neither an object nor an array"),
    ([{"op": "remove", "path": ""}], "cannot be removed"),
    ([{"op": "move", "from": "/map", "path": "/map/in"}], "into itself"),
    ([{"op": "test", "path": "/list/0", "value": True}], "another one"),
    ([{"op": "add", "path": "/n", "value": 1}, {"op": "remove", "path": "/m"}], "patch[1] remove /m"),
]


@pytest.mark.parametrize(("patch", "said"), BAD)
def test_what_is_no_patch_is_refused_at_its_place(patch: Any, said: str) -> None:
    document = {"list": [1, 2, 3], "map": {"in": {}}}
    with pytest.raises(InputError) as caught:
        apply_patch(document, patch)
    assert said in str(caught.value)
    assert document == {"list": [1, 2, 3], "map": {"in": {}}}

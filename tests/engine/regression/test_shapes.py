"""Shapes of results: what they see and what not; and when a shape broke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from engine.regression.shapes import shape_break, shape_of

if TYPE_CHECKING:
    from engine.model.json import Json


def test_places_and_kinds_without_values() -> None:
    assert shape_of({"rows": [{"name": "a", "cpus": 4}, {"name": None}], "ok": True}) == {
        ("", "object"),
        ("ok", "boolean"),
        ("rows", "list"),
        ("rows[]", "object"),
        ("rows[].name", "text"),
        ("rows[].name", "null"),
        ("rows[].cpus", "number"),
    }


def test_whole_numbers_are_numbers_and_the_order_of_keys_is_nothing() -> None:
    assert shape_of({"a": 1, "b": 2.5}) == shape_of({"b": 7, "a": 0.1})


def test_something_endless_is_bounded() -> None:
    deep: Any = {}
    for _ in range(100):
        deep = {"in": deep}
    assert len(shape_of(deep)) < 20
    assert len(shape_of({f"k{number}": number for number in range(10_000)})) <= 500


USUAL: dict[str, Any] = {"rows": [{"name": "a"}], "total": 3}


@pytest.mark.parametrize(
    ("now", "place", "what"),
    [
        ({"rows": [{"name": "a"}]}, "total", "is gone"),
        ({"rows": [{"name": "a"}], "total": "3"}, "total", "is text"),
        ({"rows": [{"other": "a"}], "total": 3}, "rows[].name", "is gone"),
        ({"rows": {"name": "a"}, "total": 3}, "rows", "is an object"),
        ([1], "result", "is a list"),
    ],
)
def test_what_breaks_a_shape(now: Any, place: str, what: str) -> None:
    found = shape_break([shape_of(USUAL)] * 30, [shape_of(now)] * 3)
    assert found is not None
    assert (found.place, found.what) == (place, what)
    assert (found.baseline, found.candidates) == ((0, 30), (3, 3))
    assert found.p < 0.001 * 5


@pytest.mark.parametrize(
    "now",
    [
        {"rows": [], "total": 3},
        {"rows": [{"name": "b"}] * 5, "total": 3.5},
        {"rows": [{"name": "a", "more": 1}], "total": 3, "new": "x"},
        {"rows": [{"name": None}], "total": None},
    ],
)
def test_what_breaks_none(now: Any) -> None:
    assert shape_break([shape_of(USUAL)] * 30, [shape_of(now)] * 3) is None


def test_what_was_missing_as_often_before_is_hardly_a_break() -> None:
    sometimes = [shape_of({"a": 1, "b": 2})] * 20 + [shape_of({"a": 1})] * 10
    found = shape_break(sometimes, [shape_of({"a": 1})] * 2 + [shape_of({"a": 1, "b": 2})])
    assert found is not None
    assert found.p > 0.1
    assert shape_break([], [shape_of(1)]) is None


def test_what_is_too_large_to_be_told_whole_lacks_nothing() -> None:
    usual: Json = {"blocks": {"text": 1}, "z": 2}
    large: Json = {"blocks": {f"k{number:04}": number for number in range(600)}, "z": 2}
    assert shape_break([shape_of(usual)] * 30, [shape_of(large)] * 3) is None
    found = shape_break([shape_of(usual)] * 30, [shape_of(large), *[shape_of({"z": 2})] * 3])
    assert found is not None
    assert (found.place, found.candidates) == ("blocks", (3, 3))

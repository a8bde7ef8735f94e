"""What options make of a diff: ignoring, precision, sets, keys, volatile places, patterns."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InputError
from engine.regression.json_diff import DiffOptions, parse_pattern, path_text, to_json_patch, volatile_paths
from tests.engine.regression.json_diff.documents import KEYS, apply_patch, diff, documents, equal


def said(before: Any, after: Any, options: DiffOptions) -> list[str]:
    return [str(change) for change in diff(before, after, options).changes]


ROWS = {"rows": [{"host": "a", "at": 1, "load": 1.00}, {"host": "b", "at": 2, "load": 2.00}], "at": 1}
LATER = {"rows": [{"host": "a", "at": 7, "load": 1.04}, {"host": "b", "at": 8, "load": 2.40}], "at": 9}


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (DiffOptions(ignore=("at", "rows[*].at")), ["changed rows[0].load", "changed rows[1].load"]),
        (DiffOptions(ignore=("**.at",)), ["changed rows[0].load", "changed rows[1].load"]),
        (DiffOptions(ignore=("rows",)), ["changed at"]),
        (DiffOptions(ignore=("rows[0]",)), ["changed rows[1].at", "changed rows[1].load", "changed at"]),
        (DiffOptions(ignore=("*",)), []),
        (DiffOptions(ignore=("$",)), []),
        (DiffOptions(ignore=("**",)), []),
        (DiffOptions(ignore=("rows.*.*",)), ["changed at"]),
        (DiffOptions(ignore=("rows['*'].at", "no.such[3].place")), [
            "changed rows[0].at", "changed rows[0].load", "changed rows[1].at", "changed rows[1].load", "changed at"]),
        (DiffOptions(precision={"**.load": 0.1}, ignore=("**.at",)), ["changed rows[1].load"]),
        (DiffOptions(precision={"rows": 10}), ["changed at"]),
        (DiffOptions(precision={"$": 6, "rows[*].load": 0}), ["changed rows[0].load", "changed rows[1].load", "changed at"]),
    ],
)  # fmt: skip
def test_ignoring_and_precision(options: DiffOptions, left: list[str]) -> None:
    # A rule further down replaces the precision above it; 0 asks for equality again.
    assert said(ROWS, LATER, options) == left


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), (1, "1"), (None, 0), (10**400, 1.5), ([1], [True])])
def test_precision_is_for_numbers(one: Any, other: Any) -> None:
    assert len(said({"x": one}, {"x": other}, DiffOptions(precision={"$": 1e9}))) == 1


@given(documents)
@settings(max_examples=50, deadline=None)
def test_rules_never_make_a_difference(document: Any) -> None:
    options = DiffOptions(
        ignore=("a", "**.id"), precision={"**": 0.1}, sets=("**.b",), multisets=("*",), volatile=("**.name",)
    )
    assert diff(document, document, options).is_empty


@given(documents, documents)
@settings(max_examples=100, deadline=None)
def test_a_rule_for_no_place_changes_nothing(before: Any, after: Any) -> None:
    plain = diff(before, after)
    ruled = diff(before, after, DiffOptions(ignore=("no_such.place", "**.none")))
    assert ruled.is_empty == plain.is_empty == equal(before, after)
    assert equal(apply_patch(before, to_json_patch(ruled)), after)


def _shuffled(values: list[Any], dice: random.Random) -> list[Any]:
    return dice.sample(values, len(values))


def test_a_set_has_neither_order_nor_repetition() -> None:
    dice = random.Random(1)
    options = DiffOptions(sets=("tags",))
    tags = ["a", "b", {"c": [1]}, 1, True]
    assert said({"tags": tags}, {"tags": _shuffled(tags * 2, dice)}, options) == []
    assert said({"tags": tags}, {"tags": [*tags[1:], "new"]}, options) == ["removed tags[0]", "added tags[4]"]


def test_a_multiset_has_no_order() -> None:
    dice = random.Random(2)
    options = DiffOptions(multisets=("**.tags",))
    tags = ["a", "a", "b", [1], [1]]
    assert said({"tags": tags}, {"tags": _shuffled(tags, dice)}, options) == []
    assert said({"in": {"tags": tags}}, {"in": {"tags": _shuffled(["a", "b", [1], [1]], dice)}}, options) == [
        "removed in.tags[1]"
    ]


def test_sets_within_rows_decide_which_rows_are_equal() -> None:
    options = DiffOptions(sets=("[*].tags",))
    assert said([{"tags": [1, 2]}, {"tags": [3]}], [{"tags": [2, 1]}, {"tags": [3]}], options) == []
    assert said([{"tags": [1, 2]}], [{"n": 0}, {"tags": [2, 1]}], options) == ["added [0]"]


def test_rows_meet_by_the_keys_that_were_asked_for() -> None:
    options = DiffOptions(set_keys={"ports": ("host", "port")})
    before = [{"host": "a", "port": 1, "up": True}, {"host": "a", "port": 2, "up": True}, {"host": "b", "port": 1}]
    after = [{"host": "b", "port": 1}, {"host": "a", "port": 2, "up": False}, {"host": "c", "port": 1}]
    assert said({"ports": before}, {"ports": after}, options) == [
        "removed ports[0]", "changed ports[1].up", "added ports[2]",
    ]  # fmt: skip


def test_keys_may_be_missing_or_equal() -> None:
    options = DiffOptions(set_keys={"$": ("k",)})
    assert said([{"k": 1}, {"k": 1, "v": 1}, {}, 5], [5, {}, {"k": 1}, {"k": 1, "v": 2}], options) == ["changed [3].v"]


def test_a_field_that_is_one_is_not_true() -> None:
    options = DiffOptions(set_keys={"$": ("k",)})
    assert said([{"k": 1}, {"k": True, "v": 1}], [True, {"k": True}], options) == [
        "removed [0]", "added [0]", "removed [1].v",
    ]  # fmt: skip


def test_an_array_under_a_rule_is_not_another_one_that_begins_with_null() -> None:
    before, after = {"rows": [[None, 1, 2], "x"]}, {"rows": ["x", [1, 2]]}
    found = diff(before, after, DiffOptions(ignore=("rows[0].none",)))
    assert equal(apply_patch(before, to_json_patch(found)), after)


def test_an_ignored_identity_names_nothing() -> None:
    before, after = [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}], [{"id": 2, "v": "a"}, {"id": 1, "v": "b"}]
    assert said(before, after, DiffOptions()) != []
    assert said(before, after, DiffOptions(ignore=("[*].id",))) == []


def test_one_list_under_two_rules() -> None:
    shared = {"at": 1}
    assert said({"a": shared, "b": shared}, {"a": {"at": 2}, "b": {"at": 2}}, DiffOptions(ignore=("a.at",))) == [
        "changed b.at"
    ]


def test_patches_under_options_lead_to_what_counts_as_equal() -> None:
    dice = random.Random(9)
    options = DiffOptions(ignore=("**.at",), sets=("tags",), multisets=("bag",), set_keys={"rows": ("k",)})
    for _ in range(300):
        before, after = (
            {
                "tags": [dice.randrange(4) for _ in range(dice.randrange(6))],
                "bag": [[dice.randrange(3)] for _ in range(dice.randrange(6))],
                "rows": [
                    {"k": dice.randrange(4), "at": dice.random(), "v": dice.randrange(3)}
                    for _ in range(dice.randrange(5))
                ],
            }
            for _ in range(2)
        )
        found = diff(before, after, options)
        assert diff(apply_patch(before, to_json_patch(found)), after, options).is_empty


def test_volatile_places_are_hidden_and_counted() -> None:
    options = DiffOptions(volatile=("at", "rows[*].at"))
    found = diff(ROWS, LATER, options)
    assert [str(change) for change in found.changes] == ["changed rows[0].load", "changed rows[1].load"]
    assert [str(change) for change in found.hidden] == ["changed rows[0].at", "changed rows[1].at", "changed at"]
    assert equal(apply_patch(ROWS, to_json_patch(found)), LATER)


def _runs(count: int) -> list[Any]:
    dice = random.Random(10)
    return [
        {
            "pid": dice.random(),
            "status": "ok" if number else "failed",
            "rows": [{"at": dice.random(), "v": 1, "w": dice.random() if row == 1 else 0} for row in range(3)],
        }
        for number in range(count)
    ]


def test_what_differs_in_every_pair_is_volatile() -> None:
    runs = _runs(12)
    pairs = [diff(one, other) for one, other in pairwise(runs)]
    # `w` differs in one row only, and that must not hide it in the others.
    assert volatile_paths(pairs) == ("rows[*].at", "pid", "rows[1].w")


@pytest.mark.parametrize(("differing", "volatile"), [(10, True), (9, True), (8, False), (0, False)])
def test_nine_of_ten_pairs_are_enough(differing: int, volatile: bool) -> None:
    pairs = [diff({"x": 0}, {"x": 1 if number < differing else 0}) for number in range(10)]
    assert (volatile_paths(pairs) == ("x",)) is volatile


def test_two_pairs_are_not_enough() -> None:
    assert volatile_paths([diff(1, 2), diff(1, 2)]) == ()
    assert volatile_paths([diff(1, 2)] * 3) == ("$",)


def test_volatile_places_can_be_given_back() -> None:
    runs = _runs(12)
    pairs = [diff(one, other) for one, other in pairwise(runs)]
    found = diff(runs[3], {**runs[5], "status": "late"}, DiffOptions(volatile=volatile_paths(pairs)))
    assert [str(change) for change in found.changes] == ["changed status"]
    assert len(found.hidden) == 5


@given(st.lists(st.one_of(st.sampled_from(KEYS), st.text(max_size=5), st.integers(0, 10**6))))
@settings(max_examples=200, deadline=None)
def test_a_path_can_be_read_back(path: list[str | int]) -> None:
    assert parse_pattern(path_text(tuple(path))) == tuple(path)


@pytest.mark.parametrize("text", ["", "a.b[*].c", "**.x", "a.**", "[*][3]", "a['b.c'].*", ".a", "a-b_1"])
def test_what_can_be_read_can_be_written(text: str) -> None:
    if text in {"", ".a"}:
        with pytest.raises(InputError, match="is no path"):
            parse_pattern(text)
    else:
        assert parse_pattern(path_text(parse_pattern(text))) == parse_pattern(text)


@pytest.mark.parametrize("text", ["a..b", "a[", "a[x]", "a[-1]", "rows[0]name", "a*", "a.", "['a", "a]", "***", "[01]"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no path"):
        diff({}, {}, DiffOptions(ignore=(text,)))

"""What a diff says: equality, alignment of arrays, moves, hostile documents. Options, patches and shows are tested beside this."""

from __future__ import annotations

import json
import random
from collections import Counter, OrderedDict, UserDict
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from engine.errors import InputError
from engine.regression.json_diff import ChangeKind, json_equal, to_json_patch
from engine.regression.json_diff.sequences import Budget, longest_increasing, match_sequences
from tests.engine.regression.json_diff.documents import apply_patch, changed, diff, documents, equal, random_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.regression.json_diff import JsonDiff


def said(found: JsonDiff) -> list[str]:
    """The changes as text."""
    return [str(change) for change in found.changes]


@given(documents)
@settings(max_examples=100, deadline=None)
def test_equal_documents_have_no_difference(document: Any) -> None:
    assert diff(document, json.loads(json.dumps(document))).is_empty


@given(documents, documents)
@settings(max_examples=100, deadline=None)
def test_equality_is_that_of_the_simple_definition(one: Any, other: Any) -> None:
    assert json_equal(one, other) == equal(one, other) == diff(one, other).is_empty


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (0, -0.0, True),
        (1, True, False),
        (0, False, False),
        (None, False, False),
        ("1", 1, False),
        ([], {}, False),
        ([1, [True]], [1.0, [True]], True),
        ([True], [1], False),
        ({"a": False}, {"a": 0}, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": None}, {}, False),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], [{"b": 2, "a": 1}, {"a": 1, "b": 2}], True),
        (2**53 + 1, float(2**53), False),
        (-1, -2, False),  # their hashes are equal in CPython
        ("é", "e\u0301", False),
        (10**400, 10**400, True),
        (10**400, 1e308, False),
    ],
)
def test_what_is_equal(one: Any, other: Any, same: bool) -> None:
    assert json_equal(one, other) is same
    assert diff(one, other).is_empty is same
    assert diff({"x": [one]}, {"x": [other]}).is_empty is same


def test_every_kind_of_change_with_its_places() -> None:
    found = diff(
        {"same": 1, "was": 1, "gone": 2, "old": {"a": {"b": 1}}},
        {"same": 1, "was": 3, "new": 4, "moved": {"a": {"b": 1}}},
    )
    assert [(c.kind, c.before_path, c.after_path, c.before, c.after) for c in found.changes] == [
        (ChangeKind.CHANGED, ("was",), ("was",), 1, 3),
        (ChangeKind.REMOVED, ("gone",), None, 2, None),
        (ChangeKind.ADDED, None, ("new",), None, 4),
        (ChangeKind.MOVED, ("old",), ("moved",), {"a": {"b": 1}}, {"a": {"b": 1}}),
    ]


def test_small_values_do_not_move_between_keys() -> None:
    assert said(diff({"errors": None, "a": 0}, {"note": None, "b": 0})) == [
        "removed errors", "removed a", "added note", "added b",
    ]  # fmt: skip


def test_a_value_moves_across_the_document() -> None:
    found = diff({"a": {"x": ["one", "two"]}, "b": []}, {"a": {}, "b": [["one", "two"]]})
    assert [(c.kind, c.before_path, c.after_path) for c in found.changes] == [
        (ChangeKind.MOVED, ("a", "x"), ("b", 0)),
    ]


@pytest.mark.parametrize("key", ["id", "key", "name", "stage"])
def test_rows_meet_by_their_identity(key: str) -> None:
    before = [{key: name, "v": number} for number, name in enumerate("abcdef")]
    after = [{key: "new", "v": 0}, *before[3:], {**before[1], "v": 99}, before[0]]
    found = diff({"rows": before}, {"rows": after})
    assert Counter(change.kind for change in found.changes) == {
        ChangeKind.ADDED: 1, ChangeKind.REMOVED: 1, ChangeKind.MOVED: 2, ChangeKind.CHANGED: 1,
    }  # fmt: skip
    change = next(c for c in found.changes if c.kind is ChangeKind.CHANGED)
    assert (change.before_path, change.after_path) == (("rows", 1, "v"), ("rows", 4, "v"))


def test_an_identity_that_is_not_unique_is_none() -> None:
    before = [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]
    assert said(diff(before, [{"id": 1, "name": "b"}, {"id": 2, "name": "a"}])) == ["moved [1]", "changed [1].id"]


def test_an_identity_that_has_changed_everywhere_is_none() -> None:
    before = [{"id": number, "v": "text" * number} for number in range(5)]
    after = [{**row, "id": 100 + number} for number, row in enumerate(before)]
    assert said(diff(before, after)) == [f"changed [{number}].id" for number in range(5)]


def test_a_flag_is_no_identity() -> None:
    assert said(diff([{"id": True, "v": 1}, {"id": False, "v": 2}], [{"id": False, "v": 1}, {"id": True, "v": 2}])) == [
        "changed [0].id", "changed [1].id",
    ]  # fmt: skip


def test_sequences_keep_what_is_in_order() -> None:
    assert said(diff(list("abcdef"), list("abXcdef"))) == ["added [2]"]
    assert said(diff(list("abcdef"), list("abdef"))) == ["removed [2]"]
    assert said(diff(list("abcdef"), list("abXdef"))) == ["changed [2]"]
    assert said(diff(list("abcdef"), list("fabcde"))) == ["moved [0]"]
    assert said(diff([1, 1, 2, 2, 1], [1, 2, 2, 1, 1])) == ["moved [3]"]


def test_a_replaced_element_is_looked_into() -> None:
    before = [{"a": n, "b": str(n), "c": [n]} for n in range(6)]
    after = json.loads(json.dumps(before))
    del after[0]
    after[2]["b"] = "other"
    assert said(diff(before, after)) == ["removed [0]", "changed [2].b"]


def test_the_most_alike_are_paired() -> None:
    before: list[dict[str, Any]] = [{"host": f"h{n}", "at": n, "load": n * 10} for n in range(5)]
    after = [{**row, "at": row["at"] + 1000} for row in before[1:]]
    assert said(diff(before, after)) == ["removed [0]", *(f"changed [{n}].at" for n in range(4))]


def test_exchanging_the_sides_exchanges_added_and_removed(scaled: Callable[[int], int]) -> None:
    """Where the elements of arrays have names; without, there can be more than one best alignment."""
    dice = random.Random(3)
    for _ in range(scaled(1000)):
        before = {str(n): [{"id": i, "v": dice.randrange(3)} for i in dice.sample(range(9), 6)] for n in range(4)}
        after = json.loads(json.dumps(before))
        for rows in after.values():
            dice.shuffle(rows)
            rows.pop()
            rows.append({"id": dice.randrange(20, 30), "v": 1})
        del after[dice.choice(list(after))]
        forward = Counter(change.kind for change in diff(before, after).changes)
        back = Counter(change.kind for change in diff(after, before).changes)
        assert forward[ChangeKind.ADDED] == back[ChangeKind.REMOVED]
        assert forward[ChangeKind.REMOVED] == back[ChangeKind.ADDED]
        assert forward[ChangeKind.CHANGED] == back[ChangeKind.CHANGED]
        assert forward[ChangeKind.MOVED] == back[ChangeKind.MOVED]


def test_an_object_is_the_same_both_ways() -> None:
    dice = random.Random(4)
    for _ in range(100):
        before = {key: {name: dice.randrange(3) for name in dice.sample("abcdef", 3)} for key in "xyz"}
        after = {key: {name: dice.randrange(3) for name in dice.sample("abcdef", 3)} for key in "wxy"}
        turned = {ChangeKind.ADDED: ChangeKind.REMOVED, ChangeKind.REMOVED: ChangeKind.ADDED}
        there = {(change.kind, change.path) for change in diff(before, after).changes}
        back = {(turned.get(change.kind, change.kind), change.path) for change in diff(after, before).changes}
        moved = {path for kind, path in there | back if kind is ChangeKind.MOVED}
        assert {one for one in there if one[1] not in moved} == {one for one in back if one[1] not in moved}


@pytest.mark.parametrize("depth", [1_000, 20_000])
def test_deep_documents(depth: int) -> None:
    def nested(core: Any) -> Any:
        for level in range(depth):
            core = [core] if level % 2 else {"k": core}
        return core

    before, after = nested({"a": 1}), nested({"a": 2})
    found = diff(before, after)
    (change,) = found.changes
    assert len(change.path) == depth + 1
    assert (change.before, change.after) == (1, 2)
    assert json_equal(apply_patch(before, to_json_patch(found)), after)
    assert diff(before, nested({"a": 1})).is_empty


def test_huge_unlike_arrays_are_bounded() -> None:
    """No common element, few values, a reversed order: each would be quadratic for a naive algorithm."""
    count = 20_000
    dice = random.Random(5)
    arrays: list[tuple[list[Any], list[Any]]] = [
        ([{"n": n} for n in range(count)], [{"m": n} for n in range(count)]),
        ([dice.randrange(2) for _ in range(count)], [dice.randrange(2) for _ in range(count)]),
        ([[n] for n in range(count)], [[n] for n in reversed(range(count))]),
    ]
    for before, after in arrays:
        budget = Budget()
        match_sequences([str(one) for one in before], [str(other) for other in after], budget)
        assert budget.left > -count
        assert diff(before, after).changes


def test_matches_are_a_common_subsequence() -> None:
    dice = random.Random(6)
    for size in (0, 1, 5, 30, 200):
        for values in (2, 10, 1000):
            before = [dice.randrange(values) for _ in range(size)]
            after = [dice.randrange(values) for _ in range(dice.randrange(size + 1))]
            for work in (0, 50, 100_000):
                pairs = match_sequences(before, after, Budget(work))
                assert all(before[one] == after[other] for one, other in pairs)
                assert pairs == sorted(pairs)
                assert len({one for one, _ in pairs}) == len({other for _, other in pairs}) == len(pairs)


def test_few_values_are_matched_as_well_as_can_be() -> None:
    dice = random.Random(7)
    for _ in range(100):
        before = [dice.randrange(2) for _ in range(dice.randrange(12))]
        after = [dice.randrange(2) for _ in range(dice.randrange(12))]
        longest = [[0] * (len(after) + 1) for _ in range(len(before) + 1)]
        for row, one in enumerate(before):
            for column, other in enumerate(after):
                longest[row + 1][column + 1] = (
                    longest[row][column] + 1
                    if one == other
                    else max(longest[row][column + 1], longest[row + 1][column])
                )
        if len(before) != len(after):  # of equal length, elements in their place come first
            assert len(match_sequences(before, after, Budget())) in {longest[-1][-1], longest[-1][-1] - 1}


def test_the_longest_increasing_run() -> None:
    assert longest_increasing([]) == []
    assert longest_increasing([1, 4, 9]) == [0, 1, 2]
    assert len(longest_increasing([1, 1, 2, 2])) == 2
    assert [[3, 1, 2, 5, 4][place] for place in longest_increasing([3, 1, 2, 5, 4])] == [1, 2, 4]


def test_rows_with_the_same_keys_and_values_of_all_types(scaled: Callable[[int], int]) -> None:
    """In one column 1, true, [1] and [true] stand beside each other; the keys are in any order."""
    dice = random.Random(11)
    values: list[Any] = [0, 1, 1.0, True, False, None, "a", [1], [True], [1.0], {"q": 1}, {"q": True}, [], {}]
    for _ in range(scaled(1000)):
        before, after = (
            [{key: dice.choice(values) for key in dice.sample("ab", 2)} for _ in range(dice.randrange(6))]
            for _ in range(2)
        )
        for one in before:
            for other in after:
                assert json_equal([one, *before], [other, *before]) == equal(one, other)
        assert equal(apply_patch(before, to_json_patch(diff(before, after))), after)


def test_a_large_object_in_another_order() -> None:
    """Quadratic, if each key had to be looked for among all."""
    before = {f"k{number}": number for number in range(50_000)}
    after = dict(reversed(before.items()))
    assert diff(before, after).is_empty
    assert [change.before for change in diff(after, dict.fromkeys(before)).changes] == list(after.values())
    assert said(diff([before, before], [{**after, "k7": 0}, before])) == ["changed [0].k7"]


def test_a_document_that_shares_its_parts() -> None:
    row = {"v": [1, 2]}
    assert diff([row, row], [{"v": [1, 2]}, {"v": [1, 2]}]).is_empty
    assert said(diff({"a": row, "b": row}, {"a": row, "b": {"v": [1, 3]}})) == ["changed b.v[1]"]


@pytest.mark.parametrize("value", [(1, 2), {1, 2}, b"x", 1j, object()])
def test_what_is_no_json_is_refused(value: Any) -> None:
    for document in (value, [value], {"a": [{"b": value}]}):
        with pytest.raises(InputError, match="is no JSON value"):
            diff(document, {"a": 1})


@pytest.mark.parametrize("document", [OrderedDict(a=1), UserDict(a=1)])
def test_a_mapping_of_another_kind_is_no_json_either(document: Any) -> None:
    for one in (document, [document]):
        with pytest.raises(InputError, match="is no JSON value"):
            diff(one, {"a": 2})


def test_words_of_an_enum_are_their_text() -> None:
    class Word(StrEnum):
        ONE = "one"

    assert diff({"a": Word.ONE}, {"a": "one"}).is_empty


def test_neither_document_is_changed() -> None:
    dice = random.Random(8)
    for _ in range(50):
        before = random_document(dice)
        after = changed(dice, before, 5)
        texts = json.dumps([before, after])
        diff(before, after)
        assert json.dumps([before, after]) == texts

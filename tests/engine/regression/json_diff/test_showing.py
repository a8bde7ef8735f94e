"""What is made of a diff for people: groups and lines, the outline with equal parts folded, the difference of texts."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.regression.json_diff import (
    Branch,
    ChangeKind,
    DiffOptions,
    LineKind,
    SpanKind,
    groups_of,
    outline,
    summary_lines,
    text_diff,
)
from tests.engine.regression.json_diff.documents import changed, diff, random_document


def _messages(count: int, mark: str) -> list[Any]:
    return [{"role": "user", "content": f"text {number} {mark}"} for number in range(count)]


def test_changes_are_grouped_by_pattern() -> None:
    before = {"messages": _messages(14, "a"), "x": 1, "rows": [{"id": n} for n in range(4)]}
    after = {"messages": _messages(14, "b"), "x": 2, "rows": [{"id": n} for n in (3, 1, 2, 8, 9)]}
    assert summary_lines(diff(before, after)) == [
        "messages[*].content: 14 changed",
        "x: 1 → 2",
        "rows[*]: 2 added, 1 removed, 1 moved",
    ]
    assert [len(group.changes) for group in groups_of(diff(before, after).changes)] == [14, 1, 4]


def test_a_single_change_is_told_with_its_values() -> None:
    found = diff(
        {"a": "x" * 100, "b": [1], "old": {"k": {"deep": 1}}, "c": 1, "n": 10**5000},
        {"a": None, "b": {}, "new": {"k": {"deep": 1}}, "d.e": "one", "n": 1},
    )
    assert summary_lines(found) == [
        'a: "' + "x" * 38 + "… → null",
        "b: [1 element] → {}",
        "c: removed 1",
        "n: an integer of 16,610 bits → 1",
        "new: moved from old",
        "['d.e']: added \"one\"",
    ]


def test_what_is_left_out_is_counted() -> None:
    before = {f"k{number}": number for number in range(20)}
    after = {f"k{number}": -number - 1 for number in range(20)}
    assert summary_lines(diff(before, after), limit=2) == [
        "k0: 0 → -1",
        "k1: 1 → -2",
        "and 18 changes more in 18 other places",
    ]
    assert summary_lines(diff(before, after), limit=19)[-1] == "and 1 change more in 1 other place"
    assert len(summary_lines(diff(before, after), limit=20)) == 20
    changes, left = diff(before, after).shown(3)
    assert (len(changes), left) == (3, 17)


def test_what_is_hidden_is_counted() -> None:
    options = DiffOptions(volatile=("at",))
    assert summary_lines(diff({"at": 1}, {"at": 2}, options)) == ["1 change hidden where every run differs"]
    assert summary_lines(diff({"at": 1}, {"at": 1}, options)) == ["no difference"]


def _leaves(branch: Branch) -> int:
    return len(branch.changes) + sum(_leaves(child) for child in branch.children.values())


def test_the_outline_folds_what_is_equal() -> None:
    before = {"same": 1, "also": [1, 2], "rows": [{"id": n, "v": n, "w": 0} for n in range(100)]}
    after = {**before, "rows": [*before["rows"][:50], {"id": 50, "v": -1, "w": 0}, *before["rows"][51:99], {"id": 500}]}  # type: ignore[index]
    root, left = outline(diff(before, after))
    assert (left, root.equal, list(root.children)) == (0, 2, ["rows"])
    rows = root.children["rows"]
    assert (rows.equal, list(rows.children)) == (98, [50, 99])
    assert (rows.children[50].equal, list(rows.children[50].children)) == (2, ["v"])
    assert [change.kind for change in rows.children[99].changes] == [ChangeKind.REMOVED, ChangeKind.ADDED]


def test_what_is_gone_stands_in_its_row_where_the_row_is_now() -> None:
    rows: list[Any] = [{"id": n, "v": n} for n in range(4)]
    root, _ = outline(diff(rows, [{"id": "new"}, rows[0], {"id": 1}, rows[2], rows[3]]))
    assert [str(change) for change in root.children[2].children["v"].changes] == ["removed [1].v"]


def test_the_outline_holds_every_change_or_counts_it() -> None:
    dice = random.Random(1)
    for _ in range(100):
        before = random_document(dice)
        found = diff(before, changed(dice, before, 5))
        for limit in (0, 2, 1000):
            root, left = outline(found, limit)
            assert _leaves(root) + left == len(found.changes)


_texts = st.lists(
    st.sampled_from(["one\n", "two words\n", "three\r\n", "two other words\n", "\n", "end", "ä\u2028"])
).map("".join)


@given(_texts | st.text(), _texts | st.text())
@settings(max_examples=200, deadline=None)
def test_both_texts_can_be_read_back(before: str, after: str) -> None:
    lines = text_diff(before, after, context=None)
    assert "".join(line.before for line in lines) == before
    assert "".join(line.after for line in lines) == after
    for line in lines:
        assert (line.kind is LineKind.CHANGED) == bool(line.spans)
        assert (line.kind is LineKind.SAME) == (line.before == line.after)
        for kind, text in ((SpanKind.ADDED, line.before), (SpanKind.REMOVED, line.after)):
            if line.spans:
                assert "".join(span.text for span in line.spans if span.kind is not kind) == text


def test_words_of_a_changed_line() -> None:
    (line,) = text_diff("the quick brown fox", "the slow brown fox jumps")
    assert [(span.kind, span.text) for span in line.spans] == [
        (SpanKind.SAME, "the "), (SpanKind.REMOVED, "quick"), (SpanKind.ADDED, "slow"),
        (SpanKind.SAME, " brown fox"), (SpanKind.ADDED, " jumps"),
    ]  # fmt: skip


def test_equal_lines_far_from_a_change_are_folded_to_their_number() -> None:
    before = [f"line {number}\n" for number in range(100)]
    after = [*before[:50], "new\n", *before[50:]]
    lines = text_diff("".join(before), "".join(after))
    assert [line.kind for line in lines] == [
        LineKind.FOLDED, *[LineKind.SAME] * 3, LineKind.ADDED, *[LineKind.SAME] * 3, LineKind.FOLDED,
    ]  # fmt: skip
    assert (lines[0].folded, lines[-1].folded) == (47, 47)
    assert [line.kind for line in text_diff("same\n" * 9, "same\n" * 9)] == [LineKind.FOLDED]


def test_a_very_long_line_is_not_taken_apart() -> None:
    (line,) = text_diff("word " * 5000, "other " * 5000)
    assert [span.kind for span in line.spans] == [SpanKind.REMOVED, SpanKind.ADDED]

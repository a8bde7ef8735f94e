"""Output as data: what JSON is taken, what is refused and in which words, lines and text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.steps.outputs import MAX_DEPTH, OutputError, lines_data, parse_json, storable_text, text_data

_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_VALUES = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(_VALUES)
def test_what_is_written_is_read(value: object) -> None:
    assert parse_json(json.dumps(value)).value == value


@given(st.text())
def test_any_text_is_a_value_or_a_sentence(text: str) -> None:
    try:
        value = parse_json(text).value
    except OutputError:
        return
    assert parse_json(json.dumps(value, allow_nan=False)).value == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nothing was printed"),
        (" \n", "nothing was printed"),
        ("{", "line 1, column 2: expecting property name"),
        ('{"a": 1}\n{"a": 2}\n', "more after its JSON value, from line 2, column 1 on"),
        ("[NaN]", "has NaN in it"),
        ("-Infinity", "has -Infinity in it"),
        ("1e999", "a number that is too large"),
        ("9" * 5000, "a number with too many digits"),
        ("[" * 300 + "]" * 300, f"nested deeper than {MAX_DEPTH} levels"),
        ("[" * 200_000, "nested deeper than"),
        ('{"a":' * 100_000 + "1", "nested deeper than"),
        ("'a'", "line 1, column 1"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(OutputError) as caught:
        parse_json(text)
    assert words in str(caught.value)


def test_depth_up_to_the_limit() -> None:
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH).value is not None


def test_a_key_that_stands_twice_is_counted() -> None:
    parsed = parse_json('{"a": 1, "a": 2, "b": {"c": 1, "c": 1, "c": 3}}')
    assert (parsed.value, parsed.duplicate_keys) == ({"a": 2, "b": {"c": 3}}, 3)


def test_lone_surrogates_become_storable_and_pairs_stay() -> None:
    value = parse_json(r'{"\ud800": ["\udfff x", "\ud83d\ude00"]}').value
    assert value == {"\ufffd": ["\ufffd x", "😀"]}
    json.dumps(value, ensure_ascii=False).encode()


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse_json("\ufeff[1]").value == [1]


@pytest.mark.parametrize(
    ("text", "is_cut", "lines"),
    [
        ("", False, []),
        ("a", False, ["a"]),
        ("a\n\nb\r\n", False, ["a", "", "b"]),
        ("a\nb", True, ["a"]),
        ("a\u2028b\x0bc\n", False, ["a\u2028b\x0bc"]),
    ],
)
def test_lines(text: str, is_cut: bool, lines: list[str]) -> None:
    assert lines_data(text, is_cut=is_cut) == lines


def test_text() -> None:
    assert text_data("a\nb\r\n\n") == "a\nb"
    assert text_data("  a ") == "  a "
    assert storable_text("a\ud800b") == "a\ufffdb"

"""JSON: strict, with places, and without the standard reader's recursion, giant numbers and silent duplicates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.plan.json_reader import read_json
from tests.engine.plan.support import faults, only

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner)
    ),
    max_leaves=20,
)


@given(_VALUES, st.sampled_from([None, 1, 4]))
def test_it_reads_what_the_standard_writer_writes(value: Any, indent: int | None) -> None:
    """Every value, in every layout, and every node has a place."""
    document = read_json(json.dumps(value, indent=indent))
    assert document.value == value
    assert json.dumps(document.value) == json.dumps(value)


@given(_VALUES)
def test_every_node_has_the_place_where_it_begins(value: Any) -> None:
    """Walking the value and the places side by side finds the first character of each node."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    document = read_json(text)
    paths: list[tuple[str | int, ...]] = []

    def walk(node: Any, path: tuple[str | int, ...]) -> None:
        paths.append(path)
        if isinstance(node, dict | list):
            for key, item in node.items() if isinstance(node, dict) else enumerate(node):
                walk(item, (*path, key))

    walk(value, ())
    lines = text.split("\n")
    for (path, _), (line, column) in document.places({(path, False) for path in paths}).items():
        node = value
        for key in path:
            node = node[key]
        assert line is not None
        assert column is not None
        written = json.dumps(node, ensure_ascii=False)
        assert "\n".join(lines[line - 1 :])[column - 1] == written[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": -Infinity}', "-Infinity is not JSON"),
        ('{"a": 1e999}', "a number is too large"),
        ('{"a": ' + "9" * 5000 + "}", "a whole number is too large (more than 64 bits)"),
        ('{"a": "\\ud800"}', "a text has half of a surrogate pair in it"),
        ('{"a\\u0000": 1}', "a text has a NUL character in it"),
        ('{"a": "\n"}', "a text is not valid JSON"),
        ('{"a": "b', "a text is not valid JSON"),
        ('{"a": 1,}', "a comma stands before '}'"),
        ("[1,]", "a comma stands before ']'"),
        ("{} {}", "there is more text after the end of the JSON"),
        ("{'a': 1}", "this is not valid JSON: expected the name of a field in double quotes, found '''"),
        ('{"a" 1}', "this is not valid JSON: expected ':' after the name of a field, found '1'"),
        ('{"a": [1, 2', "the JSON ends too early: ',' or ']' was expected"),
        ('{"a": 01}', "this is not valid JSON: expected ',' or '}', found '1'"),
        ('{"a": True}', "True is not JSON"),
        ("[" * 1_000_000, "the document is nested more than 64 levels deep"),
        ('{"a":' * 100_000, "the document is nested more than 64 levels deep"),
    ],
)
def test_what_is_not_json_is_one_fault_with_a_place_and_a_hint(text: str, message: str) -> None:
    """Strict: nothing is guessed."""
    fault = only(faults(text, "p.json"))
    assert fault.message == message
    assert fault.hint
    assert fault.line is not None


def test_a_name_that_is_given_twice_is_a_fault() -> None:
    """The standard reader would take the last one in silence."""
    fault = only(faults('{"plan_id": "p", "steps": [{"id": "a", "command": "x", "command": "y"}]}', "p.json"))
    assert (fault.message, fault.line, fault.column) == ("'command' is given twice", 1, 56)

"""The gate before any reader: bytes that are no text, limits, and where a node stands."""

from __future__ import annotations

import pytest

from tests.engine.plan.support import faults, only


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "the file is empty"),
        (b" \n\t\n", "the file is empty"),
        (b"# only a comment\n", "the file holds no document"),
        (b"\x7fELF\x02\x01\x00\x00", "this is not a text file: byte 6 is NUL"),
        (b"plan_id: caf\xe9\n", "the file is not UTF-8: byte 0xe9 at 12 (line 1)"),
        (b"\xef\xbb\xbfplan_id: a\n", "the file begins with a byte order mark"),
        ("plan_id: a".encode("utf-16"), "the file is in UTF-16"),
        ("plan_id: a".encode("utf-32"), "the file is in UTF-32"),
        (b"x" * (64 * 1024 * 1024 + 1), "the file is larger than 64 MiB"),
    ],
    ids=["empty", "blank", "comment", "binary", "latin-1", "utf-8-bom", "utf-16", "utf-32", "large"],
)
def test_what_is_no_text_is_one_clear_fault(source: bytes, message: str) -> None:
    """Each with a hint, none with a traceback."""
    fault = only(faults(source))
    assert fault.message == message
    assert fault.hint


def test_every_fault_has_the_line_and_column_of_its_value_and_an_unknown_field_those_of_its_name() -> None:
    """Places count from 1, in YAML and in JSON."""
    text = 'plan_id: p\nsteps:\n  - id: a\n    command: x\n    retries: "3"\n    colour: red\n'
    assert [(f.path, f.line, f.column) for f in faults(text)] == [
        ("steps[0].retries", 5, 14),
        ("steps[0].colour", 6, 5),
    ]
    text = '{"plan_id": "p",\n "steps": [{"id": "a", "command": "x",\n  "retries": "3", "colour": "red"}]}'
    assert [(f.path, f.line, f.column) for f in faults(text, "p.json")] == [
        ("steps[0].retries", 3, 14),
        ("steps[0].colour", 3, 19),
    ]


def test_places_are_right_after_a_field_that_is_given_twice() -> None:
    """The second value is dropped with all its parts; what follows keeps its place."""
    text = "plan_id: p\nsteps:\n  - id: a\n    env: {A: '1'}\n    env: {B: {c: [1, {d: 2}]}, C: 3}\n    command: x\n    retries: many\n"
    found = faults(text)
    assert [(f.message, f.line, f.column) for f in found] == [
        ("'env' is given twice", 5, 5),
        ("expected a whole number, found the text 'many'", 7, 14),
    ]


def test_faults_of_the_text_and_of_the_plan_come_together_in_the_order_of_the_text() -> None:
    """Nobody has to mend a file fault by fault."""
    text = "plan_id: p\nplan_id: q\nsteps:\n  - id: 1a\n    command: &x y\n    depends_on: [b]\n"
    assert [(f.line, f.message) for f in faults(text)] == [
        (2, "'plan_id' is given twice"),
        (4, "expected a letter or _, then letters, digits or _, at most 64, found the text '1a'"),
        (5, "the anchor &x is not read"),
        (6, "there is no step 'b'"),
    ]

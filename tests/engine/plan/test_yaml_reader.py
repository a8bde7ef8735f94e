"""YAML: only its plain part is read, its surprises are text, and its bombs are refused at once."""

from __future__ import annotations

import time
from typing import Any

import pytest

from engine.model.step_defs import CommandDef
from engine.plan.yaml_reader import read_yaml
from tests.engine.plan.support import faults, load, only


def value_of(text: str) -> Any:
    """What a document comes to."""
    return read_yaml(text).value


@pytest.mark.parametrize(
    "word",
    [
        "no",
        "yes",
        "on",
        "off",
        "y",
        "N",
        "1:30",
        "014",
        "0644",
        "+5",
        "0x1F",
        "1_000",
        "2026-01-01",
        "1.",
        ".5",
        "=",
        "1e",
        "--",
    ],
)
def test_the_surprises_of_yaml_are_the_text_as_it_is_written(word: str) -> None:
    """`no` is not False, `1:30` is not 90, `014` is not 12, and a date is not a date."""
    assert value_of(f"a: {word}") == {"a": word}


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-7", -7),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("'1'", "1"),
        ('"true"', "true"),
    ],
)
def test_null_true_false_and_the_numbers_of_json_are_what_they_say(word: str, value: object) -> None:
    """And quotes make everything a text."""
    read = value_of(f"a: {word}")["a"]
    assert read == value
    assert type(read) is type(value)


def test_names_of_fields_are_always_text() -> None:
    """`on:` and `1:` are names like any other."""
    assert value_of("on: 1\n1: 2\nnull: 3\n") == {"on": 1, "1": 2, "null": 3}


def test_a_word_for_true_or_false_that_is_a_text_is_said_clearly() -> None:
    """`jitter: no` is a fault with the way out, not a silent truth."""
    fault = only(faults("plan_id: p\nenable_orchestration: no\nsteps: [{id: a, command: x}]\n"))
    assert fault.message == "expected true or false, found the text 'no'"
    assert fault.hint == "write true or false; other words are text here"
    fault = only(faults("plan_id: p\nsteps: [{id: a, command: x, retries: 014}]\n"))
    assert fault.message == "expected a whole number, found the text '014'"
    assert "leading zeros" in fault.hint


def test_arguments_reach_the_program_as_they_are_written() -> None:
    """Modes, offsets, times and answers stay what they are."""
    compiled = load("plan_id: p\nsteps: [{id: a, command: chmod, args: [0644, no, +5, 1:30, 2026-01-01, 3, true]}]\n")
    definition = compiled.plan.steps[0].step_def
    assert isinstance(definition, CommandDef)
    assert definition.args == ("0644", "no", "+5", "1:30", "2026-01-01", 3, True)


def test_a_number_that_a_program_would_get_in_other_digits_is_a_warning() -> None:
    """`1.10` is 1.1; quoted, or in the shortest form, it is passed as written."""
    compiled = load("plan_id: p\nsteps: [{id: a, command: x, args: [1.10, 1e3, 1.1, '1.10', 3]}]\n")
    assert [(warning.path, warning.message, warning.column) for warning in compiled.warnings] == [
        ("steps[0].args[0]", "1.10 is a number and is passed as 1.1", 36),
        ("steps[0].args[1]", "1e3 is a number and is passed as 1000.0", 42),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [1]\nb: *x\n", "the alias *x is not read"),
        ("a: {<<: {b: 1}}", "the merge key << is not read"),
        ("--- {}\n--- {}\n", "the file holds more than one document"),
        ("? [a]\n: b\n", "the name of a field must be a text"),
        ("a: {{ .ID }}", "the name of a field must be a text"),
        ("a: .nan", ".nan is not a number that a plan can hold"),
        ("a: " + "9" * 5000, "a whole number is too large (more than 64 bits)"),
        ("a: 1e999", "a number is too large"),
        ('a: "\\0"', "a text has a NUL character in it"),
        ('a: "\\ud800"', "this is not valid YAML: found invalid Unicode character escape code"),
        ("a: \x01", "this is not valid YAML: control characters are not allowed"),
        ("a:\n\t- b", "this is not valid YAML: found character that cannot start any token"),
        ('a: "b', "this is not valid YAML: found unexpected end of stream"),
        ("a: 'x" + "y" * 1024 * 1024 + "'", "a text is longer than 1 MiB"),
    ],
)
def test_what_is_not_read_is_one_fault_with_a_place_and_a_hint(text: str, message: str) -> None:
    """No alias, merge, second document or number that no file can keep."""
    fault = only(faults(text))
    assert fault.message == message
    assert fault.hint
    assert (fault.line, fault.column) != (None, None)


def test_tags_and_anchors_are_refused_and_nothing_of_them_is_carried_out() -> None:
    """All of them at once."""
    text = "plan_id: !!python/object/apply:os.system ['ls']\nmetadata: &m {a: !!int '1', b: !own x}\nsteps: [{id: a, command: x}]\n"
    assert [fault.message for fault in faults(text) if "is not read" in fault.message] == [
        "the tag !!python/object/apply:os.system is not read",
        "the anchor &m is not read",
        "the tag !!int is not read",
        "the tag !own is not read",
    ]


@pytest.mark.parametrize(
    "bomb",
    [
        b"a: &a [x,x]\n" + b"".join(b"%c: &%c [*%c,*%c]\n" % (n, n, n - 1, n - 1) for n in range(98, 120)),
        b"[" * 1_000_000,
        b"{a: " * 50_000,
        b"- " * 50_000,
        b"? " * 50_000,
        b"a: {<<: [*a, *a]}\n" * 1000,
        b":" * 3_000_000,
        b"plan_id: " + b"'" * 3_000_000,
        b"&a " * 100_000,
        b"!!str " * 100_000,
        b"%TAG ! tag:x,2000:\n" * 1000,
        b"".join(b" " * n + b"a:\n" for n in range(2000)),
    ],
    ids=[
        "aliases",
        "lists",
        "objects",
        "dashes",
        "keys",
        "merges",
        "colons",
        "quotes",
        "anchors",
        "tags",
        "directives",
        "indents",
    ],
)
def test_a_bomb_is_refused_before_it_can_go_off(bomb: bytes) -> None:
    """Bounded by the processor's own time, which a busy machine does not stretch."""
    started = time.process_time()
    assert faults(bomb)
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize(
    "source",
    [
        b"-\n" * 2_000_100,
        b"steps: [{id: a, command: x, args: [" + b"1," * 1_900_000 + b"1]}]",
        b"steps: [" + b"1," * 1_900_000 + b"1]",
        b"a: 1\na: [" + b"1," * 5_000_000 + b"1]",
    ],
    ids=["list", "arguments", "steps", "dropped"],
)
def test_more_values_than_a_plan_can_have_are_refused_before_their_end(source: bytes) -> None:
    """Nothing but steps is that long. What stands under a name given twice is dropped, and counts all the same."""
    started = time.process_time()
    fault = only(faults(source))
    assert fault.message == "more than 200,000 values stand outside of all steps or in one step"
    assert fault.hint
    assert time.process_time() - started < 2.0


def test_a_number_without_an_end_is_refused_with_the_ways_out() -> None:
    """Leaving the field out is what is meant most often."""
    fault = only(faults("plan_id: p\nsteps: [{id: a, command: x, timeout_sec: .inf}]\n"))
    assert fault.message == ".inf is not a number that a plan can hold"
    assert "leave the field out" in fault.hint
    assert "9223372036854775807" in only(faults("a: 9223372036854775808")).hint

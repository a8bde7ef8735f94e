"""Parameters: words of a command line become values, and everything that does not fit is said at once."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import InputError
from engine.plan.params import ParameterError, bind_params
from tests.engine.plan.support import plan

PLAN = plan(
    params={
        "host": {"type": "string", "required": True},
        "limit": {"type": "integer", "default": 20},
        "ratio": {"type": "number"},
        "flag": {"type": "boolean", "default": False},
        "list": {"type": "array"},
        "map": {"type": "object"},
    }
).plan


def test_defaults_fill_in_what_is_not_given_in_the_plans_order() -> None:
    """What has no default is null."""
    bound = bind_params(PLAN, {"host": "a"}, from_text=True)
    assert list(bound.items()) == [
        ("host", "a"),
        ("limit", 20),
        ("ratio", None),
        ("flag", False),
        ("list", None),
        ("map", None),
    ]


@pytest.mark.parametrize(
    ("name", "words", "value"),
    [
        ("host", "5", "5"),
        ("host", "", ""),
        ("limit", "-7", -7),
        ("ratio", "1.5", 1.5),
        ("ratio", "2", 2),
        ("ratio", "1e3", 1000.0),
        ("flag", "TRUE", True),
        ("flag", "off", False),
        ("list", '[1, "a"]', [1, "a"]),
        ("map", '{"a": null}', {"a": None}),
    ],
)
def test_words_become_what_the_type_says(name: str, words: str, value: object) -> None:
    """And keep their type."""
    bound = bind_params(PLAN, {"host": "h", name: words}, from_text=True)[name]
    assert bound == value
    assert type(bound) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "from_text", "message"),
    [
        ("limit", "ten", True, "expected a whole number, found the text 'ten'"),
        ("limit", "1.5", True, "expected a whole number, found the text '1.5'"),
        ("limit", "9" * 19, True, "expected a whole number, found the number " + "9" * 19),
        ("limit", "٣", True, "expected a whole number, found the text '٣'"),
        ("limit", "5", False, "expected a whole number, found the text '5'"),
        ("limit", True, False, "expected a whole number, found true"),
        ("limit", None, False, None),
        ("ratio", "nan", True, "expected a number, found the text 'nan'"),
        ("ratio", "1e999", True, "expected a number, found the number inf"),
        ("flag", "maybe", True, "expected true or false, found the text 'maybe'"),
        ("list", "{}", True, "expected a list, found an empty object"),
        ("list", "[1,", True, "expected a list as JSON, found the text '[1,'"),
        ("list", "[NaN]", True, "expected a list as JSON, found the text '[NaN]'"),
        ("list", "[" * 100_000, True, "expected a list as JSON, found the text '" + "[" * 59 + "…'"),
        ("map", {"a": ["x\0"]}, False, "has a NUL character in it"),
        ("host", "\udc80", True, "is not valid UTF-8"),
        ("host", None, False, "expected a text, found null"),
    ],
)
def test_what_does_not_fit_is_an_input_error(name: str, given: Any, from_text: bool, message: str | None) -> None:
    """With what was expected and what was found."""
    values = {"host": "h", name: given}
    if message is None:
        assert bind_params(PLAN, values, from_text=from_text)[name] is None
        return
    with pytest.raises(ParameterError) as caught:
        bind_params(PLAN, values, from_text=from_text)
    assert [(fault.path, fault.message) for fault in caught.value.faults] == [(name, message)]


def test_everything_wrong_is_said_at_once() -> None:
    """Missing, unknown and wrong, in one error."""
    with pytest.raises(InputError) as caught:
        bind_params(PLAN, {"hots": "x", "limit": "y"}, from_text=True)
    assert caught.value.cause == (
        "parameter hots: the plan has no such parameter; "
        "parameter host: is required (a text); "
        "parameter limit: expected a whole number, found the text 'y'"
    )
    assert caught.value.hint == "did you mean 'host'?; give it with -p host=..."

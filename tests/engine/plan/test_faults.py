"""Words for faults: paths, what was found, the nearest name."""

from __future__ import annotations

import pytest

from engine.plan.faults import describe, did_you_mean, path_text, shorten


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("steps", 2, "args", 0), "steps[2].args[0]"),
        (("env", "a b"), "env['a b']"),
        (("params", "a-b", "default"), "params.a-b.default"),
        ((0,), "[0]"),
    ],
)
def test_paths_read_as_a_person_would_write_them(path: tuple[str | int, ...], text: str) -> None:
    """Names with a dot, numbers in brackets, odd names in quotes."""
    assert path_text(path) == text


def test_values_are_described_and_never_dumped() -> None:
    """Short, on one line."""
    assert [describe(value) for value in (None, True, 3, 1.5, "a\nb", "", {}, {"a": 1}, [], [1, 2])] == [
        "null", "true", "the number 3", "the number 1.5", "the text 'a b'", "an empty text",
        "an empty object", "an object of 1", "an empty list", "a list of 2",
    ]  # fmt: skip
    assert len(describe("x" * 10_000)) < 80
    assert shorten("x" * 100, 10) == "x" * 9 + "…"


def test_the_nearest_name_is_offered_only_if_it_is_near() -> None:
    """In any case of letters; nothing for a word that is far from all."""
    assert did_you_mean("Retires", ["retries", "timeout_sec"]) == "did you mean 'retries'?"
    assert did_you_mean("colour", ["retries", "timeout_sec"]) == ""
    assert did_you_mean("x" * 1000, ["x" * 999]) == ""

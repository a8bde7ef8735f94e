"""What operators mean for JSON values."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.plan.values import MISSING, child, contains, equal, length, to_text

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 1.5]) | st.sampled_from(["", "a", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=8,
)


def _tagged(value: Any) -> Any:
    """The value with its JSON type beside it, so that Python's own equality becomes that of JSON."""
    if isinstance(value, dict):
        return ("object", {name: _tagged(item) for name, item in value.items()})
    if isinstance(value, list):
        return ("list", [_tagged(item) for item in value])
    return (
        "boolean" if isinstance(value, bool) else "number" if isinstance(value, int | float) else type(value).__name__,
        value,
    )


@given(_VALUES, _VALUES)
def test_equality_is_that_of_json(left: Any, right: Any) -> None:
    """1 equals 1.0, true is not 1, and order of names does not count."""
    assert equal(left, right) is (_tagged(left) == _tagged(right))
    assert equal(left, json.loads(json.dumps(left)))


@given(_VALUES, _VALUES)
def test_membership_length_and_paths_are_total(left: Any, right: Any) -> None:
    """Whatever types meet."""
    assert contains(left, right) in (True, False)
    assert (length(left) is None) is not isinstance(left, str | list | dict)
    for key in ("a", "", 0, -1, 10**9):
        found = child(left, key)
        if not isinstance(left, dict | list):
            assert found is MISSING


@given(_VALUES)
def test_text_is_json_except_for_text(value: Any) -> None:
    """Which is itself."""
    assert to_text(value) == value if isinstance(value, str) else json.loads(to_text(value)) == value

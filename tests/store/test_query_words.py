"""What every query shares: stored words, and that each query is found under its name although it is imported when asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.model.states import Reason, StepStatus
from store import queries
from store.errors import NewerDatabaseError
from store.queries.query import optional_word, word, words


def test_a_stored_word_is_its_enum() -> None:
    """One by one, or for many rows."""
    for status in StepStatus:
        assert word(StepStatus, status.value) is status
        assert words(StepStatus)[status.value] is status
    assert optional_word(Reason, None) is None


@pytest.mark.parametrize("value", ["", "SUCCEEDED", "half done"])
def test_an_unknown_word_is_of_a_newer_opscope(value: str) -> None:
    """It is named, and stays unknown."""
    for _ in range(2):
        with pytest.raises(NewerDatabaseError, match="StepStatus") as raised:
            word(StepStatus, value)
        assert repr(value) in str(raised.value)


def test_every_query_is_found_under_its_name() -> None:
    """In a process of its own, so that each is asked for before its module is imported."""
    script = """
from types import ModuleType
from store import queries
for name in queries.__all__:
    found = getattr(queries, name)
    assert not isinstance(found, ModuleType), name
    assert getattr(queries, name) is found
assert sorted(queries._PLACES) == sorted(queries.__all__)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_what_is_no_query_is_not_found() -> None:
    """As with any module."""
    with pytest.raises(AttributeError, match="no attribute 'nothing_of_the_kind'"):
        getattr(queries, "nothing_of_the_kind")  # noqa: B009  (mypy knows that there is none)

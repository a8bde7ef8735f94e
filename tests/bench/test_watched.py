"""The measuring driver: what it stamps, counts and ends, with small programs in a real pseudo-terminal."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.bench.screen_files import write_many_runs
from tests.bench.watched import NeverShownError, Watched

if TYPE_CHECKING:
    from pathlib import Path

ECHO = """
import sys, tty
tty.setraw(0)
print("ready", end="", flush=True)
while key := sys.stdin.read(1):
    print(f"[{key}]", end="", flush=True)
"""


def program(code: str) -> Watched:
    """A Python program on a small terminal."""
    return Watched([sys.executable, "-S", "-c", code], 40, 5, dict(os.environ))


def test_a_key_and_its_answer_are_stamped_and_counted() -> None:
    """The answer comes after the key, and costs as many bytes as were written."""
    with program(ECHO) as terminal:
        assert terminal.shown("ready") > terminal.began
        before = terminal.written
        pressed = terminal.press("x")
        assert terminal.shown(r"\[x\]") > pressed
        assert terminal.written - before == 3
        rate, share = terminal.watch(0.05)
        assert rate == 0
        assert share >= 0
        pid = terminal.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_never_comes_is_told_with_what_is_there() -> None:
    """Instead of waiting for ever; the program is ended all the same."""
    with program(ECHO) as terminal, pytest.raises(NeverShownError, match="ready"):
        terminal.shown("nothing like it", seconds=0.2)


def test_the_file_of_many_runs_has_as_many_and_each_is_its_own(tmp_path: Path) -> None:
    """The real ones, the newest, have events; the copies have heads, stages and steps."""
    path = tmp_path / "many.db"
    write_many_runs(path, 100)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT run_id) FROM runs").fetchone() == (100, 100)
        assert connection.execute("SELECT count(DISTINCT run_id) FROM steps").fetchone() == (100,)
        newest = connection.execute("SELECT run_id FROM runs ORDER BY created_at_us DESC LIMIT 60").fetchall()
        with_events = connection.execute("SELECT DISTINCT run_id FROM run_events").fetchall()
    assert set(newest) == set(with_events)

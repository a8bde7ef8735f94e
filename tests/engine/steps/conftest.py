"""What the tests of steps may ask for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """A small database with a name that needs quoting in a URI."""
    path = tmp_path / "in?ven#tory %41.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table host (name text, size integer, note)")
        connection.executemany("insert into host values (?, ?, ?)", [("a", 1, None), ("b", 2, b"\x00\xff")])
    return path

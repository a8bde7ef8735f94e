"""What the tests of steps may ask for."""

from __future__ import annotations

import gc
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True, scope="module")
def _what_others_left_is_not_looked_through() -> None:
    """Most tests here collect garbage before they count descriptors: what earlier files keep would make each of them slow."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """A small database with a name that needs quoting in a URI."""
    path = tmp_path / "in?ven#tory %41.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table host (name text, size integer, note)")
        connection.executemany("insert into host values (?, ?, ?)", [("a", 1, None), ("b", 2, b"\x00\xff")])
    return path

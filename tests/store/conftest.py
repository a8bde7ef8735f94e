"""A file of runs of one's own, to write and to read. What is written into it is the tests' own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from store.reader import Reader
from store.writer import open_writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from store.writer import Writer


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    """An open writer of a new file."""
    async with open_writer(tmp_path / "runs.db") as opened:
        yield opened


@pytest.fixture
def reader(writer: Writer) -> Iterator[Reader]:
    """A reader of the same file."""
    with Reader.open(writer.path) as opened:
        yield opened

"""Pictures without a terminal: the same bytes for the same file, and errors as errors."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from engine.errors import InputError, StoreError
from tests.tui.samples import NOW_US, run_id
from tui.places import RunPlace
from tui.screenshot import screenshot

if TYPE_CHECKING:
    from pathlib import Path


def noon() -> int:
    """A clock that stands still."""
    return NOW_US


async def test_a_picture_is_the_same_every_time(database: Path) -> None:
    """No ids, no times of its own; well-formed, and nothing in it is loaded from elsewhere."""
    one = await screenshot(database, "runs", None, (80, 24), clock=noon, zone=UTC)
    two = await screenshot(database, "runs", None, (80, 24), clock=noon, zone=UTC)
    assert one == two
    root = ElementTree.fromstring(one)
    assert root.tag.endswith("svg")
    assert "url(" not in one
    assert "http" not in one.replace("http://www.w3.org/2000/svg", "")


async def test_text_has_a_line_for_each_row(database: Path) -> None:
    """As large as asked for, nothing behind the ends of the lines."""
    text = await screenshot(database, "stages", RunPlace(run_id(2)), (120, 40), "text", clock=noon, zone=UTC)
    lines = text.splitlines()
    assert len(lines) == 40
    assert max(map(len, lines)) <= 120
    assert all(line == line.rstrip() for line in lines)
    assert lines[0].startswith(" opscope › runs › ")
    assert "INPUT execute" in text


async def test_ascii_pictures_hold_ascii_only(database: Path) -> None:
    """For terminals and mails that know nothing else."""
    text = await screenshot(
        database, "stages", RunPlace(run_id(1)), (80, 24), "text", clock=noon, zone=UTC, ascii_only=True
    )
    assert text.isascii()
    assert "x ENGINE LOST" in text


async def test_what_cannot_be_read_is_an_error(database: Path, tmp_path: Path) -> None:
    """A run that is not there, a file that is none."""
    with pytest.raises(InputError, match="there is no run"):
        await screenshot(database, "stages", RunPlace("f" * 32), clock=noon)
    other = tmp_path / "other.db"
    other.write_bytes(b"something else" * 100)
    with pytest.raises(StoreError):
        await screenshot(other, "runs", clock=noon)

"""What the inspector asks of the file while it is changed under it. The questions themselves are the store's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from store.errors import NoDatabaseError
from store.queries import RunFilter
from tests.tui import samples
from tests.tui.samples import Sample, Step
from tui.source import RunSource

if TYPE_CHECKING:
    from pathlib import Path


async def plans(source: RunSource) -> list[str]:
    window = await source.runs(RunFilter(), 0, 10)
    return [row.plan_id for row in window.rows]


async def test_another_file_in_its_place_is_seen_and_read(tmp_path: Path) -> None:
    """What is still open would be shown as live for ever."""
    path, other = tmp_path / "runs.db", tmp_path / "other.db"
    await samples.write(path, [Sample(1, "first", [Step("one")])])
    await samples.write(other, [Sample(2, "second", [Step("one")])])
    source = RunSource(path)
    try:
        assert await plans(source) == ["first"]
        assert not await source.has_changed()
        other.replace(path)
        assert await source.has_changed()
        assert await plans(source) == ["second"]
        assert not await source.has_changed()
    finally:
        await source.close()


async def test_a_file_that_is_removed_is_gone(tmp_path: Path) -> None:
    """Until there is one again."""
    path = tmp_path / "runs.db"
    await samples.write(path, [Sample(1, "first", [Step("one")])])
    source = RunSource(path)
    try:
        assert await plans(source) == ["first"]
        path.unlink()
        assert await source.has_changed()
        with pytest.raises(NoDatabaseError):
            await plans(source)
        assert not await source.has_changed()
        await samples.write(path, [Sample(2, "second", [Step("one")])])
        assert await source.has_changed()
        assert await plans(source) == ["second"]
    finally:
        await source.close()

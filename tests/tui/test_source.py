"""What the inspector asks of the file while it is changed under it. The questions themselves are the store's."""

from __future__ import annotations

from concurrent.futures import wait
from typing import TYPE_CHECKING

import pytest

from store.errors import NoDatabaseError
from store.queries import RunFilter, RunOrder
from tests.tui import samples
from tests.tui.samples import Sample, Step
from tui.early import WINDOW, read_early
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


async def test_what_was_read_early_is_shown_first_and_followed_by_what_came_since(tmp_path: Path) -> None:
    """Nobody waits for the first reading, and nothing that was committed after it is missed."""
    path = tmp_path / "runs.db"
    await samples.write(path, [Sample(1, "first", [Step("one")])])
    early = read_early(path)
    wait([early])
    await samples.write(path, [Sample(2, "second", [Step("one")])])
    source = RunSource(path, early)
    try:
        window = await source.runs(RunFilter(), 0, WINDOW)
        assert [row.plan_id for row in window.rows] == ["first"]
        assert window.counts.total == window.total == 1
        assert await source.has_changed()
        window = await source.runs(RunFilter(), 0, WINDOW)
        assert {row.plan_id for row in window.rows} == {"first", "second"}
        assert not await source.has_changed()
    finally:
        await source.close()


async def test_what_was_read_early_answers_no_other_question(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    await samples.write(path, [Sample(1, "first", [Step("one")]), Sample(2, "second", [Step("one")])])
    source = RunSource(path, read_early(path))
    try:
        window = await source.runs(RunFilter(), 0, WINDOW, RunOrder(reversed=True))
        assert [row.plan_id for row in window.rows] == ["second", "first"]
    finally:
        await source.close()


async def test_where_nothing_could_be_read_early_the_question_is_put_anew(tmp_path: Path) -> None:
    """The error is told once somebody asks; a file that has come meanwhile is read."""
    path = tmp_path / "runs.db"
    source = RunSource(path, read_early(path))
    try:
        with pytest.raises(NoDatabaseError):
            await source.runs(RunFilter(), 0, WINDOW)
        await samples.write(path, [Sample(1, "first", [Step("one")])])
        assert await source.has_changed()
        assert await plans(source) == ["first"]
    finally:
        await source.close()

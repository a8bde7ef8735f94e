"""What the list of runs reads when several things are asked for one after the other, faster than they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import StoreError
from tests.tui import samples
from tests.tui.samples import NOW_US, Sample, Step, run_id
from tui.runs_reader import RunsReader
from tui.source import RunSource
from tui.viewmodel.runs import Moment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tui.runs_reading import RunsPicture


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[RunSource]:
    """Three runs, of which the newest and the oldest have failed."""
    path = tmp_path / "runs.db"
    ends = ("failed", "succeeded", "failed")
    await samples.write(path, [Sample(3 - n, "plan", [Step("one")], end) for n, end in enumerate(ends)])
    source = RunSource(path)
    yield source
    await source.close()


async def read(reader: RunsReader, source: RunSource, *marked: str) -> RunsPicture:
    """With the run beside the list."""
    return await reader.read(source, lambda: Moment(NOW_US), marked=lambda: marked, with_preview=lambda: True)


async def test_the_run_beside_the_list_comes_with_the_list_that_was_read_last(source: RunSource) -> None:
    """Whether that has been shown already or not: else the one from before would be shown again, and stay."""
    reader = RunsReader(10)
    everything = await read(reader, source, run_id(1))
    assert (len(everything.window.rows), everything.preview) == (3, None)
    reader.typed, reader.wants_all = "status:failed", True
    failed = await read(reader, source)
    assert [row.run_id for row in failed.window.rows] == [run_id(1), run_id(3)]
    reader.chosen, reader.wants_preview = failed.window.rows[1], True
    beside = await read(reader, source)
    assert beside.window is failed.window
    assert not beside.marked
    assert beside.preview is not None
    assert beside.preview.run_id == run_id(3)


async def test_a_change_of_the_file_is_a_reason_to_read_all(source: RunSource) -> None:
    """And so is a reading that failed: what was there before it is not shown again."""
    reader = RunsReader(10)
    first = await read(reader, source)
    again = await read(reader, source)
    assert again.window is not first.window
    kept = source.path.rename(source.path.with_name("elsewhere.db"))
    await source.has_changed()
    with pytest.raises(StoreError):
        await read(reader, source)
    kept.rename(source.path)
    reader.wants_preview = True
    assert (await read(reader, source)).window is not again.window


async def test_the_marked_runs_are_told_from_those_that_were_not_asked_for(source: RunSource) -> None:
    """A run that is gone is none any more; one that is marked meanwhile is not among them."""
    picture = await read(RunsReader(10), source, run_id(2), "f" * 32)
    assert [(marked, row and row.run_id) for marked, row in picture.marked.items()] == [
        (run_id(2), run_id(2)),
        ("f" * 32, None),
    ]

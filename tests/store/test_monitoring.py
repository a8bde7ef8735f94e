"""What goes on in the runs that are not over, asked for all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.model.event import EventKind
from engine.model.states import Stage, StageStatus
from store import queries
from store.reader import Reader
from store.writer import open_writer
from tests.tui.monitoring_samples import FIRST, PLANS, write_going_on
from tests.tui.samples import ENGINE, NOW_US, SECOND, run_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    """Six runs that go on, twelve that are over."""
    path = tmp_path / "runs.db"
    async with open_writer(path, engine_id=ENGINE) as writer:
        await write_going_on(writer, 6)
        with Reader.open(path) as opened:
            yield opened


def test_every_run_that_goes_on_has_its_pulse(reader: Reader) -> None:
    """The newest first; stages, running steps, the last event, how long runs of its plan took."""
    found = reader.run(queries.pulses(NOW_US - 60 * SECOND))
    assert list(found) == [run_id(FIRST + number) for number in range(6)]
    assert list(found) == [row.run_id for row in reader.run(queries.live_runs())]
    first = found[run_id(FIRST)]
    assert first.stages[Stage.ROUTE_PLAN].status is StageStatus.SUCCEEDED
    assert first.stages[Stage.EXECUTE].status is StageStatus.RUNNING
    assert Stage.COMPOSE not in first.stages
    assert first.running == 2
    assert first.last is not None
    assert (first.last.kind, first.last.step_id) == (EventKind.ATTEMPT_STARTED, "checksums")
    assert found[run_id(FIRST + 2)].last == queries.LastEvent(
        EventKind.RUN_PAUSED, NOW_US - 9 * SECOND, None, None, "", "operator"
    )
    same_plan = [place for place in range(12, 0, -1) if PLANS[place % len(PLANS)] == PLANS[0]]
    assert len(first.usual_us) == len(same_plan)
    assert min(first.usual_us) > 70 * SECOND


def test_only_what_ended_lately_is_counted(reader: Reader) -> None:
    """From the given moment on; the run's whole story is shorter than what is looked through."""
    found = reader.run(queries.pulses(0))[run_id(FIRST + 1)]
    assert found.ended == 6
    began = NOW_US - 56 * SECOND
    assert found.counted_from_us == began
    lately = reader.run(queries.pulses(began + 4 * SECOND))[run_id(FIRST + 1)]
    assert lately.ended == 4
    assert lately.counted_from_us == began + 4 * SECOND


def test_as_many_as_are_wanted(reader: Reader) -> None:
    """The newest; and what ended last, the last one first."""
    assert len(reader.run(queries.pulses(0, limit=2))) == 2
    last = reader.run(queries.ended_last(3))
    ended = reader.run(queries.runs_by_ids(last))
    assert len(ended) == 3
    times = [row.finished_at_us or 0 for row in ended]
    every = [row.finished_at_us or 0 for row in reader.run(queries.runs_page(limit=100)) if row.finished_at_us]
    assert sorted(times, reverse=True) == sorted(every, reverse=True)[:3]

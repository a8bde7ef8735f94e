"""Taking a run up from the file: what is read back is what was recorded, in pages, and errors name the file."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from engine.errors import StoreError
from engine.model.states import Stage
from engine.pipeline.rebuild import resume_point_from_events
from store.reader import Reader
from store.resume import plan_to_resume, resume_point, stored_events
from store.writer import open_writer
from tests.store.building import NOW_US, creation, new_run_id, whole_run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.mark.parametrize("portions", [0, 5, 6, 7, 107, 400])
async def test_it_is_the_point_that_the_recorded_events_make(path: Path, portions: int) -> None:
    """Of a run with 150 steps cut off early, in the middle of a step, late, and not at all: more than two pages."""
    told = list(itertools.islice(whole_run(150, failing=120), portions))
    async with open_writer(path) as writer:
        made, other = creation(writer.engine_id), creation(writer.engine_id)
        for one in (made, other):
            await writer.create_run(one)
        for portion in told:
            await writer.append(other.run_id, portion)
            await writer.append(made.run_id, portion)
    events = [made.created, *itertools.chain.from_iterable(told)]
    with Reader.open(path) as reader:
        assert list(stored_events(reader, made.run_id)) == events
        point = resume_point(reader, made.run_id)
    assert point == resume_point_from_events(made.run_id, events)
    assert point.run_id == made.run_id


async def test_it_goes_on_after_a_takeover(path: Path) -> None:
    async with open_writer(path) as writer:
        made = creation(writer.engine_id)
        await writer.create_run(made)
        for portion in itertools.islice(whole_run(3), 7):
            await writer.append(made.run_id, portion)
    async with open_writer(path) as writer:
        await writer.take_over(made.run_id, expected_epoch=1, at_us=NOW_US)
    with Reader.open(path) as reader:
        point = resume_point(reader, made.run_id)
        plan = plan_to_resume(reader, made.run_id)
    assert plan == made.plan
    assert point.plan_hash == plan.plan_hash
    assert set(point.stage_outputs) == {Stage.ROUTE_PLAN, Stage.VALIDATE}
    assert point.uncertain_steps == ("s0",)


async def test_a_run_that_is_not_there(path: Path) -> None:
    async with open_writer(path):
        pass
    with Reader.open(path) as reader:
        for ask in (resume_point, plan_to_resume):
            with pytest.raises(StoreError) as caught:
                ask(reader, new_run_id())
            assert caught.value.place == str(path)

"""The queries for the groups of a pass: what moved, which steps were tried again, their items, what only the plan says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import StepStatus
from store import queries
from store.reader import Reader
from store.writer import open_writer
from tests.tui.releases import AT_THE_END, RELEASE, end_deploy, write_release
from tests.tui.samples import run_id

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_pass_as_its_groups_show_it(tmp_path: Path) -> None:
    """Tries of the one step that had several, items by status, fallback and end from the plan; then only what moved since."""
    path = tmp_path / "runs.db"
    async with open_writer(path) as writer:
        await write_release(writer)
        with Reader.open(path) as reader:
            tries = reader.run(queries.retried(run_id(RELEASE)))
            assert {step: [one.status for one in found] for step, found in tries.items()} == {
                "units": [StepStatus.FAILED, StepStatus.FAILED, StepStatus.SUCCEEDED]
            }
            items = reader.run(queries.item_counts(run_id(RELEASE)))
            assert items == {"image": {StepStatus.FAILED: 1, StepStatus.SUCCEEDED: 11}}
            shape = reader.run(queries.plan_shape(run_id(RELEASE)))
            assert dict(shape.fallback_of) == {"push": "push_mirror"}
            assert shape.at_the_end == frozenset(AT_THE_END)
            before = reader.run(queries.run_by_id(run_id(RELEASE)))
            assert before is not None
            await end_deploy(writer)
            after = reader.run(queries.run_by_id(run_id(RELEASE)))
            assert after is not None
            moved = reader.run(queries.steps_changed(run_id(RELEASE), 0, before.last_seq, after.last_seq))
            assert {step.step_id: step.status for step in moved} == {
                "deploy": StepStatus.SUCCEEDED,
                "smoke": StepStatus.SKIPPED,
                "unlock": StepStatus.SUCCEEDED,
                "report": StepStatus.SUCCEEDED,
            }
            assert reader.run(queries.steps_changed(run_id(RELEASE), 0, after.last_seq, after.last_seq)) == []

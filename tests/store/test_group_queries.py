"""The queries for the groups of a pass: what moved, which steps were tried again, their items, what only the plan says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.model.states import StepStatus
from store import queries
from store.reader import Reader
from store.writer import open_writer
from tests.tui.releases import AT_THE_END, RELEASE, end_deploy, write_release
from tests.tui.replan_samples import DECIDED, Passes, write_replans
from tests.tui.samples import run_id
from tests.tui.stories import id_of

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.json import JsonObject


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


async def test_where_the_results_of_a_pass_come_from(tmp_path: Path) -> None:
    """The run and the pass of each that was not made in it; what was made in it is not named."""
    path = tmp_path / "runs.db"
    await write_replans(path)
    source = queries.Source(id_of(DECIDED), 1)
    with Reader.open(path) as reader:
        assert reader.run(queries.reused_from(id_of(DECIDED), 2)) == {"ci": source, "services": source}
        assert reader.run(queries.reused_from(id_of(DECIDED), 1)) == {}


async def test_a_pass_has_the_fallbacks_of_its_own_plan(tmp_path: Path) -> None:
    """Approved changes add them, take them away and take them out with their step; a denied one leaves all as it was."""
    path = tmp_path / "runs.db"
    steps: list[JsonObject] = [
        {"id": "ci", "fallback_step": "spare"},
        {"id": "ping", "fallback_step": "other"},
        {"id": "gone"},
    ]
    told = Passes(1, plan={"steps": [*steps], "finally": [{"id": "tidy"}]})
    told.open({"lookup": {}, "replan": {}}).run("ci")
    told.ask("r0.1", "step_failed", "x", step="ci", before={"ci": {"fallback_step": "spare"}, "new": None, "ping": {"timeout_sec": 1}},
             after={"ci": {}, "new": {"fallback_step": "ping"}, "ping": {"timeout_sec": 2}})  # fmt: skip
    told.decide("r0.1", "auto_approved", "policy", "", step="ci").next_pass({"lookup": {}, "replan": {}})
    told.ask("r1.1", "step_failed", "x", step="ci", before={"new": {"fallback_step": "ping"}}, after={"new": None})
    told.decide("r1.1", "denied", "operator:ops", "", step="ci")
    told.ask("r1.2", "step_failed", "x", step="ci", before={"ping": {"fallback_step": "other"}}, after={"ping": None})
    told.decide("r1.2", "approved", "operator:ops", "", step="ci").next_pass({"lookup": {}, "replan": {}})
    told.ask("r2.1", "operator", "x", step="ci", before={"ci": {}}, after={"ci": {"fallback_step": "new"}})
    told.decide("r2.1", "approved", "operator:ops", "", step="ci")
    edited: JsonObject = {"before": {"ci": {}}, "after": {"ci": {"fallback_step": "edited"}}}
    told.events[-1] = replace(told.events[-1], data={**told.events[-1].data, **edited})
    told.next_pass({"lookup": {}, "replan": {}})
    async with open_writer(path) as writer:
        await told.write(writer)
    with Reader.open(path) as reader:
        shapes = [reader.run(queries.plan_shape(told.run_id, index)) for index in range(4)]
    assert [dict(shape.fallback_of) for shape in shapes] == [
        {"ci": "spare", "ping": "other"},
        {"new": "ping", "ping": "other"},
        {"new": "ping"},
        {"new": "ping", "ci": "edited"},
    ]
    assert {shape.at_the_end for shape in shapes} == {frozenset({"tidy"})}

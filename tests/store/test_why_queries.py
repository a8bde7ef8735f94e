"""The questions behind `why`, asked of a real file: what counts as a difference, which run is the measure, what is bounded."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from engine.model.event import EventKind
from engine.model.states import Reason, Stage, StepStatus
from store import queries
from store.queries.why import StageRemarks, StepEnd, StepGroup, StepPair
from store.reader import Reader
from store.writer import open_writer
from tests.tui.stories import Story

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.json import JsonObject
    from store.queries import Query
    from store.rows import RunRow


async def reader_of(path: Path, *stories: Story) -> Reader:
    async with open_writer(path) as writer:
        for story in stories:
            await story.write(writer)
    return Reader.open(path)


def row(reader: Reader, story: Story) -> RunRow:
    found = reader.run(queries.run_by_id(story.run_id))
    assert found is not None
    return found


def ok(us: int) -> StepEnd:
    return StepEnd(StepStatus.SUCCEEDED, None, 0, us)


STEPS = ("same", "slower", "faster", "a_bit", "long", "failed", "aborted", "blocked", "skipped", "new")


async def test_changed_steps(tmp_path: Path) -> None:
    then, now = Story(1, ago=900, steps=(*STEPS[:-1], "gone")).begin(), Story(2, steps=STEPS).begin()
    took = {"same": (1, 1), "slower": (1, 2), "faster": (2, 1), "a_bit": (1, 1.9), "long": (100, 150)}
    for step, (before, after) in took.items():
        then.run(step, before)
        now.run(step, after)
    for step in (*STEPS[5:-1], "gone"):
        then.run(step)
    now.start("failed").end("failed", "failed", exit_code=2)
    now.settle("failed", "failed", exit_code=2, reason="exit_code", took=3)
    now.settle("aborted", "canceled", attempts=0, reason="aborted")
    now.settle("blocked", "skipped", attempts=0, reason="dependency_failed")
    now.settle("skipped", "skipped", attempts=0, reason="condition_false").run("new")
    with await reader_of(tmp_path / "runs.db", then.finish("succeeded"), now.finish("failed")) as reader:
        run, good = row(reader, now), row(reader, then)
        pairs = reader.run(queries.changed_steps(run, good))
        second = 1_000_000
        assert {pair.step_id: pair for pair in pairs} == {
            "slower": StepPair("slower", ok(2 * second), ok(second)),
            "faster": StepPair("faster", ok(second), ok(2 * second)),
            "failed": StepPair("failed", StepEnd(StepStatus.FAILED, Reason.EXIT_CODE, 2, 3 * second), ok(second)),
            "skipped": StepPair("skipped", StepEnd(StepStatus.SKIPPED, Reason.CONDITION_FALSE, None, None), ok(second)),
            "new": StepPair("new", ok(second), None),
        }
        assert {pair.step_id for pair in pairs[:3]} == {"failed", "skipped", "new"}, "another end comes first"
        assert len(reader.run(queries.changed_steps(run, good, limit=2))) == 2
        assert reader.run(queries.steps_gone(run, good)) == ["gone"]
        assert reader.run(queries.steps_gone(run, run)) == []
        assert reader.run(queries.step_groups(run.run_id)) == [
            StepGroup(StepStatus.CANCELED, Reason.ABORTED, 1),
            StepGroup(StepStatus.FAILED, Reason.EXIT_CODE, 1),
            StepGroup(StepStatus.SKIPPED, Reason.CONDITION_FALSE, 1),
            StepGroup(StepStatus.SKIPPED, Reason.DEPENDENCY_FAILED, 1),
            StepGroup(StepStatus.SUCCEEDED, None, 6),
        ]
        assert reader.run(queries.failed_step_ids(run.run_id)) == ["failed"]


async def test_the_last_good_run(tmp_path: Path) -> None:
    """The newest earlier one of the same plan that succeeded."""
    oldest, newer = (Story(n, ago=ago).begin().finish("succeeded") for n, ago in ((1, 900), (2, 800)))
    other = Story(3, ago=700, plan_id="other").begin().finish("succeeded")
    failed = Story(4, ago=650).begin().finish("failed")
    now, later = Story(5, ago=600), Story(6, ago=500).begin().finish("succeeded")
    with await reader_of(tmp_path / "runs.db", oldest, newer, other, failed, now, later) as reader:

        def good(story: Story) -> str | None:
            return reader.run(queries.last_good_run_id(row(reader, story)))

        assert good(now) == newer.run_id
        assert good(newer) == oldest.run_id
        assert good(oldest) is None
        assert good(other) is None


async def test_the_first_to_fail_is_the_first(tmp_path: Path) -> None:
    story = Story(1).begin()
    for step in ("restart", "fetch", "copy"):
        story.after(1).settle(step, "failed", reason="exit_code")
    with await reader_of(tmp_path / "runs.db", story) as reader:
        assert reader.run(queries.failed_step_ids(story.run_id)) == ["restart", "fetch", "copy"]
        assert reader.run(queries.failed_step_ids(story.run_id, limit=1)) == ["restart"]


async def test_happenings(tmp_path: Path) -> None:
    story = Story(1).begin()
    for number in range(5):
        story.tell(EventKind.CONTROL_RECEIVED, {"verb": "cancel", "n": number}, actor=f"operator:{number}")
    story.tell(EventKind.STEP_WAITING, {"n": 1}, step="fetch").tell(EventKind.STEP_WAITING, {"n": 2}, step="copy")
    with await reader_of(tmp_path / "runs.db", story) as reader:
        asked = reader.run(queries.happenings(story.run_id, [EventKind.CONTROL_RECEIVED], limit=2))
        assert [(found.actor, found.data["n"]) for found in asked] == [("operator:3", 3), ("operator:4", 4)]
        (waited,) = reader.run(queries.happenings(story.run_id, [EventKind.STEP_WAITING], step_id="fetch"))
        assert (waited.step_id, waited.data) == ("fetch", {"n": 1})
        (last,) = reader.run(queries.happenings(story.run_id))
        assert (last.kind, last.step_id) == (EventKind.STEP_WAITING, "copy")


async def test_processes_under_way(tmp_path: Path) -> None:
    process: JsonObject = {"pid": 7, "start_ticks": 99, "boot_id": "b"}
    story = Story(1).begin().run("fetch").start("copy", process=process).start("restart")
    with await reader_of(tmp_path / "runs.db", story) as reader:
        copying, restarting = reader.run(queries.processes_under_way(story.run_id))
        assert copying.process is not None
        assert (copying.step_id, copying.process.to_json()) == ("copy", process)
        assert (restarting.step_id, restarting.attempt, restarting.process) == ("restart", 1, None)


async def test_remarks_stand_in_the_order_of_the_stages(tmp_path: Path) -> None:
    story = Story(1)
    for stage in (Stage.COMPOSE, Stage.VALIDATE):
        output: JsonObject = {"diagnostics": {"status": "warning", "warnings": [f"{stage} warns"], "errors": []}}
        story.tell(EventKind.STAGE_STARTED, {"input": {}}, stage=stage)
        story.tell(EventKind.STAGE_FINISHED, {"status": "succeeded", "duration_us": 1, "output": output}, stage=stage)
    with await reader_of(tmp_path / "runs.db", story) as reader:
        assert reader.run(queries.stage_remarks(story.run_id)) == [
            StageRemarks(Stage.VALIDATE, ("validate warns",), ()),
            StageRemarks(Stage.COMPOSE, ("compose warns",), ()),
        ]


async def test_what_is_asked_often_is_answered_by_an_index(tmp_path: Path) -> None:
    story = Story(1)
    path = tmp_path / "runs.db"
    with await reader_of(path, story) as reader:
        run = row(reader, story)
    wanted: list[tuple[Query[object], str]] = [
        (queries.last_good_run_id(run), "USING INDEX runs_by_plan"),  # type: ignore[list-item]
        (queries.changed_steps(run, run), "SEARCH g USING PRIMARY KEY"),  # type: ignore[list-item]
        (queries.happenings(run.run_id), "SEARCH run_events USING INDEX"),  # type: ignore[list-item]
    ]
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        for query, how in wanted:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {query.sql}", query.parameters).fetchall()
            assert how in " / ".join(detail for *_, detail in plan)
    finally:
        connection.close()


@pytest.mark.parametrize("kind", [EventKind.RUN_PAUSED, EventKind.RUN_QUARANTINED])
async def test_nothing_of_a_kind_is_an_empty_list(tmp_path: Path, kind: EventKind) -> None:
    story = Story(1)
    with await reader_of(tmp_path / "runs.db", story) as reader:
        assert reader.run(queries.happenings(story.run_id, [kind])) == []

"""Kept analyses: found again by the beginning of their id, listed the newest first; and what a comparison reads of runs."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import InputError
from engine.model.event import Event, EventKind
from engine.model.states import RunMode, RunStatus, Stage, StepStatus
from engine.regression.alignment import align_runs
from engine.regression.analysis import analyse
from engine.regression.document import from_document, to_document
from engine.regression.facts import StageKey, StepKey, read_run
from engine.regression.shapes import shape_of
from engine.regression.verdict import Verdict
from store import queries
from store.analyses import analyses_page, save_analysis, stored_analysis
from store.blobs import THRESHOLD_BYTES
from store.errors import NoDatabaseError
from store.queries import comparison
from store.run_facts import read_runs
from store.trace import trace_document
from tests.store.building import (
    NOW_US,
    creation,
    ended,
    run_finished,
    settled,
    stage_finished,
    stage_started,
    starting,
    whole_run,
)

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.json import Json, JsonObject
    from store.reader import Reader
    from store.writer import Writer


async def record(
    writer: Writer, steps: int = 3, *, failing: int | None = None, at_us: int = NOW_US, **given: Any
) -> str:
    made = creation(writer.engine_id, at_us=at_us, **given)
    await writer.create_run(made)
    for portion in whole_run(steps, failing=failing):
        await writer.append(made.run_id, portion)
    return made.run_id


async def test_kept_and_found_again(writer: Writer, reader: Reader) -> None:
    ids = [await record(writer) for _ in range(2)]
    analysis = analyse(read_runs(reader, ids[:1]), read_runs(reader, ids[1:]))
    clock = count(1)
    kept = [
        save_analysis(writer.path, to_document(analysis, plan_id="demo"), now_us=lambda: next(clock)) for _ in range(3)
    ]
    head, document = stored_analysis(reader, kept[1][:10])
    assert from_document(document) == analysis
    assert (head.analysis_id, head.verdict, head.score, head.plan_id) == (kept[1], Verdict.TOO_FEW, None, "demo")
    assert (head.baseline_n, head.candidates) == (1, (ids[1],))
    assert [one.analysis_id for one in reader.run(analyses_page())] == kept[::-1]
    assert [one.analysis_id for one in reader.run(analyses_page(limit=1, offset=1))] == [kept[1]]


async def test_none_and_several(writer: Writer, reader: Reader) -> None:
    with pytest.raises(InputError, match="no stored analysis begins with ab"):
        stored_analysis(reader, "ab")
    for _ in range(17):  # of so many two begin with the same digit
        save_analysis(writer.path, to_document(analyse([], [])))
    firsts = [head.analysis_id[0] for head in reader.run(analyses_page())]
    several = next(first for first in firsts if firsts.count(first) > 1)
    with pytest.raises(InputError, match="more than one"):
        stored_analysis(reader, several)


def test_no_file_is_made_for_an_analysis(tmp_path: Path) -> None:
    with pytest.raises(NoDatabaseError):
        save_analysis(tmp_path / "none.db", to_document(analyse([], [])))


@pytest.mark.parametrize("failing", [None, 1])
async def test_the_facts_are_those_of_the_trace(writer: Writer, reader: Reader, failing: int | None) -> None:
    run_id = await record(writer, failing=failing)
    [facts] = read_runs(reader, [run_id])
    expected = read_run(trace_document(reader, run_id))
    aligned = align_runs(expected, facts)
    assert aligned.between == ()
    assert aligned.one_sided() == ()
    for key, step in expected.steps.items():
        read = facts.steps[key]
        # What a step depends on is the plan's to say, and stands in the row of the step.
        assert read.depends_on == (() if key.step_id == "s0" else (f"s{int(key.step_id[1:]) - 1}",))
        same = replace(read, result=step.result, counts=step.counts, shape=None, depends_on=step.depends_on)
        assert same == step
        assert isinstance(step.result, dict)
        if step.status is StepStatus.SUCCEEDED:
            assert read.shape == shape_of(step.result["data"])
    for stage, said in expected.stages.items():
        assert facts.stages[stage].duration_ms == said.duration_ms
        assert facts.stages[stage].references == said.references
        assert facts.stages[stage].result == said.result
    assert facts.duration_ms == expected.duration_ms


async def test_a_large_result_is_not_looked_at(writer: Writer, reader: Reader) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    large: Any = {"rows": ["x" * comparison.MOST_RESULT_BYTES]}
    portion = [
        Event(EventKind.RUN_STARTED, NOW_US),
        stage_started(Stage.EXECUTE),
        starting(0),
        ended(0),
        settled(0, result=large),
    ]
    await writer.append(made.run_id, [*portion, run_finished()])
    [facts] = read_runs(reader, [made.run_id])
    assert facts.steps[StepKey(0, "s0")].shape is None
    assert facts.steps[StepKey(0, "s0")].status is StepStatus.SUCCEEDED


async def test_a_value_that_is_kept_apart_is_unknown_and_not_missing(writer: Writer, reader: Reader) -> None:
    usual: Any = {"blocks": [{"type": "text", "text": "fine"}], "count": 1}
    large: Any = {"blocks": [{"type": "text", "text": "x" * 2 * THRESHOLD_BYTES}], "count": 1}
    ids: list[str] = []
    for shown in (*[usual] * 5, large):
        made = creation(writer.engine_id)
        await writer.create_run(made)
        events = [
            Event(EventKind.RUN_STARTED, NOW_US),
            stage_started(Stage.EXECUTE),
            starting(0),
            ended(0),
            settled(0, result=shown),
            stage_finished(Stage.EXECUTE),
            stage_started(Stage.PRESENT),
            stage_finished(Stage.PRESENT, shown),
        ]
        await writer.append(made.run_id, [*events, run_finished()])
        ids.append(made.run_id)
    *before, after = read_runs(reader, ids)
    assert before[0].stages[StageKey(0, Stage.PRESENT)].result == usual
    assert after.stages[StageKey(0, Stage.PRESENT)].result is None
    found = analyse(before, [after])
    assert found.issues == ()
    assert found.counts == ()


async def test_an_output_that_is_not_read_has_lost_no_references(
    writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def presented(*references: Json) -> Event:
        event = stage_finished(Stage.PRESENT, {"blocks": []})
        output = event.data["output"]
        assert isinstance(output, dict)
        return replace(event, data={**event.data, "output": {**output, "references": list(references)}})

    usual: JsonObject = {"kind": "asset", "name": "query/ci@1", "detail": ""}
    ids: list[str] = []
    for end in (*[presented(usual)] * 5, presented(usual, {**usual, "name": "n" * 5000})):
        made = creation(writer.engine_id)
        await writer.create_run(made)
        events = [Event(EventKind.RUN_STARTED, NOW_US), stage_started(Stage.PRESENT), end, run_finished()]
        await writer.append(made.run_id, events)
        ids.append(made.run_id)
    monkeypatch.setattr(comparison, "MOST_OUTPUT_BYTES", 2000)
    *before, after = read_runs(reader, ids)
    assert not after.stages[StageKey(0, Stage.PRESENT)].is_known
    assert analyse(before, [after]).issues == ()


def test_a_run_that_is_not_there(writer: Writer, reader: Reader) -> None:
    with pytest.raises(InputError, match="there is no run"):
        read_runs(reader, ["ab" * 16])


async def test_more_steps_than_a_page(writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = await record(writer, 25)
    monkeypatch.setattr("store.run_facts._PAGE", 7)
    [facts] = read_runs(reader, [run_id])
    assert {key.step_id for key in facts.steps} == {f"s{number}" for number in range(25)}


async def test_heads_for_a_baseline(writer: Writer, reader: Reader) -> None:
    early = await record(writer, at_us=NOW_US - 10)
    late = await record(writer, failing=1, at_us=NOW_US - 5)
    await record(writer, at_us=NOW_US - 5, plan_id="other")
    await record(writer, at_us=NOW_US)
    heads = reader.run(comparison.heads_before("demo", NOW_US))
    assert [head.run_id for head in heads] == [late, early]
    assert [head.status for head in heads] == [RunStatus.FAILED, RunStatus.SUCCEEDED]
    [head] = reader.run(comparison.heads_by_id([early]))
    assert (head.mode, head.environment, head.plan_hash, head.assets) == (RunMode.NORMAL, "cd" * 32, "ab" * 32, {})
    assert head.duration_us == 12_400_000


async def test_the_assets_of_a_head_are_those_of_its_last_pass(writer: Writer, reader: Reader) -> None:
    made = creation(writer.engine_id)
    await writer.create_run(made)
    for pass_index, version in enumerate((2, 3)):
        data: Any = {
            "alias": "lookup",
            "ref": f"query/ci@{version}",
            "sha256": "ef" * 32,
            "source": "pin",
            "content": "x",
        }
        await writer.append(made.run_id, [Event(EventKind.ASSET_RESOLVED, NOW_US, data, pass_index=pass_index)])
    [head] = reader.run(comparison.heads_by_id([made.run_id]))
    assert head.assets == {"lookup": "query/ci@3 efefefefefef"}
    assert reader.run(queries.run_by_id(made.run_id)) is not None

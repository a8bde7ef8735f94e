"""Two traces side by side: real ones from the samples, and some made by hand for what those do not have."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from engine.errors import InputError
from engine.model.states import Stage, StepStatus
from engine.regression.alignment import AlignedStage, AlignedStep, Alignment, Aspect, Presence, RunAspect, align_traces
from engine.regression.facts import StageKey, StepKey, read_run
from engine.regression.json_diff import DiffOptions, summary_lines

SAMPLES = Path(__file__).parents[3] / "sample_traces"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def step(name: str, **given: Any) -> dict[str, Any]:
    return {
        "id": name, "pass_index": 0, "item_index": None, "status": "succeeded", "reason": None, "attempts": [{}],
        "duration_ms": 1.5, "result": {"data": name, "counts": {"rows": 1}}, **given,
    }  # fmt: skip


def trace(*steps: dict[str, Any], **given: Any) -> dict[str, Any]:
    return {
        "run_id": "ab" * 16,
        "plan_id": "p",
        "plan_hash": "h1",
        "status": "succeeded",
        "steps": list(steps),
        **given,
    }


def between(found: Alignment) -> list[tuple[RunAspect, str, Any, Any]]:
    return [(one.aspect, one.name, one.before, one.after) for one in found.between]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_a_run_beside_itself(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    again = json.loads(path.read_text(encoding="utf-8"))
    random.Random(1).shuffle(again["steps"])
    random.Random(2).shuffle(again["stages"])
    found = align_traces(document, again)
    assert found.between == ()
    assert found.one_sided() == ()
    assert len(found.steps) == len(document["steps"])
    assert len(found.stages) == len(document["stages"])
    parts: list[AlignedStage | AlignedStep] = [*found.stages, *found.steps]
    for part in parts:
        assert part.presence is Presence.BOTH
        assert part.differences() == ()
        assert part.duration_delta_ms in {0, None}
        assert part.result_diff().is_empty


def test_another_host_in_the_same_plan() -> None:
    found = align_traces(sample("ci-lookup-app-13"), sample("ci-lookup-db-03"))
    assert between(found) == [(RunAspect.PARAMS, "host", "app-13", "db-03")]
    steps = {part.key.step_id: part for part in found.steps}
    assert steps["ci"].differences() == (Aspect.RESULT,)
    assert steps["similar"].differences() == ()
    assert Aspect.COUNTS in steps["services"].differences()
    assert 'data.rows[0].name: "app-13" → "db-03"' in summary_lines(steps["ci"].result_diff())
    assert steps["ci"].result_diff(DiffOptions(ignore=("data",))).is_empty
    stages = {part.key.stage: part for part in found.stages}
    assert stages[Stage.ROUTE_PLAN].differences() == ()
    assert Aspect.RESULT in stages[Stage.PRESENT].differences()


def test_a_failed_run_beside_a_good_one() -> None:
    found = align_traces(sample("ci-lookup-failed"), sample("ci-lookup-db-03"))
    assert between(found) == [(RunAspect.OUTCOME, "status", "failed", "succeeded")]
    assert [(part.key, part.presence) for part in found.one_sided()] == [
        (StageKey(0, Stage.COMPOSE), Presence.AFTER_ONLY),
        (StageKey(0, Stage.PRESENT), Presence.AFTER_ONLY),
    ]
    failed = next(part for part in found.steps if part.key.step_id == "ci")
    assert failed.before is not None
    assert failed.before.status is StepStatus.FAILED
    assert {Aspect.STATUS, Aspect.REASON, Aspect.RESULT} <= set(failed.differences())


def test_items_and_passes_meet_by_their_keys() -> None:
    items = [step("each", item_index=number, result={"data": number}) for number in range(4)]
    before = trace(step("each"), *items, step("last"))
    after = trace(*reversed(items[1:]), step("last"), step("each"), step("last", pass_index=1), step("new"))
    found = align_traces(before, after)
    assert {part.key: part.presence for part in found.one_sided()} == {
        StepKey(0, "each", 0): Presence.BEFORE_ONLY,
        StepKey(0, "new"): Presence.AFTER_ONLY,
        StepKey(1, "last"): Presence.AFTER_ONLY,
    }
    assert all(part.differences() == () for part in found.steps)
    assert [part.key.pass_index for part in found.steps] == [0] * 7 + [1]


def test_every_aspect_of_a_step() -> None:
    changes: list[tuple[dict[str, Any], Aspect]] = [
        ({"status": "failed"}, Aspect.STATUS),
        ({"reason": "timed_out"}, Aspect.REASON),
        ({"exit_code": 3}, Aspect.REASON),
        ({"message": "no"}, Aspect.REASON),
        ({"attempts": [{}, {}]}, Aspect.ATTEMPTS),
        ({"reused_from": {"run": "cd" * 16}}, Aspect.REUSE),
        ({"result": {"data": "other", "counts": {"rows": 1}}}, Aspect.RESULT),
    ]
    for change, aspect in changes:
        (part,) = align_traces(trace(step("a")), trace(step("a", **change))).steps
        assert part.differences() == (aspect,)
    (part,) = align_traces(trace(step("a")), trace(step("a", result={"data": "a", "counts": {"rows": 2}}))).steps
    assert part.differences() == (Aspect.COUNTS, Aspect.RESULT)


def test_every_aspect_of_a_stage() -> None:
    def staged(status: str = "succeeded", **output: Any) -> dict[str, Any]:
        given = {"stage": "compose", "pass_index": 0, "status": status, "duration_ms": 2.0}
        diagnostics = {"status": "ok", "warnings": [], "counts": {"rows": 1}}
        return trace(stages=[{**given, "output": {"result": {"a": 1}, "diagnostics": diagnostics, **output}}])

    reference = {"kind": "file", "name": "x", "detail": ""}
    changes: list[tuple[dict[str, Any], tuple[Aspect, ...]]] = [
        (staged("failed"), (Aspect.STATUS,)),
        (staged(diagnostics={"status": "warning", "warnings": ["w"], "counts": {"rows": 1}}), (Aspect.DIAGNOSTICS,)),
        (
            staged(diagnostics={"status": "ok", "empty_flags": {"a": True}, "counts": {"rows": 1}}),
            (Aspect.DIAGNOSTICS,),
        ),
        (staged(diagnostics={"status": "ok", "counts": {"rows": 2}}), (Aspect.COUNTS,)),
        (staged(references=[reference]), (Aspect.REFERENCES,)),
        (staged(result={"a": True}), (Aspect.RESULT,)),
    ]
    for changed, aspects in changes:
        (part,) = align_traces(staged(), changed).stages
        assert part.differences() == aspects
    (part,) = align_traces(staged(references=[reference, {"kind": "a", "name": "b"}]),
                           staged(references=[{"kind": "a", "name": "b"}, reference])).stages  # fmt: skip
    assert part.differences() == ()


def test_what_differs_between_the_runs() -> None:
    replan = {"event_id": "e", "pass_index": 0, "trigger": "empty_result", "stage": "execute", "step_id": "ci",
              "decision": "approved", "at": "then", "patch": {"before": {}, "after": {"ci": 1}}}  # fmt: skip
    asset = {"ref": "query/ci-lookup@1", "sha256": "aa", "source": "published"}
    before = trace(
        params={"host": "a", "limit": 1, "gone": 0}, environment={"host": "x", "os": "Linux"}, plan_version="1",
        applied_assets={"lookup": asset, "same": asset}, replan_events=[replan, replan],
    )  # fmt: skip
    after = trace(
        params={"host": "a", "limit": 1.0, "new": None}, environment={"host": "y", "os": "Linux"}, plan_version="2",
        plan_hash="h2", applied_assets={"lookup": {**asset, "ref": "query/ci-lookup@2", "sha256": "bb"}, "same": asset},
        replan_events=[{**replan, "event_id": "f", "at": "now"}, {**replan, "decision": "denied"},
                       {**replan, "trigger": "operator", "step_id": None}],
    )  # fmt: skip
    found = align_traces(before, after)
    assert [(one.aspect, one.name, one.presence) for one in found.between] == [
        (RunAspect.PLAN, "plan_version", Presence.BOTH),
        (RunAspect.PLAN, "plan_hash", Presence.BOTH),
        (RunAspect.PARAMS, "gone", Presence.BEFORE_ONLY),
        (RunAspect.PARAMS, "new", Presence.AFTER_ONLY),
        (RunAspect.ASSETS, "lookup", Presence.BOTH),
        (RunAspect.REPLANS, "pass 0: empty_result at ci (2)", Presence.BOTH),
        (RunAspect.REPLANS, "pass 0: operator at execute", Presence.AFTER_ONLY),
        (RunAspect.ENVIRONMENT, "host", Presence.BOTH),
    ]


def test_durations_that_are_not_known() -> None:
    parts = align_traces(
        trace(step("a"), step("b", duration_ms=None), step("c", duration_ms=0.1)),
        trace(step("a", duration_ms=4), step("b"), step("c", duration_ms=0.3)),
    ).steps
    assert [part.duration_delta_ms for part in parts] == [2.5, None, 0.2]


def test_a_run_that_only_just_began() -> None:
    found = align_traces({"run_id": "ab" * 16, "status": "pending", "environment": None}, trace(step("a")))
    assert [part.presence for part in found.steps] == [Presence.AFTER_ONLY]
    assert found.steps[0].differences() == ()
    assert not found.steps[0].result_diff().is_empty


def test_keys_let_many_runs_be_laid_side_by_side() -> None:
    runs = [read_run(trace(step("a", duration_ms=number), step("b"))) for number in range(5)]
    durations = {key: [run.steps[key].duration_ms for run in runs] for key in runs[0].steps}
    assert durations[StepKey(0, "a")] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "trace: run_id is missing"),
        (trace(step("a"), step("a")), "steps[1]: the trace has this part twice"),
        (trace(step("a", status="well")), "steps[0]: status is none of the words known here: well"),
        (trace(step("a", status=None)), "steps[0]: status is missing"),
        (trace(step("a", pass_index=True)), "steps[0]: pass_index is no number"),
        (trace(step("a", duration_ms="1")), "steps[0]: duration_ms is no number"),
        (trace(step("a", attempts=2)), "steps[0].attempts: a list is expected"),
        (trace(step("a", result=[])), "steps[0].result: an object is expected"),
        (trace(params=[]), "trace.params: an object is expected"),
        (trace(stages=[5]), "stages[0]: an object is expected"),
        (trace(stages=[{"stage": "no", "pass_index": 0}]), "stages[0]: stage is none of the words"),
    ],
)
def test_what_is_no_trace_is_refused_at_its_place(document: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        align_traces(trace(), document)
    assert said in str(caught.value)

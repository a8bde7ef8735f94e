"""Two runs side by side as text: real ones from the samples, and some made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.regression.alignment import align_traces
from tui.viewmodel.against import MOST_CHANGES, against_json, against_lines

SAMPLES = Path(__file__).parents[3] / "sample_traces"


def step(name: str, **given: Any) -> dict[str, Any]:
    return {
        "id": name,
        "pass_index": 0,
        "item_index": None,
        "status": "succeeded",
        "reason": None,
        "message": "",
        "attempts": [{}],
        "duration_ms": 1.5,
        "reused_from": None,
        "result": {"data": name, "stdout": f"{name}\n", "counts": {}, "attempts": 1},
        **given,
    }


def trace(run_id: str, *steps: dict[str, Any], **given: Any) -> dict[str, Any]:
    return {
        "run_id": run_id * 32,
        "plan_id": "p",
        "plan_hash": "h1",
        "status": "succeeded",
        "pass_count": 1,
        "steps": list(steps),
        **given,
    }


def text(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return ["".join(span.text for span in line) for line in against_lines(align_traces(before, after))]


HEAD = "bbbbbb against aaaaaa  - only in aaaaaa  + only in bbbbbb  ~ differs"


def test_a_run_beside_itself() -> None:
    one = trace("a", step("x"), step("y"))
    assert text(one, trace("b", step("x"), step("y"))) == [HEAD, "  nothing differs", "  the same: 2 steps"]


def test_what_only_one_has_and_what_differs() -> None:
    before = trace("a", step("x"), step("gone"), params={"host": "a"}, status="failed")
    after = trace(
        "b",
        step("x", status="failed", message="exit 1", reason="exit_code", attempts=[{}, {}], result={"data": None}),
        step("new"),
        params={"host": "b"},
        plan_hash="h2",
    )
    assert text(before, after) == [
        HEAD,
        "runs",
        '  ~ plan_hash: "h1" → "h2"',
        '  ~ params host: "a" → "b"',
        '  ~ status: "failed" → "succeeded"',
        "steps",
        "  ~ x  succeeded → failed; no message → exit 1; attempts 1 → 2; 1ms → 1ms",
        '      data: "x" → null',
        "  - gone  succeeded",
        "  + new  succeeded",
    ]


def test_a_reused_result_is_only_said_to_be_that() -> None:
    taken = step("x", reason="reused", attempts=[], reused_from={"run_id": "a" * 32, "pass_index": 0, "step_id": "x"})
    taken["result"] = {**taken["result"], "reason": "reused", "reused_from": taken["reused_from"]}
    assert text(trace("a", step("x")), trace("b", taken)) == [HEAD, "steps", "  ~ x  reused"]
    assert text(trace("a", taken), trace("b", step("x")))[2] == "  ~ x  not reused"


def test_a_time_is_told_where_it_is_far_off() -> None:
    """And nowhere else: two runs never take the same time."""
    slow = trace("b", step("x", duration_ms=5000.0), step("y", duration_ms=2.0))
    assert text(trace("a", step("x"), step("y")), slow) == [HEAD, "steps", "  ~ x  1ms → 5.0s", "  the same: 1 step"]
    document = against_json(align_traces(trace("a", step("x"), step("y")), slow))
    assert (document["steps"], document["same"]) == ([], {"stages": 0, "steps": 2})


def test_what_differs_in_a_result_is_cut_and_counted() -> None:
    one = step("x", result={"data": {f"k{place}": 0 for place in range(300)}})
    other = step("x", result={"data": {f"k{place}": 1 for place in range(300)}})
    lines = text(trace("a", one), trace("b", other))
    assert len(lines) == 9
    assert lines[-1].strip() == "and 295 changes more in 295 other places"
    document: Any = against_json(align_traces(trace("a", one), trace("b", other)))
    assert len(document["steps"][0]["result_changes"]) == MOST_CHANGES
    assert document["steps"][0]["more_changes"] == 300 - MOST_CHANGES
    assert document["steps"][0]["result_changes"][0] == {
        "kind": "changed",
        "path": "data.k0",
        "before_path": "data.k0",
        "before": 0,
        "after": 1,
    }


def test_passes_are_named_where_there_are_several() -> None:
    second = trace("b", step("x"), step("x", pass_index=1), pass_count=2)
    assert text(trace("a", step("x")), second)[-2:] == ["  + x (pass 1)  succeeded", "  the same: 1 step"]


def test_the_samples_can_all_be_laid_side_by_side() -> None:
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(SAMPLES.glob("*.json"))]
    for before in documents[:5]:
        for after in documents:
            aligned = align_traces(before, after)
            assert against_lines(aligned)
            document = json.loads(json.dumps(against_json(aligned)))
            told = len(document["steps"]) + document["same"]["steps"]
            assert told == len(aligned.steps)

"""The Stages tab as text: strip, input, output, diagnostics."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING

import pytest

from engine.model.states import RunStatus, Stage, StageStatus, StepStatus
from tests.tui.samples import NOW_US
from tests.tui.viewmodel.rows import run_row, stage_row, step_row
from tests.tui.viewmodel.test_json_tree import text_of, tree_of
from tui.viewmodel.json_lines import row_aside
from tui.viewmodel.json_tree import JsonTree
from tui.viewmodel.runs import Moment
from tui.viewmodel.stages import (
    RunPicture,
    diagnostics_lines,
    empty_output,
    first_stage_to_show,
    output_node,
    strip_lines,
    title_right,
)
from tui.viewmodel.text import plain, width

if TYPE_CHECKING:
    from engine.model.json import JsonObject

NOW = Moment(NOW_US, UTC)
RUNNING = RunPicture(
    run_row(),
    {
        Stage.ROUTE_PLAN: stage_row(Stage.ROUTE_PLAN, StageStatus.SUCCEEDED),
        Stage.VALIDATE: stage_row(Stage.VALIDATE, StageStatus.SUCCEEDED, 2_000),
        Stage.EXECUTE: stage_row(Stage.EXECUTE, StageStatus.RUNNING),
    },
    steps=(
        step_row("primary"),
        step_row("ping", StepStatus.FAILED, message="timed out after 10 s", exit_code=None, attempts=3),
        step_row("wait_for_it", StepStatus.RUNNING, finished_at_us=None),
        step_row("last", StepStatus.PENDING),
    ),
    strategy="dag",
)


def test_the_strip_on_a_wide_terminal_is_one_line() -> None:
    """Name, sign and time of every stage."""
    (line,), places = strip_lines(RUNNING, NOW, 120)
    assert " ".join(plain(line).replace("─", "").split()) == (
        "route_plan ✓ 4ms validate ✓ 2ms execute ● 12.1s compose · present ·"
    )
    assert [place.stage for place in places] == list(Stage)
    assert all(plain(line)[place.start :].startswith(place.stage.value) for place in places)


def test_the_strip_at_80_columns_is_two_lines() -> None:
    """Names above, states below, each at its place."""
    (names, states), places = strip_lines(RUNNING, NOW, 80)
    assert plain(names) == " route_plan ─── validate ───── execute ────── compose ────── present"
    assert plain(states).rstrip() == " ✓ 4ms          ✓ 2ms          ● 12.1s        ·              ·"
    assert max(width(names), width(states)) <= 80
    assert places[2].start == plain(names).index("execute")


@pytest.mark.parametrize("cells", [80, 160])
def test_nothing_on_the_strip_moves_while_times_go_on(cells: int) -> None:
    """The places are the same at every moment."""
    later = Moment(NOW_US + 3_000_000_000, UTC)
    assert strip_lines(RUNNING, NOW, cells)[1] == strip_lines(RUNNING, later, cells)[1]


def test_the_output_of_execute_is_its_steps_with_state_and_time() -> None:
    """Readable while they run; a step's result is read when it is unfolded."""
    tree = tree_of(output_node(RUNNING, NOW), budget=30)
    assert text_of(tree) == [
        "▾ result  {7 steps}",
        "  ▸ primary      ✓ SUCCEEDED",
        "  ▸ ping         ✗ FAILED     3 attempts  timed out after 10 s",
        "  ▸ wait_for_it  ● RUNNING",
        "  ▸ last         · PENDING",
        "  ▸ …  3 more steps",
    ]
    assert [plain(row_aside(row)) for row in tree.rows] == ["", "31ms", "31ms", "1.0s", "", ""]
    assert tree.unfold(("result", "primary")) == [("step", "primary", None, "succeeded", 1, "")]


def test_a_run_without_its_engine_does_not_pretend_to_run() -> None:
    """Stage and step are lost, and no time goes on."""
    lost = replace(RUNNING, engine_lost=True)
    (line,), _ = strip_lines(lost, NOW, 120)
    assert "execute ✗ lost" in plain(line)
    assert "✗ ENGINE LOST" in plain(title_right(lost, NOW))
    tree = JsonTree()
    tree.replace(output_node(lost, NOW), budget=30)
    assert "✗ LOST" in text_of(tree)[3]
    assert not lost.is_running


def test_diagnostics_say_state_counts_and_each_thing_to_read() -> None:
    """Facts first, then sentences, then what the stage leaned on."""
    picture = replace(
        RUNNING,
        stages={**RUNNING.stages, Stage.EXECUTE: stage_row(Stage.EXECUTE, StageStatus.FAILED)},
        run=run_row(
            status=RunStatus.FAILED,
            first_cause={
                "stage": "execute",
                "step_id": "ping",
                "reason": "timed_out",
                "message": "timed out after 10 s",
            },
        ),
        output={
            "diagnostics": {
                "status": "error",
                "warnings": ["note: skipped"],
                "errors": ["ping failed"],
                "counts": {"rows": 12304},
                "empty_flags": {"dependents": True, "primary": False},
            },
            "references": [{"kind": "step", "name": "primary", "detail": "used by ping"}],
        },
    )
    assert [plain(line).rstrip() for line in diagnostics_lines(picture, NOW, 78)] == [
        "DIAGNOSTICS  ✗ ERROR  1 warning  1 error  rows 12,304  1 reference",
        "started 11:59:47  ended 11:59:47  took 4ms  pass 0  no assets",
        "  ✗ first cause: ping: timed out after 10 s",
        "  ✗ ping failed",
        "  ! note: skipped",
        "  ! dependents is empty",
        "  step       primary  used by ping",
    ]


@pytest.mark.parametrize("error", ["ping: timed out after 10 s", "timed out after 10 s"])
def test_the_first_cause_is_said_once(error: str) -> None:
    """Not again among the errors, with its step's name or without."""
    cause: JsonObject = {"stage": "execute", "step_id": "ping", "message": "timed out after 10 s"}
    diagnostics: JsonObject = {"status": "error", "errors": [error, "another"]}
    picture = replace(RUNNING, run=run_row(first_cause=cause), output={"diagnostics": diagnostics})
    said = [plain(line).strip() for line in diagnostics_lines(picture, NOW, 78)]
    assert said[2:] == ["✗ first cause: ping: timed out after 10 s", "✗ another"]


def test_the_eye_goes_to_what_failed_then_to_what_runs() -> None:
    """Then to the execute stage."""
    assert first_stage_to_show(run_row(), RUNNING.stages) is Stage.EXECUTE
    failed = {Stage.VALIDATE: stage_row(Stage.VALIDATE, StageStatus.FAILED), **RUNNING.stages}
    failed[Stage.VALIDATE] = stage_row(Stage.VALIDATE, StageStatus.FAILED)
    assert first_stage_to_show(run_row(), failed) is Stage.VALIDATE
    done = {stage: stage_row(stage, StageStatus.SUCCEEDED) for stage in Stage}
    assert first_stage_to_show(run_row(status=RunStatus.SUCCEEDED), done) is Stage.EXECUTE
    assert empty_output(replace(RUNNING, stage=Stage.COMPOSE)) == "comes when the stage has run"


def test_the_title_does_not_move_while_the_run_goes_on() -> None:
    """Whatever its state, its time and its strategy: each stands where it stood, counted from the end of the line."""
    told = [
        title_right(RunPicture(run_row(status=status, **more), strategy=strategy), NOW, hint=hint)
        for status, strategy, hint, more in (
            (RunStatus.PENDING, "", "q detaches", {"started_at_us": None}),
            (RunStatus.RUNNING, "", "q detaches", {}),
            (RunStatus.RUNNING, "dag", "q detaches", {}),
            (RunStatus.SUCCEEDED, "dag", "", {"duration_us": 63_000_000}),
            (RunStatus.CANCELED, "parallel", "", {"duration_us": 12_000}),
        )
    ]
    lines = [plain(line).rjust(70) for line in told]
    states = [next(line.index(sign) for sign in "·●✓⊘" if sign in line) for line in lines]
    assert len(set(states)) == 1
    assert [line[-8:] for line in lines[2:]] == ["     DAG", "     DAG", "PARALLEL"]
    assert lines[3][:-8].endswith(" 1m 03s  ")
    assert lines[4][:-8].endswith("    12ms  ")

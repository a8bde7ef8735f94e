"""What a stage says of itself, as text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.model.states import RunStatus, Stage, StageStatus
from tests.tui.viewmodel.pictures import NOW, RUNNING
from tests.tui.viewmodel.rows import run_row, stage_row
from tui.viewmodel.diagnostics import diagnostics_lines
from tui.viewmodel.text import plain

if TYPE_CHECKING:
    from engine.model.json import JsonObject


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


def test_of_thousands_the_first_are_listed_and_the_others_counted() -> None:
    """They are all in the output; drawing each of them anew twice a second would keep the keys waiting."""
    picture = replace(
        RUNNING,
        output={
            "diagnostics": {"status": "warning", "warnings": [f"w{number}" for number in range(3000)]},
            "references": [{"kind": "step", "name": f"s{number}"} for number in range(10_000)],
        },
    )
    said = [plain(line).strip() for line in diagnostics_lines(picture, NOW, 78)]
    assert "3,000 warnings" in said[0]
    assert said[2:4] == ["! w0", "! w1"]
    assert "and 2,800 more: diagnostics in the output above has all of them" in said
    assert said[-2:] == ["step       s199", "and 9,800 more: references in the output above has all of them"]

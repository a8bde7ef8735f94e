"""What the title line says of a run."""

from __future__ import annotations

from dataclasses import replace

from engine.model.states import RunStatus
from tests.tui.viewmodel.pictures import NOW, RUNNING
from tests.tui.viewmodel.rows import run_row
from tui.viewmodel.run_picture import RunPicture
from tui.viewmodel.run_title import title_right
from tui.viewmodel.text import plain


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


def test_a_run_without_its_engine_says_so() -> None:
    """Instead of its state."""
    assert "✗ ENGINE LOST" in plain(title_right(replace(RUNNING, engine_lost=True), NOW))

"""The chosen run beside the list, as text."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import pytest

from engine.model.states import RunStatus, Stage, StageStatus, Stream
from store.rows import LogRow
from tests.tui.samples import NOW_US, SECOND
from tests.tui.viewmodel.rows import run_row, stage_row
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import Moment
from tui.viewmodel.runs_preview import Preview, preview_lines
from tui.viewmodel.text import plain, width

if TYPE_CHECKING:
    from tui.viewmodel.text import Line

NOW = Moment(NOW_US, UTC)
FAILED = run_row(
    status=RunStatus.FAILED,
    duration_us=48 * SECOND,
    steps_failed=2,
    score=41,
    params={"host": "db01", "tags": ["a", "b"], "dry": False, "more": {"x": 1}, "none": None, "sixth": 6, "seventh": 7},
    first_cause={"step_id": "ping", "message": "timed out after 10 s, and this sentence is much longer than the panel"},
)


def log(content: bytes) -> LogRow:
    """A piece of what a step wrote."""
    return LogRow(1, FAILED.run_id, 0, "ping", None, 1, Stream.STDERR, NOW_US, 0, content)


READ = Preview(
    FAILED.run_id,
    {
        Stage.ROUTE_PLAN: stage_row(Stage.ROUTE_PLAN, StageStatus.SUCCEEDED),
        Stage.EXECUTE: stage_row(Stage.EXECUTE, StageStatus.FAILED, 12 * SECOND),
    },
    {"lookup": {"ref": "query/ci-lookup@2", "source": "override"}},
    [log(b"one\ntwo\n\x1b[31mred\x1b[0m\n"), log(b"a\rb\nlast line\n")],
    "ping",
)


def test_everything_of_a_run_at_a_glance() -> None:
    """State, sentence, stages, figures, what it was given, what it wrote last; colours of programs are left out."""
    text = "\n".join(plain(line) for line in preview_lines(FAILED, READ, NOW, 44))
    for said in (
        "ci_lookup 1.2",
        "✗ FAILED  7f3a91  48.0s",
        "ping: timed out after 10 s, and this",
        "✓ route_plan      4ms",
        "✗ execute       12.0s",
        "steps     3/7  2 failed",
        "score     41",
        "params    host db01",
        "tags [2 values]",
        "more {1 key}",
        "and 2 more params",
        "assets    lookup query/ci-lookup@2  OVERRIDE",
        "last output of ping\n▎one\n▎two\n▎red\n▎b\n▎last line",
    ):
        assert said in text, said


def test_nothing_moves_when_what_is_read_comes() -> None:
    """The stages have their places before; what was read of another run is not shown for this one."""
    before = preview_lines(FAILED, None, NOW, 44)
    other = Preview("f" * 32, READ.stages, READ.assets)
    assert preview_lines(FAILED, other, NOW, 44) == before
    after = preview_lines(FAILED, READ, NOW, 44)
    for word in ("execute", "steps", "params"):
        assert _place(before, word) == _place(after, word)


def _place(lines: list[Line], word: str) -> int:
    return next(n for n, line in enumerate(lines) if word in plain(line))


@pytest.mark.parametrize("cells", [20, 44, 78, 160])
def test_no_line_is_wider_than_the_panel(cells: int) -> None:
    """Where it is broad, what belongs together stands side by side."""
    lines = preview_lines(FAILED, READ, NOW, cells)
    assert max(map(width, lines)) <= cells
    if cells >= 70:
        assert len(lines) < len(preview_lines(FAILED, READ, NOW, 44))
        assert any("✓ route_plan 4ms  · validate  ✗ execute 12.0s" in plain(line) for line in lines)


def test_a_run_that_lost_its_engine_stands_still() -> None:
    """The stage that was under way is lost, not running."""
    row = run_row()
    read = Preview(row.run_id, {Stage.EXECUTE: stage_row(Stage.EXECUTE, StageStatus.RUNNING)}, {})
    text = "\n".join(plain(line) for line in preview_lines(row, read, NOW, 44, engine_lost=True))
    assert "✗ ENGINE LOST" in text
    assert "✗ execute        lost" in text
    assert "● execute       12.1s" in "\n".join(plain(line) for line in preview_lines(row, read, NOW, 44))
    assert plain(preview_lines(None, None, NOW, 44)[0]) == "no run is chosen"
    assert any(
        piece.role is Role.FAILED for line in preview_lines(row, read, NOW, 44, engine_lost=True) for piece in line
    )

"""Pictures of the Runs screen at work: filter, sort, marks, preview. Each docstring says what a person should see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.tui.screens.inspectors import inspector
from tests.tui.screens.test_snapshots import LARGE, SMALL, keys

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.screens.test_snapshots import SnapCompare


def test_marks_at_80x24(live_database: Path, snap_compare: SnapCompare) -> None:
    """Two runs have a white bar before them; the title says `2 marked`; the keys begin with open, mark, compare, unmark all."""
    pressed = keys("j", "space", "space")
    assert snap_compare(inspector(live_database), terminal_size=SMALL, run_before=pressed)


def test_marks_in_ascii_at_80x24(live_database: Path, snap_compare: SnapCompare) -> None:
    """The same with `>` before the marked runs."""
    pressed = keys("j", "space", "space")
    assert snap_compare(inspector(live_database, ascii_only=True), terminal_size=SMALL, run_before=pressed)


def test_a_question_about_marked_runs_at_80x24(live_database: Path, snap_compare: SnapCompare) -> None:
    """`Cancel run … host_triage?`, that one run is over and left as it is, and the two keys that answer."""
    pressed = keys("space", "space", "x")
    assert snap_compare(inspector(live_database), terminal_size=SMALL, run_before=pressed)


def test_what_can_be_typed_at_80x24(database: Path, snap_compare: SnapCompare) -> None:
    """The filter line with an example in it, under it the fields, the first in bold, `tab completes` at the right."""
    assert snap_compare(inspector(database), terminal_size=SMALL, run_before=keys("slash"))


def test_values_of_a_field_at_80x24(database: Path, snap_compare: SnapCompare) -> None:
    """`plan:` is typed; under it the plans of the file."""
    pressed = keys("slash", *"plan", "colon")
    assert snap_compare(inspector(database), terminal_size=SMALL, run_before=pressed)


def test_what_was_not_understood_at_80x24(database: Path, snap_compare: SnapCompare) -> None:
    """In amber under the filter: no such field, what was probably meant, and that the rest applies; 9 of 28 are shown."""
    pressed = keys("slash", *"statsu", "colon", *"failed safe", "enter")
    assert snap_compare(inspector(database), terminal_size=SMALL, run_before=pressed)


def test_the_sorts_at_80x24(database: Path, snap_compare: SnapCompare) -> None:
    """A box at the right with seven sorts, each with what comes first; the one that holds is bold and chosen."""
    assert snap_compare(inspector(database), terminal_size=SMALL, run_before=keys("s"))


def test_sorted_by_duration_at_80x24(database: Path, snap_compare: SnapCompare) -> None:
    """`↓DURATION` in bold; the longest first, what has no duration at the end."""
    assert snap_compare(inspector(database), terminal_size=SMALL, run_before=keys("s", "j", "enter"))


def test_the_chosen_run_beside_the_list_at_120x35(database: Path, snap_compare: SnapCompare) -> None:
    """Right of a thin line: test_gate FAILED, its cause, five stages with execute failed, figures. No line about it at the bottom."""
    assert snap_compare(inspector(database), terminal_size=(120, 35), run_before=keys("j", "j"))


def test_the_last_output_beside_the_list_at_160x45(backup_database: Path, snap_compare: SnapCompare) -> None:
    """The failed upload with its cause, and the last lines that it wrote, each with a thin edge."""
    assert snap_compare(inspector(backup_database), terminal_size=LARGE, run_before=keys())


def test_the_chosen_run_under_the_list_at_80x24(database: Path, snap_compare: SnapCompare) -> None:
    """The list above; below a line the run in few broad lines: state, cause, stages in a row, figures in a row, params."""
    assert snap_compare(inspector(database), terminal_size=SMALL, run_before=keys("v", "j"))


def test_the_chosen_run_in_light_at_120x35(database: Path, snap_compare: SnapCompare) -> None:
    """The same as in dark, on cream."""
    assert snap_compare(inspector(database, light=True), terminal_size=(120, 35), run_before=keys("j"))

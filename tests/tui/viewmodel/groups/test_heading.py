"""The line above the views: what it says first where there is little room, and what a pass, a limit and a note add."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.tui.corpus import EVIL
from tests.tui.samples import NOW_US
from tests.tui.viewmodel.groups.plans import Made, picture
from tests.tui.viewmodel.rows import run_row
from tui.terminal import is_clean
from tui.viewmodel.groups.critical_path import critical_path, figures
from tui.viewmodel.groups.heading import heading
from tui.viewmodel.groups.relations import relate
from tui.viewmodel.text import plain, width

if TYPE_CHECKING:
    from tui.viewmodel.groups.picture import GroupsPicture


def told(found: GroupsPicture, cells: int, *notes: str) -> str:
    """The line."""
    path = critical_path(found, relate(found.steps, {}), NOW_US)
    line = heading(found, figures(found, path, NOW_US), cells, view="graph", notes=notes)
    assert width(line) <= cells
    return plain(line)


def test_strategy_and_figures_as_far_as_there_is_room() -> None:
    """The strategy and the total first, the shape of the plan last; which view it is stands at the right."""
    found = picture([Made("one", (), ran=(0, 2)), Made("two", (), ran=(0, 4)), Made("three", ("two",), ran=(4, 5))])
    assert told(found, 120).split("  ")[:6] == [
        " DAG", "total 5.0s", "critical path 5.0s", "1.4 at once", "slowest two 4.0s", "busy 7.0s",
    ]  # fmt: skip
    assert "3 steps in 2 groups" in told(found, 120)
    narrow = told(found, 50)
    assert narrow.startswith(" DAG  total 5.0s")
    assert narrow.rstrip().endswith("graph")
    assert "3 steps" not in narrow


def test_the_path_is_never_longer_than_the_whole() -> None:
    """Steps that begin a moment before the one they waited for is booked as over add up to more than passed."""
    found = picture([Made("one", (), ran=(0, 3)), Made("two", ("one",), ran=(2, 5))])
    assert "total 5.0s  critical path 5.0s" in told(found, 120)


def test_pass_limit_and_notes() -> None:
    """Which pass of how many, that not every step was read, what is hidden; whatever a step is called, it is text."""
    found = picture([Made(evil) for evil in EVIL], run=run_row(pass_index=1))
    found = replace(found, last_pass=2, total=70_000)
    text = told(found, 160, "focus x: 3 steps hidden")
    assert f"the first {len(EVIL)} of 70,000 steps" in text
    assert "pass 1 of 0 to 2" in text
    assert "focus x: 3 steps hidden" in text
    assert is_clean(text)
    assert not found.is_live

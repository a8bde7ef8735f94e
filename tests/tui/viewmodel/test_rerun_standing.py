"""What is said of a run that was made of another, on the line above its tabs."""

from __future__ import annotations

from engine.model.states import RunMode
from tests.tui.viewmodel.rows import run_row
from tui.viewmodel.rerun_standing import rerun_lines
from tui.viewmodel.text import plain, width

AGAIN = run_row(source_run_id="7f3a02" + "0" * 26, changes=("from ping on",), reason="is it the link")


def test_of_which_run_it_was_made_what_is_different_and_why() -> None:
    [line] = rerun_lines(AGAIN, 80)
    assert plain(line) == " ↻ rerun of 7f3a02: from ping on; reason: is it the link"
    assert rerun_lines(run_row(), 80) == []


def test_once_it_is_over_the_way_to_the_comparison_stands_at_the_end() -> None:
    [wide] = rerun_lines(AGAIN, 100, compared_with="7f3a02", key="C")
    assert plain(wide).startswith(" ↻ rerun of 7f3a02: from ping on; reason: is it the link ")
    assert plain(wide).endswith(" C compare with 7f3a02 ")
    [narrow] = rerun_lines(AGAIN, 60, compared_with="7f3a02")
    assert plain(narrow).startswith(" ↻ from ping on; reason: is it ")
    assert width(narrow) == 60


def test_a_test_run_says_so_first() -> None:
    [line] = rerun_lines(run_row(source_run_id="7f3a02", mode=RunMode.TEST), 80)
    assert plain(line) == " ↻ TEST RUN  rerun of 7f3a02"

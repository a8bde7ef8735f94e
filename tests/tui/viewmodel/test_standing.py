"""What is said of a run before anything else, and the row of tabs: on their places at every width."""

from __future__ import annotations

from datetime import UTC

import pytest

from engine.model.event import EventKind
from engine.model.states import PauseReason, RunStatus
from store.queries.why import Happening
from tests.tui.samples import NOW_US, SECOND
from tests.tui.viewmodel.rows import run_row
from tui.viewmodel.differences import Recorded
from tui.viewmodel.explanation import Evidence
from tui.viewmodel.run_picture import RunPicture
from tui.viewmodel.run_title import title_right
from tui.viewmodel.runs import Moment
from tui.viewmodel.standing import standing_lines
from tui.viewmodel.tabs import Tab, tab_row
from tui.viewmodel.text import Span, plain, width

NOW = Moment(NOW_US, UTC)


def happening(kind: EventKind, **data: str | bool) -> Happening:
    """Something an operator did ten seconds ago."""
    return Happening(9, NOW_US - 10 * SECOND, kind, None, None, "operator:ops", dict(data))


def said(picture: RunPicture, cells: int = 80) -> str:
    """What stands above the tabs."""
    lines = standing_lines(picture, NOW, cells)
    assert all(width(line) <= cells for line in lines)
    return "\n".join(plain(line) for line in lines)


def test_nothing_is_said_of_a_run_that_goes_on_or_is_over() -> None:
    """The title says it all."""
    assert said(RunPicture(run_row())) == ""
    assert said(RunPicture(run_row(status=RunStatus.FAILED))) == ""
    assert said(RunPicture(run_row(status=RunStatus.SUCCEEDED, imported_at_us=NOW_US))) == ""


def test_a_run_that_waits_says_for_what_and_which_key_helps() -> None:
    """In the words of the command `waiting`."""
    paused = happening(EventKind.RUN_PAUSED, reason="operator")
    run = run_row(status=RunStatus.PAUSED, pause_reason=PauseReason.OPERATOR)
    evidence = Evidence(
        Recorded(run, {}, "", {}), 6, "runs.db", engine_pid=1, turned=paused,
        controls=(happening(EventKind.CONTROL_RECEIVED, verb="pause"),), last=paused,
    )  # fmt: skip
    text = said(RunPicture(run, waits=evidence))
    assert text.startswith(" ‖ ops paused it at 11:59:50, 10.0s ago")
    assert text.endswith("   p resume   w why")


def test_a_cancel_that_is_under_way_says_who_and_offers_force() -> None:
    """Until it is over."""
    cancel = happening(EventKind.CONTROL_RECEIVED, verb="cancel")
    assert said(RunPicture(run_row(), cancel=cancel)) == " ⊘ being canceled: ops asked for it at 11:59:50   x force"
    forced = happening(EventKind.CONTROL_RECEIVED, verb="cancel", force=True)
    assert "canceled by force" in said(RunPicture(run_row(), cancel=forced))
    assert said(RunPicture(run_row(status=RunStatus.CANCELED), cancel=cancel)) == ""


@pytest.mark.parametrize("cells", [40, 80, 160])
def test_an_imported_run_that_was_live_is_not_taken_for_a_lost_one(cells: int) -> None:
    """It says what it was, and that nothing goes on."""
    run = run_row(imported_at_us=NOW_US)
    picture = RunPicture(run)
    assert "it was running when it was exported" in said(picture, cells).replace("\n  ", "")
    assert "LOST" not in plain(title_right(picture, NOW))
    assert plain(title_right(picture, NOW)).startswith("imported  · IMPORTED ")
    assert not picture.is_running


def test_the_tabs_stay_where_they_are() -> None:
    """Whichever is chosen; only the brackets move, and what it says of itself stands at the end. With little room they touch."""
    for cells, first, third in (
        (80, "[1 Stages]2 Groups 3 Replans 4 Logs ", " 1 Stages 2 Groups[3 Replans]4 Logs "),
        (100, " [1 Stages]  2 Groups   3 Replans  ", "  1 Stages   2 Groups  [3 Replans]  4 Logs "),
    ):
        rows = {tab: tab_row(tab, (Span("7 lines"),), cells) for tab in Tab}
        assert plain(rows[Tab.STAGES][0]).startswith(first)
        assert plain(rows[Tab.REPLANS][0]).startswith(third)
        assert len({str(places) for _, places in rows.values()}) == 1
        assert all(plain(row).endswith(" 7 lines ") and width(row) == cells for row, _ in rows.values())
        for row, places in rows.values():
            assert [plain(row)[place.start : place.stop].strip(" []") for place in places] == [
                f"{tab.key} {tab.title}" for tab in Tab
            ]

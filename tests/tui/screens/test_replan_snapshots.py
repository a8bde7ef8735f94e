"""Pictures of the tabs Replans, Assets and Answer: each docstring says what a person should see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.tui.replan_samples import DECIDED, WAITING
from tests.tui.screens.test_replans_tab import looking_at, replans_database
from tests.tui.screens.test_snapshots import LARGE, SMALL, keys
from tui.viewmodel.tabs import Tab

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tui.screens.test_snapshots import SnapCompare

__all__ = ["replans_database"]


def test_a_pending_replan_at_80x24(replans_database: Path, snap_compare: SnapCompare) -> None:
    """PAUSED: APPROVAL in amber in the title; one place on the line, PENDING; below it why, the change in one line,

    and what approving and denying do; `a approve` and `d deny` among the keys.
    """
    assert snap_compare(looking_at(replans_database, WAITING), terminal_size=SMALL, run_before=keys())


def test_a_pending_replan_at_160x45(replans_database: Path, snap_compare: SnapCompare) -> None:
    """The same with the plan before and after side by side, the line that changed red and green;

    at the bottom, under a rule, the question with room for a reason, and no other key.
    """
    assert snap_compare(looking_at(replans_database, WAITING), terminal_size=LARGE, run_before=keys("a"))


def test_decided_replans_at_80x24(replans_database: Path, snap_compare: SnapCompare) -> None:
    """Three on the line, teal, amber and mauve, the passes 1 and 2 on the line between them; the rule is heavy under the second,

    which was denied: by whom and why.
    """
    assert snap_compare(looking_at(replans_database, DECIDED), terminal_size=SMALL, run_before=keys("left"))


def test_decided_replans_at_160x45(replans_database: Path, snap_compare: SnapCompare) -> None:
    """The third, approved: which results pass 2 used again, made again and made first; the new step in green at the right."""
    assert snap_compare(looking_at(replans_database, DECIDED), terminal_size=LARGE, run_before=keys())


def test_replans_in_ascii_at_80x24(replans_database: Path, snap_compare: SnapCompare) -> None:
    """The same line drawn with ASCII characters only: o, ! and Q for the triggers, + AUTO APPROVED, - DENIED."""
    app = looking_at(replans_database, DECIDED, ascii_only=True)
    assert snap_compare(app, terminal_size=SMALL, run_before=keys())


def test_assets_at_160x45(replans_database: Path, snap_compare: SnapCompare) -> None:
    """Three assets with status, why, stages and hash; `3 is newer` and OVERRIDE in amber. Below the lookup's text with numbered

    lines, beside it its three versions with their notes, the second marked as used.
    """
    app = looking_at(replans_database, DECIDED, Tab.ASSETS)
    assert snap_compare(app, terminal_size=LARGE, run_before=keys("j", "enter"))


def test_assets_at_80x24(replans_database: Path, snap_compare: SnapCompare) -> None:
    """Three assets with version, status and why this version; the keys for content and impact."""
    assert snap_compare(looking_at(replans_database, DECIDED, Tab.ASSETS), terminal_size=SMALL, run_before=keys())


def test_an_answer_at_160x45(replans_database: Path, snap_compare: SnapCompare) -> None:
    """The whole answer, in lines that are not too long to read."""
    assert snap_compare(looking_at(replans_database, DECIDED, Tab.ANSWER), terminal_size=LARGE, run_before=keys())


def test_an_answer_at_80x24(replans_database: Path, snap_compare: SnapCompare) -> None:
    """The answer as on stdout: a bold heading, a text, values, a table, a list; `y copy` is the first key."""
    assert snap_compare(looking_at(replans_database, DECIDED, Tab.ANSWER), terminal_size=SMALL, run_before=keys())


def test_an_earlier_pass_at_80x24(replans_database: Path, snap_compare: SnapCompare) -> None:
    """The Stages tab with `pass 1, last 2` in amber at the end of the tabs, the steps of that pass, `< > pass` among the keys."""
    app = looking_at(replans_database, DECIDED, Tab.STAGES)
    assert snap_compare(app, terminal_size=SMALL, run_before=keys("less_than_sign"))

"""Pictures of every screen: each docstring says what a person should see."""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import TYPE_CHECKING, Protocol

from engine.errors import WaitingError
from engine.model.event import EventKind
from engine.model.states import Stage
from store.writer import open_writer
from tests.tui.conftest import press, rest
from tests.tui.releases import RELEASE
from tests.tui.samples import BACKUP, ENGINE, NOW_US
from tests.tui.screens.inspectors import inspector
from tests.tui.stories import Story
from tui.app import Inspector
from tui.places import RunPlace
from tui.screens.run import RunScreen
from tui.viewmodel.tabs import Tab

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import pytest
    from textual.pilot import Pilot

    class SnapCompare(Protocol):
        """Compares the application's picture with the kept one."""

        def __call__(
            self,
            app: Inspector,
            *,
            terminal_size: tuple[int, int],
            run_before: Callable[[Pilot[int]], Awaitable[None]],
        ) -> bool:
            """True when they are the same."""
            ...


SMALL, LARGE = (80, 24), (160, 45)


def keys(*pressed: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    """Wait for rest, then press."""

    async def run_before(pilot: Pilot[int]) -> None:
        await rest(pilot)
        await press(pilot, *pressed)

    return run_before


def test_runs_at_80x24(live_database: Path, snap_compare: SnapCompare) -> None:
    """28 runs, the newest first: a blue RUNNING one at the top and chosen, one red FAILED, the others green or grey.

    Seven aligned columns, the counts in the title, one line about the chosen run, and the keys.
    """
    assert snap_compare(inspector(live_database), terminal_size=SMALL, run_before=keys())


def test_runs_at_160x45(live_database: Path, snap_compare: SnapCompare) -> None:
    """As at 80x24, with route, stage and the full start time; beside it the chosen run: its stages, steps and parameters."""
    assert snap_compare(inspector(live_database), terminal_size=LARGE, run_before=keys())


def test_runs_with_a_dead_engine_in_light_at_80x24(database: Path, snap_compare: SnapCompare) -> None:
    """Dark on cream. The first run shows ENGINE LOST in red with no duration, and the line below says what that means."""
    assert snap_compare(inspector(database, light=True), terminal_size=SMALL, run_before=keys())


def test_runs_in_ascii_at_80x24(live_database: Path, snap_compare: SnapCompare) -> None:
    """The same table drawn with ASCII characters only: * RUNNING, + SUCCEEDED, x FAILED, - CANCELED."""
    assert snap_compare(inspector(live_database, ascii_only=True), terminal_size=SMALL, run_before=keys())


def test_runs_without_colour_at_80x24(
    live_database: Path, snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is coloured; the chosen row is reversed; every state still has its sign and its word."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(inspector(live_database), terminal_size=SMALL, run_before=keys())


def test_stages_of_a_running_run_at_80x24(live_database: Path, snap_compare: SnapCompare) -> None:
    """Five stages on two lines, execute running. Input above, the larger output below with seven steps:

    three succeeded, one failed and says why, one runs, one waits, one is pending; times at the right edge.
    """
    assert snap_compare(inspector(live_database, 1), terminal_size=SMALL, run_before=keys())


def test_stages_of_a_running_run_at_160x45(live_database: Path, snap_compare: SnapCompare) -> None:
    """The strip on one line, input and output side by side, the step `disk` unfolded with its table readable line by line."""
    pressed = keys("j", "enter", "j", "enter")
    assert snap_compare(inspector(live_database, 1), terminal_size=LARGE, run_before=pressed)


def test_stages_of_a_run_with_a_warning_at_80x24(live_database: Path, snap_compare: SnapCompare) -> None:
    """A succeeded run in 80 columns: all five stages done, the warning of the step that timed out in the diagnostics."""
    assert snap_compare(inspector(live_database, 2), terminal_size=SMALL, run_before=keys())


def test_what_compose_made_in_light_at_160x45(live_database: Path, snap_compare: SnapCompare) -> None:
    """The stage compose with its violet edge: the five steps' results went in, four keys came out."""
    app = inspector(live_database, 2, stage=Stage.COMPOSE, light=True)
    assert snap_compare(app, terminal_size=LARGE, run_before=keys())


def test_help_at_80x24(live_database: Path, snap_compare: SnapCompare) -> None:
    """Every key of the runs screen in two columns; what is not possible now says why."""
    assert snap_compare(inspector(live_database), terminal_size=SMALL, run_before=keys("question_mark"))


def test_help_at_160x45(live_database: Path, snap_compare: SnapCompare) -> None:
    """All of it at once, in columns that need no scrolling."""
    assert snap_compare(inspector(live_database), terminal_size=LARGE, run_before=keys("question_mark"))


def test_logs_at_80x24(backup_database: Path, snap_compare: SnapCompare) -> None:
    """The last lines of a failed run, the cursor on the last line of the step that failed though another wrote after it.

    Step and stream in two quiet columns, stderr amber; a very long line is cut and says its size; 69 lines.
    """
    assert snap_compare(inspector(backup_database, BACKUP, tab=Tab.LOGS), terminal_size=SMALL, run_before=keys())


def test_logs_at_160x45(backup_database: Path, snap_compare: SnapCompare) -> None:
    """As at 80x24, with the time of each line."""
    assert snap_compare(inspector(backup_database, BACKUP, tab=Tab.LOGS), terminal_size=LARGE, run_before=keys())


def test_a_line_of_json_at_160x45(backup_database: Path, snap_compare: SnapCompare) -> None:
    """With times; a match of the search is underlined; at the right the line under the cursor unfolded as JSON."""
    pressed = keys("slash", *"part-7", "enter", "enter")
    app = inspector(backup_database, BACKUP, tab=Tab.LOGS)
    assert snap_compare(app, terminal_size=LARGE, run_before=pressed)


def test_choosing_a_step_at_80x24(backup_database: Path, snap_compare: SnapCompare) -> None:
    """A small framed list at the right above the lines: each step with its state and how much it wrote, verify silent."""
    assert snap_compare(inspector(backup_database, BACKUP, tab=Tab.LOGS), terminal_size=SMALL, run_before=keys("s"))


def test_broken_lines_in_light_at_80x24(backup_database: Path, snap_compare: SnapCompare) -> None:
    """The long line takes many rows, indented under its text; the cursor is on its first row. `wrapped` stands above."""
    app = inspector(backup_database, BACKUP, tab=Tab.LOGS, light=True)
    assert snap_compare(app, terminal_size=SMALL, run_before=keys("slash", *"checksums", "enter", "W"))


def test_events_at_160x45(backup_database: Path, snap_compare: SnapCompare) -> None:
    """30 events with exact times, kinds, places in their stage's colour, outcomes; failures red; the last one chosen."""
    assert snap_compare(inspector(backup_database, BACKUP, tab=Tab.EVENTS), terminal_size=LARGE, run_before=keys())


def test_an_event_at_80x24(backup_database: Path, snap_compare: SnapCompare) -> None:
    """The list above, below it the chosen event with its data unfolded."""
    app = inspector(backup_database, BACKUP, tab=Tab.EVENTS)
    assert snap_compare(app, terminal_size=SMALL, run_before=keys(*"kkk", "enter"))


def test_why_at_80x24(backup_database: Path, snap_compare: SnapCompare) -> None:
    """The answer in bold on the first line, what followed, and below it what the step ran; `y copy command` first."""
    assert snap_compare(inspector(backup_database), terminal_size=SMALL, run_before=keys("w"))


def test_why_at_160x45(backup_database: Path, snap_compare: SnapCompare) -> None:
    """The whole explanation at once."""
    assert snap_compare(inspector(backup_database), terminal_size=LARGE, run_before=keys("w"))


def test_the_question_before_a_cancel_at_80x24(live_database: Path, snap_compare: SnapCompare) -> None:
    """A watched live run; at the bottom, under a rule, the question with its two answers, and no other key."""
    app = inspector(live_database, 1, watching=True)
    assert snap_compare(app, terminal_size=SMALL, run_before=keys("x"))


def test_a_run_that_waits_for_a_decision_at_80x24(tmp_path: Path, snap_compare: SnapCompare) -> None:
    """QUARANTINED in mauve; above the tabs which step it is about, with the keys that help; `p decide` is among the keys."""
    path = tmp_path / "runs.db"
    story = Story(2).begin().start("copy").tell(EventKind.RUN_QUARANTINED, {"uncertain": ["copy"]})

    async def written() -> None:
        async with open_writer(path, engine_id=ENGINE) as writer:
            await story.write(writer)

    asyncio.run(written())
    app = Inspector(path, place=RunPlace(story.run_id), clock=lambda: NOW_US, zone=UTC, follows=False)
    assert snap_compare(app, terminal_size=SMALL, run_before=keys())


def test_what_is_to_become_of_a_step_at_80x24(backup_database: Path, snap_compare: SnapCompare) -> None:
    """Above the keys, under a rule: why somebody has to decide, the step and which of how many, and the four answers."""

    async def asked(pilot: Pilot[int]) -> None:
        await rest(pilot)
        assert isinstance(pilot.app.screen, RunScreen)
        error = WaitingError("steps copy, verify may or may not have done the work", steps=("copy", "verify"))
        pilot.app.screen._ask_to_decide("7f3a", error, ["1 process it left behind ended"])
        await rest(pilot)

    assert snap_compare(inspector(backup_database, BACKUP), terminal_size=SMALL, run_before=asked)


def test_the_groups_of_a_release_at_80x24(release_database: Path, snap_compare: SnapCompare) -> None:
    """A graph from top to bottom: a fan that meets in image, from which a red FAILED push, chosen, leads dashed to its fallback.

    Group and time at the left, the figures above, a blue line that runs; below it why the push failed and what it ran.
    """
    app = inspector(release_database, RELEASE, tab=Tab.GROUPS)
    assert snap_compare(app, terminal_size=SMALL, run_before=keys())


def test_the_groups_of_a_release_at_160x45(release_database: Path, snap_compare: SnapCompare) -> None:
    """The same graph in boxes with times and counts; at its right the chosen step whole."""
    app = inspector(release_database, RELEASE, tab=Tab.GROUPS)
    assert snap_compare(app, terminal_size=LARGE, run_before=keys())


def test_the_gantt_of_a_release_at_80x24(release_database: Path, snap_compare: SnapCompare) -> None:
    """Bars under a ruler, the failed push chosen and in sight, below it why it failed."""
    app = inspector(release_database, RELEASE, tab=Tab.GROUPS)
    assert snap_compare(app, terminal_size=SMALL, run_before=keys("v"))


def test_the_groups_of_a_release_in_ascii_at_80x24(release_database: Path, snap_compare: SnapCompare) -> None:
    """The same graph with ASCII characters only: + and - for corners and lines, : and . where a line is dashed."""
    app = inspector(release_database, RELEASE, tab=Tab.GROUPS, ascii_only=True)
    assert snap_compare(app, terminal_size=SMALL, run_before=keys())


def test_the_gantt_of_a_release_beside_the_last_one_at_160x45(
    release_database: Path, snap_compare: SnapCompare
) -> None:
    """Groups and steps down, seconds across: three tries with waits between, a bar that still grows, an orange edge at the path.

    Under each step a grey one of the last good run, with how much more or less it took; at the right the chosen step whole.
    """
    app = inspector(release_database, RELEASE, tab=Tab.GROUPS)
    assert snap_compare(app, terminal_size=LARGE, run_before=keys("v", "b"))

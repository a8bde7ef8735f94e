"""A run that goes on, as three lines: what it is, where it is, how far it has come."""

from __future__ import annotations

from datetime import UTC

import pytest

from engine.model.event import EventKind
from engine.model.states import PauseReason, RunStatus, Stage, StageStatus
from store.queries.monitoring import LastEvent, Pulse, StagePulse
from tests.tui.samples import NOW_US, SECOND
from tests.tui.viewmodel.rows import run_row
from tui.viewmodel.monitoring.block import age_words, block, happened, progress
from tui.viewmodel.monitoring.pace import left_words, steps_a_minute
from tui.viewmodel.monitoring.summary import ended_lines, title_counts
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import Moment
from tui.viewmodel.text import plain, width

NOW = Moment(NOW_US, UTC)


def pulse(**changes: object) -> Pulse:
    """What goes on in the usual run: its execute stage runs, six steps ended in the last minute."""
    said: dict[str, object] = {
        "run_id": run_row().run_id,
        "stages": {
            Stage.ROUTE_PLAN: StagePulse(StageStatus.SUCCEEDED, NOW_US - 13 * SECOND, 4000),
            Stage.EXECUTE: StagePulse(StageStatus.RUNNING, NOW_US - 12 * SECOND, None),
        },
        "running": 2,
        "ended": 3,
        "counted_from_us": NOW_US - 60 * SECOND,
        "last": LastEvent(EventKind.STEP_FINISHED, NOW_US - 3 * SECOND, None, "ping", "succeeded", ""),
        "usual_us": (30 * SECOND, 32 * SECOND, 28 * SECOND),
    }
    return Pulse(**{**said, **changes})  # type: ignore[arg-type]


def test_three_lines_say_it_all() -> None:
    """At 80 columns with signs for the stages, where there is room with their names."""
    first, second, third = map(plain, block(run_row(), pulse(), NOW, 80))
    assert first.split() == ["●", "RUNNING", "7f3a91", "ci_lookup", "1.2", "12.4s"]
    assert second.split()[:7] == ["✓", "·", "●", "·", "·", "execute", "12.0s"]
    assert second.rstrip().endswith("3s ago")
    assert "ping succeeded" in second
    assert third.split() == ["██████▒▒▒▒░░░░", "3/7", "2", "running", "15/min", "about", "17s", "left"]
    wide = plain(block(run_row(), pulse(), NOW, 140)[1])
    assert "✓ route_plan  · validate  ● execute  · compose  · present" in wide


def test_a_run_that_has_just_ended_says_how() -> None:
    """At the stage where it broke; nothing more is foretold of it."""
    failed = run_row(
        status=RunStatus.FAILED,
        stage=Stage.EXECUTE,
        duration_us=12 * SECOND,
        first_cause={"step_id": "ping", "message": "timed out after 10 s"},
    )
    first, second, third = map(plain, block(failed, None, NOW, 100))
    assert first.split()[:2] == ["✗", "FAILED"]
    assert second.split()[:6] == ["✓", "✓", "✗", "·", "·", "execute"]
    assert "ping: timed out after 10 s" in second
    assert "/min" not in third
    done = plain(block(run_row(status=RunStatus.SUCCEEDED, stage=Stage.PRESENT), None, NOW, 100)[1])
    assert done.split()[:5] == ["✓"] * 5


def test_who_waits_says_for_what() -> None:
    """In amber where somebody has to do something; nothing is foretold of it."""
    waiting = run_row(status=RunStatus.PAUSED, pause_reason=PauseReason.APPROVAL)
    lines = block(waiting, pulse(), NOW, 100)
    assert "waits for an approval of another plan" in plain(lines[1])
    assert "‖" in plain(lines[1])
    assert "left" not in plain(lines[2])
    assert "/min" not in plain(lines[2])
    assert any(piece.role is Role.WARNING for piece in lines[1])
    locked = block(run_row(awaited_locks=(("inventory", "abcdef" + "0" * 26),)), pulse(), NOW, 120)
    assert "waits for the lock inventory, held by run abcdef" in plain(locked[1])
    lost = block(run_row(), pulse(), NOW, 100, engine_lost=True)
    assert "ENGINE LOST" in plain(lost[0])
    assert "12.4s" not in plain(lost[0])


@pytest.mark.parametrize("cells", [40, 80, 110, 160])
def test_no_line_is_too_wide_and_every_number_has_its_place(cells: int) -> None:
    """Whatever a run is called and however much it has to do."""
    wild = run_row(plan_id="日本" * 40, steps_total=99_999, steps_done=12_345, steps_failed=7)
    for row, read in ((run_row(), pulse()), (wild, pulse(running=4_000)), (run_row(steps_total=0), None)):
        assert max(map(width, block(row, read, NOW, cells))) <= cells
    if cells >= 80:
        one, other = (plain(block(row, pulse(), NOW, cells)[2]) for row in (run_row(), wild))
        assert one.index("running") == other.index("running")
        assert one.index("/min") == other.index("/min")


def test_the_bar_shows_the_least_part_too() -> None:
    """What failed is never too little to be seen, and the bar is always as long."""
    assert plain(progress(0, 0, 0, 7, 10)) == "░" * 10
    assert plain(progress(7, 0, 0, 7, 10)) == "█" * 10
    assert plain(progress(999, 1, 1, 1000, 10)) == "████████✗▒"
    for done in range(31):
        assert width(progress(done, done // 3, 2, 30, 14)) == 14


def test_a_pace_is_told_when_it_has_been_watched_long_enough() -> None:
    """From when the run began, or from as far back as its events were counted."""
    assert steps_a_minute(pulse(), NOW_US - 12 * SECOND, NOW_US) == 15
    assert steps_a_minute(pulse(), NOW_US - 3600 * SECOND, NOW_US) == 3
    assert steps_a_minute(pulse(counted_from_us=NOW_US - 6 * SECOND, ended=900), 0, NOW_US) == 9000
    assert steps_a_minute(pulse(), NOW_US - SECOND, NOW_US) is None
    assert steps_a_minute(pulse(), None, NOW_US) is None


def test_an_end_is_foretold_only_where_the_plan_takes_about_as_long_every_time() -> None:
    """Else how long it usually takes, or nothing."""
    assert left_words(pulse(), 12_400_000) == "about 17s left"
    assert left_words(pulse(usual_us=(90 * SECOND,) * 3), 5 * SECOND) == "about 1m 25s left"
    assert left_words(pulse(usual_us=(10 * SECOND, 30 * SECOND, 90 * SECOND)), 5 * SECOND) == "usually 30.0s"
    assert left_words(pulse(), 31 * SECOND) == "usually 30.0s"
    assert left_words(pulse(), 40 * SECOND) == "longer than usual (30.0s)"
    assert left_words(pulse(), 40 * SECOND, is_short=True) == "usually 30.0s"
    assert left_words(pulse(usual_us=(30 * SECOND,) * 2), 5 * SECOND) == ""
    assert left_words(pulse(), None) == ""


def test_every_kind_of_event_has_its_words() -> None:
    """And none is empty."""
    for kind in EventKind:
        said = happened(LastEvent(kind, NOW_US, Stage.EXECUTE, "ping", "", ""))
        assert said.strip()
        assert "_" not in said.replace("ping", "")
    assert happened(LastEvent(EventKind.STEP_WAITING, NOW_US, None, "ping", "", "retry")) == "ping waits (retry)"
    assert [age_words(us * SECOND) for us in (-1, 0, 59, 60, 3600, 90_000)] == [
        "now", "now", "59s ago", "1m ago", "1h ago", "1d ago",
    ]  # fmt: skip


def test_the_title_counts_and_what_ended_last_is_named() -> None:
    """What waits and what is lost is counted apart."""
    runs = [
        run_row(run_id="a" * 32),
        run_row(run_id="b" * 32, status=RunStatus.PAUSED, pause_reason=PauseReason.OPERATOR),
        run_row(run_id="c" * 32),
    ]
    assert plain(title_counts(runs, {"c" * 32}, follows=True)) == "● live   1 running  1 waits  1 lost"
    assert plain(title_counts([], (), follows=False)) == "0 running"
    ended = run_row(status=RunStatus.SUCCEEDED, duration_us=63 * SECOND, finished_at_us=NOW_US)
    heading, line = ended_lines([ended], NOW)
    assert plain(heading) == "ended last"
    assert plain(line).split() == ["✓", "SUCCEEDED", "7f3a91", "ci_lookup", "1m", "03s", "12:00:00"]
    assert ended_lines([], NOW) == []

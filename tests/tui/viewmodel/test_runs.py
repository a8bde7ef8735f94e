"""The runs table as text: columns by width, what a run says, counts and the filter."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from engine.model.states import PauseReason, RunStatus
from store.queries import RunOrder, RunSort
from store.rows import RunCounts
from tests.tui.samples import NOW_US, SECOND
from tests.tui.viewmodel.rows import run_row
from tui.preferences import RUN_COLUMNS
from tui.viewmodel.palette import Role
from tui.viewmodel.runs import Moment, about, counts_line, note, run_duration_us, run_state
from tui.viewmodel.runs_columns import COLUMN_NAMES, Column, Lengths, columns_named, header, layout
from tui.viewmodel.runs_line import run_line
from tui.viewmodel.text import plain, width

NOW = Moment(NOW_US, UTC)


def test_a_run_that_waits_for_a_decision_takes_no_longer_by_that() -> None:
    row = run_row(status=RunStatus.QUARANTINED, stood_still_at_us=NOW_US - 2_400_000)
    for later in (0, 3600 * SECOND):
        assert run_duration_us(row, Moment(NOW_US + later, UTC)) == 10 * SECOND
    assert run_duration_us(run_row(), Moment(NOW_US + SECOND, UTC)) == 13_400_000


def test_at_80_columns_the_least_telling_columns_are_left_out() -> None:
    """Status, run, plan, stage, steps, duration and start are there, aligned under their titles."""
    plan = layout(80)
    assert plain(header(plan)) == " STATUS         RUN     PLAN          STAGE       STEPS  DURATION     ↓ STARTED"
    assert plain(run_line(run_row(), plan, NOW)) == (
        " ● RUNNING      7f3a91  ci_lookup     execute       3/7     12.4s      11:59:47"
    )


def test_beside_a_preview_a_day_is_written_whole() -> None:
    """A year and a month would say too little."""
    old = run_row(started_at_us=NOW_US - 400 * 86_400 * SECOND)
    assert "2024-11-27" in plain(run_line(old, layout(98), NOW))


def test_a_plan_is_named_whole_before_columns_that_tell_less() -> None:
    """At 80 columns a long name costs the stage, never the start; a name beyond all measure is cut."""
    for name, columns in (("nightly-backup", 7), ("restore_missing_documents", 6), ("x" * 60, 6)):
        row = run_row(plan_id=name)
        plan = layout(79, lengths=Lengths().grown([row]))
        text = plain(run_line(row, plan, NOW))
        assert (name in text) == (len(name) < 60)
        assert len(plan.columns) == columns
        assert "11:59:47" in text
        assert width(run_line(row, plan, NOW)) <= 79


def test_columns_never_become_narrower_while_runs_come_and_go() -> None:
    """So that nothing jumps."""
    grown = Lengths().grown([run_row(plan_id="nightly-backup", steps_total=1200)])
    assert grown.grown([run_row(plan_id="x")]) == grown


def test_what_was_imported_is_never_lost_and_does_not_go_on() -> None:
    """Whatever state it was exported in; it says that it was imported."""
    row = run_row(imported_at_us=NOW_US)
    text = plain(run_line(row, layout(160), NOW))
    assert "· IMPORTED" in text
    assert "12.4s" not in text
    assert "RUNNING" not in text
    assert "it was running when it was exported" in plain(about(row))
    assert run_state(row._replace(status=RunStatus.FAILED)).word == "FAILED"


def test_a_pause_says_for_what() -> None:
    """In the title of the run; the table has it in the note."""
    for reason, word in (
        (PauseReason.STORAGE, "PAUSED: STORAGE"), (PauseReason.ENGINE_LOST, "PAUSED: ENGINE LOST"), (None, "PAUSED"),
    ):  # fmt: skip
        row = run_row(status=RunStatus.PAUSED, pause_reason=reason)
        assert run_state(row).word == word
        assert run_state(row, with_reason=False).word == "PAUSED"
    assert "somebody has to decide" in note(run_row(status=RunStatus.QUARANTINED))


def test_at_160_columns_everything_is_there() -> None:
    """Also route, replans, score and a note."""
    row = run_row(
        status=RunStatus.FAILED,
        duration_us=48 * SECOND,
        first_cause={"step_id": "ping", "message": "timed out after 10 s"},
    )
    text = plain(run_line(row, layout(160), NOW))
    assert " ".join(text.split()) == (
        "✗ FAILED 7f3a91 ci_lookup PLAN execute 3/7 1 – 48.0s 11:59:47 ping: timed out after 10 s"
    )


@pytest.mark.parametrize("cells", [40, 60, 80, 100, 120, 160, 300])
def test_rows_and_header_have_the_same_width_everywhere(cells: int) -> None:
    """Whatever is in them, nothing is wider than the terminal and the status never goes."""
    plan = layout(cells)
    wild = run_row(plan_id="日本" * 40, steps_total=123456, steps_done=123456, duration_us=10**15, started_at_us=0)
    lines = [header(plan), run_line(run_row(), plan, NOW), run_line(wild, plan, NOW)]
    assert len({width(line) for line in lines}) == 1
    assert width(lines[0]) <= cells
    assert plan.columns[0][0] is Column.STATUS


def test_a_live_run_without_its_engine_says_so_and_stands_still() -> None:
    """No duration that goes on for ever."""
    text = plain(run_line(run_row(), layout(100), NOW, engine_lost=True))
    assert "✗ ENGINE LOST" in text
    assert "12.4s" not in text


def test_the_note_says_the_one_thing_worth_knowing() -> None:
    """Cause, pause, warnings; nothing where there is nothing."""
    failed = run_row(status=RunStatus.FAILED, first_cause={"stage": "validate", "step_id": None, "message": "no rows"})
    assert note(failed) == "validate: no rows"
    assert note(run_row(status=RunStatus.PAUSED, pause_reason=PauseReason.STORAGE)) == "paused: the disk is full"
    assert note(run_row(status=RunStatus.SUCCEEDED, warnings=2)) == "2 warnings"
    assert note(run_row()) == ""
    assert plain(about(failed)) == "ci_lookup 1.2  ✗ validate: no rows  1 replan"
    assert plain(about(run_row(replans=0))) == "ci_lookup 1.2  execute  in /home/ops"
    assert about(None) == ()


def test_the_counts_say_how_many_move_and_how_many_broke() -> None:
    """Runs without an engine are not counted as running."""
    counts = RunCounts(12_304, {RunStatus.RUNNING: 2, RunStatus.FAILED: 1, RunStatus.SUCCEEDED: 12_301})
    assert plain(counts_line(counts, lost=1)) == "12,304 runs  1 running  1 failed  1 lost"


def test_what_waits_for_approval_stands_out() -> None:
    """In amber, state and note, among pauses that are calm; and how often its plan was changed is a column of its own."""
    row = run_row(status=RunStatus.PAUSED, pause_reason=PauseReason.APPROVAL, replans=2)
    line = run_line(row, layout(160), NOW)
    assert [piece.text.strip() for piece in line if piece.role is Role.WARNING] == [
        "‖ PAUSED",
        "waits for an approval of another plan",
    ]
    assert any(column is Column.REPLANS for column, _ in layout(160).columns)
    by_hand = run_line(run_row(status=RunStatus.PAUSED, pause_reason=PauseReason.OPERATOR), layout(160), NOW)
    assert not any(piece.role is Role.WARNING for piece in by_hand)


def titles(cells: int, **said: Any) -> list[str]:
    """The titles of the columns at a width."""
    return plain(header(layout(cells, **said), said.get("order") or RunOrder())).split()


def test_a_column_that_says_something_takes_the_place_of_the_stage() -> None:
    """At 80 columns the score does as soon as a run has one, and stays; where there is room all are there."""
    told = Lengths().grown([run_row(replans=0, score=41)])
    assert titles(80, lengths=told) == ["STATUS", "RUN", "PLAN", "STEPS", "SCORE", "DURATION", "↓", "STARTED"]
    assert told.grown([run_row(replans=0)]).told == told.told
    everything = ["STATUS", "RUN", "PLAN", "ROUTE", "STAGE", "STEPS", "REPLANS", "SCORE", "DURATION", "↓STARTED"]
    assert " ".join(titles(106)).replace("↓ ", "↓").split() == everything


@pytest.mark.parametrize("by", RunSort)
def test_the_column_that_sorts_is_there_with_its_arrow(by: RunSort) -> None:
    """Whatever else has to go; titles and cells keep their places."""
    for cells in (80, 120) if by is RunSort.STARTED else (60, 80, 120):
        order = RunOrder(by)
        plan = layout(cells, order=order)
        said = plain(header(plan, order))
        column = {RunSort.STARTED: "STARTED"}.get(by, by.name)
        assert column in said
        assert ("↓" if order.descends else "↑") in said
        assert width(header(plan, order)) == width(run_line(run_row(), plan, NOW)) <= cells


def test_columns_that_somebody_chose_stand_in_that_order() -> None:
    """The least telling ones go where there is no room; a sort brings its own."""
    chosen = columns_named(["NOTE", "run", "nothing", "status", "run"])
    assert chosen == (Column.NOTE, Column.RUN, Column.STATUS)
    assert titles(80, chosen=chosen) == ["NOTE", "RUN", "STATUS"]
    assert titles(40, chosen=chosen) == ["RUN", "STATUS"]
    assert titles(80, chosen=chosen, order=RunOrder(RunSort.SCORE)) == ["NOTE", "RUN", "STATUS", "↑SCORE"]
    assert COLUMN_NAMES == RUN_COLUMNS


def test_a_marked_run_has_its_sign_and_a_low_score_stands_out() -> None:
    """In the cell before the status, so that nothing moves."""
    row = run_row(score=41)
    marked = run_line(row, layout(120), NOW, is_marked=True)
    assert plain(marked)[1:] == plain(run_line(row, layout(120), NOW))[1:]
    assert plain(marked)[0] == "▌"
    assert [piece.text.strip() for piece in marked if piece.role is Role.WARNING] == ["41"]


def test_the_score_of_a_failure_is_coloured_as_one() -> None:
    failed = run_line(run_row(status=RunStatus.FAILED, score=88), layout(120), NOW)
    assert [piece.role for piece in failed if piece.text.strip() == "88"] == [Role.FAILED]
    good = run_line(run_row(status=RunStatus.SUCCEEDED, score=88), layout(120), NOW)
    assert [piece.role for piece in good if piece.text.strip() == "88"] == [Role.TEXT]

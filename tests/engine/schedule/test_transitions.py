"""The transition table, every pair of it, against a grid that a person can read."""

from __future__ import annotations

import pytest

from engine.errors import InvalidTransitionError
from engine.model.states import StepStatus
from engine.schedule.progress import STORY_LENGTH, Progress
from engine.schedule.signals import Moment
from engine.schedule.transitions import TRANSITIONS, Happening
from tests.engine.schedule.builders import plan_of, step

# Rows are happenings, columns states; a cell is the state afterwards, a dot what cannot happen.
GRID = """
                    pending      waiting      running      succeeded    failed       skipped      canceled     quarantined
ATTEMPT_STARTED     running      running      .            .            .            .            .            .
ATTEMPT_SUCCEEDED   .            .            succeeded    .            .            .            .            .
ATTEMPT_FAILED      .            .            failed       .            .            .            .            .
ATTEMPT_CANCELED    .            .            canceled     .            .            .            .            .
RETRY_PLANNED       .            .            waiting      .            .            .            .            .
REPEAT_PLANNED      .            .            waiting      .            .            .            .            .
REPEAT_FAILED       .            .            failed       .            .            .            .            .
REPEAT_CUT          .            .            canceled     .            .            .            .            .
DELAY_ELAPSED       .            waiting      .            .            .            .            canceled     .
STOP_ASKED          .            .            running      .            .            .            .            .
PASSED_OVER         skipped      .            .            .            .            .            .            .
BLOCKED             skipped      .            .            .            .            .            .            .
REFUSED             failed       failed       .            .            .            .            .            .
HELD_OFF            waiting      waiting      .            .            .            .            .            .
QUARANTINED         quarantined  quarantined  quarantined  .            .            .            .            .
CACHE_ASKED         pending      .            .            .            .            .            .            .
CACHE_HIT           succeeded    .            .            .            .            .            canceled     .
CACHE_MISSED        pending      .            .            .            .            .            canceled     .
ITEMS_BEGUN         running      .            .            .            .            .            .            .
ITEMS_SUCCEEDED     .            .            succeeded    .            .            .            .            .
ITEMS_FAILED        .            .            failed       .            .            .            .            .
ITEMS_CANCELED      .            .            canceled     .            .            .            .            .
FALLBACK_AWAITED    waiting      waiting      waiting      .            .            .            .            .
FALLBACK_STOOD_IN   .            succeeded    .            .            .            .            .            .
FALLBACK_FAILED     .            failed       .            .            .            .            .            .
NOT_NEEDED          skipped      .            .            .            .            .            .            .
HELD_BACK           pending      waiting      .            .            .            .            .            .
DROPPED             canceled     canceled     .            .            .            .            .            canceled
"""
_HEAD, *_ROWS = (line.split() for line in GRID.strip().splitlines())
CELLS = {
    (StepStatus(state), Happening[row[0]]): None if cell == "." else StepStatus(cell)
    for row in _ROWS
    for state, cell in zip(_HEAD, row[1:], strict=True)
}
NOW = Moment(5.0, 5_000_000)


def _progress(status: StepStatus) -> Progress:
    compiled = plan_of([step("fetch")]).steps["fetch"]
    return Progress(compiled=compiled, order=0, unmet=0, status=status)


def test_the_grid_names_every_state_and_every_happening() -> None:
    assert set(CELLS) == {(state, happening) for state in StepStatus for happening in Happening}
    assert set(TRANSITIONS) == set(StepStatus)


@pytest.mark.parametrize("state", StepStatus)
@pytest.mark.parametrize("happening", Happening)
def test_every_pair_moves_as_the_grid_says_or_is_refused_and_changes_nothing(
    state: StepStatus, happening: Happening
) -> None:
    progress = _progress(state)
    expected = CELLS[state, happening]
    if expected is not None:
        progress.advance(happening, NOW)
        assert progress.status is expected
        assert len(progress.story) == 1
        return
    with pytest.raises(InvalidTransitionError) as caught:
        progress.advance(happening, NOW)
    assert progress.status is state
    assert progress.story == ()
    assert caught.value.step_id == "fetch"
    assert str(happening) in caught.value.cause
    assert str(state) in caught.value.cause


def test_a_final_state_is_never_left() -> None:
    for state in StepStatus:
        if state.is_final:
            assert set(TRANSITIONS[state].values()) <= {state}


def test_every_state_is_reached_and_every_live_one_can_end() -> None:
    reached = {StepStatus.PENDING} | {after for moves in TRANSITIONS.values() for after in moves.values()}
    assert reached == set(StepStatus)
    for state in (StepStatus.PENDING, StepStatus.WAITING, StepStatus.RUNNING, StepStatus.QUARANTINED):
        assert any(after.is_final for after in TRANSITIONS[state].values())


def test_a_story_is_bounded_and_keeps_the_last_happenings() -> None:
    progress = _progress(StepStatus.PENDING)
    for number in range(30):
        progress.attempts += 1
        progress.advance(Happening.ATTEMPT_STARTED, Moment(number, number * 3_000_000))
        progress.advance(Happening.RETRY_PLANNED, Moment(number, number * 3_000_000 + 1_000_000))
        progress.advance(Happening.DELAY_ELAPSED, Moment(number, number * 3_000_000 + 2_000_000))
    lines = progress.tell()
    assert len(lines) == STORY_LENGTH
    assert lines[0] == "+0.000000 s: attempt started, attempt 27 → running"
    assert lines[-1] == "+11.000000 s: delay before the next attempt elapsed, attempt 30 → waiting"

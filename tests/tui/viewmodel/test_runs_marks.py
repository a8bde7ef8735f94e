"""Several marked runs: which of them something can be done with, how it is asked, and what is said of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import PauseReason, RunStatus
from engine.ports import ControlVerb
from tests.tui.viewmodel.rows import run_row
from tui.viewmodel.runs_marks import Asking, Marks, asked_to_cancel, asked_to_hold, compared_ids, outcome

if TYPE_CHECKING:
    from store.rows import RunRow


def run(number: int, status: RunStatus = RunStatus.RUNNING, **changes: object) -> RunRow:
    """A run; the higher its number, the newer."""
    return run_row(run_id=f"{number:06d}" + "0" * 26, created_at_us=number, status=status, **changes)


def marks(*rows: RunRow) -> Marks:
    """These runs, marked one after the other."""
    made = Marks()
    for row in rows:
        made = made.turned(row)
    return made


def asked(asking: Asking | str) -> Asking:
    """The question that was asked."""
    assert isinstance(asking, Asking)
    return asking


OVER = run(1, RunStatus.SUCCEEDED)
IMPORTED = run(2, imported_at_us=5)
RUNNING, OTHER = run(3), run(4)
PAUSED = run(5, RunStatus.PAUSED, pause_reason=PauseReason.OPERATOR)
APPROVAL = run(6, RunStatus.PAUSED, pause_reason=PauseReason.APPROVAL)


def test_a_mark_is_set_and_taken_away() -> None:
    """By the run, not by its state: what is seen again is the same run, what is gone is marked no more."""
    both = marks(RUNNING, OTHER)
    assert len(both) == 2
    assert RUNNING.run_id in both
    assert list(both.turned(RUNNING).rows) == [OTHER.run_id]
    ended = run(3, RunStatus.FAILED)
    assert both.seen_again({RUNNING.run_id: ended, OTHER.run_id: None}).runs == (ended,)
    assert both.with_all([RUNNING, PAUSED]).runs == (PAUSED, OTHER, RUNNING)


def test_what_is_marked_while_the_file_is_read_stays_marked() -> None:
    """The reading knows nothing of it."""
    both = marks(RUNNING, OTHER)
    ended = run(3, RunStatus.FAILED)
    assert both.seen_again({RUNNING.run_id: ended}).runs == (OTHER, ended)
    assert both.seen_again({}).runs == both.runs


def test_one_question_names_how_many_are_canceled_and_what_is_left() -> None:
    """None at all is said instead of asked."""
    asking = asked(asked_to_cancel(marks(OVER, IMPORTED, RUNNING, OTHER, PAUSED)))
    assert asking.question == (
        "Cancel 3 runs (000005, 000004, 000003)? What runs is stopped, then their finally steps run. "
        "Left as they are: 1 run is over, 1 was imported."
    )
    assert (asking.verb, asking.runs, asking.yes) == (ControlVerb.CANCEL, (PAUSED, OTHER, RUNNING), "cancel them")
    assert asked(asked_to_cancel(marks(RUNNING))).question.startswith("Cancel run 000003 ci_lookup?")
    assert asked_to_cancel(marks(OVER)) == "none of the 1 marked run goes on: there is nothing to cancel"


def test_what_runs_is_paused_and_where_all_wait_they_go_on() -> None:
    """An approval is not given by going on."""
    asking = asked(asked_to_hold(marks(RUNNING, OTHER, PAUSED), lost=()))
    assert asking.verb is ControlVerb.PAUSE
    assert asking.question.endswith("Left as they are: 1 waits already.")
    asking = asked(asked_to_hold(marks(PAUSED, APPROVAL, OTHER), lost=[OTHER.run_id]))
    assert (asking.verb, asking.runs) == (ControlVerb.RESUME, (PAUSED, OTHER))
    assert asked_to_hold(marks(APPROVAL), lost=()) == "they wait for an approval: open each of them and decide"
    assert "nothing to pause" in str(asked_to_hold(marks(OVER), lost=()))


def test_two_to_eight_runs_are_compared() -> None:
    """The newest is the candidate, however they were marked."""
    assert compared_ids(marks(OTHER, OVER, RUNNING)) == (OTHER.run_id, (RUNNING.run_id, OVER.run_id))
    assert "mark another one" in str(compared_ids(marks(OTHER)))
    assert isinstance(compared_ids(marks(*map(run, range(8)))), tuple)
    assert compared_ids(marks(*map(run, range(9)))) == "9 runs are marked: at most 8 can be set beside each other"


def test_what_came_of_it_is_one_sentence() -> None:
    """With the reasons of the first that could not."""
    assert outcome(ControlVerb.CANCEL, 3, []) == "canceled 3 runs"
    refused = [(f"{n:06d}xx", "it is over") for n in range(5)]
    assert outcome(ControlVerb.PAUSE, 1, refused) == (
        "paused 1 run; 000000: it is over; 000001: it is over; 000002: it is over; and 2 more could not"
    )
    assert outcome(ControlVerb.PAUSE, 0, refused[:1]) == "000000: it is over"

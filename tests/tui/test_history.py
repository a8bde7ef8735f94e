"""Back and forward lead through the places as one left them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import Stage
from tui.history import History
from tui.places import ImpactPlace, MonitorPlace, RunPlace
from tui.viewmodel.tabs import Tab

if TYPE_CHECKING:
    from tui.places import Place


def at(history: History) -> Place | None:
    """Where one is now."""
    return history.place


def test_it_begins_at_the_runs_with_nowhere_to_go_back_to() -> None:
    history = History()
    history.back()
    assert at(history) is None
    assert not history.has_before
    assert not history.has_after


def test_from_the_place_one_came_with_the_runs_are_behind() -> None:
    history = History(RunPlace("a"))
    assert at(history) == RunPlace("a")
    assert history.before is None
    history.back()
    assert at(history) is None
    assert history.has_after


def test_back_and_forward_lead_through_all_places() -> None:
    history = History()
    places = (RunPlace("a"), ImpactPlace("query/q"), None, MonitorPlace())
    for place in places:
        history.go(place)
    seen = []
    while history.has_before:
        history.back()
        seen.append(history.place)
    assert seen == [None, ImpactPlace("query/q"), RunPlace("a"), None]
    while history.has_after:
        history.forward()
    assert at(history) == MonitorPlace()


def test_going_somewhere_else_forgets_what_lay_ahead() -> None:
    history = History(RunPlace("a"))
    history.back()
    history.go(RunPlace("b"))
    assert not history.has_after
    history.back()
    assert at(history) is None


def test_a_run_is_come_back_to_as_it_was_left() -> None:
    history = History(RunPlace("a", step_id="ping"))
    history.now_at_stage(Stage.COMPOSE)
    history.now_at_tab(Tab.LOGS)
    history.go(MonitorPlace())
    history.now_at_stage(Stage.ROUTE_PLAN)  # what is no run has no stage
    assert at(history) == MonitorPlace()
    history.back()
    assert at(history) == RunPlace("a", Stage.COMPOSE, Tab.LOGS)

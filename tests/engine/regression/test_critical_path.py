"""Slack and drag of what ran, held against running the same again with one step taking no time, or longer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.regression.critical_path import Ran, Standing, critical_path


def _ran(begin_us: int, end_us: int, *depends_on: str) -> Ran[str]:
    return Ran(begin_us, end_us, depends_on)


def test_a_chain_is_all_critical() -> None:
    found = critical_path({"a": _ran(0, 10), "b": _ran(10, 40, "a"), "c": _ran(40, 45, "b")})
    assert found == {"a": Standing(0, 10), "b": Standing(0, 30), "c": Standing(0, 5)}


def test_beside_a_longer_one_a_step_has_slack_and_no_drag() -> None:
    found = critical_path({"a": _ran(0, 100), "b": _ran(0, 30), "c": _ran(100, 110, "a", "b")})
    assert found["b"] == Standing(70, 0)
    assert found["a"] == Standing(0, 70)


def test_drag_ends_where_another_path_takes_over() -> None:
    """Half as long and no longer: then the run waits for the other branch."""
    found = critical_path({"a": _ran(0, 1000), "b": _ran(0, 600), "c": _ran(600, 900, "b")})
    assert found == {"a": Standing(0, 100), "b": Standing(100, 0), "c": Standing(100, 0)}


def test_two_paths_of_the_same_length_have_no_drag() -> None:
    found = critical_path({"a": _ran(0, 50), "b": _ran(0, 50)})
    assert found == {"a": Standing(0, 0), "b": Standing(0, 0)}


def test_what_waited_for_no_dependency_waited_for_what_ended_last() -> None:
    """A slot, a serial plan and `finally` hold a step back without a dependency."""
    found = critical_path({"a": _ran(0, 400), "b": _ran(400, 1000), "last": _ran(1000, 1100)})
    assert found["a"] == Standing(0, 400)
    assert found["b"] == Standing(0, 600)


def test_a_pause_between_two_is_nobodys_drag() -> None:
    assert critical_path({"a": _ran(0, 10), "b": _ran(500, 510, "a")})["a"] == Standing(0, 10)


def test_nothing_ran() -> None:
    assert critical_path({}) == {}


def test_a_dependency_that_did_not_run_or_runs_in_circles_is_left_out() -> None:
    found = critical_path({"a": _ran(0, 10, "gone", "b"), "b": _ran(0, 5, "a"), "c": _ran(0, 1, "c")})
    assert set(found) == {"a", "b", "c"}
    assert all(one.slack_us >= 0 and one.drag_us >= 0 for one in found.values())


@st.composite
def _runs(draw: st.DrawFn) -> dict[str, Ran[str]]:
    """Steps that start the moment their dependencies have ended."""
    ran: dict[str, Ran[str]] = {}
    for place in range(draw(st.integers(1, 9))):
        needed = draw(st.lists(st.sampled_from(sorted(ran)), unique=True, max_size=3)) if ran else []
        begin = max((ran[name].end_us for name in needed), default=0)
        ran[f"s{place}"] = Ran(begin, begin + draw(st.integers(0, 50)), tuple(needed))
    return ran


def _end_with(ran: dict[str, Ran[str]], changed: str, duration: int) -> int:
    """When all has ended if one step takes another time and every other as long as before."""
    ends: dict[str, int] = {}
    for name, one in ran.items():
        lasts = duration if name == changed else one.end_us - one.begin_us
        ends[name] = max((ends[needed] for needed in one.depends_on), default=0) + lasts
    return max(ends.values())


@given(_runs())
def test_drag_is_what_the_end_would_win_if_the_step_took_no_time(ran: dict[str, Ran[str]]) -> None:
    end = max(one.end_us for one in ran.values())
    found = critical_path(ran)
    for name, one in ran.items():
        assert found[name].drag_us == end - _end_with(ran, name, 0)
        assert found[name].drag_us <= one.end_us - one.begin_us


@given(_runs())
def test_slack_is_how_much_longer_a_step_may_take(ran: dict[str, Ran[str]]) -> None:
    end = max(one.end_us for one in ran.values())
    found = critical_path(ran)
    for name, one in ran.items():
        longer = one.end_us - one.begin_us + found[name].slack_us
        assert _end_with(ran, name, longer) == end
        assert _end_with(ran, name, longer + 1) == end + 1

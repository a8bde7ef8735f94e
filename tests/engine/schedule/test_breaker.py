"""A breaker by itself: what opens and closes it, how it cools, and who may probe it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.model.breaker import BreakerPhase, BreakerState
from engine.model.plan import Breaker
from engine.schedule.breaker import Admitted, Breakers, Refused
from engine.schedule.signals import Moment
from tests.engine.schedule.driver import EPOCH_US

if TYPE_CHECKING:
    from engine.schedule.breaker import Ticket

POLICY = Breaker(failures=2, cooldown_sec=60)


def _at(seconds: float) -> Moment:
    return Moment(seconds, EPOCH_US + round(seconds * 1e6))


def _ticket(breakers: Breakers, seconds: float) -> Ticket:
    admission = breakers.admit("tool", POLICY, _at(seconds))
    assert isinstance(admission, Admitted)
    return admission.ticket


def _open(breakers: Breakers, seconds: float = 0.0) -> None:
    for _ in range(POLICY.failures):
        breakers.ended(_ticket(breakers, seconds), False, _at(seconds))


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    breakers = Breakers({})
    first, second, third = (_ticket(breakers, 0) for _ in range(3))
    assert breakers.ended(first, False, _at(1)) == BreakerState(BreakerPhase.CLOSED, 1)
    assert breakers.ended(second, True, _at(2)) == BreakerState(BreakerPhase.CLOSED, 0)
    assert breakers.ended(third, False, _at(3)) == BreakerState(BreakerPhase.CLOSED, 1)
    opened = breakers.ended(_ticket(breakers, 4), False, _at(5))
    assert opened == BreakerState(BreakerPhase.OPEN, 2, _at(5).at_us)
    refused = breakers.admit("tool", POLICY, _at(6))
    assert refused == Refused(opened, 59.0)
    assert isinstance(breakers.admit("another", POLICY, _at(6)), Admitted)


def test_a_success_with_nothing_to_forget_changes_nothing() -> None:
    breakers = Breakers({})
    assert breakers.ended(_ticket(breakers, 0), True, _at(1)) is None


def test_what_says_nothing_of_the_tool_counts_nothing() -> None:
    breakers = Breakers({})
    breakers.ended(_ticket(breakers, 0), False, _at(0))
    assert breakers.ended(_ticket(breakers, 0), None, _at(1)) is None
    assert breakers.states["tool"].failures == 1


def test_after_the_cooldown_exactly_one_probe_is_let_through() -> None:
    breakers = Breakers({})
    _open(breakers)
    assert isinstance(breakers.admit("tool", POLICY, _at(59.9)), Refused)
    probe = breakers.admit("tool", POLICY, _at(60))
    assert isinstance(probe, Admitted)
    assert probe.moved == BreakerState(BreakerPhase.HALF_OPEN, 2, _at(0).at_us)
    for seconds in (60, 1000):
        assert breakers.admit("tool", POLICY, _at(seconds)) == Refused(probe.moved, 0.0)


def test_a_probe_that_succeeds_closes_it() -> None:
    breakers = Breakers({})
    _open(breakers)
    assert breakers.ended(_ticket(breakers, 60), True, _at(61)) == BreakerState(BreakerPhase.CLOSED, 0, _at(0).at_us)
    assert isinstance(breakers.admit("tool", POLICY, _at(61)), Admitted)


def test_a_probe_that_fails_opens_it_anew() -> None:
    breakers = Breakers({})
    _open(breakers)
    assert breakers.ended(_ticket(breakers, 60), False, _at(61)) == BreakerState(BreakerPhase.OPEN, 3, _at(61).at_us)
    assert isinstance(breakers.admit("tool", POLICY, _at(120)), Refused)
    assert isinstance(breakers.admit("tool", POLICY, _at(121)), Admitted)


def test_a_canceled_probe_leaves_its_place_to_the_next() -> None:
    breakers = Breakers({})
    _open(breakers)
    assert breakers.ended(_ticket(breakers, 60), None, _at(61)) is None
    again = breakers.admit("tool", POLICY, _at(61))
    assert isinstance(again, Admitted)
    assert again.moved is None, "it is half-open already"
    assert isinstance(breakers.admit("tool", POLICY, _at(61)), Refused)


@pytest.mark.parametrize("is_good", [True, False, None])
def test_what_began_before_the_opening_says_nothing_of_the_probe(is_good: bool | None) -> None:
    breakers = Breakers({})
    late = _ticket(breakers, 0)
    _open(breakers)
    assert breakers.ended(late, is_good, _at(1)) is None
    other = Breakers({})
    late = _ticket(other, 0)
    _open(other)
    _ticket(other, 60)
    assert other.ended(late, is_good, _at(61)) is None
    assert isinstance(other.admit("tool", POLICY, _at(61)), Refused), "the probe is still under way"


def test_an_open_one_from_another_run_cools_by_the_wall_clock() -> None:
    opened = BreakerState(BreakerPhase.OPEN, 2, EPOCH_US)
    breakers = Breakers({"tool": opened})
    now = Moment(5.0, EPOCH_US + 20_000_000)
    assert breakers.admit("tool", POLICY, now) == Refused(opened, 40.0)
    assert isinstance(breakers.admit("tool", POLICY, Moment(45.0, EPOCH_US)), Admitted), "then by the monotonic one"


def test_an_opening_in_the_future_is_not_believed() -> None:
    breakers = Breakers({"tool": BreakerState(BreakerPhase.OPEN, 2, EPOCH_US + 10**9)})
    assert isinstance(breakers.admit("tool", POLICY, Moment(5.0, EPOCH_US)), Admitted)


def test_a_half_open_one_from_another_run_may_be_probed() -> None:
    breakers = Breakers({"tool": BreakerState(BreakerPhase.HALF_OPEN, 2, EPOCH_US)})
    assert isinstance(breakers.admit("tool", POLICY, _at(1)), Admitted)
    assert isinstance(breakers.admit("tool", POLICY, _at(1)), Refused)


def test_a_probe_closes_it_whatever_was_counted() -> None:
    breakers = Breakers({"tool": BreakerState(BreakerPhase.HALF_OPEN, 0, EPOCH_US)})
    assert breakers.ended(_ticket(breakers, 1), True, _at(2)) == BreakerState(BreakerPhase.CLOSED, 0, EPOCH_US)

"""Pools: how many at once, how many in a time, the alarm, and that nobody waits for a pool that is not his."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.plan import Pool, Rate
from engine.schedule.instructions import SetAlarm, SettleStep
from engine.schedule.pools import Gauge
from engine.schedule.signals import Moment
from engine.schedule.taken_up import TakenUp
from tests.engine.schedule.builders import plan_of, step, succeeded
from tests.engine.schedule.driver import EPOCH_US, Driver, started

if TYPE_CHECKING:
    from engine.model.json import Json, JsonObject


def _drive(*steps: JsonObject, pools: Json, strategy: str = "dag", **limits: Json) -> Driver:
    return Driver(plan_of(steps, strategy=strategy, pools=pools, **limits))


def _pooled(step_id: str, *depends_on: str, **fields: Json) -> JsonObject:
    return step(step_id, *depends_on, **{"pool": "api", **fields})


ONE_AT_ONCE: Json = {"api": {"max_concurrency": 1}}
TWO_A_SECOND: Json = {"api": {"rate": {"count": 2, "per_sec": 1.0}}}


def test_a_pool_limits_how_many_of_its_steps_run_at_once_and_holds_up_nobody_else() -> None:
    drive = _drive(_pooled("a"), _pooled("b"), step("c"), pools=ONE_AT_ONCE)
    assert started(drive.begin()) == ["a", "c"]
    assert started(drive.succeed("c")) == []
    assert started(drive.succeed("a")) == ["b"]


def test_among_those_that_may_go_the_first_in_order_goes_first() -> None:
    steps = [step("a"), _pooled("b"), step("c"), _pooled("d", pool="db")]
    pools: Json = {"api": {"max_concurrency": 1}, "db": {"max_concurrency": 1}}
    drive = _drive(*steps, pools=pools, max_concurrency=1)
    assert started(drive.begin()) == ["a"]
    assert started(drive.succeed("a")) == ["b"]
    assert started(drive.succeed("b")) == ["c"]
    assert started(drive.succeed("c")) == ["d"]


def test_items_share_the_pool_of_their_step() -> None:
    drive = _drive(_pooled("each", for_each=[1, 2, 3]), _pooled("other"), pools=ONE_AT_ONCE)
    assert started(drive.begin()) == ["each#0"]
    assert started(drive.succeed("each#0")) == ["each#1"]


def test_a_retry_waits_without_a_place_in_the_pool() -> None:
    backoff: Json = {"initial_sec": 5, "jitter": False}
    drive = _drive(_pooled("a", retries=1, backoff=backoff), _pooled("b"), pools=ONE_AT_ONCE)
    drive.begin()
    assert started(drive.fail("a")) == ["b"]
    assert started(drive.elapse("a")) == []
    assert started(drive.succeed("b")) == ["a"]


def test_a_rate_lets_so_many_begin_in_a_time_and_an_alarm_is_set_for_the_next() -> None:
    drive = _drive(*(_pooled(name) for name in "abcd"), pools=TWO_A_SECOND)
    said = drive.begin()
    assert started(said) == ["a", "b"]
    assert said[-1] == SetAlarm(1.0)
    assert started(drive.succeed("a", "b")) == []
    assert started(drive.ring(after=0.25)) == [], "too early, so it is set anew"
    assert drive.ledger.alarm_at == pytest.approx(101.0)
    assert started(drive.ring(after=0.75)) == ["c", "d"]


def test_the_window_slides() -> None:
    drive = _drive(_pooled("a"), step("x"), *(_pooled(name, "x") for name in "bcd"), pools=TWO_A_SECOND)
    assert started(drive.begin()) == ["a", "x"]
    drive.seconds += 0.5
    assert started(drive.succeed("x")) == ["b"]
    assert started(drive.ring(after=0.5)) == ["c"], "a has left the window, b has not"
    assert started(drive.ring(after=0.5)) == ["d"]


def test_attempts_count_not_steps() -> None:
    backoff: Json = {"initial_sec": 0, "jitter": False}
    drive = _drive(_pooled("a", retries=5, backoff=backoff), pools=TWO_A_SECOND)
    drive.begin()
    drive.fail("a")
    assert started(drive.elapse("a")) == ["a"]
    drive.fail("a")
    assert drive.elapse("a") == [SetAlarm(1.0)]
    assert started(drive.ring(after=1.0)) == ["a"]


def test_no_alarm_is_set_while_something_else_holds_it_up() -> None:
    drive = _drive(*(_pooled(name) for name in "abc"), pools=TWO_A_SECOND, max_concurrency=2)
    assert started(drive.begin()) == ["a", "b"]
    assert drive.ledger.alarm_at is None, "there is no slot either"
    assert [type(told) for told in drive.succeed("a")] == [SettleStep, SetAlarm]


def test_an_alarm_is_moved_when_another_pool_opens_earlier() -> None:
    pools: Json = {"slow": {"rate": {"count": 1, "per_sec": 60}}, "api": {"rate": {"count": 1, "per_sec": 5}}}
    steps = [_pooled("a", pool="slow"), _pooled("b", pool="slow"), step("x"), _pooled("c", "x"), _pooled("d", "x")]
    drive = _drive(*steps, pools=pools)
    assert drive.begin()[-1] == SetAlarm(60.0)
    said = drive.succeed("x")
    assert started(said) == ["c"]
    assert said[-1] == SetAlarm(5.0)
    assert started(drive.ring(after=5.0)) == ["d"]
    assert drive.ledger.alarm_at == pytest.approx(160.0)


def test_a_pause_sets_no_alarm_and_the_end_of_it_does() -> None:
    drive = _drive(*(_pooled(name) for name in "abc"), pools=TWO_A_SECOND)
    drive.pause()
    assert drive.begin() == []
    said = drive.resume()
    assert started(said) == ["a", "b"]
    assert isinstance(said[-1], SetAlarm)


def test_an_alarm_that_rings_late_or_twice_does_no_harm() -> None:
    drive = _drive(*(_pooled(name) for name in "abc"), pools=TWO_A_SECOND)
    drive.begin()
    drive.ring(after=5.0)
    assert drive.ring() == []
    drive.succeed("a", "b", "c")
    assert drive.ring() == []


def test_the_rate_holds_in_a_serial_plan() -> None:
    drive = _drive(_pooled("a"), _pooled("b"), _pooled("c"), step("d"), pools=TWO_A_SECOND, strategy="serial")
    drive.begin()
    drive.succeed("a")
    assert [type(told) for told in drive.succeed("b")] == [SettleStep, SetAlarm]
    assert started(drive.ring(after=1.0)) == ["c"]


def test_what_is_taken_from_the_cache_does_not_count() -> None:
    cache: Json = {"ttl_sec": 60}
    drive = _drive(*(_pooled(name, cache=cache) for name in "abc"), pools=TWO_A_SECOND)
    drive.begin()
    assert drive.ledger.asking == {"a", "b"}, "the third could come too much"
    drive.answer("a", succeeded(1))
    assert drive.ledger.asking == {"b", "c"}
    assert started(drive.answer("b", None)) == ["b"]
    assert started(drive.answer("c", None)) == ["c"]


def test_what_began_before_the_engine_was_lost_counts() -> None:
    plan = plan_of([_pooled("a"), _pooled("b")], strategy="dag", pools=TWO_A_SECOND)
    taken_up = TakenUp(begun_us={"api": [EPOCH_US + 99_750_000, EPOCH_US + 1]})
    drive = Driver(plan, taken_up=taken_up)
    said = drive.begin()
    assert started(said) == ["a"]
    assert isinstance(said[-1], SetAlarm)
    assert said[-1].delay_sec == pytest.approx(0.75)
    assert drive.scheduler.begun_us == {"api": (EPOCH_US + 99_750_000, EPOCH_US + 100_000_000)}


@settings(deadline=None, derandomize=True, database=None)
@given(st.integers(1, 4), st.floats(0.01, 5), st.lists(st.floats(0, 3), min_size=1, max_size=60), st.floats(0, 1e6))
def test_no_window_ever_holds_more_than_the_rate(count: int, per_sec: float, gaps: list[float], start: float) -> None:
    gauge = Gauge(Pool(rate=Rate(count=count, per_sec=per_sec)))
    begun: list[float] = []
    now = start
    for gap in gaps:
        now += gap
        moment = Moment(now, round(now * 1e6))
        opens = gauge.opens_in(moment)
        assert opens is not None
        if opens:
            assert 0 < opens <= per_sec + 1e-6
            continue
        gauge.hold()
        gauge.begin(moment)
        gauge.release(held=False)
        begun.append(now)
    for first, last in zip(begun, begun[count:], strict=False):
        assert last - first >= per_sec * (1 - 1e-9) - 1e-6

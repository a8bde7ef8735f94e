"""How long a plan is said to take: order, slots, pools, conditions, blocks, what is not known. That it comes true is checked in a world."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from engine.model.result import StepResult
from engine.model.states import StepStatus, Strategy
from engine.plan.scope import Scope
from engine.schedule.forecast import Forecast, forecast
from tests.engine.schedule.builders import plan_of, plan_with_finally, step
from tests.engine.schedule.driver import Driver, started
from tests.engine.schedule.random_plans import draw_plan
from tests.engine.schedule.world import QUIET, World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.model.json import Json, JsonObject
    from engine.plan.compiled import CompiledPlan


def _result(step_id: str, data: Json = None, status: StepStatus = StepStatus.SUCCEEDED) -> StepResult:
    return StepResult(step_id, status, data=data)


def _forecast(
    plan: CompiledPlan,
    durations: Mapping[str, int],
    *recorded: StepResult,
    settled: Mapping[str, StepResult] | None = None,
    env: Mapping[str, str] | None = None,
) -> Forecast:
    scope = Scope(params={}, env=env or {}, results={result.step_id: result for result in recorded})
    return forecast(plan, scope, settled or {}, durations, default_us=1000)


def test_a_step_begins_when_those_that_it_depends_on_have_ended() -> None:
    plan = plan_of([step("a"), step("b"), step("c", "a", "b")])
    told = _forecast(plan, {"a": 5, "b": 8, "c": 3})
    assert told == Forecast(11, {"a": (0, 5), "b": (0, 8), "c": (8, 11)})


def test_there_are_no_more_at_once_than_slots() -> None:
    plan = plan_of([step("a"), step("b"), step("c")], max_concurrency=2)
    assert _forecast(plan, {"a": 5, "b": 8, "c": 3}).steps == {"a": (0, 5), "b": (0, 8), "c": (5, 8)}


def test_a_serial_plan_has_one_at_a_time() -> None:
    plan = plan_of([step("a"), step("b")], strategy="serial")
    assert _forecast(plan, {"a": 5, "b": 8}).steps == {"a": (0, 5), "b": (5, 13)}


def test_pools_and_their_rates_hold() -> None:
    pools: JsonObject = {"one": {"max_concurrency": 1}, "api": {"rate": {"count": 1, "per_sec": 2}}}
    plan = plan_of(
        [*(step(name, pool="one") for name in "ab"), *(step(name, pool="api") for name in "cde")], pools=pools
    )
    told = _forecast(plan, dict.fromkeys("abcde", 10)).steps
    assert told["b"] == (10, 20)
    assert told["c"] == (0, 10)
    assert 2_000_000 <= told["d"][0] <= 2_000_002
    assert 4_000_000 <= told["e"][0] <= 4_000_004


def test_what_never_ran_counts_a_default_and_is_named() -> None:
    plan = plan_of([step("new", "old"), step("old"), step("other")])
    told = _forecast(plan, {"old": 5})
    assert told.steps["new"] == (5, 1005)
    assert told.unknown == ("new", "other"), "in execution order"


def test_what_was_stopped_counts_as_long_as_it_had_run_and_is_named() -> None:
    plan = plan_of([step("a"), step("b", "a"), step("new", "b"), step("other")])
    scope = Scope(params={}, env={}, results={})
    told = forecast(plan, scope, {}, {"a": 5}, default_us=0, at_least={"a": 1, "b": 7, "gone": 9})
    assert told == Forecast(12, {"a": (0, 5), "b": (5, 12), "new": (12, 12), "other": (0, 0)}, ("new", "other"), ("b",))
    assert not told.is_known
    assert forecast(plan, scope, {}, dict.fromkeys(plan.steps, 1), default_us=0, at_least={"b": 7}).is_known


def test_what_takes_no_time_takes_none() -> None:
    told = _forecast(plan_of([step("a"), step("b", "a")]), {"a": 0, "b": -5})
    assert told == Forecast(0, {"a": (0, 0), "b": (0, 0)})


def test_what_is_settled_does_not_run() -> None:
    plan = plan_of([step("a"), step("b", "a")])
    told = _forecast(plan, {"a": 5, "b": 8}, settled={"a": _result("a"), "gone": _result("gone")})
    assert told == Forecast(8, {"b": (0, 8)})


def test_nothing_to_do_takes_no_time() -> None:
    assert _forecast(plan_of([step("a")]), {}, settled={"a": _result("a")}) == Forecast(0, {})


def test_conditions_see_what_was_found_before_and_what_is_asked_now() -> None:
    steps = [
        step("a"),
        step("rich", condition="a.data.rows > 1"),
        step("poor", condition="a.data.rows <= 1"),
        step("asked", condition="env.DEEP == 'yes'"),
        step("after", "poor"),
    ]
    told = _forecast(plan_of(steps), dict.fromkeys(["a", "rich", "asked", "after"], 7), _result("a", {"rows": 3}))
    assert sorted(told.steps) == ["a", "after", "rich"]
    assert told.unknown == (), "what is skipped has no time to be known"
    assert "asked" in _forecast(plan_of(steps), {}, env={"DEEP": "yes"}).steps


def test_a_step_that_failed_before_is_expected_to_succeed() -> None:
    plan = plan_of([step("a", on_failure="abort", retries=3), step("b", condition="a.status == 'succeeded'")])
    told = _forecast(plan, {"a": 5, "b": 6}, _result("a", status=StepStatus.FAILED))
    assert told.steps == {"a": (0, 5), "b": (5, 11)}


def test_references_to_what_is_not_known_stop_nothing() -> None:
    plan = plan_of([step("a"), step("b", args=["{a.data.name}"], on_failure="abort"), step("c", "b")])
    assert _forecast(plan, {}).duration_us == 3000


def test_a_step_with_items_is_one_block() -> None:
    plan = plan_of([step("a"), step("each", for_each="{a.data}", args=["{item}"]), step("b", "each")])
    told = _forecast(plan, {"a": 5, "each": 100, "b": 1}, _result("a", [1, 2, 3]))
    assert told.steps["each"] == (5, 105)
    assert told.duration_us == 106


def test_a_repetition_and_a_cached_step_are_one_block_too() -> None:
    repeat: Json = {"until": "item.data.done == true", "max": 5}
    plan = plan_of([step("again", repeat=repeat), step("kept", "again", cache={"ttl_sec": 60})])
    assert _forecast(plan, {"again": 50, "kept": 3}).steps == {"again": (0, 50), "kept": (50, 53)}


def test_a_fallback_is_not_expected() -> None:
    plan = plan_of([step("a", on_failure="fallback_step", fallback_step="spare"), step("spare")])
    assert _forecast(plan, {"a": 5, "spare": 100}) == Forecast(5, {"a": (0, 5)})


def test_a_breaker_refuses_nothing() -> None:
    plan = plan_of([step("a"), step("b")], breaker={"failures": 1, "cooldown_sec": 60})
    assert _forecast(plan, {"a": 5, "b": 5}).duration_us == 5


def _decision(when: str) -> CompiledPlan:
    rules: Json = [{"when": when, "choose": "left"}]
    branches: Json = {"left": ["l"], "right": ["r"]}
    what: Json = {"type": "decision", "rules": rules, "branches": branches, "default": "right"}
    return plan_of([step("a"), {"id": "d", "step_def": what}, step("l"), step("r")])


def test_decisions_are_made_anew_from_what_was_found() -> None:
    recorded = (_result("a", {"n": 3}), _result("d", {"choice": "right"}))
    assert "l" in _forecast(_decision("a.data.n > 2"), {}, *recorded).steps
    assert "r" in _forecast(_decision("a.data.n > 5"), {}, *recorded).steps


def test_steps_of_finally_come_last_one_after_the_other() -> None:
    plan = plan_with_finally([step("a"), step("b")], "x", "y")
    told = _forecast(plan, {"a": 5, "b": 9, "x": 2, "y": 3})
    assert told == Forecast(14, {"a": (0, 5), "b": (0, 9), "x": (9, 11), "y": (11, 14)})


def test_the_same_is_said_each_time() -> None:
    random = Random(7)
    steps = [
        step(f"s{n}", *(f"s{m}" for m in random.sample(range(n), min(n, 2))), pool="p" if n % 3 == 0 else None)
        for n in range(60)
    ]
    plan = plan_of(steps, max_concurrency=4, pools={"p": {"rate": {"count": 2, "per_sec": 1}}})
    durations = {f"s{n}": random.randrange(1_000_000) for n in range(0, 60, 2)}
    assert _forecast(plan, durations) == _forecast(plan, durations)


def test_it_comes_true_when_all_goes_as_before() -> None:
    """A run by hand, in which each attempt takes as long as was said, begins and ends each step when the forecast said."""
    for seed in range(30):
        random = Random(seed)
        names = [f"s{n}" for n in range(12)]
        steps = [
            step(name, *random.sample(names[:n], min(n, random.choice([0, 1, 2])))) for n, name in enumerate(names)
        ]
        plan = plan_of(steps, max_concurrency=random.randint(1, 4))
        durations = {name: random.randint(1, 50) * 100_000 for name in names}
        told = _forecast(plan, durations)
        drive = Driver(plan, seconds=0.0)
        ends = {name: durations[name] for name in started(drive.begin())}
        begun = dict.fromkeys(ends, 0)
        while ends:
            name = min(ends, key=lambda each: (ends[each], begun[each], names.index(each)))
            at_us = ends.pop(name)
            assert told.steps[name] == (begun[name], at_us), f"seed {seed}"
            drive.seconds = at_us / 1e6
            for other in started(drive.succeed(name)):
                begun[other], ends[other] = at_us, at_us + durations[other]
        assert drive.scheduler.is_finished
        assert told.duration_us == round(drive.seconds * 1e6)


def test_random_plans_are_forecast_from_their_random_runs(scaled: Callable[[int], int]) -> None:
    """Whatever a run came to: each step has its time or is skipped, behind what it depends on, with no more at once than may."""
    skipped = again = 0
    for seed in range(scaled(1500)):
        random = Random(seed)
        world = World(draw_plan(random, breakers=seed % 2 == 0), random, QUIET)
        world.run()
        plan, recorded = world.compiled, dict(world.drive.ledger.settled)
        durations = {step_id: random.randrange(3_000_000) for step_id in plan.steps if random.random() < 0.8}
        reused: dict[str, StepResult] = {}
        for step_id, compiled in plan.steps.items():
            is_done = recorded[step_id].status is StepStatus.SUCCEEDED and seed % 3 == 0
            if is_done and all(needed in reused for needed in compiled.depends_on):
                reused[step_id] = recorded[step_id]
        told = forecast(plan, Scope(params={}, env={}, results=recorded), reused, durations, default_us=1000)
        skipped += len(told.steps) + len(reused) < len(plan.steps)
        again += bool(reused)
        _check_forecast(told, plan, durations)
    assert skipped > 0
    assert again > 0


def _check_forecast(told: Forecast, plan: CompiledPlan, durations: Mapping[str, int]) -> None:
    for step_id, (begins, ends) in told.steps.items():
        assert ends - begins == durations.get(step_id, 1000)
        assert all(told.steps[needed][1] <= begins for needed in plan.steps[step_id].depends_on if needed in told.steps)
    for _, now in told.steps.values():
        at_once = sum(begins < now <= ends for begins, ends in told.steps.values())
        assert at_once <= (1 if plan.strategy is Strategy.SERIAL else plan.plan.globals.max_concurrency)
    assert told.duration_us >= max((ends for _, ends in told.steps.values()), default=0)
    assert set(told.unknown) == told.steps.keys() - durations.keys()


def test_a_layered_plan_of_ten_thousand_steps(scaled: Callable[[int], int]) -> None:
    width = max(5, scaled(100))
    plan = plan_of(
        [
            step(f"s{layer}_{n}", *([f"s{layer - 1}_{n}", f"s{layer - 1}_{(n + 1) % width}"] if layer else []))
            for layer in range(100)
            for n in range(width)
        ],
        max_concurrency=50,
    )
    told = _forecast(plan, {})
    assert len(told.steps) == len(told.unknown) == 100 * width
    assert told.duration_us >= 100 * 1000
    assert all(told.steps[f"s99_{n}"][1] <= told.duration_us for n in range(width))

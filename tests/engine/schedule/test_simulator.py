"""Thousands of random plans in a world where everything may go wrong: every run ends, and ends as the oracle says."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from engine.model.states import OnFailure, Reason, RunStatus, StepStatus
from engine.schedule.instructions import (
    AskCache,
    MoveBreaker,
    QuarantineStep,
    RequestReplan,
    SetAlarm,
    SettleItem,
    SettleStep,
    WaitForRetry,
)
from tests.engine.schedule.builders import canceled, failed
from tests.engine.schedule.oracle import foretell, is_hard_failure, is_warned_of
from tests.engine.schedule.random_plans import draw_plan, outcome, reach
from tests.engine.schedule.record import point_after
from tests.engine.schedule.rules import RandomRules
from tests.engine.schedule.world import QUIET, USUAL, Troubles, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model.result import AttemptOutcome, StepResult
    from tests.engine.schedule.oracle import Ending
    from tests.engine.schedule.random_plans import DrawnPlan

UNSTOPPED = Troubles(cancel=0)


def _simulate(seed: int, troubles: Troubles = USUAL, **shape: bool) -> World:
    random = Random(seed)
    world = World(draw_plan(random, **shape), random, troubles)
    try:
        world.run()
    except Exception as error:
        error.add_note(f"seed {seed}")
        raise
    return world


def _approves(seed: int, share: float) -> Callable[[str], bool]:
    return lambda step_id: Random(f"{seed}/{step_id}/approves").random() < share


def _replanned(seed: int, troubles: Troubles = USUAL, *, approving: float = 0.5, breakers: bool = False) -> World:
    """A run with rules that ask for another plan, in which a share of what they ask for is approved."""
    random = Random(seed)
    plan = draw_plan(random, breakers=breakers)
    rules = RandomRules(seed, random.choice([0.2, 0.5]))
    world = World(plan, random, troubles, rules=rules, approves=_approves(seed, approving))
    try:
        world.run()
    except Exception as error:
        error.add_note(f"seed {seed}")
        raise
    return world


def _as_foretold(world: World, result: StepResult, ending: Ending) -> bool:
    """What was lost with an engine was done once more, and counts once."""
    mine = [unit for unit in world.lost if unit.partition("#")[0] == result.step_id]
    attempts = result.attempts - sum(world.lost[unit] for unit in mine)
    return (result.status, result.reason, attempts) == ending[:3] and (
        result.data == ending.data or result.reason is Reason.DEPENDENCY_FAILED
    )


def _check_against_the_oracle(world: World, seed: int) -> None:
    plan, drive = world.plan, world.drive
    foretold = foretell(plan)
    for drawn in plan.steps:
        result = drive.result(drawn.step_id)
        if drawn.step_id in world.stopped or result.reason is Reason.ABORTED:
            continue
        if drawn.step_id in drive.ledger.replaced_steps:
            continue
        if world.canceled and result.status is StepStatus.CANCELED:
            continue
        assert _as_foretold(world, result, foretold[drawn.step_id]), (
            f"seed {seed}: {drawn} was to end {foretold[drawn.step_id]}, ended {result}"
        )
    if world.canceled:
        assert drive.finish.status is RunStatus.CANCELED, f"seed {seed}"
        return
    hard = [drawn for drawn in plan.steps if is_hard_failure(drawn, foretold[drawn.step_id])]
    assert drive.finish.status is (RunStatus.FAILED if hard else RunStatus.SUCCEEDED), f"seed {seed}"
    if not any(drawn.on_failure in (OnFailure.ABORT, OnFailure.FALLBACK_STEP) for drawn in hard):
        assert not any(result.reason is Reason.ABORTED for result in drive.ledger.settled.values()), f"seed {seed}"
        assert not world.stopped, f"seed {seed}"
        warned = [drawn for drawn in plan.steps if is_warned_of(drawn, foretold[drawn.step_id])]
        assert len(drive.finish.warnings) == len(warned), f"seed {seed}"


def test_every_random_run_ends_as_foretold(scaled: Callable[[int], int]) -> None:
    for seed in range(scaled(6000)):
        _check_against_the_oracle(_simulate(seed), seed)


def test_runs_with_breakers_end_whatever_they_refuse(scaled: Callable[[int], int]) -> None:
    refused: Counter[Reason | None] = Counter()
    decided = 0
    for seed in range(scaled(6000)):
        world = _simulate(seed, breakers=True)
        refused.update(result.reason for result in world.drive.ledger.settled.values())
        decided += len(world.decided)
    assert refused[Reason.BREAKER_OPEN] > 0
    assert decided > 0, "no critical step was ever quarantined"


def test_the_random_runs_meet_everything_there_is(scaled: Callable[[int], int]) -> None:
    met: Counter[object] = Counter()
    for seed in range(max(300, scaled(300))):
        world = _simulate(seed, breakers=seed % 2 == 0)
        met.update(type(entry.what) for entry in world.record)
        met.update(entry.what.reason for entry in world.record if isinstance(entry.what, WaitForRetry))
        met.update(result.reason for result in world.drive.ledger.settled.values())
        met["lives"] += world.lives > 2
        met["lost"] += any(world.lost.values())
    wanted = {AskCache, MoveBreaker, QuarantineStep, SetAlarm, SettleItem, "lives", "lost"}
    reasons = {
        Reason.FALLBACK,
        Reason.NOT_NEEDED,
        Reason.BRANCH_NOT_CHOSEN,
        Reason.CACHE_HIT,
        Reason.ITEMS_FAILED,
        Reason.BAD_ITEMS,
        Reason.REPEAT_EXHAUSTED,
        Reason.BREAKER_OPEN,
        Reason.ABORTED,
        Reason.CANCELED,
    }
    assert {*wanted, *reasons, "retry", "repeat", "breaker_open"} - met.keys() == set()
    assert met["lives"] > 0
    assert met["lost"] > 0


def test_serial_runs_with_aborts_are_foretold_exactly(scaled: Callable[[int], int]) -> None:
    aborted = 0
    for seed in range(scaled(2000)):
        random = Random(seed)
        plan = draw_plan(random)
        plan.serial = True
        if any(drawn.fallback for drawn in plan.steps):
            continue  # where a fallback has its turn depends on what it waits for; the oracle knows no turns
        world = World(plan, random, UNSTOPPED)
        world.run()
        foretold = foretell(plan)
        modes = {drawn.step_id: drawn for drawn in plan.steps}
        cut = False
        for step_id in world.compiled.steps:
            result = world.drive.result(step_id)
            # A skip needs no turn in the line: it is settled as soon as what it depends on has failed.
            skipped = foretold[step_id].reason is Reason.DEPENDENCY_FAILED and result.reason is not Reason.ABORTED
            if cut and not skipped:
                assert result.reason is Reason.ABORTED, f"seed {seed}"
                continue
            assert _as_foretold(world, result, foretold[step_id]), f"seed {seed}: {step_id}"
            if is_hard_failure(modes[step_id], foretold[step_id]) and modes[step_id].on_failure == "abort":
                cut = True
        aborted += cut
    assert aborted > 0


@pytest.mark.parametrize("cap", [0.5, 2.0, 5.0])
def test_runs_under_a_tight_cap_end_within_it(cap: float, scaled: Callable[[int], int]) -> None:
    for seed in range(scaled(600)):
        random = Random(seed)
        plan = draw_plan(random, breakers=seed % 3 == 0)
        plan.max_step_duration_sec = cap
        world = World(plan, random)
        world.run()
        assert world.drive.ledger.finish is not None, f"seed {seed}"


def test_a_crash_after_any_entry_leads_to_the_same_end(scaled: Callable[[int], int]) -> None:
    """Cut the record of a run at each of its entries in turn: whoever takes it up comes to what the undisturbed one came to."""
    crashed = 0
    for seed in range(scaled(120)):
        plan = draw_plan(Random(seed), most=6)
        whole = World(plan, Random(seed), QUIET)
        whole.run()
        expected = _endings(whole)
        for cut in range(len(whole.record)):
            world = World(plan, Random(seed), QUIET)
            world.crash_at = cut
            world.run()
            crashed += world.lives == 2
            if whole.drive.finish.status is RunStatus.FAILED and _stopped(whole):
                assert world.drive.finish.status is RunStatus.FAILED, f"seed {seed}, cut {cut}"
                continue  # what else was under way when it stopped is a matter of time
            assert _endings(world) == expected, f"seed {seed}, cut {cut}"
            assert world.drive.finish.status is whole.drive.finish.status, f"seed {seed}, cut {cut}"
            assert sorted(world.drive.finish.warnings) == sorted(whole.drive.finish.warnings), f"seed {seed}, cut {cut}"
    assert crashed > 0


# Replans


def _check_replanned(world: World, seed: int) -> None:
    """Each step has its end, as foretold, unless it waits, at some remove, for what is replaced or held."""
    ledger, foretold = world.drive.ledger, foretell(world.plan)
    needs = {
        drawn.step_id: {*drawn.depends_on, *(other for other in (drawn.fallback, drawn.fallback_for) if other)}
        for drawn in world.plan.steps
    }
    for drawn in world.plan.steps:
        step_id = drawn.step_id
        behind = ledger.is_open(step_id) or any(ledger.is_open(other) for other in reach(needs, step_id))
        assert step_id in ledger.settled or behind, f"seed {seed}: {step_id} was left out"
        if step_id in ledger.settled and step_id not in ledger.replaced_steps:
            assert _as_foretold(world, ledger.settled[step_id], foretold[step_id]), f"seed {seed}: {step_id}"


def test_runs_whose_replans_are_all_denied_end_as_if_there_were_no_rules(scaled: Callable[[int], int]) -> None:
    asked = 0
    for seed in range(scaled(6000)):
        world = _replanned(seed, approving=0)
        assert not world.drive.finish.replan
        _check_against_the_oracle(world, seed)
        asked += any(isinstance(entry.what, RequestReplan) for entry in world.record)
    assert asked > 0


def test_every_run_with_replans_ends_and_leaves_out_only_what_waits_for_them(scaled: Callable[[int], int]) -> None:
    met: Counter[str] = Counter()
    for seed in range(scaled(9000)):
        world = _replanned(seed, Troubles(cancel=0.15, replace=0.4))
        if world.drive.finish.replan:
            _check_replanned(world, seed)
        else:
            _check_against_the_oracle(world, seed)
        met["replanned"] += bool(world.drive.finish.replan)
        met["replaced"] += bool(world.drive.ledger.to_replace)
        met["stopped"] += any(end.reason is Reason.REPLANNED for end in world.drive.ledger.settled.values())
        met["lives"] += world.lives > 1
        met["left"] += len(world.drive.ledger.settled) < len(world.plan.steps)
        met["aborted"] += bool(world.drive.finish.first_cause) and bool(world.drive.ledger.held)
    assert min(met.values()) > 0, met


def test_runs_with_replans_and_breakers_end_too(scaled: Callable[[int], int]) -> None:
    decided = 0
    for seed in range(scaled(3000)):
        world = _replanned(seed, Troubles(replace=0.3), breakers=True)
        decided += bool(world.decided and (world.drive.ledger.held or world.drive.ledger.to_replace))
    assert decided > 0, "nothing was quarantined and replanned"


def test_a_crash_after_any_entry_of_a_run_with_replans_leads_to_the_same_end(scaled: Callable[[int], int]) -> None:
    replanned = crashed = 0
    for seed in range(scaled(150)):
        plan, rules = draw_plan(Random(seed), most=6), RandomRules(seed, 0.4)
        undisturbed = World(plan, Random(seed), QUIET, rules=rules, approves=_approves(seed, 0.5))
        undisturbed.run()
        replanned += bool(undisturbed.drive.finish.replan)
        for cut in range(len(undisturbed.record)):
            world = World(plan, Random(seed), QUIET, rules=rules, approves=_approves(seed, 0.5))
            world.crash_at = cut
            world.run()
            crashed += world.lives == 2
            _check_same_end(world, undisturbed, f"seed {seed}, cut {cut}")
    assert crashed > 0
    assert replanned > 0


def _check_same_end(world: World, undisturbed: World, which: str) -> None:
    ended, expected = world.drive.finish, undisturbed.drive.finish
    assert ended.status is expected.status, which
    if expected.status is RunStatus.FAILED and _stopped(undisturbed):
        return  # what else was under way when it stopped is a matter of time
    assert _endings(world) == _endings(undisturbed), which
    assert sorted(ended.replan) == sorted(expected.replan), which
    assert sorted(ended.warnings) == sorted(expected.warnings), which


def test_a_crash_at_any_moment_after_an_operators_replan_leaves_nothing_standing(scaled: Callable[[int], int]) -> None:
    replaced = 0
    for seed in range(scaled(150)):
        for cut in range(0, 60, 3):
            random = Random(seed)
            troubles = Troubles(cancel=0, pause=0, crash=0, replace=1)
            world = World(draw_plan(random, most=8), random, troubles, rules=RandomRules(seed, 0.2))
            world.crash_at = cut
            world.run()
            replaced += bool(world.drive.finish.replan) and world.lives == 2
            if world.drive.finish.replan:
                _check_replanned(world, seed)
    assert replaced > 0


def test_a_record_with_replans_says_what_the_live_core_knows(scaled: Callable[[int], int]) -> None:
    for seed in range(scaled(3000)):
        world = _replanned(seed, Troubles(crash=0.7, replace=0.3))
        point, ledger = point_after(world.record, world.compiled), world.drive.ledger
        assert point.settled == ledger.settled, f"seed {seed}"
        assert point.held == ledger.held, f"seed {seed}"
        assert point.replaced == ledger.to_replace, f"seed {seed}"
        ends = Counter(entry.what.result.step_id for entry in world.record if isinstance(entry.what, SettleStep))
        asked = Counter(entry.what.step_id for entry in world.record if isinstance(entry.what, RequestReplan))
        assert set(ends.values()) <= {1}, f"seed {seed}"
        assert set(asked.values()) <= {1}, f"seed {seed}"


def _stopped(world: World) -> bool:
    return any(result.reason is Reason.ABORTED for result in world.drive.ledger.settled.values()) or bool(world.stopped)


def _endings(world: World) -> dict[str, tuple[object, ...]]:
    endings: dict[str, tuple[object, ...]] = {}
    for step_id, result in world.drive.ledger.settled.items():
        lost = sum(count for unit, count in world.lost.items() if unit.partition("#")[0] == step_id)
        endings[step_id] = (result.status, result.reason, result.message, result.attempts - lost, str(result.data))
    return endings


def test_what_is_said_does_not_depend_on_how_often_the_run_was_taken_up(scaled: Callable[[int], int]) -> None:
    """Nothing that was settled is said again, and nothing of it is forgotten: the record has one end for each."""
    for seed in range(scaled(1500)):
        world = _simulate(seed, Troubles(crash=0.9))
        point = point_after(world.record, world.compiled)
        assert point.settled == world.drive.ledger.settled, f"seed {seed}"
        ends = Counter(entry.what.result.step_id for entry in world.record if isinstance(entry.what, SettleStep))
        assert set(ends) == set(world.compiled.steps), f"seed {seed}"
        assert set(ends.values()) == {1}, f"seed {seed}"


def test_a_fault_in_every_attempt_of_every_step_leaves_nothing_behind(scaled: Callable[[int], int]) -> None:
    """For each step and each attempt of a run that goes well: let just that one go wrong, in each way."""
    faults = [failed(Reason.EXIT_CODE), failed(Reason.TIMED_OUT, "timed out"), failed(Reason.SPAWN_FAILED), canceled()]
    for seed in range(scaled(60)):
        plan = draw_plan(Random(seed), most=8)
        for drawn in plan.steps:
            units = [f"{drawn.step_id}#{index}" for index in range(len(drawn.items or ()))] or [drawn.step_id]
            for unit in units:
                for attempt in range(1, drawn.retries + 2):
                    for fault in faults:
                        _one_fault(plan, unit, attempt, fault, seed)


class _OneFault:
    """All goes well but one attempt, and those before it of the same unit, which lead to it."""

    def __init__(self, unit: str, attempt: int, fault: AttemptOutcome, well: AttemptOutcome) -> None:
        self.unit, self.attempt, self.fault, self.well = unit, attempt, fault, well

    def __call__(self, unit: str, ordinal: int) -> AttemptOutcome:
        if unit != self.unit or ordinal > self.attempt:
            return self.well
        return self.fault if ordinal == self.attempt else failed()


def _one_fault(plan: DrawnPlan, unit: str, attempt: int, fault: AttemptOutcome, seed: int) -> None:
    well = outcome(Random(3))
    assert well.status is StepStatus.SUCCEEDED
    plan.fate = _OneFault(unit, attempt, fault, well)  # type: ignore[method-assign]
    world = World(plan, Random(seed))
    try:
        world.run()
        _check_against_the_oracle(world, seed)
    except AssertionError as error:
        error.add_note(f"seed {seed}, attempt {attempt} of {unit}: {fault.reason}")
        raise

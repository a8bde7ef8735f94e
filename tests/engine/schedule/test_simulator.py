"""Thousands of random plans in a world where every attempt may go wrong: every run ends, and ends as the oracle says."""

from __future__ import annotations

import heapq
from random import Random
from typing import TYPE_CHECKING

import pytest

from engine.model.states import OnFailure, Reason, RunStatus, StepStatus
from engine.schedule.instructions import StartAttempt, StopAttempt, WaitForRetry
from tests.engine.schedule.builders import canceled, failed
from tests.engine.schedule.driver import Driver
from tests.engine.schedule.random_plans import draw_plan, foretell, is_hard_failure, outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model.result import AttemptOutcome
    from engine.schedule.instructions import Instruction
    from tests.engine.schedule.random_plans import DrawnPlan

ENOUGH = 10_000  # happenings; a run of twelve steps has well under three hundred


class World:
    """Attempts, timers and an operator in simulated time. Things due at the same moment happen in random order."""

    def __init__(self, plan: DrawnPlan, random: Random) -> None:
        self.plan = plan
        self.random = random
        self.drive = Driver(plan.compiled(), jitter=random.random)
        self.due: list[tuple[float, float, Callable[[], list[Instruction]]]] = []
        self.ends: dict[str, tuple[int, AttemptOutcome]] = {}
        self.canceled = False

    def at(self, delay: float, action: Callable[[], list[Instruction]]) -> None:
        heapq.heappush(self.due, (self.drive.seconds + delay, self.random.random(), action))

    def run(self) -> None:
        """To the end; an operator's cancel or pause may come at any moment, before the beginning too."""
        self.at(self.random.choice([0.0, 1.0]), self.drive.begin)
        if self.random.random() < 0.3:
            self.at(self.random.uniform(0, 12), self._cancel)
        if self.random.random() < 0.3:
            paused_at = self.random.uniform(0, 6)
            self.at(paused_at, self.drive.pause)
            self.at(paused_at + self.random.uniform(0, 6), self.drive.resume)
        happened = 0
        while self.due:
            self.drive.seconds, _, action = heapq.heappop(self.due)
            for instruction in action():
                self._carry_out(instruction)
            happened += 1
            assert happened < ENOUGH, "the run does not end"
        assert self.drive.scheduler.running == 0

    def _carry_out(self, instruction: Instruction) -> None:
        match instruction:
            case StartAttempt(step_id, attempt, _, timeout_sec):
                fate = self.plan.fate(step_id, attempt)
                lasts = self.random.choice([0.0, self.random.uniform(0, 2)])
                if fate.reason is Reason.TIMED_OUT or lasts >= timeout_sec:
                    fate, lasts = failed(Reason.TIMED_OUT, "timed out"), timeout_sec
                self._end_later(step_id, attempt, fate, lasts)
            case StopAttempt(step_id, attempt, _):
                # Mostly the ladder ends it; now and then its own ending was already on its way.
                late = outcome(self.random) if self.random.random() < 0.3 else canceled()
                self._end_later(step_id, attempt, late, self.random.choice([0.0, 0.5]))
            case WaitForRetry(step_id, _, delay_sec):
                self.at(delay_sec, lambda: self.drive.elapse(step_id))
            case _:
                pass

    def _end_later(self, step_id: str, attempt: int, ending: AttemptOutcome, delay: float) -> None:
        mine = self.ends[step_id] = (attempt, ending)
        self.at(delay, lambda: self.drive.end(step_id, ending) if self.ends[step_id] is mine else [])

    def _cancel(self) -> list[Instruction]:
        if not self.drive.ledger.stopping and self.drive.ledger.finish is None:
            self.canceled = True
        return self.drive.cancel()


def _simulate(seed: int, **shape: bool) -> World:
    random = Random(seed)
    world = World(draw_plan(random, **shape), random)
    world.run()
    return world


def _check_against_the_oracle(world: World) -> None:
    plan, drive = world.plan, world.drive
    foretold = foretell(plan)
    for drawn in plan.steps:
        result = drive.result(drawn.step_id)
        if drawn.step_id in drive.ledger.stopped or result.reason is Reason.ABORTED:
            continue
        if world.canceled and result.status is StepStatus.CANCELED:
            continue
        expected = foretold[drawn.step_id]
        assert (result.status, result.reason, result.attempts) == expected[:3], drawn
    hard = [drawn for drawn in plan.steps if is_hard_failure(drawn, foretold[drawn.step_id])]
    if world.canceled:
        assert drive.finish.status is RunStatus.CANCELED
        return
    assert drive.finish.status is (RunStatus.FAILED if hard else RunStatus.SUCCEEDED)
    if not any(drawn.on_failure == OnFailure.ABORT for drawn in hard):
        assert not any(result.reason is Reason.ABORTED for result in drive.ledger.settled.values())
        assert not drive.ledger.stopped


def test_every_random_run_ends_as_foretold(scaled: Callable[[int], int]) -> None:
    for seed in range(scaled(4000)):
        try:
            _check_against_the_oracle(_simulate(seed))
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise


def test_runs_that_nothing_stops_are_foretold_to_the_last_warning(scaled: Callable[[int], int]) -> None:
    compared = 0
    for seed in range(scaled(1500)):
        world = _simulate(seed, aborts=False)
        if world.canceled:
            continue
        foretold = foretell(world.plan)
        for drawn in world.plan.steps:
            result = world.drive.result(drawn.step_id)
            assert (result.status, result.reason, result.attempts) == foretold[drawn.step_id][:3], f"seed {seed}"
        passed = [
            drawn
            for drawn in world.plan.steps
            if drawn.on_failure == "continue"
            and foretold[drawn.step_id].status in (StepStatus.FAILED, StepStatus.CANCELED)
        ]
        assert len(world.drive.finish.warnings) == len(passed), f"seed {seed}"
        compared += 1
    assert compared > 0


def test_serial_runs_with_aborts_are_foretold_exactly(scaled: Callable[[int], int]) -> None:
    aborted = 0
    for seed in range(scaled(1500)):
        random = Random(seed)
        plan = draw_plan(random)
        plan.serial = True
        world = World(plan, random)
        world.run()
        if world.canceled:
            continue
        foretold = foretell(plan)
        modes = {drawn.step_id: drawn for drawn in plan.steps}
        cut = False
        for step_id in world.drive.ledger.plan.steps:
            result = world.drive.result(step_id)
            # A skip needs no turn in the line: it is settled as soon as what it depends on has failed.
            skipped = foretold[step_id].reason is Reason.DEPENDENCY_FAILED and result.reason is not Reason.ABORTED
            if cut and not skipped:
                assert result.reason is Reason.ABORTED, f"seed {seed}"
                continue
            assert (result.status, result.reason, result.attempts) == foretold[step_id][:3], f"seed {seed}"
            if is_hard_failure(modes[step_id], foretold[step_id]) and modes[step_id].on_failure == "abort":
                cut = True
        aborted += cut
    assert aborted > 0


@pytest.mark.parametrize("cap", [0.5, 2.0, 5.0])
def test_runs_under_a_tight_cap_end_within_it(cap: float, scaled: Callable[[int], int]) -> None:
    for seed in range(scaled(400)):
        random = Random(seed)
        plan = draw_plan(random)
        plan.max_step_duration_sec = cap
        world = World(plan, random)
        world.run()
        assert world.drive.ledger.finish is not None, f"seed {seed}"


def test_a_fault_in_every_attempt_of_every_step_leaves_nothing_behind(scaled: Callable[[int], int]) -> None:
    """For each step and each attempt of a run that goes well: let just that one go wrong, in each way."""
    faults = [failed(Reason.EXIT_CODE), failed(Reason.TIMED_OUT, "timed out"), failed(Reason.SPAWN_FAILED), canceled()]
    for seed in range(scaled(60)):
        plan = draw_plan(Random(seed), most=8)
        for drawn in plan.steps:
            for attempt in range(1, drawn.retries + 2):
                for fault in faults:
                    _one_fault(plan, drawn.step_id, attempt, fault, seed)


class _OneFault:
    """All goes well but one attempt, and those before it of the same step, which lead to it."""

    def __init__(self, step_id: str, attempt: int, fault: AttemptOutcome, well: AttemptOutcome) -> None:
        self.step_id, self.attempt, self.fault, self.well = step_id, attempt, fault, well

    def __call__(self, step_id: str, attempt: int) -> AttemptOutcome:
        if step_id != self.step_id or attempt > self.attempt:
            return self.well
        return self.fault if attempt == self.attempt else failed()


def _one_fault(plan: DrawnPlan, step_id: str, attempt: int, fault: AttemptOutcome, seed: int) -> None:
    well = outcome(Random(3))
    assert well.status is StepStatus.SUCCEEDED
    plan.fate = _OneFault(step_id, attempt, fault, well)  # type: ignore[method-assign]
    random = Random(seed)
    world = World(plan, random)
    world.run()
    try:
        _check_against_the_oracle(world)
    except AssertionError as error:
        error.add_note(f"seed {seed}, attempt {attempt} of {step_id}: {fault.reason}")
        raise

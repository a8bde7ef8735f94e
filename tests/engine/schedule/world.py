"""A world in simulated time for random plans: attempts, timers, a cache, an operator, and engines that die and are followed."""

from __future__ import annotations

import heapq
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from engine.model.bound import BoundDecision
from engine.model.replan import ReplanMode
from engine.model.result import StepResult
from engine.model.states import Reason, RunStatus, StepStatus
from engine.schedule.instructions import (
    AskCache,
    AwaitDecision,
    RequestReplan,
    SetAlarm,
    SettleStep,
    StartAttempt,
    StopAttempt,
    WaitForRetry,
)
from engine.schedule.taken_up import Left
from tests.engine.schedule.books import parts_of, unit_of
from tests.engine.schedule.builders import canceled, failed, succeeded
from tests.engine.schedule.driver import Driver
from tests.engine.schedule.random_plans import outcome
from tests.engine.schedule.record import AttemptOver, Decided, Entry, GoneOn, Point, Replaced, point_after, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from engine.model.result import AttemptOutcome
    from engine.schedule.instructions import Instruction
    from engine.schedule.replans import ReplanRules
    from tests.engine.schedule.random_plans import DrawnPlan

ENOUGH = 20_000  # happenings; a run of twelve steps has well under a thousand


class Troubles(NamedTuple):
    """What may come from outside: how probable each is, in a run."""

    cancel: float = 0.3
    pause: float = 0.3
    crash: float = 0.5
    replace: float = 0.0


QUIET = Troubles(0, 0, 0)
USUAL = Troubles()


class World:
    """Attempts, timers and an operator. Things due at the same moment happen in random order."""

    def __init__(
        self,
        plan: DrawnPlan,
        random: Random,
        troubles: Troubles = USUAL,
        *,
        rules: ReplanRules | None = None,
        approves: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`approves` says what will be decided about the replan of a step, whenever that is."""
        self.rules = rules
        self.approves = approves
        self.deciding: set[str] = set()
        self.plan = plan
        self.random = random
        self.troubles = troubles
        self.compiled = plan.compiled()
        self.drive = Driver(self.compiled, jitter=random.random, replans=rules)
        self.due: list[tuple[float, float, Callable[[], list[Instruction]]]] = []
        self.ends: dict[str, tuple[int, AttemptOutcome]] = {}
        self.record: list[Entry] = []
        self.lost: dict[str, int] = {}
        self.stopped: set[str] = set()
        self.decided: set[str] = set()
        self.canceled = False
        self.crash_at: int | None = None  # as soon as so much is recorded
        self.lives = 1

    def at(self, delay: float, action: Callable[[], list[Instruction]]) -> None:
        """Let it happen so many seconds from now."""
        heapq.heappush(self.due, (self.drive.seconds + delay, self.random.random(), action))

    def run(self) -> None:
        """To the end; an operator's cancel or pause may come at any moment, before the beginning too, and so may a crash."""
        random = self.random
        self._later(random.choice([0.0, 1.0]), lambda drive: drive.begin())
        if random.random() < self.troubles.cancel:
            self.at(random.uniform(0, 15), self._cancel)
        if random.random() < self.troubles.pause:
            paused_at = random.uniform(0, 8)
            self.at(paused_at, self.pause)
            self.at(paused_at + random.uniform(0, 6), self.resume)
        crashes = [random.uniform(0, 15) for _ in range(3) if random.random() < self.troubles.crash]
        for moment in crashes:
            self.at(moment, self._crash)
        if random.random() < self.troubles.replace:
            self.at(random.uniform(0, 8), self._replace)
        happened = 0
        while self.due:
            moment, _, action = heapq.heappop(self.due)
            self.drive.seconds = max(self.drive.seconds, moment)
            self._take(action())
            happened += 1
            assert happened < ENOUGH, "the run does not end"
            if self.crash_at is not None and len(self.record) > self.crash_at:
                cut, self.crash_at = whole(self.record, self.crash_at), None
                self._take(self.go_on(point_after(self.record[:cut], self.compiled), cut))
            if not self.due and self.drive.finish.status is RunStatus.QUARANTINED:
                self._take(self._decide())
        assert self.drive.scheduler.is_finished
        assert self.drive.scheduler.running == 0
        assert not any(self.drive.scheduler.in_pools.values())

    def pause(self) -> list[Instruction]:
        return self.drive.pause()

    def resume(self) -> list[Instruction]:
        return self.drive.resume()

    def _take(self, said: list[Instruction]) -> None:
        at_us = self.drive.now.at_us
        for instruction in said:
            self.record.append(Entry(at_us, instruction))
            self._carry_out(instruction)

    def _carry_out(self, instruction: Instruction) -> None:
        random = self.random
        match instruction:
            case StartAttempt():
                self._begin(instruction)
            case StopAttempt(step_id, attempt, _, index):
                # Mostly the ladder ends it; now and then its own ending was already on its way.
                self.stopped.add(step_id)
                late = outcome(random) if random.random() < 0.3 else canceled()
                self._end_later(unit_of(step_id, index), attempt, late, random.choice([0.0, 0.5]))
            case WaitForRetry():
                unit = unit_of(instruction.step_id, instruction.item_index)
                self._later(instruction.delay_sec, lambda drive: drive.elapse(unit))
            case AskCache():
                unit = unit_of(instruction.step_id, instruction.item_index)
                kept = self.plan.kept(unit)
                self._later(random.choice([0.0, 0.3]), lambda drive: drive.answer(unit, kept))
            case SetAlarm(delay_sec):
                at = self.drive.ledger.alarm_at
                self._later(delay_sec, lambda drive: drive.ring() if drive.ledger.alarm_at == at else [])
            case RequestReplan(step_id, ask):
                if ask.mode is ReplanMode.AUTO:
                    self._decide_later(step_id, random.choice([0.0, 0.5]))
                elif random.random() < 0.5:
                    self._decide_later(step_id, random.uniform(0, 8))
            case AwaitDecision(step_ids):
                for step_id in step_ids:
                    self._decide_later(step_id, random.uniform(0, 3))
            case _:
                pass

    def _decide_later(self, step_id: str, delay: float) -> None:
        """Somebody decides about the step's replan, in this engine's life; too late if everything stops."""
        if step_id in self.deciding:
            return
        self.deciding.add(step_id)
        approved = self.approves(step_id)

        def decide(drive: Driver) -> list[Instruction]:
            if not drive.ledger.stopping:
                self.record.append(Entry(drive.now.at_us, Decided(step_id, approved)))
            return drive.decide(step_id, approved=approved)

        self._later(delay, decide)

    def _replace(self) -> list[Instruction]:
        """An operator wants another plan, in which some steps are changed, or one is new."""
        drive, steps = self.drive, sorted(self.compiled.steps)
        chosen = self.random.sample(steps, min(len(steps), self.random.choice([0, 1, 1, 2])))
        touched = frozenset([*chosen, *([] if chosen else ["new"])])
        if not drive.ledger.stopping and drive.ledger.finish is None:
            self.record.append(Entry(drive.now.at_us, Replaced(touched)))
        return drive.replace(*touched)

    def _later(self, delay: float, action: Callable[[Driver], list[Instruction]]) -> None:
        """Let it happen in this engine's life; after the end nobody hears of it."""
        mine = self.drive
        self.at(delay, lambda: action(mine) if self.drive is mine and mine.ledger.finish is None else [])

    def _begin(self, start: StartAttempt) -> None:
        unit = unit_of(start.step_id, start.item_index)
        definition = start.bound.definition
        if isinstance(definition, BoundDecision):
            choice = definition.choice
            fate = failed(Reason.REFUSED, "no rule holds") if choice is None else succeeded({"choice": choice})
        else:
            fate = self.plan.fate(unit, start.attempt - self.lost.get(unit, 0))
        lasts = self.random.choice([0.0, self.random.uniform(0, 2)])
        if fate.reason is Reason.TIMED_OUT or lasts >= start.timeout_sec:
            fate, lasts = failed(Reason.TIMED_OUT, "timed out"), start.timeout_sec
        self._end_later(unit, start.attempt, fate, lasts)

    def _end_later(self, unit: str, attempt: int, ending: AttemptOutcome, delay: float) -> None:
        mine = self.ends[unit] = (attempt, ending)

        def end(drive: Driver) -> list[Instruction]:
            if self.ends[unit] is not mine:
                return []
            self.record.append(Entry(drive.now.at_us, AttemptOver(unit)))
            return drive.end(unit, ending)

        self._later(delay, end)

    def _cancel(self) -> list[Instruction]:
        if not self.drive.ledger.stopping and self.drive.ledger.finish is None:
            self.canceled = True
        return self.drive.cancel()

    # Engines that die

    def _crash(self) -> list[Instruction]:
        """The engine dies; the last things that it did may not have been recorded."""
        if self.drive.ledger.finish is not None:
            return []
        cut = whole(self.record, max(0, len(self.record) - self.random.choice([0, 0, 1, 2, 5])))
        return self.go_on(point_after(self.record[:cut], self.compiled), cut)

    def go_on(self, point: Point, cut: int, recorded: Sequence[GoneOn | SettleStep] = (GoneOn(),)) -> list[Instruction]:
        """Another engine takes the run up from there."""
        del self.record[cut:]
        self.record += [Entry(self.drive.now.at_us, what) for what in recorded]
        self.lives += 1
        self.lost = point.lost
        self.drive = Driver(
            self.compiled,
            jitter=self.random.random,
            settled=point.settled,
            taken_up=point.taken_up(),
            breakers=point.breakers,
            replans=self.rules,
            held=point.held,
            replaced=frozenset(point.replaced),
            seconds=self.drive.seconds + self.random.choice([0.0, 3.0]),
        )
        self.deciding = set()
        for step_id, decision in point.held.items():
            if decision is None and self.random.random() < 0.5:
                self._decide_later(step_id, self.random.uniform(0, 8))
        self.stopped = {step_id for step_id in self.stopped if step_id in point.settled}
        said = self.drive.cancel() if self.canceled else []
        return [*said, *self.drive.begin()]

    def _decide(self) -> list[Instruction]:
        """Somebody decides about what is quarantined."""
        point = point_after(self.record, self.compiled)
        recorded: list[GoneOn | SettleStep] = []
        retried: list[str] = []
        for step_id in self.drive.finish.quarantined:
            self.decided.add(step_id)
            match self.random.choice(["retry", "skip", "succeeded"]):
                case "retry":
                    retried += self._retry(point, step_id)
                case "skip":
                    recorded.append(self._settle(point, step_id, StepStatus.SKIPPED))
                case _:
                    recorded.append(self._settle(point, step_id, StepStatus.SUCCEEDED))
        return self.go_on(point, len(self.record), [GoneOn(tuple(retried)), *recorded])

    def _retry(self, point: Point, step_id: str) -> list[str]:
        units = [step_id]
        if self.compiled.steps[step_id].step.for_each is not None:
            count = self.drive.scheduler.item_count(step_id)
            units = [unit_of(step_id, index) for index in range(count)]
        units = [unit for unit in units if unit not in point.items]
        for unit in units:
            point.units[unit] = replace(point.units.get(unit, Left()), failures=0, patient=True)
        return units

    def _settle(self, point: Point, step_id: str, status: StepStatus) -> SettleStep:
        began = [left for unit, left in point.units.items() if parts_of(unit)[0] == step_id]
        settled = [result for unit, result in point.items.items() if parts_of(unit)[0] == step_id]
        point.settled[step_id] = StepResult(
            step_id,
            status,
            Reason.OPERATOR,
            "decided",
            attempts=sum(left.attempts for left in began) + sum(result.attempts for result in settled),
        )
        return SettleStep(point.settled[step_id])

"""The books of one execution, and what happens outside a scheduler as they take it down. What it may say is the ledger's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model.states import OnFailure, StepStatus
from tests.engine.schedule.gauges import BreakerBooks, PoolBooks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.model.breaker import BreakerState
    from engine.model.result import AttemptOutcome, StepResult
    from engine.plan.compiled import CompiledPlan, CompiledStep
    from engine.schedule.instructions import FinishExecution
    from engine.schedule.replans import ReplanRules
    from engine.schedule.signals import Moment


def unit_of(step_id: str, item_index: int | None = None) -> str:
    """The name of a step, or of one of its items, in the books."""
    return step_id if item_index is None else f"{step_id}#{item_index}"


def parts_of(unit: str) -> tuple[str, int | None]:
    """The step and the index that a name in the books stands for."""
    step_id, _, index = unit.partition("#")
    return step_id, int(index) if index else None


class Books:
    """What is known of one execution: what runs, what waits, what is settled; steps and items by the names of `unit_of`.

    Whoever drives the core books what happened outside (`ended`, `elapsed`, `answered`, `rang`, `paused`, `stopping`,
    `decided`, `replaced`) before telling it.
    """

    def __init__(
        self,
        plan: CompiledPlan,
        breakers: Mapping[str, BreakerState] | None = None,
        rules: ReplanRules | None = None,
    ) -> None:
        self.rules = rules
        self.held: dict[str, bool | None] = {}
        self.by_itself: set[str] = set()  # held, and nobody has to be asked
        self.awaited: tuple[str, ...] = ()
        self.to_replace: set[str] = set()
        self.replaced_steps: set[str] = set()  # with their fallbacks
        self.after_replaced: set[str] = set()  # those, and all that comes after them
        self.dropped: dict[str, int] = {}  # delays that nobody waits for any more
        self.plan = plan
        self.limits = plan.plan.globals
        self.running: dict[str, int] = {}
        self.delays: dict[str, int] = {}
        self.asking: set[str] = set()
        self.answered_now: str | None = None  # it has had its turn since it asked
        self.stopped: set[str] = set()
        self.begun: dict[str, int] = {}
        self.failures: dict[str, int] = {}
        self.patient: set[str] = set()
        self.first_start: dict[str, Moment] = {}
        self.settled: dict[str, StepResult] = {}
        self.items: dict[str, StepResult] = {}
        self.touched: set[str] = set()  # items of which anything was said
        self.awaiting: dict[str, StepResult] = {}
        self.quarantined: list[str] = []
        self.alarm_at: float | None = None
        self.paused = False
        self.stopping = False
        self.aborting = False  # although there may be nothing left to stop
        self.is_begun = False
        self.most_running = 0
        self.first_failure: str | None = None
        self.warned = 0
        self.finish: FinishExecution | None = None
        self.pools = PoolBooks(self.limits.pools)
        self.breakers = BreakerBooks(breakers or {})

    # What happens outside

    def begin(self) -> None:
        """Book the beginning, with what is settled already: up to the failure that stopped everything, if one did."""
        self.is_begun = True
        for result in self.settled.values():
            if self.is_open(result.step_id):
                continue
            self.note_failure(result)
            if self._aborts(result):
                return

    def _aborts(self, result: StepResult) -> bool:
        compiled = self.plan.steps[result.step_id]
        is_failure = result.status in (StepStatus.FAILED, StepStatus.CANCELED) and compiled.is_fallback_for is None
        return is_failure and compiled.step.on_failure in (OnFailure.ABORT, OnFailure.FALLBACK_STEP)

    def ended(self, unit: str, outcome: AttemptOutcome) -> None:
        """Book that the runner reported the end of an attempt; before the core is told."""
        del self.running[unit]
        self.breakers.ended(unit)
        if outcome.status is StepStatus.SUCCEEDED:
            self.failures[unit] = 0
        elif outcome.status is StepStatus.FAILED:
            self.failures[unit] = self.failures.get(unit, 0) + 1

    def elapsed(self, unit: str) -> int:
        """Book that a delay is over; before the core is told. The attempt that it was before."""
        return self.dropped.pop(unit) if unit in self.dropped else self.delays.pop(unit)

    def decided(self, step_id: str, *, approved: bool) -> None:
        """Book what was decided about a held step; before the core is told. Too late, it changes nothing."""
        if self.stopping or self.finish is not None:
            return
        if approved:
            self.held[step_id] = True
            return
        del self.held[step_id]
        if step_id not in self.replaced_steps and self.is_begun:
            self.note_failure(self.settled[step_id])

    def replaced(self, touched: frozenset[str]) -> None:
        """Book that another plan follows; before the core is told. Too late, it changes nothing."""
        if self.stopping or self.finish is not None:
            return
        self.to_replace |= touched
        steps = self.plan.steps
        todo = [step_id for step_id in touched if step_id in steps]
        while todo:
            step_id = todo.pop()
            if step_id not in self.replaced_steps:
                self.replaced_steps.add(step_id)
                todo += [other for other, compiled in steps.items() if compiled.is_fallback_for == step_id]
        self.after_replaced |= self.replaced_steps
        for step_id, compiled in steps.items():  # in execution order
            if any(needed in self.after_replaced for needed in compiled.depends_on):
                self.after_replaced.add(step_id)
        for unit in [unit for unit in self.delays if parts_of(unit)[0] in self.replaced_steps]:
            self.dropped[unit] = self.delays.pop(unit)

    def is_open(self, step_id: str) -> bool:
        """True if nothing follows from how the step ended: it is held, or it is to be replaced."""
        return step_id in self.held or step_id in self.replaced_steps

    @property
    def is_replanned(self) -> bool:
        """True if another plan may follow."""
        return not (self.stopping or self.aborting) and bool(self.held or self.to_replace)

    @property
    def taking_slots(self) -> set[str]:
        """The questions to the cache that hold a slot: an answer that nobody needs any more holds none."""
        return {unit for unit in self.asking if unit not in self.settled and unit not in self.items}

    def answered(self, unit: str) -> None:
        """Book that the cache has answered; before the core is told."""
        self.asking.remove(unit)
        self.answered_now = unit

    def rang(self) -> None:
        """Book that the alarm rang; before the core is told."""
        self.alarm_at = None

    def note_failure(self, result: StepResult) -> None:
        """Remember the first failure that the run cannot get over; what fails while everything stops is none."""
        compiled = self.plan.steps[result.step_id]
        if self.stopping:
            return
        self.aborting = self.aborting or self._aborts(result)
        if result.is_fallback:
            self.warned += 1
        if result.status not in (StepStatus.FAILED, StepStatus.CANCELED) or compiled.is_fallback_for is not None:
            return
        if compiled.step.on_failure is OnFailure.CONTINUE and not compiled.step.critical:
            self.warned += 1
        elif self.first_failure is None:
            self.first_failure = result.step_id

    def compiled(self, unit: str) -> CompiledStep:
        """The step that it is, or is an item of."""
        return self.plan.steps[parts_of(unit)[0]]

    def in_pool(self, pool: str) -> int:
        """How many of its places are taken."""
        return sum(self.compiled(unit).step.pool == pool for unit in (*self.running, *self.taking_slots))

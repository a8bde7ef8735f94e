"""Says from a drawn plan and its fates alone, without a scheduler, time or slots, how each step ends if nothing stops the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.model.states import Reason, StepStatus

if TYPE_CHECKING:
    from engine.model.json import Json
    from engine.model.result import StepResult
    from tests.engine.schedule.random_plans import Drawn, DrawnPlan


FAILURES = (StepStatus.FAILED, StepStatus.CANCELED)


class Ending(NamedTuple):
    """How a step or an item ends; `attempts` without those that were lost."""

    status: StepStatus
    reason: Reason | None
    attempts: int
    data: Json = None

    @property
    def is_failure(self) -> bool:
        """True if it is one of its own."""
        return self.status in FAILURES


SPARED = Ending(StepStatus.SKIPPED, Reason.NOT_NEEDED, 0)


def foretell(plan: DrawnPlan) -> dict[str, Ending]:
    """How every step ends, breakers and caps left out."""
    oracle = _Oracle(plan)
    return {drawn.step_id: oracle.ending(drawn.step_id) for drawn in plan.steps}


def is_hard_failure(drawn: Drawn, ending: Ending | StepResult) -> bool:
    """True if the run has failed because of it."""
    return (
        ending.status in FAILURES and (drawn.on_failure != "continue" or drawn.critical) and drawn.fallback_for is None
    )


def is_warned_of(drawn: Drawn, ending: Ending) -> bool:
    """True if the run's warnings have a sentence for it."""
    if ending.reason is Reason.FALLBACK:
        return True
    let_pass = drawn.on_failure == "continue" and not drawn.critical and drawn.fallback_for is None
    return ending.is_failure and let_pass


class _Oracle:
    def __init__(self, plan: DrawnPlan) -> None:
        self.plan = plan
        self.steps = {drawn.step_id: drawn for drawn in plan.steps}
        self.known: dict[str, Ending] = {}

    def ending(self, step_id: str) -> Ending:
        if step_id not in self.known:
            drawn = self.steps[step_id]
            is_called = drawn.fallback_for is None or self._first(drawn.fallback_for).is_failure
            self.known[step_id] = self._with_fallback(drawn) if is_called else SPARED
        return self.known[step_id]

    def _first(self, step_id: str) -> Ending:
        """How the step itself ends, before its fallback is asked; not called for, it cannot fail."""
        drawn = self.steps[step_id]
        if drawn.fallback_for is not None and not self._first(drawn.fallback_for).is_failure:
            return SPARED
        return self._own(drawn)

    def _with_fallback(self, drawn: Drawn) -> Ending:
        own = self._own(drawn)
        if drawn.fallback is None or not own.is_failure:
            return own
        fallback = self._with_fallback(self.steps[drawn.fallback])
        if fallback.status is StepStatus.SUCCEEDED:
            return Ending(StepStatus.SUCCEEDED, Reason.FALLBACK, own.attempts, fallback.data)
        return Ending(StepStatus.FAILED, own.reason, own.attempts, own.data)

    def _is_blocked(self, drawn: Drawn) -> bool:
        for needed in drawn.depends_on:
            ending = self.ending(needed)
            blocks = ending.is_failure and self.steps[needed].on_failure != "continue"
            if blocks or ending.reason is Reason.DEPENDENCY_FAILED:
                return True
        return False

    def _own(self, drawn: Drawn) -> Ending:
        if self._is_blocked(drawn):
            return Ending(StepStatus.SKIPPED, Reason.DEPENDENCY_FAILED, 0)
        for decision, branch in drawn.branches:
            chosen = self.ending(decision).data
            if not isinstance(chosen, dict) or chosen.get("choice") != branch:
                return Ending(StepStatus.SKIPPED, Reason.BRANCH_NOT_CHOSEN, 0)
        if any(self.ending(test.step_id).status is test.status for test in drawn.skip_if):
            return Ending(StepStatus.SKIPPED, Reason.SKIP_IF, 0)
        test = drawn.condition
        if test is not None and self.ending(test.step_id).status is not test.status:
            return Ending(StepStatus.SKIPPED, Reason.CONDITION_FALSE, 0)
        if drawn.rule is not None:
            return self._decided(drawn)
        if not drawn.has_items:
            return self._unit(drawn, drawn.step_id)
        return self._for_each(drawn)

    def _decided(self, drawn: Drawn) -> Ending:
        assert drawn.rule is not None
        holds = self.ending(drawn.rule.step_id).status is drawn.rule.status
        choice = "left" if holds else drawn.default
        if choice is None:
            return Ending(StepStatus.FAILED, Reason.REFUSED, 1)
        return Ending(StepStatus.SUCCEEDED, None, 1, {"choice": choice})

    def _for_each(self, drawn: Drawn) -> Ending:
        rows: Json = None if drawn.items is None else [*drawn.items]
        if drawn.rows_of is not None:
            data = self.ending(drawn.rows_of).data
            if not isinstance(data, dict) or "rows" not in data:
                return Ending(StepStatus.FAILED, Reason.MISSING_REFERENCE, 0)
            rows = data["rows"]
        if not isinstance(rows, list):
            return Ending(StepStatus.FAILED, Reason.BAD_ITEMS, 0)
        items = [self._unit(drawn, f"{drawn.step_id}#{index}") for index in range(len(rows))]
        attempts, found = sum(item.attempts for item in items), [item.data for item in items]
        if any(item.is_failure for item in items):
            return Ending(StepStatus.FAILED, Reason.ITEMS_FAILED, attempts, found)
        return Ending(StepStatus.SUCCEEDED, None, attempts, found)

    def _unit(self, drawn: Drawn, unit: str) -> Ending:
        if drawn.needs_value_of is not None:
            data = self.ending(drawn.needs_value_of).data
            if not isinstance(data, dict) or "value" not in data:
                return Ending(StepStatus.FAILED, Reason.MISSING_REFERENCE, 0)
        if drawn.cached and (kept := self.plan.kept(unit)) is not None:
            return Ending(StepStatus.SUCCEEDED, Reason.CACHE_HIT, 0, kept.data)
        failures = iterations = tries = 0
        while True:
            tries += 1
            fate = self.plan.fate(unit, tries)
            if fate.status is StepStatus.CANCELED:
                return Ending(StepStatus.CANCELED, fate.reason, tries)
            if fate.status is StepStatus.FAILED:
                failures += 1
                if failures > drawn.retries:
                    return Ending(StepStatus.FAILED, fate.reason, tries)
                continue
            iterations, failures = iterations + 1, 0
            if drawn.repeat is None or (isinstance(fate.data, dict) and fate.data["done"]):
                return Ending(StepStatus.SUCCEEDED, None, tries, fate.data)
            if iterations >= drawn.repeat:
                return Ending(StepStatus.FAILED, Reason.REPEAT_EXHAUSTED, tries)

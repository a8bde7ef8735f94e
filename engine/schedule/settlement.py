"""What an end means: the result, the items and the step, fallbacks, dependents, and the order to stop. Who starts is core.py's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, assert_never

from engine.model.states import Reason, StepStatus
from engine.schedule.consequences import Consequence, blocked_message, step_consequence
from engine.schedule.fallback import failed_too, not_waited_for, stood_in
from engine.schedule.instructions import (
    AwaitFallback,
    QuarantineStep,
    RequestReplan,
    SettleItem,
    SettleStep,
    StopAttempt,
)
from engine.schedule.items import Items
from engine.schedule.progress import Ending
from engine.schedule.replans import and_what_follows, with_fallbacks
from engine.schedule.transitions import Happening
from engine.schedule.verdict import REPLAN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.model.json import Json
    from engine.model.result import StepResult
    from engine.schedule.instructions import Instruction
    from engine.schedule.lineup import Lineup
    from engine.schedule.progress import Progress
    from engine.schedule.replans import Holds
    from engine.schedule.signals import Moment
    from engine.schedule.taken_up import ItemsLeft
    from engine.schedule.verdict import StopOrder, Verdict

# The ends for which a fallback may stand in. What was stopped from outside although nobody stops the run is one of them.
_FAILED_FOR_GOOD: Final = frozenset(
    [
        Happening.ATTEMPT_FAILED,
        Happening.ATTEMPT_CANCELED,
        Happening.REFUSED,
        Happening.REPEAT_FAILED,
        Happening.ITEMS_FAILED,
    ]
)
NOT_NEEDED: Final = "not run: the step that it stands in for needed no fallback"


class Settlement:
    """Keeps what is settled, and carries out what follows. Every method appends what is to be done to `said`.

    Nothing follows yet from how the steps in `holds` ended. `back` are those that do not begin any more, because the plan
    is being changed.
    """

    def __init__(
        self,
        line: Sequence[Progress],
        steps: Mapping[str, Progress],
        results: dict[str, StepResult],
        *,
        lineup: Lineup,
        verdict: Verdict,
        holds: Holds,
    ) -> None:
        self._line = line
        self._steps = steps
        self._results = results
        self._lineup = lineup
        self._verdict = verdict
        self._holds = holds
        # Settled, consequences not drawn yet.
        self._spreading = [steps[step_id] for step_id in results if step_id not in holds.decisions]
        self.unsettled = len(line) - len(results)
        self.quarantined: list[str] = []
        self.back: set[str] = set()

    # The end of one step or item

    def end(self, unit: Progress, ending: Ending, now: Moment, said: list[Instruction]) -> None:
        """It has come to its end, unless a fallback may stand in or somebody has to decide."""
        happening, reason, message, outcome = ending
        if unit.item_index is not None:
            self._end_item(unit, ending, now, said)
            return
        if (
            unit.compiled.step.fallback_step is not None
            and happening in _FAILED_FOR_GOOD
            and self._verdict.stop_for(unit.step_id) is None
        ):
            unit.advance(Happening.FALLBACK_AWAITED, now)
            failure = replace(unit.result(now, reason, message, outcome), status=StepStatus.FAILED)
            said.append(AwaitFallback(unit.step_id, unit.compiled.step.fallback_step, failure))
            self.call_fallback(unit, failure, now, said)
            return
        unit.advance(happening, now)
        result = unit.result(now, reason, message, outcome)
        if happening is Happening.QUARANTINED:
            self.quarantined.append(unit.step_id)
            said.append(QuarantineStep(result))
        else:
            self._settle(unit, result, said)

    def divide(
        self, step: Progress, values: Sequence[Json], left: ItemsLeft | None, now: Moment, said: list[Instruction]
    ) -> None:
        """The step runs once for each of these; what `left` says of an item holds."""
        step.items = Items(step, values, left)
        step.advance(Happening.ITEMS_BEGUN, now)
        step.first_monotonic = now.monotonic
        if step.step_id not in self.back:
            for unit in step.items.unsettled():
                self._lineup.add(unit)
        self._end_divided(step, now, said)

    def _end_item(self, unit: Progress, ending: Ending, now: Moment, said: list[Instruction]) -> None:
        step = self._line[unit.order]
        assert step.items is not None, "made by dividing the step"
        assert unit.item_index is not None, "made by dividing the step"
        unit.advance(ending.happening, now)
        if ending.happening is Happening.QUARANTINED:
            step.items.open -= 1
        else:
            result = unit.result(now, ending.reason, ending.message, ending.outcome)
            unit.last_outcome = None
            step.items.settle(unit, result)
            said.append(SettleItem(unit.item_index, result))
        self._end_divided(step, now, said)

    def _end_divided(self, step: Progress, now: Moment, said: list[Instruction]) -> None:
        if step.items is not None and step.items.open == 0 and step.status is StepStatus.RUNNING:
            self.end(step, step.items.ending(self._verdict.stop_for(step.step_id)), now, said)

    def _settle(self, step: Progress, result: StepResult, said: list[Instruction]) -> None:
        step.last_outcome = None
        self._results[result.step_id] = result
        self.unsettled -= 1
        said.append(SettleStep(result))
        if self._verdict.touched and result.step_id in self._verdict.touched:
            return  # what follows is the next plan's to say
        if self._holds.has_rules and self._verdict.stop is None:
            ask = self._holds.judge(step.compiled, result)
            if ask is not None:
                said.append(RequestReplan(result.step_id, ask))
                return
        self._spreading.append(step)

    # Fallbacks

    def call_fallback(self, step: Progress, failure: StepResult, now: Moment, said: list[Instruction]) -> None:
        """The step has failed for good, as `failure` says: its fallback may go as soon as its own dependencies are settled."""
        assert step.compiled.step.fallback_step is not None, "only such a step waits for one"
        step.awaiting = failure
        fallback = self._steps[step.compiled.step.fallback_step]
        if step.step_id in self.back or fallback.step_id in self._verdict.touched:
            return
        if (result := self._results.get(fallback.step_id)) is not None:
            self._fallback_ended(step, failure, result, now, said)
            return
        fallback.unmet -= 1
        if (blocker := self._blocker(fallback)) is not None:
            self._block(fallback, blocker, now, said)
        elif fallback.unmet == 0 and fallback.status is StepStatus.PENDING:
            self._lineup.add(fallback)

    def _blocker(self, step: Progress) -> StepResult | None:
        """What keeps a fallback from standing in. It is looked at when it is called: before, nobody has to know."""
        for needed in step.compiled.depends_on:
            if needed in self._holds.decisions or needed in self._verdict.touched:
                continue
            result = self._results.get(needed)
            if result is not None and step_consequence(result, self._steps[needed].compiled) is Consequence.BLOCK:
                return result
        return None

    def _is_uncalled(self, step: Progress) -> bool:
        first = step.compiled.is_fallback_for
        return first is not None and self._steps[first].awaiting is None

    def _fallback_ended(
        self, step: Progress, failure: StepResult, fallback: StepResult, now: Moment, said: list[Instruction]
    ) -> None:
        step.awaiting = None
        if fallback.status is StepStatus.SUCCEEDED:
            step.advance(Happening.FALLBACK_STOOD_IN, now)
            self._settle(step, stood_in(step, failure, fallback, now), said)
        else:
            step.advance(Happening.FALLBACK_FAILED, now)
            self._settle(step, failed_too(step, failure, fallback, now), said)

    # What follows for others

    def spread(self, now: Moment, said: list[Instruction]) -> None:
        """Draw the consequences of what has been settled, those of the consequences too, without recursion."""
        while self._spreading:
            batch, self._spreading = self._spreading, []
            for step in batch:
                # Once everything stops, the rest has its end already or will have it from its attempt.
                if self._verdict.stop is None:
                    self._draw_consequence(step, now, said)

    def _draw_consequence(self, step: Progress, now: Moment, said: list[Instruction]) -> None:
        compiled = step.compiled
        result = self._results[compiled.step.id]
        follows = Consequence.SATISFY
        if result.status is not StepStatus.SUCCEEDED or result.is_fallback:
            follows = step_consequence(result, compiled)
            self._verdict.note(result, follows, compiled)
        if compiled.is_fallback_for is not None:
            origin = self._steps[compiled.is_fallback_for]
            if origin.awaiting is not None:
                self._fallback_ended(origin, origin.awaiting, result, now, said)
        if compiled.step.fallback_step is not None:
            self._spare(self._steps[compiled.step.fallback_step], now, said)
        match follows:
            case Consequence.SATISFY:
                for step_id in compiled.dependents:
                    dependent = self._steps[step_id]
                    dependent.unmet -= 1
                    if dependent.unmet == 0 and dependent.status is StepStatus.PENDING:
                        self._lineup.add(dependent)
            case Consequence.BLOCK:
                for step_id in compiled.dependents:
                    dependent = self._steps[step_id]
                    if not dependent.status.is_final and not self._is_uncalled(dependent):
                        self._block(dependent, result, now, said)
            case Consequence.ABORT:
                self.stop_all(self._verdict.abort(result), now, said)
            case _:
                assert_never(follows)

    def _block(self, step: Progress, blocker: StepResult, now: Moment, said: list[Instruction]) -> None:
        step.advance(Happening.BLOCKED, now)
        self._settle(step, step.result(now, Reason.DEPENDENCY_FAILED, blocked_message(blocker), None), said)

    def _spare(self, fallback: Progress, now: Moment, said: list[Instruction]) -> None:
        """The step that it stands in for is settled."""
        if not fallback.status.is_final:
            fallback.advance(Happening.NOT_NEEDED, now)
            self._settle(fallback, fallback.result(now, Reason.NOT_NEEDED, NOT_NEEDED, None), said)

    # Replans

    def let_go(self, step_id: str) -> None:
        """It is held no longer: what follows from its end is drawn with the next `spread`."""
        if step_id not in self._verdict.touched:
            self._spreading.append(self._steps[step_id])

    def replace(self, touched: Iterable[str], now: Moment, said: list[Instruction]) -> None:
        """The plan is being changed in these steps. They stop where they run, and nothing follows from their ends.

        Neither they nor what comes after them begins any more. What has begun after them goes on to its end.
        """
        verdict = self._verdict
        concerned = [step for step in with_fallbacks(touched, self._steps) if step.step_id not in verdict.touched]
        verdict.touched.update(step.step_id for step in concerned)
        self._spreading = [step for step in self._spreading if step.step_id not in verdict.touched]
        for step in and_what_follows(concerned, self._steps):
            is_waiting = step.status is StepStatus.WAITING and step.step_id in verdict.touched
            if step.step_id not in self.back and (is_waiting or step.status is StepStatus.PENDING):
                step.advance(Happening.HELD_BACK, now)
                step.unmet += 1  # for good
                self.back.add(step.step_id)
        self._lineup.withdraw(self.back | verdict.touched)
        for step in concerned:
            if step.status in (StepStatus.RUNNING, StepStatus.QUARANTINED):
                self._stop_step(step, REPLAN, now, said)
        self.quarantined = [step_id for step_id in self.quarantined if step_id not in verdict.touched]

    # Stopping

    def stop_all(self, order: StopOrder, now: Moment, said: list[Instruction]) -> None:
        """Ask what runs to stop and drop what does not. What runs is settled by its own ending."""
        self._lineup.clear()
        self.quarantined.clear()
        for step in self._line:
            if not step.status.is_final:
                self._stop_step(step, order, now, said)

    def _stop_step(self, step: Progress, order: StopOrder, now: Moment, said: list[Instruction]) -> None:
        if step.items is None or step.status not in (StepStatus.RUNNING, StepStatus.QUARANTINED):
            self._stop(step, order, now, said)
            return
        step.items.reopen()
        for unit in step.items.unsettled():
            self._stop(unit, order, now, said)
        if step.status is StepStatus.QUARANTINED:
            self._stop(step, order, now, said)

    def _stop(self, unit: Progress, order: StopOrder, now: Moment, said: list[Instruction]) -> None:
        match unit.status:
            case StepStatus.RUNNING if order is REPLAN or unit.step_id not in self._verdict.touched:
                unit.advance(Happening.STOP_ASKED, now)
                said.append(StopAttempt(unit.step_id, unit.attempts, order.reason, unit.item_index))
            case StepStatus.PENDING:
                if unit.asking is not None:
                    self._lineup.release(unit, held=True)  # the answer will find that nobody needs it
                self.end(unit, Ending(Happening.DROPPED, order.reason, f"not run: {order.because}"), now, said)
            case StepStatus.WAITING if unit.awaiting is not None:
                failure, unit.awaiting = unit.awaiting, None
                unit.advance(Happening.DROPPED, now)
                self._settle(unit, not_waited_for(unit, failure, order.reason, order.because, now), said)
            case StepStatus.WAITING | StepStatus.QUARANTINED:
                message = f"{_not_again(unit)}: {order.because}"
                ending = Ending(Happening.DROPPED, order.reason, message, unit.last_outcome)
                self.end(unit, ending, now, said)
            case _:
                pass  # has its end, or was asked to stop before


def _not_again(unit: Progress) -> str:
    if unit.last_outcome is not None and unit.last_outcome.status is StepStatus.SUCCEEDED:
        return "not repeated"
    return "not tried again" if unit.attempts else "not run"

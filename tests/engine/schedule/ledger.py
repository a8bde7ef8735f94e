"""Watches what a scheduler says, from outside, and fails on the first instruction that breaks a rule. Decides nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from engine.model.replan import ReplanMode
from engine.model.states import Reason, RunStatus, StepStatus, Strategy
from engine.plan.scope import Scope
from engine.schedule.instructions import (
    AskCache,
    AwaitDecision,
    AwaitFallback,
    FinishExecution,
    MoveBreaker,
    QuarantineStep,
    RequestReplan,
    SetAlarm,
    SettleItem,
    SettleStep,
    StartAttempt,
    StopAttempt,
    WaitForRetry,
    WaitReason,
)
from tests.engine.schedule.books import Books, parts_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model.result import StepResult
    from engine.plan.compiled import CompiledStep
    from engine.schedule.instructions import Instruction
    from engine.schedule.signals import Moment


_NOWHERE = Scope(params={}, env={}, results={})


class Ledger(Books):
    """Holds every instruction to the rules, then writes it down."""

    def book(self, instructions: Sequence[Instruction], now: Moment) -> None:  # noqa: C901  one case a kind
        """Check each instruction against the books, then write it down."""
        for place, instruction in enumerate(instructions):
            assert self.finish is None, f"{instruction} after the finish"
            before = instructions[place - 1] if place else None
            match instruction:
                case StartAttempt():
                    self._start(instruction, now)
                case StopAttempt():
                    self._stop(instruction)
                case WaitForRetry():
                    self._wait(instruction)
                case AwaitFallback():
                    self._await(instruction)
                case AskCache():
                    self._ask(instruction)
                case SetAlarm(delay_sec):
                    assert delay_sec > 0
                    at = now.monotonic + delay_sec
                    assert self.alarm_at is None or at < self.alarm_at, "a later alarm instead of an earlier one"
                    self.alarm_at = at
                case MoveBreaker(tool, state):
                    follows = instructions[place + 1] if place + 1 < len(instructions) else None
                    self.breakers.move(tool, state, now, follows)
                case SettleItem(item_index, result):
                    self._settle_item(unit_of(result.step_id, item_index), result)
                case SettleStep(result):
                    self._settle(result)
                case QuarantineStep(result):
                    self._quarantine(result)
                case RequestReplan():
                    self._request(instruction, before)
                case AwaitDecision(step_ids):
                    self._await_decision(step_ids)
                case FinishExecution():
                    self._finish(instruction)
                case _:
                    assert_never(instruction)
            if isinstance(before, SettleStep):
                self._check_asked(before.result, instruction)
        if instructions and isinstance(instructions[-1], SettleStep):
            self._check_asked(instructions[-1].result, None)
        self.answered_now = None
        if not self._is_drained():
            self.awaited = ()

    def _is_drained(self) -> bool:
        return not (self.running or self.delays or self.taking_slots or self.paused)

    # Replans

    def _would_ask(self, result: StepResult) -> bool:
        compiled = self.plan.steps[result.step_id]
        if self.rules is None or self.stopping or compiled.in_finally or compiled.is_fallback_for is not None:
            return False
        if result.status not in (StepStatus.SUCCEEDED, StepStatus.FAILED) or result.step_id in self.replaced_steps:
            return False
        return self.rules.judge(result, _NOWHERE) is not None

    def _check_asked(self, result: StepResult, follows: Instruction | None) -> None:
        asked = isinstance(follows, RequestReplan) and follows.step_id == result.step_id
        assert asked == (result.step_id in self.held), "another plan was wanted, and not asked for"

    def _request(self, request: RequestReplan, before: Instruction | None) -> None:
        assert isinstance(before, SettleStep)
        assert before.result.step_id == request.step_id, "not right after the end"
        assert request.step_id in self.held, "nobody wants another plan"
        assert self.rules is not None
        assert request.ask == self.rules.judge(before.result, _NOWHERE)
        if request.ask.mode is ReplanMode.AUTO:
            self.by_itself.add(request.step_id)

    def _await_decision(self, step_ids: tuple[str, ...]) -> None:
        assert self._is_drained(), "something goes on yet"
        assert not self.stopping
        assert not self.quarantined, "what is quarantined comes first"
        missing = [step_id for step_id, said in self.held.items() if said is None]
        assert list(step_ids) == [step_id for step_id in missing if step_id not in self.by_itself] != []
        assert step_ids != self.awaited, "said twice"
        self.awaited = step_ids

    def _finish_for_another(self, finish: FinishExecution) -> None:
        assert self._is_drained()
        assert not self.stopping
        assert not self.quarantined
        assert finish.status is RunStatus.SUCCEEDED
        assert all(self.held.values()), "a decision is missing"
        assert finish.replan == (*self.held, *sorted(self.to_replace - set(self.held))) != ()

    # Attempts

    def _is_idle(self, unit: str) -> None:
        assert unit not in self.running
        assert unit not in self.delays
        assert unit not in self.asking
        assert unit not in self.settled
        assert unit not in self.items
        assert unit not in self.awaiting
        assert unit not in self.quarantined

    def _may_begin(self, unit: str) -> None:
        """It may take a slot now: nothing forbids it, it is idle, and it is its turn."""
        step_id, index = parts_of(unit)
        compiled = self.plan.steps[step_id]
        assert not self.paused, "started in a pause"
        assert not self.stopping, "started while everything stops"
        self._is_idle(unit)
        self._is_idle(step_id)
        assert all(needed in self.settled for needed in compiled.depends_on), "started before its dependencies"
        assert not any(needed in self.held for needed in compiled.depends_on), "started behind what is held"
        assert step_id not in self.replaced_steps, "started although it is replaced"
        if step_id in self.after_replaced:
            assert self._has_begun(step_id), "begun behind what is replaced"
        assert (index is not None) == (compiled.step.for_each is not None)
        if compiled.is_fallback_for is not None:
            assert compiled.is_fallback_for in self.awaiting, "nobody called for the fallback"
        if index is not None and unit not in self.touched:
            assert all(unit_of(step_id, before) in self.touched for before in range(index)), "not in input order"
            self.touched.add(unit)
        if self.plan.strategy is Strategy.SERIAL and unit != self.answered_now:
            self._has_the_turn(compiled, index)

    def _has_begun(self, step_id: str) -> bool:
        units = (*self.touched, *self.begun, *self.failures)
        return any(parts_of(unit)[0] == step_id for unit in units)

    def _has_the_turn(self, compiled: CompiledStep, index: int | None) -> None:
        assert not self.running, "two at once"
        assert not self.asking, "two at once"
        place = compiled
        while place.is_fallback_for is not None:
            place = self.plan.steps[place.is_fallback_for]
        for other in self.plan.steps.values():
            if other.execution_order >= place.execution_order or other.step.id in self.settled:
                continue
            held_up = other.step.id in self.awaiting or other.is_fallback_for is not None
            held_up = held_up or other.step.id in self.after_replaced
            waits = any(needed not in self.settled or self.is_open(needed) for needed in other.depends_on)
            assert held_up or waits or self._waits_in_vain(other), "out of line"
        if index is not None:
            before = [unit_of(compiled.step.id, earlier) for earlier in range(index)]
            assert all(unit in self.items or self._is_refused(unit) for unit in before), "out of line"

    def _waits_in_vain(self, compiled: CompiledStep) -> bool:
        """It depends, at some remove, on what has no end because something is held."""
        return any(
            needed not in self.settled or self.is_open(needed) or self._waits_in_vain(self.plan.steps[needed])
            for needed in compiled.depends_on
        )

    def _is_refused(self, unit: str) -> bool:
        """It may be left for an operator's decision, which is said of the whole step only."""
        return self.compiled(unit).step.critical and unit in self.touched and unit not in self.delays

    def _take_slot(self) -> None:
        taken = len(self.running) + len(self.taking_slots)
        self.most_running = max(self.most_running, taken)
        slots = 1 if self.plan.strategy is Strategy.SERIAL else self.limits.max_concurrency
        assert taken <= slots, "more than there are slots"
        for name, pool in self.limits.pools.items():
            assert pool.max_concurrency is None or self.in_pool(name) <= pool.max_concurrency, "the pool is full"

    def _start(self, start: StartAttempt, now: Moment) -> None:
        unit = unit_of(start.step_id, start.item_index)
        compiled = self.compiled(unit)
        self._may_begin(unit)
        assert start.attempt == self.begun.get(unit, 0) + 1, "an attempt was left out or doubled"
        assert self.failures.get(unit, 0) <= compiled.step.retries, "more tries than there are"
        spent = now.monotonic - self.first_start.setdefault(unit, now).monotonic
        own = compiled.step.timeout_sec or self.limits.default_timeout_sec
        assert 0 < start.timeout_sec <= own
        assert start.timeout_sec + spent <= self.limits.max_step_duration_sec + 1e-6
        self.begun[unit] = start.attempt
        self.running[unit] = start.attempt
        self.patient.discard(unit)
        self._take_slot()
        if compiled.step.pool is not None:
            self.pools.began(compiled.step.pool, now)
        self.breakers.began(unit, compiled, start.bound)

    def _stop(self, stop: StopAttempt) -> None:
        unit = unit_of(stop.step_id, stop.item_index)
        assert self.running[unit] == stop.attempt
        assert unit not in self.stopped, "asked to stop twice"
        self.stopped.add(unit)
        if stop.reason is Reason.REPLANNED:
            assert stop.step_id in self.replaced_steps
            assert not self.stopping
            return
        assert stop.reason in (Reason.CANCELED, Reason.ABORTED)
        self.stopping = True

    def _await(self, told: AwaitFallback) -> None:
        assert self.plan.steps[told.fallback_step].is_fallback_for == told.step_id
        assert told.failure.status is StepStatus.FAILED
        assert told.step_id not in self.replaced_steps
        assert not self.stopping
        self._is_idle(told.step_id)
        self.awaiting[told.step_id] = told.failure

    def _ask(self, asked: AskCache) -> None:
        unit = unit_of(asked.step_id, asked.item_index)
        self._may_begin(unit)
        assert self.compiled(unit).step.cache is not None
        assert not self.begun.get(unit), "asked after an attempt has begun"
        self.asking.add(unit)
        self._take_slot()

    def _wait(self, wait: WaitForRetry) -> None:
        unit = unit_of(wait.step_id, wait.item_index)
        step = self.compiled(unit).step
        self._is_idle(unit)
        assert not self.stopping
        assert wait.step_id not in self.replaced_steps
        assert wait.next_attempt == self.begun.get(unit, 0) + 1
        self.touched.add(unit)
        match wait.reason:
            case WaitReason.RETRY:
                assert 0 <= wait.delay_sec <= step.backoff.max_sec
                assert 1 <= self.failures[unit] <= step.retries
            case WaitReason.REPEAT:
                assert step.repeat is not None
                assert wait.delay_sec == step.repeat.delay_sec
                assert self.failures[unit] == 0
            case WaitReason.BREAKER_OPEN:
                if unit not in self.patient:
                    self.failures[unit] = self.failures.get(unit, 0) + 1
                    assert self.failures[unit] <= step.retries
            case _:
                assert_never(wait.reason)
        self.delays[unit] = wait.next_attempt

    def _check_end(self, unit: str, result: StepResult, begun: int) -> None:
        assert unit not in self.settled, "settled twice"
        assert unit not in self.items, "settled twice"
        assert unit not in self.running, "settled while its attempt runs"
        assert result.status.is_final
        assert result.attempts == begun
        assert (result.started_at_us is None) == (begun == 0)
        assert (result.finished_at_us is None) == (begun == 0)
        if result.status is not StepStatus.SUCCEEDED:
            assert result.reason is not None
            assert result.message
        if result.reason is Reason.ABORTED:
            self.stopping = True
        assert self.stopping or unit not in self.delays, "settled while a delay runs"
        is_stopped = self.stopping or parts_of(unit)[0] in self.replaced_steps
        assert is_stopped or unit not in self.asking, "settled while the cache is asked"
        if result.reason is Reason.REPLANNED:
            assert is_stopped
            assert result.status is StepStatus.CANCELED

    def _settle_item(self, unit: str, result: StepResult) -> None:
        self._check_end(unit, result, self.begun.get(unit, 0))
        assert parts_of(unit)[0] not in self.settled
        assert result.data is None or result.status is StepStatus.SUCCEEDED
        assert result.items is None
        self.touched.add(unit)
        self.items[unit] = result

    def items_of(self, step_id: str) -> set[str]:
        """The items of which something is known."""
        return {unit for unit in (*self.touched, *self.begun, *self.items) if unit.startswith(f"{step_id}#")}

    def _settle(self, result: StepResult) -> None:
        step_id = result.step_id
        compiled = self.plan.steps[step_id]
        items = self.items_of(step_id)
        self._check_end(step_id, result, self.begun.get(step_id, 0) + sum(self.begun.get(unit, 0) for unit in items))
        assert all(unit in self.items for unit in items), "settled before its items"
        if result.items is not None and not result.is_fallback:
            assert isinstance(result.data, list)
            assert len(result.items) == len(result.data) == len(items)
            assert result.data == [self.items[unit_of(step_id, index)].data for index in range(len(result.data))]
        else:
            assert result.data is None or result.status is StepStatus.SUCCEEDED
        assert result.is_fallback == (result.reason is Reason.FALLBACK)
        is_stopped = self.stopping or step_id in self.replaced_steps
        if step_id in self.awaiting:
            assert self.stopping or step_id not in self.replaced_steps, "nothing stands in for what is replaced"
            fallback = self.settled.get(compiled.step.fallback_step or "")
            if not self.stopping:
                assert fallback is not None, "settled before its fallback"
                assert result.is_fallback == (fallback.status is StepStatus.SUCCEEDED)
            del self.awaiting[step_id]
        elif compiled.step.fallback_step is not None and not is_stopped:
            assert result.status in (StepStatus.SUCCEEDED, StepStatus.SKIPPED), "failed without asking its fallback"
        if step_id in self.quarantined:
            assert is_stopped
            self.quarantined.remove(step_id)
        self.settled[step_id] = result
        if self._would_ask(result):
            self.held[step_id] = None
        elif step_id not in self.replaced_steps:
            self.note_failure(result)

    def _quarantine(self, result: StepResult) -> None:
        step = self.plan.steps[result.step_id].step
        assert (result.status, result.reason) == (StepStatus.QUARANTINED, Reason.BREAKER_OPEN)
        assert step.critical
        assert step.fallback_step is None
        assert not self.stopping
        self._is_idle(result.step_id)
        self.quarantined.append(result.step_id)

    def _finish(self, finish: FinishExecution) -> None:
        assert not self.running, "finished while attempts run"
        if finish.status is RunStatus.QUARANTINED:
            assert list(finish.quarantined) == self.quarantined != []
            assert not self.delays
            assert not self.paused
        elif finish.replan:
            self._finish_for_another(finish)
        else:
            assert not finish.quarantined
            assert not self.is_replanned, "nobody has decided, or another plan was to follow"
            assert set(self.settled) == set(self.plan.steps), "finished with steps that have no end"
            assert finish.status.is_final
        assert (finish.first_cause.step_id if finish.first_cause else None) == self.first_failure
        assert len(finish.warnings) == self.warned
        if finish.status not in (RunStatus.CANCELED, RunStatus.QUARANTINED) and not finish.replan:
            assert finish.status is (RunStatus.FAILED if self.first_failure else RunStatus.SUCCEEDED)
        if finish.first_cause is not None:
            cause = self.settled[finish.first_cause.step_id]
            assert (cause.reason, cause.message) == (finish.first_cause.reason, finish.first_cause.message)
        self.finish = finish

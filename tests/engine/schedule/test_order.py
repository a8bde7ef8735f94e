"""What starts when: dependencies, slots, execution order, the serial strategy, conditions and references."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from engine.errors import InputError
from engine.model.states import Reason, RunStatus, StepStatus
from engine.schedule.instructions import StartAttempt
from tests.engine.schedule.builders import plan_of, step
from tests.engine.schedule.driver import Driver, settled, started

if TYPE_CHECKING:
    from engine.plan.expressions import Expression
    from engine.plan.scope import View


def test_a_step_starts_when_its_own_dependencies_are_settled_not_when_a_group_is() -> None:
    drive = Driver(plan_of([step("a"), step("b"), step("after_a", "a"), step("after_both", "a", "b")]))
    assert started(drive.begin()) == ["a", "b"]
    assert started(drive.succeed("a")) == ["after_a"]
    assert started(drive.succeed("after_a")) == []
    assert started(drive.succeed("b")) == ["after_both"]
    drive.succeed("after_both")
    assert drive.finish.status is RunStatus.SUCCEEDED
    assert drive.finish.first_cause is None


def test_slots_are_kept_and_freed_slots_go_to_the_first_in_execution_order() -> None:
    drive = Driver(plan_of([step(f"s{n}") for n in range(5)], max_concurrency=2))
    assert started(drive.begin()) == ["s0", "s1"]
    assert started(drive.succeed("s1")) == ["s2"]
    assert started(drive.succeed("s0")) == ["s3"]
    assert drive.scheduler.running == 2


def test_a_step_made_ready_late_goes_before_a_later_one_that_was_ready_long() -> None:
    steps = [step("gate"), step("second", "gate"), step("x"), step("y", "x"), step("z", "x")]
    drive = Driver(plan_of(steps, max_concurrency=2))
    assert started(drive.begin()) == ["gate", "x"]
    assert started(drive.succeed("x")) == ["y"]
    assert started(drive.succeed("gate")) == ["second"], "z was ready before it, but stands behind it"
    assert started(drive.succeed("y")) == ["z"]


def test_serial_runs_one_step_after_the_other_in_execution_order() -> None:
    drive = Driver(plan_of([step("a"), step("b"), step("c", "a")], strategy="serial", max_concurrency=8))
    order = list(drive.ledger.plan.steps)
    said = drive.begin()
    for step_id in order:
        assert started(said) == [step_id]
        said = drive.succeed(step_id)
    assert drive.finish.status is RunStatus.SUCCEEDED
    assert drive.ledger.most_running == 1


def test_in_serial_the_delay_of_a_retry_holds_the_line() -> None:
    drive = Driver(plan_of([step("a", retries=1), step("b")], strategy="serial"))
    drive.begin()
    assert started(drive.fail("a")) == []
    assert drive.scheduler.running == 0
    assert started(drive.elapse("a")) == ["a"]
    assert started(drive.succeed("a")) == ["b"]


def test_otherwise_the_delay_of_a_retry_holds_no_slot() -> None:
    drive = Driver(plan_of([step("a", retries=1), step("b"), step("c")], max_concurrency=1))
    assert started(drive.begin()) == ["a"]
    assert started(drive.fail("a")) == ["b"]
    assert started(drive.elapse("a")) == [], "the slot is taken"
    assert drive.scheduler.status("a") is StepStatus.WAITING
    assert started(drive.succeed("b")) == ["a"], "first in execution order"


def test_a_skip_by_condition_satisfies_dependents() -> None:
    steps = [
        step("a"),
        step("only_if_failed", "a", condition="a.status == 'failed'"),
        step("after", "only_if_failed", condition="only_if_failed.status == 'skipped'"),
    ]
    drive = Driver(plan_of(steps))
    drive.begin()
    said = drive.succeed("a")
    assert settled(said) == ["a", "only_if_failed"]
    assert started(said) == ["after"]
    skipped = drive.result("only_if_failed")
    assert (skipped.status, skipped.reason) == (StepStatus.SKIPPED, Reason.CONDITION_FALSE)
    assert (skipped.data, skipped.attempts, skipped.started_at_us) == (None, 0, None)
    assert "a.status == 'failed'" in skipped.message
    drive.succeed("after")
    assert drive.finish.status is RunStatus.SUCCEEDED


def test_skip_if_is_any_of_and_comes_before_the_condition() -> None:
    steps = [
        step("a"),
        step(
            "b",
            "a",
            skip_if=["a.status == 'failed'", "a.status == 'succeeded'"],
            condition="a.status == 'failed'",
        ),
    ]
    drive = Driver(plan_of(steps))
    drive.begin()
    drive.succeed("a")
    assert drive.result("b").reason is Reason.SKIP_IF
    assert drive.finish.status is RunStatus.SUCCEEDED


def test_a_chain_of_skips_takes_no_slot_and_needs_no_further_signal() -> None:
    steps = [step("s0")] + [step(f"s{n}", f"s{n - 1}", condition=f"s{n - 1}.status == 'failed'") for n in range(1, 300)]
    drive = Driver(plan_of(steps, max_concurrency=1))
    drive.begin()
    drive.succeed("s0")
    assert drive.finish.status is RunStatus.SUCCEEDED
    assert sum(result.status is StepStatus.SKIPPED for result in drive.ledger.settled.values()) == 299


def test_references_see_the_data_of_settled_steps() -> None:
    drive = Driver(plan_of([step("a"), step("b", "a", args=["{a.data.host}"])]))
    drive.begin()
    said = drive.succeed("a", data={"host": "db1"})
    start = next(instruction for instruction in said if isinstance(instruction, StartAttempt))
    assert start.bound.definition.to_json()["args"] == ["db1"]


def test_a_missing_reference_fails_the_step_without_an_attempt_or_a_retry() -> None:
    drive = Driver(plan_of([step("a"), step("b", "a", args=["{a.data.host}"], retries=3), step("c", "b")]))
    drive.begin()
    said = drive.succeed("a", data={"address": "::1"})
    assert settled(said) == ["a", "b", "c"]
    refused = drive.result("b")
    assert (refused.status, refused.reason, refused.attempts) == (StepStatus.FAILED, Reason.MISSING_REFERENCE, 0)
    assert "a.data.host" in refused.message
    assert refused.started_at_us is None
    assert drive.result("c").reason is Reason.DEPENDENCY_FAILED
    assert drive.finish.status is RunStatus.FAILED
    assert drive.finish.first_cause is not None
    assert drive.finish.first_cause.step_id == "b"


def test_on_failure_decides_about_a_missing_reference_too() -> None:
    steps = [step("a"), step("b", "a", args=["{a.data.host}"], on_failure="continue"), step("c", "b")]
    drive = Driver(plan_of(steps))
    drive.begin()
    assert started(drive.succeed("a")) == ["c"]
    drive.succeed("c")
    assert drive.finish.status is RunStatus.SUCCEEDED
    assert len(drive.finish.warnings) == 1


class _Unworkable:
    """An expression that cannot be worked out, which the language of today does not have."""

    text = "a.status"
    names = ()

    def holds(self, view: View) -> bool:
        raise InputError("a.status cannot be worked out")


def test_a_condition_that_cannot_be_worked_out_fails_the_step() -> None:
    plan = plan_of([step("a"), step("b", "a", retries=2), step("c", "b")])
    code = replace(plan.steps["b"]._code, condition=cast("Expression", _Unworkable()))
    steps = {**plan.steps, "b": replace(plan.steps["b"], _code=code)}
    drive = Driver(replace(plan, steps=steps))
    drive.begin()
    assert settled(drive.succeed("a")) == ["a", "b", "c"]
    refused = drive.result("b")
    assert (refused.status, refused.reason, refused.attempts) == (StepStatus.FAILED, Reason.BAD_CONDITION, 0)
    assert refused.message == "a.status cannot be worked out"
    assert drive.finish.status is RunStatus.FAILED

"""`finally` steps: they run at the end whatever happened, and nothing of what happened is lost over them. Real processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.model.event import Event, EventKind
from engine.model.states import RunStatus, Stage
from engine.ports import ControlRequest, ControlVerb
from tests.engine.pipeline.recording import MemorySink, Operator, Recorded, run_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CANCEL = ControlRequest(ControlVerb.CANCEL, actor="operator:ann")

FINALLY = """
finally:
  - {id: note, command: echo, args: ["{work.status} {run.status} {run.first_cause.step_id ?? \\"-\\"}"]}
  - {id: tidy, command: echo, args: ["after {note.data}"]}
"""


def order(recorded: Recorded) -> list[str]:
    """The ids of the steps in the order in which their attempts began."""
    return [str(event.step_id) for event in recorded.sink.of(EventKind.ATTEMPT_STARTING)]


def says(operator: Operator, *requests: ControlRequest, when: Callable[[Event], bool]) -> MemorySink:
    """A sink at whose first such event the operator speaks."""
    left = [*requests]

    def listen(event: Event) -> None:
        while left and when(event):
            operator.say(left.pop(0))

    return MemorySink(on_event=listen)


def started(step_id: str) -> Callable[[Event], bool]:
    """The step's process exists."""
    return lambda event: event.kind is EventKind.ATTEMPT_STARTED and event.step_id == step_id


@pytest.mark.parametrize(
    ("steps", "status", "seen"),
    [
        ("{id: work, command: 'true'}", RunStatus.SUCCEEDED, "succeeded succeeded -"),
        ("{id: work, command: 'false', on_failure: skip_dependents}", RunStatus.FAILED, "failed failed work"),
        ("{id: broken, command: 'false'}, {id: work, command: 'true', depends_on: [broken]}", RunStatus.FAILED, "canceled failed broken"),
    ],
    ids=["success", "failure", "abort"],
)  # fmt: skip
async def test_they_run_in_order_after_all_others_and_see_how_it_went(
    tmp_path: Path, steps: str, status: RunStatus, seen: str
) -> None:
    """After success, a failure and an abort: every result, the run's state and its first cause are in sight."""
    recorded = await run_text(f"plan_id: p\nsteps: [{steps}]\n{FINALLY}", tmp_path)
    assert recorded.outcome.status is status
    assert order(recorded)[-2:] == ["note", "tidy"]
    assert recorded.result("note")["data"] == seen
    assert recorded.result("tidy")["data"] == f"after {seen}"


async def test_they_run_after_a_cancel_and_the_run_stays_canceled(tmp_path: Path) -> None:
    """One cancel stops the steps of the plan and leaves the cleaning up alone, a failing one too."""
    operator = Operator()
    recorded = await run_text(
        f"plan_id: p\nsteps: [{{id: work, command: sleep, args: [60]}}]\n{FINALLY}  - {{id: bad, command: 'false'}}",
        tmp_path,
        sink=says(operator, CANCEL, when=started("work")),
        operator=operator,
    )
    assert recorded.outcome.status is RunStatus.CANCELED
    assert recorded.outcome.first_cause is None
    assert recorded.result("note")["data"] == "canceled canceled -"
    assert recorded.result("bad")["status"] == "failed"
    assert recorded.sink.kinds()[-1] is EventKind.RUN_CANCELED


@pytest.mark.parametrize("second", [CANCEL, ControlRequest(ControlVerb.CANCEL, actor="operator:ann", force=True)])
async def test_a_second_cancel_stops_them(tmp_path: Path, second: ControlRequest) -> None:
    """What runs is stopped, what comes after it does not begin, and all of it has an end on record."""
    operator = Operator()
    left = {"work": CANCEL, "slow": second}

    def listen(event: Event) -> None:
        if event.kind is EventKind.ATTEMPT_STARTED and event.step_id in left:
            operator.say(left.pop(event.step_id))

    recorded = await run_text(
        """
plan_id: p
steps: [{id: work, command: sleep, args: [60]}]
finally:
  - {id: slow, command: sleep, args: [60]}
  - {id: never, command: 'true'}
""",
        tmp_path,
        sink=MemorySink(on_event=listen),
        operator=operator,
    )
    assert recorded.outcome.status is RunStatus.CANCELED
    assert recorded.result("slow")["status"] == "canceled"
    assert (recorded.result("never")["status"], recorded.result("never")["attempts"]) == ("canceled", 0)


async def test_a_cancel_with_force_does_not_let_them_begin(tmp_path: Path) -> None:
    """Force is both cancels at once."""
    operator = Operator()
    force = ControlRequest(ControlVerb.CANCEL, actor="operator:ann", force=True)
    recorded = await run_text(
        f"plan_id: p\nsteps: [{{id: work, command: sleep, args: [60]}}]\n{FINALLY}",
        tmp_path,
        sink=says(operator, force, when=started("work")),
        operator=operator,
    )
    assert recorded.outcome.status is RunStatus.CANCELED
    assert order(recorded) == ["work"]
    assert recorded.result("note")["message"] == "not run: canceled by operator:ann"


async def test_a_cancel_that_comes_while_they_run_cancels_the_run_and_lets_them_end(tmp_path: Path) -> None:
    """The steps of the plan had succeeded; nothing is composed any more."""
    operator = Operator()
    recorded = await run_text(
        """
plan_id: p
steps: [{id: work, command: 'true'}]
finally:
  - {id: slow, command: sh, args: ["-c", "while [ ! -e go ]; do sleep 0.01; done"]}
  - {id: last, command: 'true'}
""",
        tmp_path,
        sink=MemorySink(
            on_event=lambda event: (
                operator.say(CANCEL)
                if started("slow")(event)
                else (tmp_path / "go").touch()
                if event.kind is EventKind.CONTROL_RECEIVED
                else None
            )
        ),
        operator=operator,
    )
    assert recorded.outcome.status is RunStatus.CANCELED
    assert recorded.result("last")["status"] == "succeeded"
    assert [event.stage for event in recorded.sink.of(EventKind.STAGE_FINISHED)][-1] is Stage.EXECUTE


async def test_a_cancel_that_comes_while_they_run_does_not_hide_a_failure(tmp_path: Path) -> None:
    """A run that has failed has failed; its first cause stays."""
    operator = Operator()
    recorded = await run_text(
        "plan_id: p\nsteps: [{id: work, command: 'false'}]\n"
        "finally: [{id: slow, command: sleep, args: [60], timeout_sec: 60}]",
        tmp_path,
        sink=says(operator, CANCEL, CANCEL, when=started("slow")),
        operator=operator,
    )
    assert recorded.outcome.status is RunStatus.FAILED
    assert recorded.outcome.first_cause is not None
    assert recorded.outcome.first_cause["step_id"] == "work"
    assert recorded.result("slow")["status"] == "canceled"


@pytest.mark.parametrize(("work", "cause"), [("true", "bad"), ("false", "work")])
async def test_a_failing_one_fails_the_run_and_the_ones_after_it_still_run(
    tmp_path: Path, work: str, cause: str
) -> None:
    """It is the first cause only where nothing failed before it."""
    recorded = await run_text(
        f"""
plan_id: p
steps: [{{id: work, command: '{work}'}}]
finally:
  - {{id: bad, command: sh, args: ["-c", "exit 3"]}}
  - {{id: next, command: 'true'}}
""",
        tmp_path,
    )
    assert recorded.outcome.status is RunStatus.FAILED
    assert recorded.outcome.first_cause is not None
    assert recorded.outcome.first_cause["step_id"] == cause
    assert recorded.result("next")["status"] == "succeeded"


async def test_a_failing_one_that_may_fail_is_a_warning(tmp_path: Path) -> None:
    """on_failure: continue means the same here."""
    recorded = await run_text(
        "plan_id: p\nsteps: [{id: work, command: 'true'}]\nfinally: [{id: bad, command: 'false', on_failure: continue}]",
        tmp_path,
    )
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert recorded.sink.events[-1].data["warnings"] == 1


async def test_each_has_limits_of_its_own(tmp_path: Path) -> None:
    """Time-out, retries and conditions work as everywhere."""
    recorded = await run_text(
        """
plan_id: p
steps: [{id: work, command: 'true'}]
finally:
  - {id: late, command: sleep, args: [60], timeout_sec: 0.05, on_failure: continue}
  - {id: again, command: sh, args: ["-c", "test -e seen || { touch seen; exit 1; }"], retries: 1, backoff: {initial_sec: 0.01}}
  - {id: only_after_failure, command: 'true', condition: "run.status == 'failed'"}
""",
        tmp_path,
    )
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert recorded.result("late")["reason"] == "timed_out"
    assert recorded.result("again")["attempts"] == 2
    assert recorded.result("only_after_failure")["reason"] == "condition_false"


async def test_they_are_part_of_the_execution_plan_and_of_what_is_composed(tmp_path: Path) -> None:
    """The trace has them as its last group, each event says the phase, compose sees their results."""
    recorded = await run_text(
        "plan_id: p\nsteps: [{id: a, command: 'true'}, {id: b, command: 'true'}]\n"
        "finally: [{id: note, command: echo, args: [done]}]\ncompose: {said: '{note.data}'}",
        tmp_path,
    )
    (built,) = recorded.sink.of(EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT)
    assert built.data["order"] == ["a", "b", "note"]
    assert built.data["finally"] == ["note"]
    place = recorded.result("note")["orchestration"]
    assert isinstance(place, dict)
    assert (place["phase"], place["group_index"], place["execution_order"]) == ("finally", 1, 2)
    other = recorded.result("a")["orchestration"]
    assert isinstance(other, dict)
    assert "phase" not in other
    assert recorded.output("compose")["result"] == {"said": "done"}
    assert recorded.sink.events[-1].data["steps"] == {"succeeded": 3}

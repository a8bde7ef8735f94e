"""A run from its creation to its final event, with real processes: the five stages, failures, an operator, secrets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from engine.errors import StoreError
from engine.model.event import Event, EventKind
from engine.model.states import RunStatus, Stage
from engine.ports import AttemptObserver, AttemptSpec, ControlRequest, ControlVerb
from tests.engine.pipeline.recording import MemorySink, Operator, run_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.model.result import AttemptOutcome

CHAIN = """
plan_id: chain
params: {who: {type: string, default: world}}
steps:
  - {id: first, command: echo, args: ["hello {params.who}"]}
  - {id: second, command: echo, args: ["{first.data}!"]}
compose: {said: "{second.data}"}
present:
  - {type: markdown, text: "# {compose.said}"}
"""


async def test_a_run_passes_through_five_stages_each_fed_by_the_one_before(tmp_path: Path) -> None:
    """P3: the stages run in order, and what a step printed reaches the page that is shown."""
    recorded = await run_text(CHAIN, tmp_path, params={"who": "ops"})
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    finished = [event.stage for event in recorded.sink.of(EventKind.STAGE_FINISHED)]
    assert finished == [*Stage]
    assert recorded.output("compose")["result"] == {"said": "hello ops!"}
    assert recorded.output("present")["result"] == {"blocks": [{"type": "markdown", "text": "# hello ops!"}]}
    assert recorded.sink.kinds()[0] is EventKind.RUN_CREATED
    assert recorded.sink.kinds()[-1] is EventKind.RUN_SUCCEEDED


async def test_a_step_gives_out_as_much_as_its_plan_says(tmp_path: Path) -> None:
    """Ten megabytes by default, and what the field says where it stands; a result beyond it fails the step, and says so."""
    (tmp_path / "big.py").write_text("def big():\n    return ['line of text'] * 600000\n")
    text = """
plan_id: caps
steps:
  - {id: free, step_def: {type: python, callable: "big.py:big"}}
  - {id: tight, step_def: {type: python, callable: "big.py:big"}, max_output_bytes: 1000, on_failure: continue}
  - {id: printed, command: echo, args: [0123456789], max_output_bytes: 4}
compose: {count: "{len(free.data)}"}
"""
    recorded = await run_text(text, tmp_path)
    ends = {event.step_id: event.data for event in recorded.sink.of(EventKind.STEP_FINISHED)}
    assert ends["free"]["data"] == ["line of text"] * 600_000
    assert (ends["tight"]["status"], ends["tight"]["reason"]) == ("failed", "output_too_large")
    assert ends["tight"]["message"] == (
        "the result has 9600000 bytes as JSON, and more than 1000 are not kept; "
        "return less, raise max_output_bytes, or write a file"
    )
    assert ends["printed"]["data"] == "0123"
    assert ends["printed"]["message"] == "stdout had 11 bytes; the first 4 are kept (max_output_bytes)"


async def test_an_attempt_is_recorded_before_it_starts_and_after_it_ends(tmp_path: Path) -> None:
    """The order of a step's events is starting, started with its process, finished, and then the step's own end."""
    recorded = await run_text(CHAIN, tmp_path)
    story = [event.kind for event in recorded.sink.events if event.step_id == "first"]
    assert story == [
        EventKind.ATTEMPT_STARTING,
        EventKind.ATTEMPT_STARTED,
        EventKind.ATTEMPT_FINISHED,
        EventKind.STEP_FINISHED,
    ]
    (started,) = recorded.sink.of(EventKind.ATTEMPT_STARTED, "first")
    process = started.data["process"]
    assert isinstance(process, dict)
    assert isinstance(process["pid"], int)


async def test_the_execution_plan_is_recorded_and_every_result_says_where_it_stood(tmp_path: Path) -> None:
    """O4, O5: the trace names groups and dependencies, the result repeats its own place."""
    recorded = await run_text(CHAIN, tmp_path)
    (built,) = recorded.sink.of(EventKind.ORCHESTRATION_TOOL_CHAIN_BUILT)
    trace = built.data["trace"]
    assert isinstance(trace, dict)
    assert trace["total_groups"] == 2
    assert trace["tool_ids"] == ["first", "second"]
    place = recorded.result("second")["orchestration"]
    assert isinstance(place, dict)
    assert (place["group_index"], place["execution_order"], place["depends_on"]) == (1, 1, ["first"])


async def test_a_failing_step_fails_the_run_and_is_named_as_the_cause(tmp_path: Path) -> None:
    """The first cause is the step that broke, and the stages after execute do not run."""
    recorded = await run_text(
        """
plan_id: broken
steps:
  - {id: good, command: "true"}
  - {id: bad, command: sh, args: ["-c", "echo cannot reach the disk >&2; exit 3"], depends_on: [good]}
  - {id: later, command: "true", depends_on: [bad]}
""",
        tmp_path,
    )
    assert recorded.outcome.status is RunStatus.FAILED
    cause = recorded.outcome.first_cause
    assert cause is not None
    assert (cause["stage"], cause["step_id"], cause["reason"]) == ("execute", "bad", "exit_code")
    assert recorded.result("bad")["exit_code"] == 3
    assert recorded.result("later")["status"] == "canceled"
    assert [event.stage for event in recorded.sink.of(EventKind.STAGE_FINISHED)][-1] is Stage.EXECUTE


async def test_a_failure_that_the_plan_lets_pass_is_a_warning(tmp_path: Path) -> None:
    """S5: on_failure continue ends in success; the diagnostics say what happened."""
    recorded = await run_text(
        """
plan_id: tolerant
steps:
  - {id: ping, command: "false", on_failure: continue}
  - {id: after, command: echo, args: ["{ping.status}"]}
""",
        tmp_path,
    )
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert recorded.result("after")["data"] == "failed"
    diagnostics = recorded.output("execute")["diagnostics"]
    assert isinstance(diagnostics, dict)
    assert diagnostics["status"] == "warning"
    warnings = diagnostics["warnings"]
    assert isinstance(warnings, list)
    assert [str(warning).split(":")[0] for warning in warnings] == ["ping"]
    assert recorded.sink.events[-1].data["warnings"] == 1


async def test_a_reference_that_leads_nowhere_costs_its_value_not_the_report(tmp_path: Path) -> None:
    """compose gives null and a warning, so that what was found is still shown."""
    recorded = await run_text(
        """
plan_id: partial
steps: [{id: one, command: echo, args: ["x"]}]
compose: {there: "{one.data}", missing: "{one.data.rows[0].name}"}
""",
        tmp_path,
    )
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert recorded.output("compose")["result"] == {"there": "x", "missing": None}


async def test_a_retry_waits_and_both_attempts_are_kept(tmp_path: Path) -> None:
    """S4: the second attempt finds what the first one left."""
    recorded = await run_text(
        """
plan_id: flaky
steps:
  - id: flaky
    command: sh
    args: ["-c", "test -e seen || { touch seen; exit 1; }"]
    retries: 2
    backoff: {initial_sec: 0.01, jitter: false}
""",
        tmp_path,
    )
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert recorded.result("flaky")["attempts"] == 2
    (waiting,) = recorded.sink.of(EventKind.STEP_WAITING)
    assert waiting.data["delay_ms"] == 10
    assert [event.attempt for event in recorded.sink.of(EventKind.ATTEMPT_FINISHED)] == [1, 2]


async def test_an_operator_cancels_and_it_is_recorded_who(tmp_path: Path) -> None:
    """A cancel ends what runs, and the run says canceled, not failed."""
    operator = Operator()

    def cancel_once_started(event: Event) -> None:
        if event.kind is EventKind.ATTEMPT_STARTED:
            operator.say(ControlRequest(ControlVerb.CANCEL, actor="operator:ann"))

    recorded = await run_text(
        "{plan_id: slow, steps: [{id: nap, command: sleep, args: [60]}, {id: next, command: 'true', depends_on: [nap]}]}",
        tmp_path,
        sink=MemorySink(on_event=cancel_once_started),
        operator=operator,
    )
    assert recorded.outcome.status is RunStatus.CANCELED
    assert recorded.result("nap")["status"] == "canceled"
    assert recorded.result("next")["status"] == "canceled"
    (received,) = recorded.sink.of(EventKind.CONTROL_RECEIVED)
    assert received.actor == "operator:ann"
    assert recorded.sink.kinds()[-1] is EventKind.RUN_CANCELED


async def test_cancelling_the_calling_task_records_the_end_of_the_run(tmp_path: Path) -> None:
    """A program that embeds the engine may cancel its task; the run is not left hanging."""
    running = asyncio.Event()
    sink = MemorySink(on_event=lambda e: running.set() if e.kind is EventKind.ATTEMPT_STARTED else None)
    task = asyncio.create_task(
        run_text("{plan_id: slow, steps: [{id: nap, command: sleep, args: [60]}]}", tmp_path, sink=sink)
    )
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sink.kinds()[-1] is EventKind.RUN_CANCELED


async def test_a_sink_that_breaks_stops_the_run_and_its_processes(tmp_path: Path) -> None:
    """Nothing goes on that can no longer be recorded."""

    class BreakingSink(MemorySink):
        async def append(self, run_id: str, events: Sequence[Event]) -> None:
            if any(event.kind is EventKind.ATTEMPT_STARTED for event in events):
                raise StoreError("the disk is gone")
            await super().append(run_id, events)

    with pytest.raises(StoreError, match="the disk is gone"):
        await run_text("{plan_id: slow, steps: [{id: nap, command: sleep, args: [60]}]}", tmp_path, sink=BreakingSink())


async def test_a_broken_executor_fails_its_step_and_not_the_record(tmp_path: Path) -> None:
    """O7: a defect in an executor is a failed step with a reason."""

    class BrokenExecutor:
        async def run(self, spec: AttemptSpec, observer: AttemptObserver) -> AttemptOutcome:
            raise ZeroDivisionError("oops")

    recorded = await run_text(
        "{plan_id: one, steps: [{id: only, command: 'true'}]}", tmp_path, executor=BrokenExecutor()
    )
    assert recorded.outcome.status is RunStatus.FAILED
    assert recorded.result("only")["reason"] == "internal"
    assert "ZeroDivisionError" in str(recorded.result("only")["message"])


async def test_a_secret_reaches_the_process_and_nothing_that_is_recorded(tmp_path: Path) -> None:
    """The step proves that it had the secret; no event and no log holds it."""
    recorded = await run_text(
        """
plan_id: secretive
secrets: {token: {env: CMDB_TOKEN}}
steps:
  - id: use
    command: sh
    args: ["-c", "echo $TOKEN; echo ${#TOKEN} >&2"]
    env: {TOKEN: "{secrets.token}"}
  - {id: dependent, command: echo, args: ["{use.data}"]}
""",
        tmp_path,
        host_env={"CMDB_TOKEN": "correct-horse-battery"},
    )
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert recorded.result("use")["data"] == "***"
    assert recorded.result("dependent")["data"] == "***"
    assert recorded.result("use")["stderr"] == "21\n"
    assert "correct-horse" not in repr(recorded.sink.events)
    assert "correct-horse" not in repr(recorded.sink.chunks)


async def test_nothing_of_the_host_leaks_into_a_step(tmp_path: Path) -> None:
    """A step's environment is the base, what the plan adds, and what says which attempt it is."""
    recorded = await run_text(
        "{plan_id: env, globals: {env: {A: '1'}}, steps: [{id: show, command: env, output: lines}]}",
        tmp_path,
        host_env={"AWS_SECRET": "not-for-steps", "LANG": "C.UTF-8"},
    )
    lines = recorded.result("show")["data"]
    assert isinstance(lines, list)
    names = {str(line).partition("=")[0] for line in lines}
    assert {"PATH", "HOME", "LANG", "A", "OPSCOPE_RUN_ID", "OPSCOPE_IDEMPOTENCY_KEY"} <= names
    assert "AWS_SECRET" not in names

"""An operator at work: pauses inside and between stages, cancels of a paused run, a file that is held up. Real processes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from engine.model.event import Event, EventKind
from engine.model.states import RunStatus, Stage
from engine.ports import ControlRequest, ControlVerb
from tests.engine.pipeline.recording import MemorySink, Operator, run_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PAUSE = ControlRequest(ControlVerb.PAUSE, actor="operator:ann")
RESUME = ControlRequest(ControlVerb.RESUME, actor="operator:bob")
CANCEL = ControlRequest(ControlVerb.CANCEL, actor="operator:ann")

TWO = """
plan_id: p
steps:
  - {id: slow, command: sh, args: ["-c", "while [ ! -e go ]; do sleep 0.01; done"]}
  - {id: next, command: 'true', depends_on: [slow]}
"""


class Watched:
    """A sink on which a test can wait for an event."""

    def __init__(self) -> None:
        self.sink = MemorySink(on_event=self._look)
        self._wanted: list[tuple[Callable[[Event], bool], asyncio.Event]] = []

    def _look(self, event: Event) -> None:
        for wanted, seen in self._wanted:
            if wanted(event):
                seen.set()

    def expect(self, kind: EventKind, step_id: str | None = None, *, stage: Stage | None = None) -> asyncio.Event:
        """Set as soon as such an event is recorded from now on."""
        seen = asyncio.Event()

        def wanted(event: Event) -> bool:
            return event.kind is kind and event.step_id == step_id and (stage is None or event.stage is stage)

        self._wanted.append((wanted, seen))
        return seen


async def test_a_pause_lets_what_runs_end_and_starts_nothing_new(tmp_path: Path) -> None:
    """It is recorded at once, with who asked; resume goes on."""
    watched, operator = Watched(), Operator()
    begun = watched.expect(EventKind.ATTEMPT_STARTED, "slow")
    run = asyncio.create_task(run_text(TWO, tmp_path, sink=watched.sink, operator=operator))
    await begun.wait()
    paused = watched.expect(EventKind.RUN_PAUSED)
    operator.say(PAUSE)
    operator.say(PAUSE)
    await paused.wait()
    drained = watched.expect(EventKind.STEP_FINISHED, "slow")
    (tmp_path / "go").touch()
    await drained.wait()
    assert not run.done()
    assert watched.sink.of(EventKind.ATTEMPT_STARTING, "next") == []
    operator.say(RESUME)
    operator.say(RESUME)
    assert (await run).outcome.status is RunStatus.SUCCEEDED
    (pause,), (resume,) = watched.sink.of(EventKind.RUN_PAUSED), watched.sink.of(EventKind.RUN_RESUMED)
    assert (pause.data["reason"], pause.actor, resume.actor) == ("operator", "operator:ann", "operator:bob")
    (started,) = watched.sink.of(EventKind.ATTEMPT_STARTING, "next")
    assert watched.sink.events.index(resume) < watched.sink.events.index(started)
    assert len(watched.sink.of(EventKind.CONTROL_RECEIVED)) >= 3, (
        "every request is on record, whether it changed anything"
    )


async def test_a_pause_holds_back_the_next_stage(tmp_path: Path) -> None:
    """The last step ends in the pause; what was found is composed after it."""
    watched, operator = Watched(), Operator()
    begun = watched.expect(EventKind.ATTEMPT_STARTED, "slow")
    executed = watched.expect(EventKind.STAGE_FINISHED, stage=Stage.EXECUTE)
    one = TWO.partition("  - {id: next")[0]
    run = asyncio.create_task(run_text(one, tmp_path, sink=watched.sink, operator=operator))
    await begun.wait()
    paused = watched.expect(EventKind.RUN_PAUSED)
    operator.say(PAUSE)
    await paused.wait()
    (tmp_path / "go").touch()
    await executed.wait()
    resumed = watched.expect(EventKind.RUN_RESUMED)
    operator.say(RESUME)
    await resumed.wait()
    assert (await run).outcome.status is RunStatus.SUCCEEDED
    kinds = watched.sink.kinds()
    composing = next(e for e in watched.sink.of(EventKind.STAGE_STARTED) if e.stage is Stage.COMPOSE)
    assert kinds.index(EventKind.RUN_RESUMED) < watched.sink.events.index(composing)


async def test_a_pause_before_the_first_step_holds_back_execute(tmp_path: Path) -> None:
    """The run is paused in route_plan already."""
    watched, operator = Watched(), Operator()
    operator.say(PAUSE)
    paused = watched.expect(EventKind.RUN_PAUSED)
    (tmp_path / "go").touch()
    run = asyncio.create_task(run_text(TWO, tmp_path, sink=watched.sink, operator=operator))
    await paused.wait()
    resumed = watched.expect(EventKind.RUN_RESUMED)
    operator.say(RESUME)
    await resumed.wait()
    assert (await run).outcome.status is RunStatus.SUCCEEDED
    first = watched.sink.of(EventKind.ATTEMPT_STARTING)[0]
    assert watched.sink.kinds().index(EventKind.RUN_RESUMED) < watched.sink.events.index(first)


async def test_a_pause_holds_back_finally(tmp_path: Path) -> None:
    """A failure in the pause aborts the steps, and cleaning up waits for the operator."""
    watched, operator = Watched(), Operator()
    begun, aborted = watched.expect(EventKind.ATTEMPT_STARTED, "slow"), watched.expect(EventKind.STEP_FINISHED, "next")
    text = TWO.replace("done", "done; exit 1") + "finally: [{id: note, command: 'true'}]"
    run = asyncio.create_task(run_text(text, tmp_path, sink=watched.sink, operator=operator))
    await begun.wait()
    paused = watched.expect(EventKind.RUN_PAUSED)
    operator.say(PAUSE)
    await paused.wait()
    (tmp_path / "go").touch()
    await aborted.wait()
    operator.say(RESUME)
    recorded = await run
    assert recorded.outcome.status is RunStatus.FAILED
    assert recorded.result("note")["status"] == "succeeded"
    (noting,) = watched.sink.of(EventKind.ATTEMPT_STARTING, "note")
    assert watched.sink.kinds().index(EventKind.RUN_RESUMED) < watched.sink.events.index(noting)


async def test_a_paused_run_can_be_canceled(tmp_path: Path) -> None:
    """The cancel takes the pause back, so that what cleans up can run; a pause after it changes nothing."""
    watched, operator = Watched(), Operator()
    begun = watched.expect(EventKind.ATTEMPT_STARTED, "slow")
    text = TWO + "finally: [{id: note, command: 'true'}]"
    run = asyncio.create_task(run_text(text, tmp_path, sink=watched.sink, operator=operator))
    await begun.wait()
    for request in (PAUSE, CANCEL, PAUSE):
        operator.say(request)
    recorded = await run
    assert recorded.outcome.status is RunStatus.CANCELED
    assert recorded.result("note")["status"] == "succeeded"
    assert len(watched.sink.of(EventKind.RUN_PAUSED)) == len(watched.sink.of(EventKind.RUN_RESUMED)) == 1


async def test_a_pause_while_a_step_waits_for_its_next_try(tmp_path: Path) -> None:
    """The delay goes on and the next try waits for the operator."""
    watched, operator = Watched(), Operator()
    paused = watched.expect(EventKind.RUN_PAUSED)
    text = """
plan_id: p
steps:
  - id: flaky
    command: sh
    args: ["-c", "test -e seen || { touch seen; exit 1; }"]
    retries: 1
    backoff: {initial_sec: 0.05, jitter: false}
"""
    look = watched.sink.on_event

    def pause_when_waiting(event: Event) -> None:
        if event.kind is EventKind.STEP_WAITING:
            operator.say(PAUSE)
        look(event)

    watched.sink.on_event = pause_when_waiting
    run = asyncio.create_task(run_text(text, tmp_path, sink=watched.sink, operator=operator))
    await paused.wait()
    operator.say(RESUME)
    recorded = await run
    assert recorded.outcome.status is RunStatus.SUCCEEDED
    assert recorded.result("flaky")["attempts"] == 2
    second = watched.sink.of(EventKind.ATTEMPT_STARTING)[1]
    assert watched.sink.kinds().index(EventKind.RUN_RESUMED) < watched.sink.events.index(second)


async def test_a_cancel_acts_while_the_file_is_held_up(tmp_path: Path) -> None:
    """The second one too: nobody waits for the first one to be written."""
    held, reached = asyncio.Event(), asyncio.Event()
    operator = Operator()
    stopped: list[str] = []

    class HeldSink(MemorySink):
        async def append(self, run_id: str, events: Sequence[Event]) -> None:
            if any(event.kind is EventKind.CONTROL_RECEIVED for event in events):
                stopped.append("asked")
                if len(stopped) == 2:
                    reached.set()
                await held.wait()
            await super().append(run_id, events)

    sink = HeldSink(on_event=lambda e: operator.say(CANCEL) if e.kind is EventKind.ATTEMPT_STARTED else None)
    run = asyncio.create_task(run_text(TWO, tmp_path, sink=sink, operator=operator))
    while not stopped:
        await asyncio.sleep(0)
    operator.say(CANCEL)
    await reached.wait()
    held.set()
    assert (await run).outcome.status is RunStatus.CANCELED
    assert sink.kinds()[-1] is EventKind.RUN_CANCELED, "nothing is recorded after the end"


@pytest.mark.parametrize("times", [1, 2])
async def test_cancelling_the_calling_task_lets_finally_run_unless_it_is_done_twice(tmp_path: Path, times: int) -> None:
    """As an operator's cancels would."""
    watched = Watched()
    begun = watched.expect(EventKind.ATTEMPT_STARTED, "nap")
    text = """
plan_id: p
steps: [{id: nap, command: sleep, args: [60]}]
finally: [{id: note, command: 'true'}, {id: slow, command: sleep, args: [60], condition: "params.twice"}]
params: {twice: {type: boolean}}
"""
    cleaning = watched.expect(EventKind.ATTEMPT_STARTED, "slow")
    twice = "true" if times == 2 else "false"
    task = asyncio.create_task(run_text(text, tmp_path, sink=watched.sink, params={"twice": twice}))
    await begun.wait()
    task.cancel()
    if times == 2:
        await cleaning.wait()
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert watched.sink.kinds()[-1] is EventKind.RUN_CANCELED
    (note,), (slow,) = (
        watched.sink.of(EventKind.STEP_FINISHED, "note"),
        watched.sink.of(EventKind.STEP_FINISHED, "slow"),
    )
    assert (note.data["status"], slow.data["status"]) == ("succeeded", "canceled" if times == 2 else "skipped")

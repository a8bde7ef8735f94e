"""A step whose start had to wait for the file: the wait is not its time. Real processes, a file that takes nothing for a while."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from engine.model.event import EventKind
from engine.model.states import RunStatus
from engine.pipeline.clock import SystemClock
from engine.ports import ControlRequest, ControlVerb
from tests.engine.pipeline.recording import MemorySink, Operator, Recorded, run_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.model.event import Event
    from engine.model.json import JsonObject

PLAN = """
plan_id: p
steps:
  - {id: big, command: "true"}
  - {id: two, command: sh, args: [-c, "sleep 1000 & wait"], depends_on: [big]}
"""
ITEMS = PLAN.replace("depends_on", "for_each: [1], depends_on")


class FullDisk(MemorySink):
    """Takes no event of a start of `two` before the operator's cancel has been recorded, or he has been asked for it."""

    def __init__(self, operator: Operator, *, until_canceled: bool) -> None:
        super().__init__()
        self.let_go_us = 0
        self._operator = operator
        self._until_canceled = until_canceled
        self._canceled = asyncio.Event()

    async def append(self, run_id: str, events: Sequence[Event]) -> None:
        if any(event.kind is EventKind.ATTEMPT_STARTING and event.step_id == "two" for event in events):
            if self._until_canceled:
                self.cancel()
                await self._canceled.wait()
            self.let_go_us = SystemClock().now_us()
        await super().append(run_id, events)
        if any(event.kind is EventKind.CONTROL_RECEIVED for event in events):
            self._canceled.set()
        if any(event.kind is EventKind.ATTEMPT_STARTED and event.step_id == "two" for event in events):
            self.cancel()

    def cancel(self) -> None:
        """As somebody does who sees that nothing goes on."""
        self._operator.say(ControlRequest(ControlVerb.CANCEL, actor="operator:ann"))


async def canceled(folder: Path, *, until_canceled: bool, plan: str = PLAN) -> tuple[FullDisk, Recorded, JsonObject]:
    """A run that was canceled, and the end of its step `two`."""
    operator = Operator()
    disk = FullDisk(operator, until_canceled=until_canceled)
    async with asyncio.timeout(60):
        recorded = await run_text(plan, folder, sink=disk, operator=operator)
    assert recorded.outcome.status is RunStatus.CANCELED
    (two,) = (event.data for event in disk.of(EventKind.STEP_FINISHED, "two") if event.item_index is None)
    return disk, recorded, two


@pytest.mark.parametrize("until_canceled", [True, False])
@pytest.mark.parametrize("plan", [PLAN, ITEMS], ids=["whole", "items"])
async def test_a_step_begins_once_its_start_is_on_record(tmp_path: Path, plan: str, until_canceled: bool) -> None:
    """One with items does with the first of them."""
    disk, recorded, two = await canceled(tmp_path, until_canceled=until_canceled, plan=plan)
    ended = recorded.sink.of(EventKind.STEP_FINISHED, "two")[-1]
    (attempt,) = recorded.sink.of(EventKind.ATTEMPT_FINISHED, "two")
    began_us, took_us, tried_us = two["started_at_us"], two["duration_us"], attempt.data["duration_us"]
    assert isinstance(began_us, int)
    assert isinstance(took_us, int)
    assert isinstance(tried_us, int)
    assert began_us >= disk.let_go_us
    assert tried_us <= took_us <= ended.at_us - disk.let_go_us


async def test_a_step_that_was_never_spawned_does_not_say_that_it_ran(tmp_path: Path) -> None:
    _, recorded, two = await canceled(tmp_path, until_canceled=True)
    (attempt,) = recorded.sink.of(EventKind.ATTEMPT_FINISHED, "two")
    assert recorded.sink.of(EventKind.ATTEMPT_STARTED, "two") == []
    assert attempt.data["message"] == "canceled before it began"
    assert two["status"] == "canceled"

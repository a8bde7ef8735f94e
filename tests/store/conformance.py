"""What any EventSink must do. A test class that derives from this gives the fixtures `sink` and `told`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from engine.errors import StoreError
from engine.model.event import Event, EventKind
from tests.store.building import NOW_US, creation, log_chunk, new_run_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    from engine.model.json import JsonObject
    from engine.ports import EventSink

    Told: TypeAlias = "Callable[[str], Awaitable[list[tuple[EventKind, JsonObject]]]]"


def note(number: int) -> Event:
    """An event that can be told from others."""
    return Event(EventKind.CONTROL_RECEIVED, NOW_US, {"number": number})


class EventSinkConformance:
    """`told(run_id)` is what the sink holds durably of a run, in order."""

    async def test_a_run_begins_with_its_creation(self, sink: EventSink, told: Told, engine_id: str) -> None:
        made = creation(engine_id)
        await sink.create_run(made)
        assert await told(made.run_id) == [(EventKind.RUN_CREATED, made.created.data)]

    async def test_what_returned_is_durable_and_in_order(self, sink: EventSink, told: Told, engine_id: str) -> None:
        made = creation(engine_id)
        await sink.create_run(made)
        for number in range(0, 20, 2):
            await sink.append(made.run_id, [note(number), note(number + 1)])
            assert len(await told(made.run_id)) == number + 3
        assert [data["number"] for _, data in (await told(made.run_id))[1:]] == list(range(20))

    async def test_the_order_of_calls_is_the_order_in_the_file(
        self, sink: EventSink, told: Told, engine_id: str
    ) -> None:
        made = creation(engine_id)
        await sink.create_run(made)
        await asyncio.gather(*(sink.append(made.run_id, [note(number)]) for number in range(1200)))
        assert [data["number"] for _, data in (await told(made.run_id))[1:]] == list(range(1200))

    async def test_no_events_are_no_events(self, sink: EventSink, told: Told, engine_id: str) -> None:
        made = creation(engine_id)
        await sink.create_run(made)
        await sink.append(made.run_id, [])
        await sink.append_logs(made.run_id, [])
        assert len(await told(made.run_id)) == 1

    async def test_runs_do_not_mix(self, sink: EventSink, told: Told, engine_id: str) -> None:
        runs = [creation(engine_id) for _ in range(5)]
        await asyncio.gather(*(sink.create_run(made) for made in runs))
        await asyncio.gather(*(sink.append(made.run_id, [note(n)]) for n in range(50) for made in runs))
        for made in runs:
            assert [data["number"] for _, data in (await told(made.run_id))[1:]] == list(range(50))

    async def test_a_run_that_is_not_there_is_an_error(self, sink: EventSink, told: Told) -> None:
        run_id = new_run_id()
        with pytest.raises(StoreError):
            await sink.append(run_id, [note(1)])
        assert await told(run_id) == []

    async def test_a_run_is_made_once(self, sink: EventSink, told: Told, engine_id: str) -> None:
        made = creation(engine_id)
        await sink.create_run(made)
        with pytest.raises(StoreError):
            await sink.create_run(made)
        assert len(await told(made.run_id)) == 1

    async def test_data_that_are_no_json_fail_alone(self, sink: EventSink, told: Told, engine_id: str) -> None:
        made = creation(engine_id)
        await sink.create_run(made)
        bad = Event(EventKind.CONTROL_RECEIVED, NOW_US, {"number": object()})  # type: ignore[dict-item]
        with pytest.raises(StoreError):
            await sink.append(made.run_id, [note(1), bad])
        await sink.append(made.run_id, [note(2)])
        assert [data["number"] for _, data in (await told(made.run_id))[1:]] == [2]

    async def test_output_is_taken(self, sink: EventSink, told: Told, engine_id: str) -> None:
        made = creation(engine_id)
        await sink.create_run(made)
        await sink.append_logs(made.run_id, [log_chunk(b"\x1b[31mred\xff")])
        await sink.append(made.run_id, [note(1)])
        assert len(await told(made.run_id)) == 2

"""Taking a run over: who may, who wins, what is recorded, and what the old and the new owner can do afterwards."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from engine.errors import StoreError
from engine.model.event import Event, EventKind
from engine.model.states import Reason, StepStatus
from store import queries
from store.errors import EngineAliveError, FencedError, TakeoverLostError
from store.queries.query import json_object
from store.reader import Reader
from store.takeover import TakenOver
from store.writer import open_writer
from tests.store.building import NOW_US, chain_built, creation, run_finished, settled, starting
from tests.store.conformance import note
from tests.store.proving import prove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.model.json import JsonObject
    from store.rows import RunRow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


async def left_behind(path: Path, events: int = 1) -> str:
    """A run of an engine that is dead by now."""
    async with open_writer(path) as writer:
        made = creation(writer.engine_id)
        await writer.create_run(made)
        await writer.append(made.run_id, [note(number) for number in range(events)])
    return made.run_id


def head(path: Path, run_id: str) -> RunRow:
    with Reader.open(path) as reader:
        row = reader.run(queries.run_by_id(run_id))
    assert row is not None
    return row


async def test_the_new_owner_goes_on_where_the_chain_ends(path: Path) -> None:
    run_id = await left_behind(path, events=3)
    before = head(path, run_id)
    async with open_writer(path) as writer:
        taken = await writer.take_over(run_id, expected_epoch=1, at_us=NOW_US + 7)
        assert taken == TakenOver(seq=5, epoch=2)
        row = head(path, run_id)
        assert (row.owner_engine, row.owner_epoch, row.last_seq) == (writer.engine_id, 2, 5)
        await writer.append(run_id, [note(9), starting(1)])
        with Reader.open(path) as reader:
            event = reader.run(queries.events_page(run_id, after_seq=4, limit=1))[0]
    assert (event.kind, event.at_us, event.seq) == (EventKind.RUN_TAKEN_OVER, NOW_US + 7, 5)
    assert json_object(event.data) == {"from_engine": before.owner_engine, "to_engine": writer.engine_id, "epoch": 2}
    assert prove(path) == {run_id: [1, 2, 3, 4, 5, 6, 7]}


async def test_it_goes_on_from_owner_to_owner(path: Path) -> None:
    run_id = await left_behind(path)
    for epoch in (1, 2, 3):
        async with open_writer(path) as writer:
            assert (await writer.take_over(run_id, expected_epoch=epoch, at_us=NOW_US)).epoch == epoch + 1
            await writer.append(run_id, [note(epoch)])
    assert prove(path) == {run_id: list(range(1, 9))}


async def test_a_living_owner_keeps_its_run(path: Path) -> None:
    """Of this process too: the lock that says that it lives belongs to the process, so it is known from the registry."""
    async with open_writer(path) as owner, open_writer(path) as other:
        made = creation(owner.engine_id)
        await owner.create_run(made)
        with pytest.raises(EngineAliveError, match=f"engine {owner.engine_id} \\(pid {os.getpid()}\\)") as caught:
            await other.take_over(made.run_id, expected_epoch=1, at_us=NOW_US)
        assert (caught.value.engine_id, caught.value.pid) == (owner.engine_id, os.getpid())
        with pytest.raises(EngineAliveError):
            await owner.take_over(made.run_id, expected_epoch=1, at_us=NOW_US)
        await owner.append(made.run_id, [note(1)])
    assert prove(path) == {made.run_id: [1, 2]}


async def test_two_engines_of_one_process_race(path: Path) -> None:
    runs = [await left_behind(path) for _ in range(5)]
    async with open_writer(path) as one, open_writer(path) as two:
        for run_id in runs:
            answers = await asyncio.gather(
                *(writer.take_over(run_id, expected_epoch=1, at_us=NOW_US) for writer in (one, two, one, two)),
                return_exceptions=True,
            )
            assert answers.count(TakenOver(3, 2)) == 1
            assert sum(isinstance(answer, TakeoverLostError) for answer in answers) == 3
    assert set(map(tuple, prove(path).values())) == {(1, 2, 3)}


async def test_what_cannot_be_taken_over_is_refused_and_stays_as_it_is(path: Path) -> None:
    over = await left_behind(path)
    imported = await left_behind(path)
    async with open_writer(path) as writer:
        await writer.take_over(over, expected_epoch=1, at_us=NOW_US)
        await writer.append(over, [run_finished()])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO imports (run_id, imported_at_us) VALUES (?, 1)", (imported,))
    before = prove(path)
    async with open_writer(path) as writer:
        with pytest.raises(StoreError, match="is over"):
            await writer.take_over(over, expected_epoch=2, at_us=NOW_US)
        with pytest.raises(StoreError, match="was imported"):
            await writer.take_over(imported, expected_epoch=1, at_us=NOW_US)
        with pytest.raises(StoreError, match="there is no run"):
            await writer.take_over("f" * 32, expected_epoch=1, at_us=NOW_US)
        with pytest.raises(FencedError):
            await writer.append(over, [note(1)])
    assert prove(path) == before


async def test_an_owner_that_lost_its_run_is_fenced_out_of_it_and_of_no_other(path: Path) -> None:
    async with open_writer(path) as writer:
        runs = [creation(writer.engine_id) for _ in range(2)]
        for made in runs:
            await writer.create_run(made)
        taken, kept = (made.run_id for made in runs)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE runs SET owner_engine = 'dead', owner_epoch = 2 WHERE run_id = ?", (taken,))
        async with open_writer(path) as other:
            await other.take_over(taken, expected_epoch=2, at_us=NOW_US)
            answers = await asyncio.gather(
                writer.append(taken, [note(1)]),
                writer.append(kept, [note(1)]),
                other.append(taken, [starting(0)]),
                return_exceptions=True,
            )
            assert [type(answer) for answer in answers] == [FencedError, type(None), type(None)]
            await other.append(taken, [settled(0)])
    with Reader.open(path) as reader:
        assert [row.seq for row in reader.run(queries.events_page(taken))] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("kind", "status"),
    [(EventKind.RUN_QUARANTINED, StepStatus.QUARANTINED), (EventKind.RUN_PAUSED, StepStatus.WAITING)],
)
async def test_a_step_that_was_under_way_is_not_running_any_more(
    path: Path, kind: EventKind, status: StepStatus
) -> None:
    async with open_writer(path) as writer:
        made = creation(writer.engine_id)
        await writer.create_run(made)
        await writer.append(made.run_id, [chain_built(3), starting(0), settled(0), starting(1)])
    async with open_writer(path) as writer:
        await writer.take_over(made.run_id, expected_epoch=1, at_us=NOW_US)
        data: JsonObject = {"reason": "engine_lost", "uncertain": ["s0", "s1"]}
        await writer.append(made.run_id, [Event(kind, NOW_US, data)])
        assert steps(path, made.run_id) == [
            (StepStatus.SUCCEEDED, None),
            (status, Reason.ENGINE_LOST),
            (StepStatus.PENDING, None),
        ]
        await writer.append(made.run_id, [Event(EventKind.RUN_RESUMED, NOW_US), starting(1, attempt=2)])
        assert steps(path, made.run_id)[1] == (StepStatus.RUNNING, None)
    prove(path)


def steps(path: Path, run_id: str) -> list[tuple[StepStatus, Reason | None]]:
    with Reader.open(path) as reader:
        return [(row.status, row.reason) for row in reader.run(queries.steps_page(run_id))]


# Processes


class Taker:
    """Another process that tries to take runs over when it is told to."""

    def __init__(self, path: Path, run_ids: list[str], epoch: int = 1) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.takeover_process", str(path), str(epoch), *run_ids],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.input: IO[str] = self.process.stdin
        self.output: IO[str] = self.process.stdout
        self.engine_id = self.output.readline().split()[1]

    def begin(self) -> None:
        self.input.write("go\n")
        self.input.flush()

    def answers(self) -> list[list[str]]:
        return [line.split() for line in iter(self.output.readline, "done\n")]


@pytest.fixture
def takers() -> Iterator[list[Taker]]:
    started: list[Taker] = []
    yield started
    for taker in started:
        taker.process.kill()
        taker.process.communicate()


async def test_of_processes_that_race_one_wins_and_the_others_say_who(
    path: Path, takers: list[Taker], scaled: Callable[[int], int]
) -> None:
    async with open_writer(path) as writer:
        run_ids = []
        for _ in range(scaled(200)):
            made = creation(writer.engine_id)
            await writer.create_run(made)
            run_ids.append(made.run_id)
    takers += [Taker(path, run_ids) for _ in range(3)]
    for taker in takers:
        taker.begin()
    answers = [taker.answers() for taker in takers]
    engines = {taker.engine_id: taker.process.pid for taker in takers}
    for place, run_id in enumerate(run_ids):
        said = [answer[place] for answer in answers]
        assert sorted(word for word, *_ in said) == ["lost", "lost", "won"]
        winner = next(taker for taker, answer in zip(takers, said, strict=True) if answer[0] == "won")
        for word, run, *rest in said:
            assert run == run_id
            if word == "lost":
                assert rest == [winner.engine_id, str(engines[winner.engine_id])]
        assert head(path, run_id).owner_engine == winner.engine_id
    assert set(map(tuple, prove(path).values())) == {(1, 2)}


async def test_after_a_kill_the_run_can_be_had(path: Path, takers: list[Taker]) -> None:
    run_id = await left_behind(path)
    takers.append(Taker(path, [run_id]))
    takers[0].begin()
    assert takers[0].answers() == [["won", run_id, "3", "2"]]
    async with open_writer(path) as writer:
        with pytest.raises(EngineAliveError) as caught:
            await writer.take_over(run_id, expected_epoch=2, at_us=NOW_US)
        assert caught.value.pid == takers[0].process.pid
        takers[0].process.kill()
        takers[0].process.wait()
        assert await writer.take_over(run_id, expected_epoch=2, at_us=NOW_US) == TakenOver(4, 3)
    assert prove(path) == {run_id: [1, 2, 3, 4]}

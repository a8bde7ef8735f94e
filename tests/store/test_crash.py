"""Engines that are killed while they write, and engines that write to one file at once."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import IO, TYPE_CHECKING

import pytest

from store import queries
from store.engine_lock import last_written
from store.liveness import is_engine_alive, lost_engines
from store.location import Neighbours
from store.reader import Reader
from tests.store.proving import all_events, prove

if TYPE_CHECKING:
    from pathlib import Path


def spawn(path: Path, runs: int, steps: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.engine_process", str(path), str(runs), str(steps)],
        stdout=subprocess.PIPE,
        text=True,
    )


def output_of(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def acknowledged(lines: list[str]) -> dict[str, int]:
    seqs: dict[str, int] = {}
    for line in lines:
        if line.endswith("\n"):
            run_id, seq = line.split()
            seqs[run_id] = max(seqs.get(run_id, 0), int(seq))
    return seqs


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.sampled(one_in=2)
def test_a_killed_engine_loses_nothing_that_was_acknowledged(tmp_path: Path, seed: int) -> None:
    """SIGKILL at a random moment: acknowledged is a subset of the file, seq is contiguous, the chain is right."""
    path = tmp_path / "runs.db"
    moment = random.Random(seed).randint(1, 400)
    with spawn(path, runs=1 + seed % 8, steps=400) as process:
        lines = [output_of(process).readline() for _ in range(moment)]
        assert all(lines), "it ended by itself"
        process.kill()
        lines += output_of(process).readlines()
    in_file = {run_id: max(seqs) for run_id, seqs in prove(path).items()}
    for run_id, seq in acknowledged(lines).items():
        assert in_file[run_id] >= seq

    with Reader.open(path) as reader:
        (engine_id,) = reader.run(queries.live_engines())
    assert not is_engine_alive(path, engine_id)
    noted = last_written(Neighbours.of(path).engine_lock(engine_id))
    events = {row.event_no: row.hash for row in all_events(path)}
    # Killed between COMMIT and the note, it lags by a batch; it never runs ahead.
    assert noted is not None
    assert events[noted.event_no] == noted.hash


def test_four_processes_write_to_one_file(tmp_path: Path) -> None:
    """Nothing is lost, and nobody is told that the database is locked."""
    path = tmp_path / "runs.db"
    processes = [spawn(path, runs=3, steps=40) for _ in range(4)]
    lines: list[str] = []
    for process in processes:
        with process:
            lines += output_of(process).readlines()
        assert process.returncode == 0
    expected = dict.fromkeys(acknowledged(lines), 2 + 3 * 40)
    assert len(expected) == 12
    assert acknowledged(lines) == expected
    assert {run_id: max(seqs) for run_id, seqs in prove(path).items()} == expected
    with Reader.open(path) as reader:
        engines = reader.run(queries.live_engines())
    assert len(engines) == 4
    assert lost_engines(path, engines) == frozenset(engines)


def test_a_killed_engine_does_not_hold_up_the_next(tmp_path: Path) -> None:
    """The locks of a process end with it, whatever it was doing."""
    path = tmp_path / "runs.db"
    with spawn(path, runs=4, steps=400) as killed:
        assert output_of(killed).readline()
        with spawn(path, runs=1, steps=5) as other:
            assert output_of(other).readline()
            killed.kill()
            output_of(killed).read()
            output_of(other).read()
        assert other.returncode == 0
    prove(path)

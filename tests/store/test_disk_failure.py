"""A disk that fails: nothing is acknowledged from then on, and what was acknowledged before is in the file. A quota is no failure."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from engine.model.event import EventKind
from store import queries
from store.reader import Reader
from tests.store.proving import prove
from tests.store.test_crash import acknowledged
from tests.store.test_database import make

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def strace() -> str:
    """The tool that lets system calls fail, where it is there and may be used."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed")
    tried = subprocess.run([found, "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"strace may not be used here: {tried.stderr.strip()}")
    return found


@pytest.mark.long
@pytest.mark.parametrize("when", [20, 21, 22, 35, 60])
def test_an_error_on_sync_ends_all_acknowledging(tmp_path: Path, strace: str, when: int) -> None:
    """From the failing call on every sync fails, and the engine says so; the file is whole."""
    path = tmp_path / "runs.db"
    inject = f"inject=fdatasync:error=EIO:when={when}+"
    engine = [sys.executable, "-m", "tests.store.engine_process", str(path), "1", "400"]
    process = subprocess.run(
        [strace, "-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", inject, *engine],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert process.returncode != 0
    assert "the disk failed while writing, so nothing more is acknowledged" in process.stderr
    in_file = {run_id: len(seqs) for run_id, seqs in prove(path).items()}
    said = acknowledged(process.stdout.splitlines(keepends=True))
    for run_id, seq in said.items():
        assert seq <= in_file[run_id]
    assert sum(said.values()) < 1202


@pytest.mark.long
def test_one_error_on_sync_is_enough(tmp_path: Path, strace: str) -> None:
    """A later sync that succeeds proves nothing of what the earlier one lost."""
    path = tmp_path / "runs.db"
    engine = [sys.executable, "-m", "tests.store.engine_process", str(path), "1", "400"]
    process = subprocess.run(
        [strace, "-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=40", *engine],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert process.returncode != 0
    assert "nothing more is acknowledged" in process.stderr
    assert sum(acknowledged(process.stdout.splitlines(keepends=True)).values()) < 60
    prove(path)


@pytest.mark.parametrize("when", ["50..60", pytest.param("70..110", marks=pytest.mark.long)])
@pytest.mark.long
def test_a_used_up_quota_pauses_the_run_and_it_goes_on(tmp_path: Path, strace: str, when: str) -> None:
    """SQLite calls it a failing disk; to the run it is a full one."""
    path = tmp_path / "runs.db"
    make(path)
    engine = [sys.executable, "-m", "tests.store.engine_process", str(path), "1", "20"]
    inject = f"inject=pwrite64:error=EDQUOT:when={when}"
    process = subprocess.run(
        [strace, "-f", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", inject, *engine],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert process.returncode == 0, process.stderr
    ((run_id, said),) = acknowledged(process.stdout.splitlines(keepends=True)).items()
    assert said == 62
    with Reader.open(path) as reader:
        events = reader.run(queries.events_page(run_id, limit=1000))
    turns = [event for event in events if event.kind in (EventKind.RUN_PAUSED, EventKind.RUN_RESUMED)]
    assert [event.kind for event in turns] == [EventKind.RUN_PAUSED, EventKind.RUN_RESUMED]
    assert json.loads(turns[0].data)["reason"] == "storage"
    assert len(events) - len(turns) == 62
    prove(path)


def test_a_file_that_no_quota_leaves_room_for_is_a_full_disk(tmp_path: Path, strace: str) -> None:
    path = tmp_path / "runs.db"
    engine = [sys.executable, "-m", "tests.store.engine_process", str(path), "1", "1"]
    process = subprocess.run(
        [strace, "-f", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", "inject=pwrite64:error=EDQUOT", *engine],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert process.returncode != 0
    assert "DiskFullError" in process.stderr
    assert not path.exists()


def test_writes_that_fail_where_there_is_room_are_a_failing_disk(tmp_path: Path, strace: str) -> None:
    path = tmp_path / "runs.db"
    make(path)
    engine = [sys.executable, "-m", "tests.store.engine_process", str(path), "1", "20"]
    process = subprocess.run(
        [strace, "-f", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", "inject=pwrite64:error=EIO:when=50+", *engine],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert process.returncode != 0
    assert "the disk failed while writing, so nothing more is acknowledged" in process.stderr
    prove(path)

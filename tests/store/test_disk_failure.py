"""A disk that fails: nothing is acknowledged from then on, and what was acknowledged before is in the file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.store.proving import prove
from tests.store.test_crash import acknowledged

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

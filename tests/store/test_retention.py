"""When the disk is worth a warning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from store.retention import DiskState, DiskTrouble, Retention, disk_state, disk_warnings
from tests.store.whole_file import record

if TYPE_CHECKING:
    from pathlib import Path

GB = 10**9
EVERYDAY = DiskState(total_bytes=100 * GB, free_bytes=60 * GB, file_bytes=GB // 2, log_bytes=0)


@pytest.mark.parametrize(
    ("state", "troubles"),
    [
        (EVERYDAY, []),
        (DiskState(100 * GB, 20 * GB + 1, GB, 0), []),
        (DiskState(100 * GB, 20 * GB, GB, 0), [DiskTrouble.NEARLY_FULL]),
        (DiskState(100 * GB, 0, GB, 0), [DiskTrouble.NEARLY_FULL]),
        (DiskState(100 * GB, 60 * GB, 3 * GB, 0), [DiskTrouble.LARGE_FILE]),
        (DiskState(100 * GB, 60 * GB, 2 * GB, 0), []),
        (DiskState(2 * GB, GB, GB // 2, 0), [DiskTrouble.LARGE_SHARE]),
        (DiskState(100 * GB, 60 * GB, GB // 2, 65 << 20), [DiskTrouble.LARGE_LOG]),
        (DiskState(0, 0, 0, 0), []),
    ],
)
def test_what_is_worth_a_warning(state: DiskState, troubles: list[DiskTrouble]) -> None:
    found = disk_warnings(state)
    assert [warning.trouble for warning in found] == troubles
    assert all(warning.message and warning.hint for warning in found)


def test_the_hint_is_one_that_helps() -> None:
    (by_others,) = disk_warnings(DiskState(100 * GB, 10 * GB, GB, 0))
    (by_runs,) = disk_warnings(DiskState(100 * GB, 10 * GB, 19 * GB, 0), Retention(size_bytes=None))
    assert by_others.hint == "make room on it"
    assert "opscope prune" in by_runs.hint


def test_another_limit() -> None:
    state = DiskState(100 * GB, 60 * GB, 3 * GB, 0)
    assert disk_warnings(state, Retention(size_bytes=5 * GB)) == ()
    assert disk_warnings(state, Retention(size_bytes=None)) == ()


def test_what_the_disk_says(tmp_path: Path) -> None:
    recorded = record(tmp_path / "runs.db")
    state = disk_state(recorded.path)
    assert state.file_bytes == recorded.path.stat().st_size
    assert 0 < state.free_bytes <= state.total_bytes
    assert 0 <= state.used_percent <= 100

"""Prune: old runs and what only they needed are gone, everything else is there and sound."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from store import queries
from store.analyses import save_analysis
from store.errors import NoDatabaseError
from store.exchange.importing import import_file
from store.exclusive import run_exclusively
from store.integrity.verify import verify
from store.location import Neighbours
from store.prune import leaned_on, plan_prune, prune
from store.reader import Reader
from store.retention import DAY_US, Retention
from store.writer import open_writer
from tests.store.building import NOW_US
from tests.store.whole_file import exported, real_creation, record, record_runs

if TYPE_CHECKING:
    from pathlib import Path

BY_AGE = Retention(30 * DAY_US, None)


def run_ids(path: Path) -> set[str]:
    with Reader.open(path) as reader:
        return {row.run_id for row in reader.run(queries.runs_page(limit=1000))}


def rows_of(path: Path, run_id: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%run_id%'"
            )
        ]
        return sum(
            connection.execute(f"SELECT count(*) FROM {table} WHERE run_id = ?", (run_id,)).fetchone()[0]
            for table in tables
        )


def test_old_runs_go(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    old, edge, new = record_runs(path, 3, at_us=[NOW_US - 40 * DAY_US, NOW_US - 30 * DAY_US, NOW_US])
    planned = plan_prune(path, BY_AGE, now_us=NOW_US)
    assert ([run.run_id for run in planned.runs], planned.kept) == ([old], 2)
    assert run_ids(path) == {old, edge, new}
    pruned = prune(path, BY_AGE, now_us=NOW_US)
    assert [run.run_id for run in pruned.runs] == [old]
    assert run_ids(path) == {edge, new}
    assert rows_of(path, old) == 0
    assert verify(path).findings == ()
    assert prune(path, BY_AGE, now_us=NOW_US).runs == ()


def test_the_baseline_of_a_kept_comparison_stays_as_long_as_what_it_was_compared_with(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    old = [NOW_US - 40 * DAY_US - number for number in range(3)]
    base, other, failed, candidate = record_runs(path, 4, at_us=[*old, NOW_US])
    save_analysis(
        path,
        {
            "verdict": "suspect",
            "score": None,
            "baseline": [base],
            "baseline_failed": [failed],
            "candidates": [candidate],
        },
    )
    prune(path, BY_AGE, now_us=NOW_US)
    assert run_ids(path) == {base, failed, candidate}
    assert other not in run_ids(path)
    prune(path, BY_AGE, now_us=NOW_US + 40 * DAY_US)
    assert run_ids(path) == set()


def test_the_last_run_of_a_plan_takes_it_along(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    record_runs(path, 2, at_us=[NOW_US - 40 * DAY_US, NOW_US])
    assert prune(path, BY_AGE, now_us=NOW_US).plans == 0
    assert prune(path, BY_AGE, now_us=NOW_US + 50 * DAY_US).plans == 1
    assert run_ids(path) == set()
    assert verify(path).findings == ()


def test_the_oldest_go_until_the_rest_fits(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    ids = record_runs(path, 12, at_us=[NOW_US + number for number in range(12)])
    whole = path.stat().st_size
    pruned = prune(path, Retention(None, whole * 2 // 3), now_us=NOW_US)
    gone = [run.run_id for run in pruned.runs]
    assert 1 <= len(gone) < 12
    assert gone == ids[: len(gone)]
    assert path.stat().st_size < whole
    assert pruned.freed_bytes > 0
    assert verify(path).findings == ()
    assert prune(path, Retention(None, None), now_us=NOW_US).runs == ()


def test_the_room_goes_back_to_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    record_runs(path, 30, at_us=[NOW_US - 60 * DAY_US] * 30)
    before = path.stat().st_size
    pruned = prune(path, BY_AGE, now_us=NOW_US)
    assert len(pruned.runs) == 30
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)
    assert path.stat().st_size < before // 2
    assert pruned.freed_bytes >= before - path.stat().st_size


def test_a_run_that_is_not_over_stays(tmp_path: Path) -> None:
    """Even if its engine is gone for years: what is to become of it is for a person to say."""
    path = tmp_path / "runs.db"
    (live,) = record_runs(path, 1, at_us=[NOW_US - 400 * DAY_US], unfinished=True)
    assert prune(path, Retention(0, 0), now_us=NOW_US).runs == ()
    assert run_ids(path) == {live}


def test_an_imported_run_counts_from_its_import(tmp_path: Path) -> None:
    made, path = tmp_path / "made.db", tmp_path / "runs.db"
    (finished,) = record_runs(made, 1, at_us=[NOW_US - 400 * DAY_US])
    (unfinished,) = record_runs(made, 1, at_us=[NOW_US - 400 * DAY_US], unfinished=True)
    for run_id in (finished, unfinished):
        (tmp_path / "run.json").write_text(exported(made, run_id))
        import_file(tmp_path / "run.json", path, now_us=NOW_US)
    assert prune(path, BY_AGE, now_us=NOW_US + 29 * DAY_US).runs == ()
    pruned = prune(path, BY_AGE, now_us=NOW_US + 31 * DAY_US).runs
    assert {run.run_id for run in pruned} == {finished, unfinished}
    assert all(run.is_imported for run in pruned)
    assert rows_of(path, finished) == 0


def test_a_kept_run_keeps_its_family(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    old = [NOW_US - 60 * DAY_US] * 4
    parent, child, stranger, grandchild = record_runs(path, 4, at_us=old)
    (fresh,) = record_runs(path, 1, at_us=[NOW_US])
    with closing(sqlite3.connect(path)) as connection:
        for run_id, of in ((child, parent), (grandchild, child), (fresh, grandchild)):
            connection.execute("UPDATE runs SET parent_run_id = ? WHERE run_id = ?", (of, run_id))
        connection.commit()
        assert leaned_on(connection, {fresh}) == {parent, child, grandchild}
        assert leaned_on(connection, {stranger}) == frozenset()
    assert [run.run_id for run in prune(path, BY_AGE, now_us=NOW_US).runs] == [stranger]


async def test_an_engine_at_work_is_not_disturbed(tmp_path: Path) -> None:
    import asyncio

    path = tmp_path / "runs.db"
    await asyncio.to_thread(record_runs, path, 3, at_us=[NOW_US - 60 * DAY_US] * 3)
    async with open_writer(path) as writer:
        created = real_creation(writer.engine_id)
        await writer.create_run(created)
        pruned = await asyncio.to_thread(prune, path, BY_AGE, now_us=NOW_US)
        assert len(pruned.runs) == 3
        from tests.store.building import whole_run

        for portion in whole_run(2):
            await writer.append(created.run_id, portion)
    assert run_ids(path) == {created.run_id}
    assert verify(path).findings == ()


def aged(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_what_dead_engines_left_goes_too(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    (old,) = record_runs(path, 1, at_us=[NOW_US - 60 * DAY_US])
    folder = Neighbours.of(path).folder
    (dead,) = folder.glob("engine-*.lock")
    dead.with_suffix(".sock").touch()
    (folder / f"host-{old}.log").write_text("x" * 1000)
    (folder / "host-of-another-run.log").write_text("x")
    recorded = record(path)
    (fresh,) = set(folder.glob("engine-*.lock")) - {dead}
    aged(dead, 3600)
    pruned = prune(path, BY_AGE, now_us=NOW_US)
    assert [run.run_id for run in pruned.runs] == [old]
    assert pruned.files == 3
    # An engine that is only just starting has its file, but not its lock yet.
    assert sorted(path.name for path in folder.iterdir()) == sorted([fresh.name, "host-of-another-run.log", "reserve"])
    assert run_ids(path) == {recorded.succeeded, recorded.failed}


async def test_the_lock_of_a_live_engine_stays(tmp_path: Path) -> None:
    import asyncio

    path = tmp_path / "runs.db"
    async with open_writer(path) as writer:
        lock = Neighbours.of(path).engine_lock(writer.engine_id)
        aged(lock, 90 * 86_400)
        await asyncio.to_thread(prune, path, BY_AGE)
        assert lock.exists()


def test_evidence_of_a_lost_tail_stays_for_a_while(tmp_path: Path) -> None:
    mine, other = record(tmp_path / "mine.db"), record(tmp_path / "other.db")
    mine.path.write_bytes(other.path.read_bytes())
    (lock,) = Neighbours.of(mine.path).folder.glob("engine-*.lock")
    aged(lock, 3600)
    prune(mine.path, BY_AGE, now_us=NOW_US)
    assert len(verify(mine.path).findings) == 1
    aged(lock, 31 * 86_400)
    prune(mine.path, BY_AGE, now_us=NOW_US)
    assert verify(mine.path).findings == ()


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(NoDatabaseError):
        prune(tmp_path / "missing.db")
    assert list(tmp_path.iterdir()) == []


def test_a_stop_in_the_middle_leaves_a_sound_file(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    ids = record_runs(path, 60, at_us=[NOW_US - 60 * DAY_US] * 60)

    def stop(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prune(path, BY_AGE, now_us=NOW_US, tell=stop)
    left = run_ids(path)
    assert 0 < len(left) < len(ids)
    assert verify(path).findings == ()
    assert run_exclusively(
        path, lambda connection: connection.execute("SELECT count(*) FROM runs").fetchone()[0]
    ) == len(left)

"""One-shot work under the write lock: alone, bounded in its waiting, and never half done."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from engine.errors import StoreError
from store import exclusive
from store.errors import BusyDatabaseError, ForeignDatabaseError, NoDatabaseError
from store.exclusive import keep_copy, run_exclusively
from store.integrity.verify import verify
from store.location import Neighbours
from store.write_lock import WriteLock
from tests.store.whole_file import record

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM runs").fetchone()[0])


def test_the_answer_comes_back(tmp_path: Path) -> None:
    assert run_exclusively(record(tmp_path / "runs.db").path, count) == 2


def test_an_error_comes_back_and_nothing_stays(tmp_path: Path) -> None:
    path = record(tmp_path / "runs.db").path

    def half(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("DELETE FROM runs")
        raise LookupError("no")

    with pytest.raises(LookupError):
        run_exclusively(path, half)
    assert run_exclusively(path, count) == 2
    with pytest.raises(StoreError, match="no such table"):
        run_exclusively(path, lambda connection: connection.execute("DELETE FROM missing"))


def test_the_file_is_made_only_where_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "runs.db"
    with pytest.raises(NoDatabaseError):
        run_exclusively(path, count)
    assert not path.parent.exists()
    assert run_exclusively(path, count, make=True) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("something else entirely\n" * 100)
    with pytest.raises(ForeignDatabaseError):
        run_exclusively(path, count, make=True)


def test_waiting_is_told_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = record(tmp_path / "runs.db").path
    monkeypatch.setattr(exclusive, "NOTICE_AFTER_SEC", 0.01)
    told: list[str] = []
    done: list[bool] = []
    lock = WriteLock(Neighbours.of(path).write_lock)
    with lock.held():
        with pytest.raises(BusyDatabaseError, match=r"gave up after 0\.05 s of waiting for the file, held by pid"):
            run_exclusively(path, lambda _: done.append(True), on_wait=told.append, give_up_sec=0.05)
        assert [text.startswith("waiting for the file, held by pid ") for text in told] == [True]
    # Whoever gave up does not come back later.
    assert run_exclusively(path, count) == 2
    assert done == []
    lock.close()


def test_it_goes_on_when_the_lock_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = record(tmp_path / "runs.db").path
    monkeypatch.setattr(exclusive, "NOTICE_AFTER_SEC", 0.01)
    lock = WriteLock(Neighbours.of(path).write_lock)
    may_go = threading.Event()

    def hold() -> None:
        with lock.held():
            holding.set()
            may_go.wait(10)

    holding = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait(10)
    assert run_exclusively(path, count, on_wait=lambda _: may_go.set()) == 2
    holder.join()
    lock.close()


def test_a_copy_is_whole_and_private(tmp_path: Path) -> None:
    path = record(tmp_path / "runs.db").path
    copy = run_exclusively(path, lambda connection: keep_copy(connection, path, "before-x"))
    assert copy.name.startswith("runs.db.before-x-")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert verify(copy).runs == 2

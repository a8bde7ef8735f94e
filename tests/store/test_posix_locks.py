"""Locks and liveness with real processes: who holds what, and that asking never lets go."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from engine.errors import StoreError
from store.engine_lock import EngineLock, LastWritten, last_written
from store.liveness import is_engine_alive, lost_engines
from store.location import Neighbours
from store.posix_locks import close_lock_file, holder_of, open_lock_file
from store.write_lock import WriteLock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from store.posix_locks import LockFile

ENGINE = """
import sys
from pathlib import Path
from store.engine_lock import EngineLock
from store.location import Neighbours
lock = EngineLock(Neighbours.of(Path(sys.argv[1])), sys.argv[2])
print("alive", flush=True)
sys.stdin.read()
"""

ASK = """
import sys
from pathlib import Path
from store.posix_locks import holder_of
print(holder_of(Path(sys.argv[1])))
"""


def asked_elsewhere(path: Path) -> str:
    """Who holds the lock, as another process sees it."""
    return subprocess.run(
        [sys.executable, "-c", ASK, str(path)], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "runs.db"
    Neighbours.of(path).folder.mkdir()
    return path


@pytest.fixture
def lock_file(tmp_path: Path) -> Iterator[LockFile]:
    opened = open_lock_file(tmp_path / "a.lock")
    yield opened
    close_lock_file(opened)


def test_a_file_is_opened_once_a_process(lock_file: LockFile) -> None:
    again = open_lock_file(lock_file.path)
    assert again is lock_file
    close_lock_file(again)
    os.fstat(lock_file.descriptor)


def test_another_name_of_it_is_the_same_file(lock_file: LockFile, tmp_path: Path) -> None:
    os.link(lock_file.path, tmp_path / "b.lock")
    again = open_lock_file(tmp_path / "b.lock")
    assert again is lock_file
    close_lock_file(again)


def test_asking_in_the_process_that_holds_it_does_not_let_go(lock_file: LockFile) -> None:
    """The trap: opening and closing the file a second time would drop the lock without a word."""
    with lock_file.turn:
        assert lock_file.try_lock()
    for _ in range(3):
        assert holder_of(lock_file.path) == os.getpid()
    assert asked_elsewhere(lock_file.path) == str(os.getpid())
    with lock_file.turn:
        lock_file.unlock()
    assert asked_elsewhere(lock_file.path) == "None"
    assert holder_of(lock_file.path) is None


def test_it_does_not_reach_a_child(lock_file: LockFile) -> None:
    assert not os.get_inheritable(lock_file.descriptor)


def test_a_child_by_fork_does_not_believe_that_it_holds_it(lock_file: LockFile) -> None:
    with lock_file.turn:
        assert lock_file.try_lock()
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom store.posix_locks import holder_of, open_lock_file\n"
        "path = Path(sys.argv[1])\nlock = open_lock_file(path)\n"
        "with lock.turn:\n    lock.lock()\n"
        "parent = os.getpid()\nchild = os.fork()\n"
        "if child == 0:\n    os._exit(0 if holder_of(path) == parent else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    other = lock_file.path.with_name("fork.lock")
    assert subprocess.run([sys.executable, "-c", script, str(other)], check=False).returncode == 0


def test_nobody_holds_what_is_not_there(tmp_path: Path) -> None:
    assert holder_of(tmp_path / "nothing.lock") is None
    assert not (tmp_path / "nothing.lock").exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link.lock").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic links"):
        open_lock_file(tmp_path / "link.lock")
    assert not (tmp_path / "target").exists()


# The write lock


def test_threads_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    """The kernel would let them all in: such locks belong to the process. A counter in a file would miss some."""
    counter = os.open(tmp_path / "counter", os.O_RDWR | os.O_CREAT)
    begin = threading.Barrier(4)

    def work() -> None:
        lock = WriteLock(tmp_path / "runs.db.write.lock")
        begin.wait()
        for _ in range(500):
            with lock.held():
                seen = int(os.pread(counter, 20, 0) or b"0")
                os.sched_yield()
                os.pwrite(counter, b"%d" % (seen + 1), 0)
        lock.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.pread(counter, 20, 0) == b"2000"
    os.close(counter)


def test_the_holder_is_named(tmp_path: Path) -> None:
    lock = WriteLock(tmp_path / "w.lock")
    assert lock.holder() is None
    with lock.held():
        assert lock.holder() == os.getpid()
    lock.close()


def test_a_lock_file_that_was_removed_is_met_again_at_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "w.lock"
    lock = WriteLock(path)
    path.unlink()
    with lock.held():
        assert asked_elsewhere(path) == str(os.getpid())
    lock.close()


# Engines


def test_an_engine_is_alive_exactly_as_long_as_its_process(database: Path) -> None:
    engine = subprocess.Popen(
        [sys.executable, "-c", ENGINE, str(database), "e1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with engine:
        assert engine.stdout is not None
        assert engine.stdout.readline() == b"alive\n"
        for _ in range(3):
            assert is_engine_alive(database, "e1")
        assert lost_engines(database, ["e1", "e2"]) == {"e2"}
        engine.kill()
        engine.wait()
    assert not is_engine_alive(database, "e1")
    assert lost_engines(database, ["e1"]) == {"e1"}


def test_an_engine_of_this_process_is_alive_and_stays_so_when_asked(database: Path) -> None:
    lock = EngineLock(Neighbours.of(database), "mine")
    assert is_engine_alive(database, "mine")
    assert asked_elsewhere(Neighbours.of(database).engine_lock("mine")) == str(os.getpid())
    lock.close()
    assert not is_engine_alive(database, "mine")


def test_an_engine_is_there_once(database: Path) -> None:
    lock = EngineLock(Neighbours.of(database), "mine")
    with pytest.raises(StoreError, match="running already"):
        EngineLock(Neighbours.of(database), "mine")
    assert is_engine_alive(database, "mine")
    lock.close()


def test_the_last_commit_is_known_after_the_engine(database: Path) -> None:
    lock = EngineLock(Neighbours.of(database), "mine")
    path = Neighbours.of(database).engine_lock("mine")
    size = path.stat().st_size
    lock.record(41, "ab" * 32)
    lock.record(9, "cd" * 32)
    lock.close()
    assert last_written(path) == LastWritten(9, "cd" * 32)
    assert path.stat().st_size == size


def test_an_engine_that_wrote_nothing_says_nothing(database: Path) -> None:
    EngineLock(Neighbours.of(database), "mine").close()
    assert last_written(Neighbours.of(database).engine_lock("mine")) is None
    assert last_written(database / "missing") is None

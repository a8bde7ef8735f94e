"""File steps on real disks: all or nothing, whatever is in the way, runs full, or is stopped in the middle."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.model.bound import BoundFile
from engine.model.states import OutputFormat, Reason, StepStatus
from engine.steps.local import LocalExecutor
from engine.steps.secrets import SecretBox
from engine.steps.supervisor import StopTiming
from tests.engine.steps.support import RecordingObserver, RunningClock, attempt, open_descriptors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.model.result import AttemptOutcome

pytestmark = pytest.mark.sampled(one_in=4, of_file=True)

OK = StepStatus.SUCCEEDED


async def do(folder: Path, action: str, path: str, to: str | None = None, **fields: Any) -> Any:
    """Run the action in `folder` and give its outcome; no descriptor, draft or thread is left of it."""
    before, threads = open_descriptors(), threading.active_count()
    number, timeout_sec = fields.pop("attempt", 1), fields.pop("timeout_sec", 30.0)
    output = fields.pop("output", OutputFormat.JSON)
    spec = attempt(BoundFile(action, path, to, **fields), folder, output=output, timeout_sec=timeout_sec)
    observer = RecordingObserver()
    executor = LocalExecutor(SecretBox({"name": "s3cr3t-name"}), RunningClock(), timing=StopTiming(grace_sec=5.0))
    outcome = await executor.run(replace(spec, attempt=number), observer)
    assert observer.processes == [None]
    assert (open_descriptors(), threading.active_count()) == (before, threads)
    assert drafts(folder) == []
    return outcome


def drafts(folder: Path) -> list[str]:
    """What is left of files that were being made."""
    return sorted(str(path) for path in folder.rglob(".opscope-*"))


def failure(outcome: AttemptOutcome) -> str:
    """The message of an action that failed as actions do."""
    assert (outcome.status, outcome.reason, outcome.data) == (StepStatus.FAILED, Reason.FILE_FAILED, None), outcome
    return outcome.message


def sha256(content: bytes) -> str:
    """The checksum."""
    return hashlib.sha256(content).hexdigest()


def tree(folder: Path) -> dict[str, object]:
    """All that is in a folder: content, link target or mode by relative path."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        elif path.is_dir():
            found[name] = ("folder", stat.S_IMODE(path.stat().st_mode))
        else:
            found[name] = (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
    return found


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than `tmp_path`."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev or not os.access(shared, os.W_OK):
        pytest.skip("there is no second file system to write to")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("this user may not mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


# Write


async def test_write(tmp_path: Path) -> None:
    outcome = await do(tmp_path, "write", "note.txt", content="h\u00e9llo\n")
    content = "h\u00e9llo\n".encode()
    assert (outcome.status, outcome.message, outcome.exit_code) == (OK, "", None)
    assert outcome.data == {"path": f"{tmp_path}/note.txt", "bytes": 7, "sha256": sha256(content)}
    assert outcome.counts == {"bytes": 7}
    assert (tmp_path / "note.txt").read_bytes() == content
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "note.txt").stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("mode", [0o600, 0o755, 0o4755])
async def test_write_with_a_mode(tmp_path: Path, mode: int) -> None:
    await do(tmp_path, "write", "x", content="", mode=mode)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == mode


async def test_write_refuses_what_is_there_and_replaces_it_if_told(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")
    (tmp_path / "x").chmod(0o640)
    assert failure(await do(tmp_path, "write", "x", content="new")) == (
        f"{tmp_path}/x is there already; set overwrite: true if it is to be replaced"
    )
    assert (tmp_path / "x").read_text() == "old"
    assert (await do(tmp_path, "write", "x", content="new", overwrite=True)).status is OK
    assert ((tmp_path / "x").read_text(), stat.S_IMODE((tmp_path / "x").stat().st_mode)) == ("new", 0o640)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_a_replaced_file_keeps_its_owner(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")
    os.chown(tmp_path / "x", 1234, 5678)
    await do(tmp_path, "write", "x", content="new", overwrite=True)
    found = (tmp_path / "x").stat()
    assert (found.st_uid, found.st_gid) == (1234, 5678)


async def test_readers_see_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    """A reader that has the old file open keeps it: nothing is written into what is there."""
    (tmp_path / "x").write_text("old")
    with (tmp_path / "x").open() as reader:
        await do(tmp_path, "write", "x", content="new", overwrite=True)
        assert reader.read() == "old"


@pytest.mark.parametrize("overwrite", [False, True])
async def test_a_link_at_the_target_is_not_followed(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "victim").write_text("safe")
    (tmp_path / "x").symlink_to("victim")
    outcome = await do(tmp_path, "write", "x", content="new", overwrite=overwrite)
    assert (tmp_path / "victim").read_text() == "safe"
    assert (outcome.status is OK) is overwrite
    assert (tmp_path / "x").is_symlink() is not overwrite


async def test_a_link_to_nowhere_counts_as_there(tmp_path: Path) -> None:
    (tmp_path / "x").symlink_to("gone")
    assert "is there already" in failure(await do(tmp_path, "write", "x", content="new"))


async def test_the_content_has_to_have_the_checksum(tmp_path: Path) -> None:
    bad = await do(tmp_path, "write", "x", content="a", expect="0" * 64)
    assert failure(bad).startswith(f"{tmp_path}/x has the sha256 {sha256(b'a')}, expected 000")
    assert not (tmp_path / "x").exists()
    assert (await do(tmp_path, "write", "x", content="a", expect=f" {sha256(b'a').upper()} ")).status is OK


# Copy


async def test_copy(tmp_path: Path) -> None:
    content = os.urandom(3_000_001)
    source = tmp_path / "a"
    source.write_bytes(content)
    source.chmod(0o4751)
    os.utime(source, ns=(1_000_000_000, 2_000_000_000))
    outcome = await do(tmp_path, "copy", "a", "b")
    assert outcome.data == {
        "path": f"{tmp_path}/a",
        "to": f"{tmp_path}/b",
        "bytes": 3_000_001,
        "sha256": sha256(content),
    }
    copy = tmp_path / "b"
    assert copy.read_bytes() == source.read_bytes() == content
    # Its bits, but never the right to become somebody else.
    assert (stat.S_IMODE(copy.stat().st_mode), copy.stat().st_mtime_ns) == (0o751, 2_000_000_000)


async def test_copy_of_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    outcome = await do(tmp_path, "copy", "a", "b", mode=0o600)
    assert (outcome.data["bytes"], stat.S_IMODE((tmp_path / "b").stat().st_mode)) == (0, 0o600)


async def test_copy_follows_the_link_that_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("x")
    (tmp_path / "a").symlink_to("real")
    await do(tmp_path, "copy", "a", "b")
    assert not (tmp_path / "b").is_symlink()
    assert (tmp_path / "b").read_text() == "x"


async def test_copy_of_a_tree(tmp_path: Path) -> None:
    source = tmp_path / "a"
    (source / "sub" / "empty").mkdir(parents=True)
    (source / "sub" / "f").write_text("file")
    (source / "run").write_text("#!")
    (source / "run").chmod(0o755)
    (source / "link").symlink_to("sub/f")
    (source / "dangling").symlink_to("/no/such/place")
    (source / "out").symlink_to("..")
    (source / "sub").chmod(0o555)
    os.utime(source / "sub", ns=(0, 5_000_000_000))
    outcome = await do(tmp_path, "copy", "a", "b")
    assert outcome.data == {"path": f"{tmp_path}/a", "to": f"{tmp_path}/b", "bytes": 6, "files": 2}
    assert outcome.counts == {"bytes": 6, "files": 2}
    assert tree(tmp_path / "b") == tree(source)
    assert (tmp_path / "b" / "sub").stat().st_mtime_ns == 5_000_000_000


@pytest.mark.long
async def test_what_cannot_be_copied(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    os.mkfifo(tmp_path / "tree" / "pipe")
    (tmp_path / "tree" / "f").touch()
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(tmp_path / "sock"))
    cases = [
        (("tree", "b"), "tree/pipe is neither a file nor a folder nor a link"),
        (("tree/pipe", "b"), "tree/pipe is no regular file, but a device, a pipe or a socket; name a file"),
        (("/dev/zero", "b"), "/dev/zero is no regular file"),
        (("sock", "b"), f"{tmp_path}/sock: No such device or address"),
        (("gone", "b"), f"there is no {tmp_path}/gone; correct the path"),
        (("tree/f", "no/b"), f"there is no folder {tmp_path}/no; create it first"),
        (("tree/f", "tree/f/b"), f"{tmp_path}/tree/f/b is no path that can be used: Not a directory; correct it"),
        (("tree/f", "tree"), f"{tmp_path}/tree is a folder, which is never replaced"),
        (("tree/f", "tree/f"), "is there already"),
        (("tree", "tree/inner"), f"{tmp_path}/tree/inner is inside of {tmp_path}/tree"),
        (("a\0b", "b"), "a path has a NUL character in it"),
        (("tree/f", "x" * 300), "is no path that can be used: File name too long"),
    ]
    for (path, to), words in cases:
        assert words in failure(await do(tmp_path, "copy", path, to)), (path, to)
    assert not (tmp_path / "b").exists()
    same = await do(tmp_path, "copy", "tree/f", "tree/f", overwrite=True)
    assert "are the same file" in failure(same)
    assert "is missing" in failure(await do(tmp_path, "copy", "tree/f"))


@pytest.mark.parametrize("action", ["write", "copy", "move"])
async def test_what_is_no_file_is_never_replaced(tmp_path: Path, action: str) -> None:
    """As root, one word in a plan could put a file in the place of /dev/null."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a").write_text("x")
    path, to = ("pipe", None) if action == "write" else ("a", "pipe")
    outcome = await do(tmp_path, action, path, to, overwrite=True, content="x")
    assert failure(outcome) == (
        f"{tmp_path}/pipe is a device, a pipe or a socket, which is never replaced; name another place"
    )
    assert (tmp_path / "pipe").is_fifo()


async def test_a_folder_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("folder", "file"):
        (tmp_path / name).mkdir() if name == "folder" else (tmp_path / name).touch()
        for action in ("copy", "move"):
            assert "a folder replaces nothing" in failure(await do(tmp_path, action, "a", name, overwrite=True))
    assert (tmp_path / "a").is_dir()


async def test_a_file_that_changes_while_it_is_copied_is_no_copy(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(bytes(1 << 20))
    begun, stop = threading.Event(), threading.Event()

    def grow() -> None:
        with source.open("ab") as file:
            while not stop.is_set():
                file.write(b"x" * 4096)
                file.flush()
                begun.set()

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        assert begun.wait(30)  # its descriptor is one of those that are open before
        outcome = await do(tmp_path, "copy", "a", "b", timeout_sec=60)
    finally:
        stop.set()
        writer.join()
    assert "was changed while it was read" in failure(outcome)
    assert not (tmp_path / "b").exists()


# Move


async def test_move(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    inode = (tmp_path / "a").stat().st_ino
    outcome = await do(tmp_path, "move", "a", "b", mode=0o640)
    assert outcome.data == {"path": f"{tmp_path}/a", "to": f"{tmp_path}/b", "bytes": 1}
    assert ((tmp_path / "b").stat().st_ino, (tmp_path / "a").exists()) == (inode, False)
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o640


@pytest.mark.parametrize("overwrite", [False, True])
async def test_move_onto_what_is_there(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "a").write_text("new")
    (tmp_path / "b").write_text("old")
    outcome = await do(tmp_path, "move", "a", "b", overwrite=overwrite)
    assert (outcome.status is OK) is overwrite
    assert (tmp_path / "b").read_text() == ("new" if overwrite else "old")
    assert (tmp_path / "a").exists() is not overwrite


async def test_move_of_links_and_folders(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("x")
    (tmp_path / "l").symlink_to("real")
    (tmp_path / "d").mkdir()
    assert (await do(tmp_path, "move", "l", "l2")).status is OK
    assert (await do(tmp_path, "move", "d", "d2")).status is OK
    assert str((tmp_path / "l2").readlink()) == "real"
    assert (tmp_path / "d2").is_dir()
    assert not (tmp_path / "d").exists()
    assert not (tmp_path / "l").is_symlink()


async def test_what_cannot_be_moved(tmp_path: Path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "f").touch()
    assert "is inside of" in failure(await do(tmp_path, "move", "d", "d/e/x"))
    assert "there is no folder" in failure(await do(tmp_path, "move", "f", "no/x"))
    assert "is a folder" in failure(await do(tmp_path, "move", "f", "d", overwrite=True))
    assert "are the same file" in failure(await do(tmp_path, "move", "f", "f", overwrite=True))
    assert "there is no" in failure(await do(tmp_path, "move", "gone", "x"))
    os.link(tmp_path / "f", tmp_path / "g")
    assert "are the same file" in failure(await do(tmp_path, "move", "f", "g", overwrite=True))
    assert "only a file has a checksum" in failure(await do(tmp_path, "move", "d", "x", expect="0"))


async def test_move_with_a_checksum_that_is_wrong_moves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    assert "expected 00" in failure(await do(tmp_path, "move", "a", "b", expect="00"))
    assert (tmp_path / "a").exists()
    good = await do(tmp_path, "move", "a", "b", expect=sha256(b"x"))
    assert good.data["sha256"] == sha256(b"x")


async def test_move_to_another_disk(tmp_path: Path, other_disk: Path) -> None:
    (tmp_path / "a").write_text("file")
    (tmp_path / "l").symlink_to("nowhere")
    (tmp_path / "d" / "sub").mkdir(parents=True)
    (tmp_path / "d" / "sub" / "f").write_text("inner")
    (tmp_path / "d" / "link").symlink_to("sub")
    before = tree(tmp_path / "d")
    for name in ("a", "l", "d"):
        outcome = await do(tmp_path, "move", name, str(other_disk / name))
        assert outcome.status is OK, outcome.message
        assert not os.path.lexists(tmp_path / name)
    assert (other_disk / "a").read_text() == "file"
    assert str((other_disk / "l").readlink()) == "nowhere"
    assert tree(other_disk / "d") == before
    assert drafts(other_disk) == []


async def test_move_to_another_disk_onto_what_is_there(tmp_path: Path, other_disk: Path) -> None:
    (tmp_path / "a").write_text("new")
    (other_disk / "a").write_text("old")
    refused = await do(tmp_path, "move", "a", str(other_disk / "a"))
    assert "is there already" in failure(refused)
    assert (tmp_path / "a").exists()
    assert (await do(tmp_path, "move", "a", str(other_disk / "a"), overwrite=True)).status is OK
    assert (other_disk / "a").read_text() == "new"


# Checksum


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha1", "md5", "blake2b"])
async def test_checksum(tmp_path: Path, algorithm: str) -> None:
    (tmp_path / "a").write_bytes(b"content")
    expected = hashlib.new(algorithm, b"content").hexdigest()
    outcome = await do(tmp_path, "checksum", "a", algorithm=algorithm, expect=expected)
    assert outcome.data == {"path": f"{tmp_path}/a", "bytes": 7, algorithm: expected}


async def test_checksum_that_is_wrong_or_impossible(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert "it is not the file that was meant" in failure(await do(tmp_path, "checksum", "a", expect="ab"))
    assert "is a folder; name the file in it" in failure(await do(tmp_path, "checksum", "."))
    assert "there is no" in failure(await do(tmp_path, "checksum", "b"))


async def test_data_is_masked_and_may_be_left_out(tmp_path: Path) -> None:
    masked = await do(tmp_path, "write", "s3cr3t-name", content="x")
    assert masked.data["path"] == f"{tmp_path}/***"
    assert (await do(tmp_path, "write", "y", content="x", output=OutputFormat.NONE)).data is None
    assert "***" in failure(await do(tmp_path, "write", "s3cr3t-name", content="x"))


# Full disks and forbidden places


@pytest.mark.parametrize("action", ["write", "copy", "move", "copy tree", "move tree"])
async def test_a_full_disk_changes_nothing(tmp_path: Path, small_disk: Path, action: str) -> None:
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "f").write_bytes(bytes(2 << 20))
    (small_disk / "x").write_text("old")
    verb, _, is_tree = action.partition(" ")
    source = "big" if is_tree else "big/f"
    if verb == "write":
        outcome = await do(small_disk, "write", "x", content="x" * (2 << 20), overwrite=True)
    else:
        target = small_disk / ("y" if is_tree else "x")
        outcome = await do(tmp_path, verb, source, str(target), overwrite=True)
    assert failure(outcome) == f"the disk of {small_disk} is full; nothing was changed, so make room and try again"
    assert tree(small_disk) == {"x": (b"old", 0o644)}
    assert (tmp_path / "big" / "f").stat().st_size == 2 << 20
    # All that was taken meanwhile is free again.
    assert (await do(small_disk, "write", "x", content="x" * (900 << 10), overwrite=True)).status is OK


async def test_a_disk_that_can_only_be_read(tmp_path: Path, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert failure(await do(small_disk, "write", "x", content="a")) == (
        f"the disk of {small_disk} can only be read; name another place"
    )


def test_what_this_user_may_not() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "secret").write_text("x")
        (folder / "secret").chmod(0)
        (folder / "shut").mkdir(mode=0o755)
        if os.geteuid() != 0:
            (folder / "shut").chmod(0o555)  # root's own folder is shut to others anyway
        script = f"""if True:
            import asyncio, json, os, sys
            from pathlib import Path
            from tests.engine.steps.test_file import do
            async def main():
                folder = Path({name!r})
                await do(folder, "write", "warm", content="x")  # loads what another user may not even read
                await do(folder, "checksum", "gone")
                if os.geteuid() == 0:
                    os.setgid(65534); os.setuid(65534)
                one = await do(folder, "checksum", "secret")
                two = await do(folder, "write", "shut/x", content="x")
                print(json.dumps([one.message, two.message]))
            asyncio.run(main())
        """
        done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
        unreadable, shut = json.loads(done.stdout)
    words = "may not be used so by this user; change its permissions, or those of its folder"
    assert unreadable == f"{folder}/secret {words}"
    assert shut == f"{folder}/shut {words}"


# Stopped in the middle


@pytest.fixture
def huge(tmp_path: Path) -> Path:
    """A file that takes long to read and no room: it has nothing in it."""
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    return path


@pytest.mark.parametrize("action", ["copy", "move", "checksum"])
async def test_cancel_in_the_middle_of_a_big_file(tmp_path: Path, huge: Path, other_disk: Path, action: str) -> None:
    before = open_descriptors()
    target = None if action == "checksum" else str(other_disk / "copy")
    spec = attempt(BoundFile(action, "huge", target), tmp_path)
    executor = LocalExecutor(SecretBox(), RunningClock())
    task = asyncio.create_task(executor.run(spec, RecordingObserver()))
    while not _reads(huge):
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert huge.exists()
    assert list(other_disk.iterdir()) == []
    assert open_descriptors() == before
    assert "opscope-file" not in {thread.name for thread in threading.enumerate()}


async def test_the_time_limit_ends_a_copy(tmp_path: Path, huge: Path, other_disk: Path) -> None:
    outcome = await do(tmp_path, "copy", "huge", str(other_disk / "copy"), timeout_sec=0.2)
    assert (outcome.reason, outcome.message) == (Reason.TIMED_OUT, "timed out after 0.2 s; nothing was changed")
    assert list(other_disk.iterdir()) == []


async def test_cancel_at_any_moment_is_all_or_nothing(tmp_path: Path, scaled: Callable[[int], int]) -> None:
    content = os.urandom(300_000)
    (tmp_path / "a").write_bytes(content)
    executor = LocalExecutor(SecretBox(), RunningClock())
    for number in range(scaled(300)):
        spec = attempt(BoundFile("copy", "a", f"b{number}"), tmp_path)
        task = asyncio.create_task(executor.run(spec, RecordingObserver()))
        for _ in range(number % 40):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        copy = tmp_path / f"b{number}"
        assert not copy.exists() or copy.read_bytes() == content
        assert drafts(tmp_path) == []


async def test_what_a_killed_engine_left_is_removed_by_the_next_attempt(tmp_path: Path) -> None:
    """The engine is killed in the middle of a copy; the draft stays, and the resumed step clears it away."""
    (tmp_path / "fifo").touch()
    with (tmp_path / "big").open("wb") as file:
        file.truncate(1 << 40)
    script = f"""if True:
        import asyncio
        from pathlib import Path
        from tests.engine.steps.test_file import do
        asyncio.run(do(Path({str(tmp_path)!r}), "copy", "big", "copy", timeout_sec=600))
    """
    process = subprocess.Popen([sys.executable, "-c", script])
    while not drafts(tmp_path):
        assert process.poll() is None
        await asyncio.sleep(0.01)
    process.kill()
    process.wait()
    assert len(drafts(tmp_path)) == 1
    (tmp_path / "big").write_text("small now")
    assert (await do(tmp_path, "copy", "big", "copy", attempt=2)).status is OK
    assert (tmp_path / "copy").read_text() == "small now"


def _reads(path: Path) -> bool:
    """True if this process has the file open."""
    for number in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if number.readlink() == path:
                return True
    return False


def test_the_words_for_errors_that_are_hard_to_make(tmp_path: Path) -> None:
    from engine.model.step_defs import FileAction
    from engine.steps.file_actions import FileRequest, error_words

    request = FileRequest(FileAction.COPY, tmp_path / "a", tmp_path / "b", b"", False, None, "sha256", None, "m", False)
    assert error_words(OSError(errno.EIO, "Input/output error", "a"), request) == "a: Input/output error"
    assert error_words(OSError(errno.EDQUOT, "x"), request).startswith(f"the disk of {tmp_path} is full")

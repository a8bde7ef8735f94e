"""Copying a file or a tree into a draft, piece by piece, with its checksum. Giving the draft its name is not here."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.steps.file_draft import FileError, create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.steps.blocking import Stopper

_PIECE_BYTES = 1 << 20


@dataclass(slots=True)
class Copied:
    """What has been read: bytes and files, and the checksum of a single file."""

    size: int = 0
    files: int = 0
    checksum: str | None = None
    folders: list[tuple[Path, os.stat_result]] = field(default_factory=list)


def sum_file(path: Path, algorithm: str, stopper: Stopper) -> Copied:
    """Size and checksum of a file. A link is followed."""
    return _read(path, None, algorithm, stopper)


def copy_file(source: Path, draft: Path, algorithm: str, stopper: Stopper, *, mode: int | None) -> Copied:
    """Copy a file's content, permissions and time, and write it through to the disk. A link is followed."""
    descriptor = create(draft, 0o600)
    try:
        copied = _read(source, descriptor, algorithm, stopper)
        before = source.stat()
        os.fchmod(descriptor, stat.S_IMODE(before.st_mode) & 0o777 if mode is None else mode)
        os.utime(descriptor, ns=(before.st_atime_ns, before.st_mtime_ns))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return copied


def copy_tree(source: Path, draft: Path, algorithm: str, stopper: Stopper) -> Copied:
    """Copy a folder with all that is in it; links stay links. Anything else than files, folders and links is refused."""
    copied = Copied()
    waiting = [(source, draft)]
    while waiting:
        folder, copy = waiting.pop()
        copied.folders.append((copy, folder.stat()))
        copy.mkdir(mode=0o700)
        with os.scandir(folder) as entries:
            for entry in entries:
                stopper.check()
                here, there = folder / entry.name, copy / entry.name
                if entry.is_symlink():
                    there.symlink_to(os.readlink(here))  # noqa: PTH115 - as it stands, not cleaned up
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append((here, there))
                elif entry.is_file(follow_symlinks=False):
                    copied.size += copy_file(here, there, algorithm, stopper, mode=None).size
                    copied.files += 1
                else:
                    raise FileError(
                        f"{here} is neither a file nor a folder nor a link, and cannot be copied; remove it"
                    )
    # From the inside out, since what is made in a folder changes its time and may be forbidden by its permissions.
    for copy, before in reversed(copied.folders):
        os.chmod(copy, stat.S_IMODE(before.st_mode) & 0o777)  # noqa: PTH101 - beside utime, which Path does not have
        os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))
    return copied


def _read(source: Path, target: int | None, algorithm: str, stopper: Stopper) -> Copied:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    copied = Copied(files=1)
    with _opened(source) as descriptor:
        before = os.fstat(descriptor)
        while True:
            stopper.check()
            piece = os.read(descriptor, _PIECE_BYTES)
            if not piece:
                break
            digest.update(piece)
            copied.size += len(piece)
            if copied.size > before.st_size > 0:
                break  # it grows, perhaps faster than it is read; files of /proc say that they are empty
            if target is not None:
                _write(target, piece)
        after = os.fstat(descriptor)
    is_longer = copied.size > before.st_size > 0
    if is_longer or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise FileError(f"{source} was changed while it was read; try again when nobody writes to it")
    copied.checksum = digest.hexdigest()
    return copied


def _write(target: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(target, view) :]


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    # Not to wait for the other end of a pipe, nor to become the master of a terminal.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise FileError(f"{path} is a folder; name the file in it")
        if not stat.S_ISREG(mode):
            raise FileError(f"{path} is no regular file, but a device, a pipe or a socket; name a file")
        yield descriptor
    finally:
        os.close(descriptor)


def write_file(draft: Path, content: bytes, stopper: Stopper, *, mode: int | None) -> None:
    """Write a new file through to the disk. Without a mode it gets the permissions that any new file gets."""
    descriptor = create(draft, 0o666 if mode is None else 0o600)
    try:
        if mode is not None:
            os.fchmod(descriptor, mode)
        for start in range(0, len(content), _PIECE_BYTES):
            stopper.check()
            _write(descriptor, content[start : start + _PIECE_BYTES])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
